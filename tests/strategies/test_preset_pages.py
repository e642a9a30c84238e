"""The pages of presets: saved from Ask and from a run, edited, listed with their record."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.expressions.documents import read_document
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.runs.models import Run
from orchestration.strategies.selectors import PRESET
from tests.support.history import a_member, a_run, signed_in
from tests.support.presets import a_preset, a_version

pytestmark = pytest.mark.django_db
SAVE, EDITOR, LIST = "/methods/presets/save", "/methods/presets/quick/", "/methods/presets/"
HTMX = {"HX-Request": "true"}
ASKED = {
    "strategy": "debate",
    "options_of": "debate",
    "models": ["sim-swift", "sim-sage"],
    "order": ["sim-swift", "sim-sage"],
}


@pytest.fixture
def owner() -> Membership:
    member = a_member(Role.OWNER)
    seed_simulated(member.team)
    return member


@pytest.fixture
def browser(owner: Membership) -> Client:
    return signed_in(owner)


def text(answer: object) -> str:
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


def hidden(page: str) -> str:
    """Return what the page sends as what is saved."""
    value = page.partition('name="made"')[2].partition('value="')[2].partition('"')[0]
    return value.replace("&quot;", '"')


def document() -> dict[str, Json]:
    draft = SavedDefinition.objects.get().draft
    written = read_document(draft, "yaml")
    assert isinstance(written, dict)
    return written


def edit(browser: Client, **data: str) -> str:
    number = SavedDefinition.objects.get().draft_number
    return text(browser.post(EDITOR, {"based_on": number, "part": "", **data}, headers=HTMX))


def test_what_is_filled_in_on_ask_is_saved_under_a_name(browser: Client) -> None:
    tools = {"tools": ["clock"], "tool_rounds": "6"}
    page = text(
        browser.post(SAVE, {**ASKED, **tools, "text": "", "options.rounds": "4", "options.recompute": "on"})
    )
    for words in ("Debate", "sim-swift, sim-sage", "Rounds", "4"):
        assert words in page
    answer = browser.post(SAVE, {"made": hidden(page), "name": "quick", "title": "Quick", "note": "Try."})
    assert (answer.status_code, answer["Location"]) == (302, EDITOR)
    version = PublishedVersion.objects.get()
    assert (version.note, version.document["options"]) == ("Try.", {"rounds": 4})
    assert (version.document["tools"], version.document["tool_rounds"]) == (["clock"], 6)
    assert "Debate by sim-swift and sim-sage" in text(browser.get(EDITOR))


def test_a_run_is_saved_with_its_tools_and_without_what_is_usual(browser: Client, owner: Membership) -> None:
    options = {"rounds": 2, "judge": "sim-sage", "temperature": None}
    request = {"strategy": "debate", "models": ["sim-swift"], "options": options, "tools": {"clock": {}}}
    run = a_run(owner, ref="debate", request=request)
    page = text(browser.get(SAVE, {"from": str(run.pk)}))
    browser.post(SAVE, {"made": hidden(page), "name": "quick"})
    found = PublishedVersion.objects.get().document
    assert (found["options"], found["tools"]) == ({"judge": "sim-sage"}, ["clock"])
    assert f'href="{SAVE}?from={run.pk}"' in text(browser.get(f"/runs/{run.pk}/"))


def test_a_run_with_a_preset_offers_its_name_for_a_new_version(browser: Client, owner: Membership) -> None:
    a_version(owner)
    request = {"strategy": "voting", "models": ["sim-swift"], "options": {}, "version": 1}
    run = a_run(owner, kind=PRESET, ref="quick", request=request)
    page = text(browser.get(SAVE, {"from": str(run.pk)}))
    assert 'value="quick"' in page
    browser.post(SAVE, {"made": hidden(page), "name": "quick"})
    assert PublishedVersion.objects.count() == 2
    shown = text(browser.get(f"/runs/{run.pk}/"))
    assert "Preset quick" in shown
    assert f'href="{EDITOR}"' in shown


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": "Bad Name"}, "begins with a small letter"),
        ({"name": ""}, "required"),
        ({"made": "{"}, "cannot be read"),
        ({"made": "[1]"}, "cannot be read"),
        ({"made": '{"strategy": "oracle", "models": ["a"]}'}, "no strategy “oracle”"),
        ({"made": '{"strategy": "debate", "models": "ab", "options": 7}'}, "cannot be read"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_kept(browser: Client, sent: dict[str, str], words: str) -> None:
    made = '{"strategy": "debate", "models": ["sim-sage"], "options": {"rounds": 3}}'
    answer = browser.post(SAVE, {"made": made, "name": "quick", "note": "Kept words.", **sent})
    assert answer.status_code == 422
    assert words in text(answer)
    assert "Kept words." in text(answer)
    assert not SavedDefinition.objects.exists()


def test_only_a_strategy_can_be_saved_and_what_was_typed_stays(browser: Client, owner: Membership) -> None:
    a_version(owner)
    asked = {**ASKED, "strategy": "preset/quick", "options_of": "preset/quick", "text": "My question"}
    answer = browser.post(SAVE, asked)
    assert answer.status_code == 422
    assert "Only a strategy" in text(answer)
    assert "My question" in text(answer)


def test_nothing_can_be_saved_of_what_is_no_strategy(browser: Client, owner: Membership) -> None:
    pipeline = a_run(owner, kind="pipeline", ref="p")
    for where in ("", f"?from={pipeline.pk}", "?from=x"):
        assert browser.get(f"{SAVE}{where}").status_code == 404


def test_operators_may_ask_with_a_preset_and_edit_it_but_not_publish(owner: Membership) -> None:
    a_version(owner)
    operator = signed_in(a_member(Role.OPERATOR, owner.team))
    assert operator.post(SAVE, ASKED).status_code == 403
    assert "Save as preset" not in text(operator.get("/"))
    assert operator.get(f"{EDITOR}run")["Location"] == "/?strategy=preset%2Fquick"


def test_ask_lists_presets_and_starts_their_runs(browser: Client, owner: Membership) -> None:
    a_version(owner, title="Quick and good")
    page = text(browser.get("/?strategy=preset/quick"))
    assert "Quick and good" in page
    assert "Debate by sim-swift and sim-sage." in page
    sent = {"text": "What is 2 + 2?", "strategy": "preset/quick", "options_of": "preset/quick"}
    assert browser.post("/", sent).status_code == 303
    run = Run.objects.get()
    assert (run.kind, run.ref, run.request["version"]) == (PRESET, "quick", 1)
    assert "preset/quick" in text(browser.get("/runs/"))
    assert 'value="preset/quick"' in text(browser.get(f"/?from={run.pk}"))


def test_the_fields_of_a_preset_are_those_of_its_strategy(browser: Client, owner: Membership) -> None:
    a_preset(owner)
    page = text(browser.get(f"{EDITOR}?tab=options"))
    assert 'name="options.rounds"' in page
    assert "From 0 to 1." in page
    given = {"options.rounds": "5", "options.judge": "sim-sage"}
    for ticked, recompute in (({}, False), ({"options.recompute": "on"}, True)):
        edit(browser, tab="options", typed="yes", **given, **ticked)
        assert document()["options"] == {"rounds": 5, "judge": "sim-sage", "recompute": recompute}
    assert 'name="options.quorum"' not in page


def test_another_strategy_keeps_the_options_that_it_has_too(browser: Client, owner: Membership) -> None:
    a_preset(owner, options={"rounds": 3, "temperature": 0.4})
    shown = edit(browser, tab="preset", typed="yes", strategy="voting", models="sim-sage\nsim-swift")
    assert document()["options"] == {"temperature": 0.4}
    assert document()["models"] == ["sim-sage", "sim-swift"]
    assert "No problems" in shown


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("strategy: [", "YAML"),
        ("- a\n", "preset"),
        ("name: quick\nstrategy: oracle\nmodels: [a]\n", "no strategy"),
        ("name: other\nstrategy: voting\nmodels: [a]\n", "its page can rename it"),
        ("name: quick\nstrategy: debate\nmodels: [a]\noptions: {rounds: 1}\n", "tab=options"),
        ("name: quick\nstrategy: 7\nmodels: {}\noptions: []\n", "models"),
    ],
)
def test_each_problem_of_a_draft_is_said_and_leads_to_its_place(
    browser: Client, owner: Membership, draft: str, words: str
) -> None:
    a_preset(owner)
    SavedDefinition.objects.update(draft=draft)
    for tab in ("preset", "options", "yaml"):
        page = text(browser.get(f"{EDITOR}?tab={tab}"))
        assert words in page.partition('id="editor-problems"')[2] + page
        assert "problem" in page


def test_a_preset_has_no_parts_to_add(browser: Client, owner: Membership) -> None:
    a_preset(owner)
    answer = browser.post(EDITOR, {"based_on": 1, "do": "add", "tab": "preset"}, headers=HTMX)
    assert "A preset has no parts." in text(answer)


def test_the_list_and_the_page_show_the_record(
    browser: Client, owner: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("quick", "slow", "other"):
        a_version(owner, name, title=f"Title {name}")
        a_run(owner, kind=PRESET, ref=name, quality=0.73, request={"version": 1})
    with django_assert_max_num_queries(16):
        page = text(browser.get(LIST))
    for words in ("Title quick", "Title slow", "73%", "100%", "3.0 s", "3 presets"):
        assert words in page
    assert "73%" in text(browser.get(EDITOR))
    assert "Title other" in text(browser.get("/methods/"))


def test_a_viewer_reads_a_preset_and_changes_nothing(owner: Membership) -> None:
    a_preset(owner)
    viewer = signed_in(a_member(Role.VIEWER, owner.team))
    assert "Debate by sim-swift" in text(viewer.get(EDITOR))
    assert viewer.post(EDITOR, {"do": "write", "text": "x"}).status_code == 403
    assert "Ask with it" not in text(viewer.get(EDITOR))
