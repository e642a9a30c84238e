"""The page of a line-up: read by viewers, edited by operators, each problem at its place."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from orchestra_site.accounts.models import Membership, Role
from orchestration.expressions.documents import read_document
from orchestration.library.models import SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from tests.support.history import a_member, signed_in
from tests.support.lineups import LEAD, WRITER, a_lineup_draft
from tests.support.pipelines import a_pipeline

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


class LineUpPage:
    """The page of the line-up `small` as one member has it."""

    def __init__(self, member: Membership, *participants: Json, **fields: Json) -> None:
        self.member, self.client = member, signed_in(member)
        self.row = a_lineup_draft(member, *participants, **fields)

    @property
    def draft(self) -> SavedDefinition:
        return SavedDefinition.objects.get(pk=self.row.pk)

    @property
    def document(self) -> dict[str, Json]:
        written = read_document(self.draft.draft, "yaml")
        assert isinstance(written, dict)
        return written

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.document["participants"]]

    def participant(self, name: str) -> dict[str, Json]:
        return next(dict(each) for each in self.document["participants"] if each["id"] == name)

    def get(self, where: str = "") -> str:
        answer = self.client.get(f"/sessions/small/{where}")
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, **data: str | list[str]) -> HttpResponse:
        sent = {"based_on": str(self.draft.draft_number), **data}
        answer = self.client.post("/sessions/small/", sent, headers=HTMX)
        assert isinstance(answer, HttpResponse)
        return answer

    def problems(self, where: str = "") -> str:
        return self.get(where).partition('id="editor-problems"')[2].partition("</section>")[0]


@pytest.fixture
def page() -> LineUpPage:
    member = a_member(Role.ADMIN)
    add_simulated(membership=member)
    return LineUpPage(member)


def who(participant: str, **fields: str) -> dict[str, str]:
    """Return what the card of a participant sends."""
    return {"participant": participant, "tab": "who", "typed": "yes", **fields}


def test_a_viewer_reads_who_takes_part_and_cannot_change_it() -> None:
    owner, told = a_member(Role.OWNER), {"instructions": "Short sentences.", "tools": ["clock"]}
    writer = {**WRITER, **told, "specialty": "letters", "skills": ["generation"], "strategy": "voting"}
    boss = {"id": "boss", "role": "reviewer", "user": str(owner.user_id)}
    LineUpPage(owner, LEAD, writer, boss, conflict={"rule": "random"}, negotiation={"rounds": 2})
    viewer = signed_in(a_member(Role.VIEWER, owner.team))
    shown = viewer.get("/sessions/small/").content.decode()
    for words in ("Lead", "letters", "Short sentences.", "works by", "clock", str(owner.user), "2 rounds"):
        assert words in shown
    assert 'name="do"' not in shown
    assert viewer.post("/sessions/small/", {"do": "add"}).status_code == 403


@pytest.mark.parametrize("where", ["", "?participant=lead", "?participant=nobody&tab=limits", "?tab=yaml"])
def test_every_tab_opens_and_sending_it_untouched_changes_nothing(page: LineUpPage, where: str) -> None:
    before = page.draft.draft
    assert 'id="editor-card"' in page.get(where)
    page.post(**who("lead", name="Lead", role="leader", seat="model:any", specialty=""))
    assert (page.draft.draft, page.draft.draft_number) == (before, 1)


def test_participants_are_added_copied_moved_renamed_and_removed_and_put_back(page: LineUpPage) -> None:
    page.post(do="add", **{"as": "person"})
    page.post(do="add", **{"as": "model"})
    assert page.ids == ["lead", "writer", "reviewer", "specialist"]
    assert page.participant("reviewer") == {"id": "reviewer", "role": "reviewer", "team_role": "operator"}
    page.post(participant="writer", do="duplicate")
    page.post(participant="writer-2", do="up")
    page.post(participant="specialist", do="rename", new="expert")
    assert page.ids == ["lead", "writer-2", "writer", "reviewer", "expert"]
    before = page.draft.draft
    assert "writer-2 was removed." in page.post(participant="writer-2", do="remove").content.decode()
    page.post(do="write", text=before)
    assert page.draft.draft == before


def test_the_first_participant_leads_and_an_arbiter_keeps_the_seat_under_another_name() -> None:
    page = LineUpPage(a_member(), LEAD, conflict={"rule": "arbitration", "arbiter": "lead"})
    page.post(participant="lead", do="rename", new="judge")
    assert page.document["conflict"]["arbiter"] == "judge"
    page.post(participant="judge", do="remove")
    page.post(do="add", **{"as": "model"})
    assert page.participant("leader")["role"] == "leader"


def test_a_seat_goes_to_a_model_a_person_or_a_role(page: LineUpPage) -> None:
    a_pipeline(page.member)
    page.post(participant="writer", tab="how", typed="yes", pipeline="support", tools="clock")
    assert page.participant("writer") | {"tools": ["clock"], "pipeline": "support"} == page.participant(
        "writer"
    )
    page.post(**who("writer", role="executor", seat=f"user:{page.member.user_id}"))
    assert page.participant("writer") == {
        "id": "writer",
        "role": "executor",
        "user": str(page.member.user_id),
    }
    page.post(**who("writer", role="executor", seat="team_role:viewer"))
    page.post(**who("writer", role="executor", seat="nonsense:x"))
    assert page.participant("writer")["team_role"] == "viewer"
    page.post(**who("writer", role="executor", seat="model:sim-sage"))
    assert page.participant("writer") == {"id": "writer", "role": "executor", "model": "sim-sage"}


WRONG: list[tuple[Json, str, str]] = [
    ({"participants": [WRITER]}, "Nobody leads", "?participant=&amp;tab=who"),
    ({"participants": [LEAD]}, "Nobody does subtasks", "?participant=&amp;tab=who"),
    ({"constraints": {"specialist": "law"}}, "Nobody has the specialty", "?participant=&amp;tab=limits"),
    ({"limits": {"participants": 1}}, "2 take part, at most 1", "?participant=&amp;tab=limits"),
    ({"negotiation": {"threshold": 2}}, "must be at most 1", "?participant=&amp;tab=how"),
    ({"conflict": {"rule": "arbitration"}}, "An arbiter is named", "?participant=&amp;tab=how"),
    (
        {"participants": [LEAD, {**WRITER, "role": "king"}]},
        "must be one of",
        "?participant=writer&amp;tab=who",
    ),
    (
        {"participants": [LEAD, {**WRITER, "user": "u"}]},
        "Name one of these",
        "?participant=writer&amp;tab=who",
    ),
    ({"participants": [LEAD, {**WRITER, "tools": 3}]}, "writer · tools", "?participant=writer&amp;tab=how"),
    ({"participants": [LEAD, WRITER, 7]}, "participants[2]", "?participant=&amp;tab=who"),
    ({"participants": [LEAD, {**WRITER, "model": 7}]}, "writer · seat", "?participant=writer&amp;tab=who"),
]


@pytest.mark.parametrize(("fields", "words", "link"), WRONG)
def test_each_problem_is_said_and_leads_to_its_place(fields: Json, words: str, link: str) -> None:
    rest = {name: value for name, value in fields.items() if name != "participants"}
    page = LineUpPage(a_member(), *fields.get("participants", [LEAD, WRITER]), **rest)
    found = page.problems()
    assert words in found
    assert link in found


def test_a_problem_stands_at_its_field_as_one_types_and_vanishes(page: LineUpPage) -> None:
    rules = {"tab": "how", "typed": "yes", "negotiation.rounds": "0"}
    wrong = page.post(**rules, **{"negotiation.threshold": "7"}).content.decode()
    assert wrong.count("must be at most 1") == 2
    assert page.document["negotiation"]["threshold"] == 7
    assert "No problems" in page.post(**rules, **{"negotiation.threshold": "0.7"}).content.decode()
    assert page.document["negotiation"] == {"rounds": 0, "threshold": 0.7}


def test_the_later_save_of_two_gets_both_texts(page: LineUpPage) -> None:
    page.post(do="write", text=page.draft.draft + "choose: best\n")
    answer = page.post(do="write", text="name: small\n", based_on="1")
    assert answer.status_code == 422
    assert "choose: best" in answer.content.decode()


def test_a_text_that_cannot_be_read_is_kept_and_shows_where(page: LineUpPage) -> None:
    page.post(do="write", text=page.draft.draft + "a: [")
    assert "<mark>" in page.get()
    assert page.post(participant="lead", do="up").status_code == 422
    page.post(do="write", text="- 1\n")
    assert "Nobody takes part yet" in page.get()


def test_the_pages_of_the_library_are_in_words_of_line_ups(page: LineUpPage) -> None:
    for path in ("small/versions/", "small/publish", "small/triggers/", "import", "new"):
        shown = page.client.get(f"/sessions/{path}").content.decode()
        main = shown.partition("<main")[2].partition("</main>")[0]
        assert "pipeline" not in main.lower(), path
        assert 'href="/sessions/"' in main
    page.client.post("/sessions/small/publish", {"based_on": "1"})
    assert page.draft.versions.count() == 1
