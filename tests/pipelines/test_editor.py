"""The editor of a pipeline: cards and YAML of one draft, its problems, the values of a sample, a try."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape

import pytest
from django.http import HttpResponse
from django.utils.html import escape

from orchestra_site.accounts.models import Membership, Role
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import publish
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run, Step
from tests.support.history import a_member, a_run, signed_in
from tests.support.pipelines import a_draft

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TEXT = """\
schema_version: 1
name: support
# what it takes
input:
  schema: {type: object, properties: {text: {type: string}}}
stages:
  # makes it loud
  - id: loud
    processor: transform
    input:
      from: input.text   # as written
      transforms: [strip, {truncate: 4}, upper]
  - id: pick
    processor: branch
    needs: [loud]
    when: size(input.text) > 2
    options:
      cases:
        - {when: "input.text == 'a'", to: last}
  - id: last
    processor: transform
    needs: [pick]
output: {from: stages.last.output}
"""


class Page:
    """The editor as one member has it."""

    def __init__(self, member: Membership, text: str = TEXT) -> None:
        self.member, self.client = member, signed_in(member)
        self.row = a_draft(member)
        SavedDefinition.objects.filter(pk=self.row.pk).update(draft=text)

    @property
    def draft(self) -> SavedDefinition:
        return SavedDefinition.objects.get(pk=self.row.pk)

    def stage(self, name: str) -> dict[str, Json]:
        stages = read_document(self.draft.draft, "yaml")["stages"]
        return next(dict(each) for each in stages if each["id"] == name)

    def get(self, where: str = "", **headers: str) -> str:
        answer = self.client.get(f"/pipelines/support/{where}", headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, **data: str | list[str]) -> HttpResponse:
        number = str(self.draft.draft_number)
        answer = self.client.post("/pipelines/support/", {"based_on": number, **data}, headers=HTMX)
        assert isinstance(answer, HttpResponse)
        return answer


@pytest.fixture
def page() -> Page:
    return Page(a_member(Role.ADMIN))


def card(stage: str, tab: str, **fields: str) -> dict[str, str]:
    """Return what a card sends; fields that are not named are sent empty, as the browser would."""
    return {"stage": stage, "tab": tab, "typed": "yes", **fields}


INPUT = {
    "input.from": "input.text",
    "input.transforms[0]": "strip",
    "input.transforms[1]": "truncate",
    "input.transforms[1]:with": "4",
    "input.transforms[2]": "upper",
    "input.schema": "",
    "input.default": "",
}


def test_the_page_and_its_part_show_the_card_of_a_stage(page: Page) -> None:
    whole = page.get("?stage=loud&tab=input")
    part = page.get("?stage=loud&tab=input", **HTMX, **{"HX-Target": "editor"})
    assert 'value="input.text"' in part
    assert "<html" in whole
    assert "<html" not in part
    assert "No problems" in part


@pytest.mark.parametrize("tab", ["does", "input", "output", "fails", "yaml"])
@pytest.mark.parametrize("stage", ["", "loud", "pick", "last", "nothing"])
def test_every_tab_of_every_stage_opens_and_saving_it_untouched_changes_nothing(
    page: Page, stage: str, tab: str
) -> None:
    assert 'id="editor-card"' in page.get(f"?stage={stage}&tab={tab}")


def test_a_field_that_changes_leaves_the_rest_of_the_text_with_its_comments(page: Page) -> None:
    answer = page.post(**card("loud", "input", **(INPUT | {"input.transforms[1]:with": "9"})))
    assert answer.status_code == 200
    assert page.draft.draft == TEXT.replace(
        "transforms: [strip, {truncate: 4}, upper]",
        "transforms:\n      - strip\n      - truncate: 9\n      - upper",
    )
    assert page.draft.draft_number == 2


def test_the_yaml_tab_has_the_text_as_it_is(page: Page) -> None:
    assert f">{escape(TEXT)}</textarea>" in page.get("?stage=loud&tab=yaml")


def test_what_was_not_changed_is_not_written(page: Page) -> None:
    page.post(**card("loud", "input", **INPUT))
    assert (page.draft.draft, page.draft.draft_number) == (TEXT, 1)


def test_an_error_appears_at_its_field_and_in_the_list_and_vanishes(page: Page) -> None:
    wrong = page.post(**card("loud", "input", **(INPUT | {"input.from": "input.tex]"}))).content.decode()
    assert 'id="field-input-from-notes"' in wrong
    assert wrong.count("“]” is none of these") == 2
    assert 'hx-swap-oob="outerHTML:.based-on"' in wrong
    assert "No problems" in page.post(**card("loud", "input", **INPUT)).content.decode()
    assert page.draft.draft == TEXT.replace("   # as written", "")


def test_a_text_that_is_no_yaml_is_kept_on_the_page_and_not_stored(page: Page) -> None:
    answer = page.post(**card("loud", "input", **(INPUT | {"input.schema": "{a: ["})))
    assert answer.status_code == 422
    assert "Line 2, column 1" in answer.content.decode()
    assert page.draft.draft == TEXT
    plain = page.client.post(
        "/pipelines/support/", card("loud", "input", **(INPUT | {"input.schema": "{a: ["}))
    )
    assert plain.status_code == 422
    assert "{a: [</textarea>" in plain.content.decode()


def test_rows_are_added_moved_and_removed(page: Page) -> None:
    sent = card("loud", "input", **INPUT)
    page.post(**sent, row="remove:input.transforms#1")
    assert page.draft.draft.count("truncate") == 0
    page.post(
        **card(
            "loud",
            "input",
            **{"input.from": "input.text", "input.transforms[0]": "strip", "input.transforms[1]": "upper"},
        ),
        row="up:input.transforms#1",
    )
    assert page.draft.draft.index("- upper") < page.draft.draft.index("- strip")
    page.post(stage="pick", tab="does", row="add:options.cases")
    answer = page.get("?stage=pick&tab=does")
    assert "options.cases[1].when" in answer
    assert "There is no stage “”" in answer


def test_stages_are_added_copied_moved_renamed_and_removed_and_put_back(page: Page) -> None:
    page.post(after="loud", do="add", processor="validate")
    assert "  - id: validate\n    processor: validate\n" in page.draft.draft
    assert "needs:\n    - validate\n" in page.draft.draft
    page.post(stage="validate", do="rename", new="check")
    page.post(stage="check", do="duplicate")
    page.post(stage="check-2", do="down")
    page.post(before="loud", do="add", processor="transform")
    names = [line.split()[-1] for line in page.draft.draft.splitlines() if "- id:" in line]
    assert names == ["transform", "loud", "check", "pick", "check-2", "last"]
    before = page.draft.draft
    removed = page.post(stage="pick", do="remove").content.decode()
    assert removed.lstrip().startswith('<div id="editor"')
    assert "pick was removed." in removed
    assert "Undo" in removed
    page.post(do="write", text=before.replace("\n", "\r\n"))
    assert page.draft.draft == before


def test_a_stage_is_added_on_a_line_of_the_graph(page: Page) -> None:
    shown = page.get("?stage=loud")
    links = re.findall(r'class="graph-add" href="([^"]*)" aria-label="([^"]*)"', shown)
    assert dict(links) == {
        "?before=loud": "Add a stage before loud",
        "?after=loud&amp;before=pick": "Add a stage between loud and pick",
        "?after=pick&amp;before=last": "Add a stage between pick and last",
        "?after=last": "Add a stage after last",
    }
    asked = page.get("?after=loud&before=pick")
    assert "A stage between <bdi>loud</bdi> and <bdi>pick</bdi>" in asked
    assert '<input type="hidden" name="before" value="pick">' in asked
    assert "A stage after <bdi>last</bdi>" in page.get("?after=last")
    assert "A stage before <bdi>loud</bdi>" in page.get("?before=loud")
    added = page.post(do="add", processor="validate", after="loud", before="pick").content.decode()
    assert "validate was added." in added
    assert "?after=loud&amp;before=validate" in page.get()
    assert "No such" not in page.get("?after=nobody&before=<b>")


def test_what_a_stage_needs_is_ticked_and_nothing_is_explicit(page: Page) -> None:
    shown = page.get("?stage=last&tab=does")
    assert 'value=":empty"' in shown
    offered = [f'name="needs" value="{name}"' in shown for name in ("loud", "pick", "last")]
    assert offered == [True, True, False]
    assert 'name="needs" value="pick"' not in page.get("?stage=loud&tab=does"), "it would be a circle"
    sent = {"stage": "last", "tab": "does", "typed": "yes", "processor": "transform", "quorum": ""}
    page.post(**sent, needs=["pick", ":empty"])
    assert page.stage("last")["needs"] == []
    page.post(**sent, needs=[":empty", "loud"], join="any")
    assert (page.stage("last")["needs"], page.stage("last")["join"]) == (["loud"], "any")
    page.post(**sent, join="")
    assert "needs" not in page.stage("last")


def test_sources_and_rules_are_chosen_and_others_typed(page: Page) -> None:
    shown = page.get("?stage=pick&tab=input")
    assert [
        f'<option value="{each}"' in shown for each in ("previous", "input.text", "stages.loud.output")
    ] == [True] * 3
    assert "stages.last.output" not in shown, "it has not ended by then"
    sent = card("pick", "input", **{"input.from": ":other", "input.from:other": '{value: "x"}'})
    page.post(**sent)
    assert page.stage("pick")["input"] == {"from": {"value": "x"}}
    assert "{&quot;value&quot;: &quot;x&quot;}" in page.get("?stage=pick&tab=input")
    page.post(**card("pick", "fails", on_error='{"goto": "last"}'))
    assert page.stage("pick")["on_error"] == {"goto": "last"}
    assert "Go to last" in page.get("?stage=pick&tab=fails")
    page.post(**card("pick", "fails", on_error=":other"))
    assert page.stage("pick")["on_error"] == {"goto": "last"}


def test_the_steps_of_an_output_are_shown_for_the_sample(page: Page) -> None:
    mapped = TEXT.replace("  - id: pick", "    output: {transforms: [lower, {truncate: 2}]}\n  - id: pick")
    page.post(do="write", text=mapped)
    page.post(do="sample", sample="{text: '  hello '}")
    run = a_run(page.member, kind="pipeline", ref="support", request={"input": {"text": "  hello "}})
    row: dict[str, Json] = {"status": "succeeded", "output": "h…", "result": "HEL…", "error": None}
    Step.objects.create(run=run, key="loud", kind="record", status="done", result=row, started_s=0, seconds=0)
    shown = page.get("?stage=loud&tab=output")
    assert [word in shown for word in ("“HEL…”", "“hel…”", "“h…”")] == [True] * 3
    failed = row | {"status": "failed", "output": None, "result": 3}
    Step.objects.filter(run=run).update(result=failed)
    assert "is-error" in page.get("?stage=loud&tab=output")


def test_the_output_follows_a_renamed_stage(page: Page) -> None:
    page.post(stage="last", do="rename", new="end")
    assert (
        "output: {from: stages.end.output}" in page.draft.draft
        or "from: stages.end.output" in page.draft.draft
    )
    assert "No problems" in page.get()


@pytest.mark.parametrize(
    "data", [{"do": "rename", "new": "No good"}, {"do": "rename", "new": "loud"}, {"do": "add"}]
)
def test_what_cannot_be_done_is_said(page: Page, data: dict[str, str]) -> None:
    answer = page.post(stage="last", **data)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert page.draft.draft == TEXT


def test_another_processor_begins_with_its_own_options(page: Page) -> None:
    answer = page.post(**card("pick", "does", processor="transform", when="size(input.text) > 2"))
    assert answer["HX-Retarget"] == "#editor"
    assert "cases" not in page.draft.draft


def test_a_text_that_cannot_be_read_is_kept_and_shows_where(page: Page) -> None:
    page.post(do="write", text=TEXT + "a: [")
    shown = page.get()
    assert page.draft.draft.endswith("a: [")
    assert "<mark>" in shown
    assert page.post(stage="loud", do="up").status_code == 422


def test_the_later_save_of_two_gets_both_texts(page: Page) -> None:
    page.post(do="write", text=TEXT + "timeout: 3\n", based_on="1")
    answer = page.post(do="write", text=TEXT + "timeout: 4\n", based_on="1")
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "timeout: 3" in shown
    assert "timeout: 4" in shown
    page.post(do="write", text=TEXT + "timeout: 4\n", based_on="2")
    assert page.draft.draft.endswith("timeout: 4\n")


def test_the_sample_is_shown_at_each_step_of_a_mapping(page: Page) -> None:
    page.post(do="sample", sample="{text: '  hello '}")
    shown = page.get("?stage=loud&tab=input")
    assert [word in shown for word in ("  hello ", "“hello”", "“hel…”", "HEL")] == [True] * 4
    assert page.post(do="sample", sample="[").status_code == 422


def test_without_a_sample_it_is_an_example_of_the_input() -> None:
    page = Page(
        a_member(), TEXT.replace("{type: string}}", "{type: string}}, examples: [{text: for example}]")
    )
    assert "&quot;for &quot;" in page.get("?stage=loud&tab=input") or "for example" in page.get()


def test_values_are_those_of_the_run_with_the_sample(page: Page) -> None:
    run = a_run(page.member, kind="pipeline", ref="support", request={"input": {"text": "hi"}})
    result = {"status": "succeeded", "output": "HI THERE", "error": None}
    Step.objects.create(
        run=run, key="loud", kind="record", status="done", result=result, started_s=0, seconds=0
    )
    assert "HI THERE" in page.get("?stage=loud&tab=output")
    page.post(do="sample", run=str(run.pk))
    assert page.draft.sample == {"text": "hi"}


@pytest.mark.parametrize("given", ['"quoted"', "5", "true", 5, [1], None])
def test_the_input_of_a_run_is_the_sample_as_it_was_given(page: Page, given: Json) -> None:
    a_run(page.member, kind="pipeline", ref="support", request={"input": given})
    shown = page.get().partition('id="sample-input"')[2].partition(">")[2].partition("</textarea>")[0]
    assert read_document(unescape(shown) or "null", "yaml") == given


def test_a_pipeline_is_not_offered_itself(page: Page) -> None:
    publish(membership=page.member, definition=page.draft, based_on=page.draft.draft_number)
    assert "Run the pipeline support instead" not in page.get("?stage=loud&tab=fails")


def test_a_try_runs_the_draft_on_the_sample(page: Page) -> None:
    page.post(do="sample", sample="{text: hello}")
    plain = page.client.post("/pipelines/support/", {"do": "try", "models": "simulated"})
    run = Run.objects.get(kind="pipeline")
    assert (plain.status_code, plain["Location"]) == (303, f"/runs/{run.pk}/")
    assert (run.request["version"], run.request["input"]) == (None, {"text": "hello"})
    answer = page.post(do="try", models="simulated")
    assert answer.status_code == 200
    live = Run.objects.filter(kind="pipeline").latest("created_at")
    assert f'ws-connect="/ws/runs/{live.pk}/?after=' in answer.content.decode()
    assert "Not yet" in answer.content.decode()
    page.post(do="write", text="stages: 3")
    assert page.post(do="try").status_code == 422


def test_a_try_is_of_the_draft_as_it_is_and_gone_once_that_changes(page: Page) -> None:
    page.post(do="sample", sample="{text: hello}")
    page.post(do="try")
    run = Run.objects.get(kind="pipeline")
    assert "Last try" in page.get("?stage=loud&tab=input")
    assert 'id="chosen-stage"' in page.get("?stage=loud")
    assert 'id="run-stage"' in page.get("?stage=loud/1/nobody&tab=tried")
    saved = page.post(**card("loud", "input", **(INPUT | {"input.transforms[1]:with": "9"}))).content.decode()
    assert '<div id="run" class="editor-live" hx-swap-oob="true">' in saved
    assert "Not yet" not in saved
    assert "has changed since it was last tried" in page.get("?stage=loud&tab=tried")
    viewer = signed_in(a_member(Role.VIEWER, page.member.team))
    page.post(do="write", text=TEXT)
    assert f"/ws/runs/{run.pk}/" in viewer.get("/pipelines/support/?stage=loud").content.decode()


def test_the_page_costs_few_queries_however_many_stages(
    page: Page, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    stages = [{"id": f"s{number}", "processor": "transform"} for number in range(40)]
    page.post(do="write", text=write_yaml({"schema_version": 1, "name": "support", "stages": stages}))
    a_run(page.member, kind="pipeline", ref="support", request={"input": None})
    with django_assert_max_num_queries(12):
        assert "No problems" in page.get("?stage=s7&tab=input")


def test_an_empty_pipeline_offers_what_a_stage_can_do() -> None:
    page = Page(a_member(), "name: support\nstages: []\n")
    assert "A pipeline is made of stages" in page.get()
    page.post(do="add", processor="transform")
    assert "- id: transform" in page.draft.draft


def test_a_viewer_sees_it_all_and_changes_nothing() -> None:
    page = Page(a_member(Role.OPERATOR))
    viewer = signed_in(a_member(Role.VIEWER, page.member.team))
    shown = viewer.get("/pipelines/support/?stage=loud&tab=input").content.decode()
    assert "disabled" in shown
    assert "Add a stage" not in shown
    page.client = viewer
    assert page.post(stage="loud", do="remove").status_code == 403
    assert signed_in(a_member()).get("/pipelines/support/").status_code == 404


HOSTILE = {
    "10 MB": "a" * 1_100_000,
    "deep": "[" * 10_000,
    "500 stages": "name: support\nstages:\n"
    + "".join(f"  - {{id: s{n}, processor: transform}}\n" for n in range(500)),
    "strange": "name: [1]\nstages: {a: 1}\noutput: 3\nvariables: []\ninput: x\n",
    "stages": "stages: [1, null, {id: 3}, {id: a}, {id: a, processor: [], options: [], needs: {a: 1}}]",
    "fields": "stages: [{id: a, input: 3, output: [1], retry: x, when: 4, options: {cases: 3}}]",
    "text": "hello",
    "script": "title: <script>alert(1)</script>\nstages:\n- {id: a, processor: '<b>'}\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_ends_in_words(page: Page, text: str) -> None:
    answer = page.post(do="write", text=text)
    assert answer.status_code in {200, 422}
    for where in (
        "",
        "?stage=a",
        "?stage=a&tab=input",
        "?stage=a&tab=fails",
        "?tab=output",
        "?tab=input",
        "?stage=s400",
    ):
        shown = page.get(where)
        assert "<script>alert" not in shown
        assert 'id="editor"' in shown
