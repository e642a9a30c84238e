"""The page of a pipeline's run: its graph and its stages as the engine left them, and what changes live."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import publish, save_draft
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import HumanQuestion, Run, RunStatus, Step
from orchestration.runs.parts.updates import UpdateKey, render_update
from pipelines.engine.stages import STAGE_STARTED
from pipelines.parts.graph import pipeline_graph
from tests.support.definitions import pipeline, stage
from tests.support.engines import Engine
from tests.support.history import a_member, signed_in
from tests.support.hostile import VALUES, encoded
from tests.support.pipelines import UPPER, a_pipeline, a_pipeline_run, written
from tests.support.run_rows import RunRows

SUM = {"text": "What is 17 % of 2,300?"}
LOUD = stage("loud", processor="transform", input=UPPER)
BROKEN = stage("parsed", "loud", "transform", input={"from": "previous", "transforms": ["parse_json"]})
ASKED = stage("asked", options={"prompt": "{{ input.text }}", "models": ["sim-scout", "sim-sage"]})


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member(Role.OWNER)
    add_simulated(membership=member)
    return member


def ran(engine: Engine, owner: Membership, *stages: Json, name: str = "support", **fields: Json) -> Run:
    a_pipeline(owner, *stages, name=name, **fields)
    return engine.execute(a_pipeline_run(owner, name, input=SUM))


def page(member: Membership, run: Run, query: str = "") -> str:
    answer = signed_in(member).get(f"/runs/{run.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def panel(html: str) -> str:
    """Return the stage that a page shows."""
    first = html.partition('class="card stage-panel"')[2].partition('class="card stage-panel"')[0]
    return first.partition('class="folds"')[0].replace("&quot;", '"')


def node(html: str, name: str) -> str:
    """Return a stage of the graph to the right."""
    return html.partition(f'id="right-{name}"')[2].partition("</a>")[0]


def test_the_graph_shows_how_each_stage_ended_and_the_failed_one_is_open(
    engine: Engine, owner: Membership
) -> None:
    html = page(owner, ran(engine, owner, LOUD, BROKEN, stage("after", "parsed", "transform")))
    assert "Succeeded" in node(html, "loud")
    assert "Failed" in node(html, "parsed")
    assert 'aria-current="true"' in node(html, "parsed")
    assert "Not run" in node(html, "after")
    assert "input.transforms[0]" in panel(html)
    assert "The text is no JSON" in panel(html)
    assert "Resume from here" in panel(html)


def test_the_address_chooses_a_stage_and_an_unknown_one_chooses_none(
    engine: Engine, owner: Membership
) -> None:
    run = ran(engine, owner, LOUD, BROKEN)
    html = page(owner, run, "?stage=loud")
    assert 'data-shows="loud"' in html
    assert "WHAT IS 17 % OF 2,300?" in panel(html)
    assert html.count("stage-panel") == 2, "that which failed stays in view"
    assert html.count("stage-more") == 1
    assert "stage-panel" in page(owner, run, "?stage=nobody")


def test_a_model_stage_has_the_lanes_of_its_models_with_the_chosen_one(
    engine: Engine, owner: Membership
) -> None:
    shown = panel(page(owner, ran(engine, owner, ASKED)))
    assert 'class="lane lane-chosen" data-model="sim-scout" data-state="answered"' in shown
    assert 'data-model="sim-sage" data-state="not_asked"' in shown
    assert "1 of 2 asked: 1 answered" in shown
    assert "It succeeded." in shown


def test_each_of_two_votes_in_a_run_shows_its_own_ballots(engine: Engine, owner: Membership) -> None:
    options = {"strategy": "voting", "prompt": "{{ input.text }}", "models": ["sim-scout", "sim-sage"]}
    votes = [stage(name, options=options, needs=before) for name, before in (("one", ""), ("two", "one"))]
    run = ran(engine, owner, *votes)
    for name in ("one", "two"):
        shown = panel(page(owner, run, f"?stage={name}"))
        assert "Ballots: 2 of 2 count" in shown
        assert shown.count('class="tally plain-list"') == 1


def test_what_lies_below_a_stage_is_listed_and_can_be_opened(engine: Engine, owner: Membership) -> None:
    a_pipeline(owner, LOUD, name="inner")
    words = stage("words", processor="transform", input={"from": {"value": ["one", "two"]}})
    each = {"processor": "transform", "input": {"from": "context.item", "transforms": ["upper"]}}
    stages = (
        words,
        stage("inside", "words", "pipeline", options={"name": "inner"}, input={"from": "input"}),
        stage("each", "words", "map", options={"items": "stages.words.output", "stage": each}),
    )
    run = ran(engine, owner, *stages, name="outer")
    assert "?stage=inside/1/run/loud" in panel(page(owner, run, "?stage=inside"))
    items = panel(page(owner, run, "?stage=each"))
    assert (">Item 1</a>" in items, ">Item 2</a>" in items) == (True, True)
    below = panel(page(owner, run, "?stage=inside/1/run/loud"))
    assert "part of" in below
    assert "Run again from here" not in below


def test_an_output_that_is_no_text_is_shown_as_json_and_stages_are_counted(
    engine: Engine, owner: Membership
) -> None:
    never = stage("never", processor="transform", when="size(input.text) > 1000", needs="")
    kept = stage("kept", processor="transform", input={"from": {"asked": "input.text"}})
    html = page(owner, ran(engine, owner, kept, never, output={"from": "stages.kept.output"}))
    answer = html.partition('id="answer-text"')[2].partition("</div>")[0]
    assert "asked" in answer
    assert "<code>" in answer
    assert "1 of 2 stages succeeded, 1 skipped" in html
    assert "Its condition is not met." in panel(page(owner, Run.objects.get(), "?stage=never"))


def test_what_a_stage_did_instead_of_failing_is_said(engine: Engine, owner: Membership) -> None:
    rule: Mapping[str, Json] = {"default": "nothing"}
    html = page(owner, ran(engine, owner, LOUD, {**BROKEN, "on_error": rule}), "?stage=parsed")
    assert "It failed, and its default value was used." in panel(html)
    assert "The text is no JSON" in panel(html)


def test_the_log_says_what_became_of_each_stage(engine: Engine, owner: Membership) -> None:
    html = page(owner, ran(engine, owner, ASKED, {**BROKEN, "needs": ["asked"]}))
    story = html.partition('id="run-story"')[2]
    assert "Stage <strong>asked</strong> started." in story
    assert "Stage <strong>asked</strong> succeeded" in story
    assert "Stage <strong>parsed</strong> failed" in story


@pytest.fixture
def rows(admin: Membership) -> RunRows:
    """A run under way: one stage has ended, one asks a model, one waits for both."""
    add_simulated(membership=admin)
    a_pipeline(admin, LOUD, {**ASKED, "needs": ["loud"]}, stage("last", "asked", "transform"))
    found = RunRows(a_pipeline_run(admin, input=SUM))
    found.start()
    ended(found, "loud", output="LOUD")
    found.emit(STAGE_STARTED, "asked", stage="asked", name="asked")
    return found


def ended(rows: RunRows, key: str, status: str = "succeeded", **row: Json) -> None:
    """End a stage as the engine would."""
    plain = {"stage": key, "processor": "transform", "status": status, "attempts": 1, "cached": False}
    empty = {"edited": False, "input": None, "output": None, "error": None, "reason": "", "handled": ""}
    times: Mapping[str, Json] = {"score": None, "chosen": [], "started_s": 0.1, "seconds": 0.5, "details": {}}
    rows.end_step(key, "done", kind="record")
    Step.objects.filter(run=rows.run, key=key).update(result={**plain, **empty, **times, **row})


def test_a_stage_under_way_is_open_and_those_after_it_wait(admin: Membership, rows: RunRows) -> None:
    html = page(admin, rows.run)
    assert ("Running" in node(html, "asked"), "Not yet" in node(html, "last")) == (True, True)
    assert 'data-shows="asked"' in html
    assert "1 of 3 stages done · asked running" in html
    assert "Resume" not in html


def test_a_stage_that_waits_for_a_person_says_so(admin: Membership, rows: RunRows) -> None:
    HumanQuestion.objects.create(run=rows.run, step="asked/1/question", text="Is it right?")
    html = page(admin, rows.run)
    assert "Waiting" in node(html, "asked")
    assert "It waits for a person." in panel(html)


def test_a_stage_lights_up_alone_and_the_end_draws_all_stages_anew(rows: RunRows) -> None:
    before = Run.objects.get().last_seq
    ended(rows, "asked", output="391")
    update = render_update(UpdateKey(rows.run.pk, before, may_run=True))
    assert update is not None
    html = "".join(update.pieces)
    assert 'id="right-asked"' in html
    assert 'id="down-asked"' in html
    assert ("right-loud" in html, 'id="run-graph"' in html) == (False, False)
    assert 'id="run-stage"' in html
    rows.end(RunStatus.FAILED, error="Stage last failed: it did.", error_code="stage_failed")
    update = render_update(UpdateKey(rows.run.pk, update.seq, may_run=True))
    assert update is not None
    html = "".join(update.pieces)
    assert all(
        f'id="{side}-{name}"' in html for side in ("right", "down") for name in ("loud", "asked", "last")
    )
    assert "Not run" in node(html, "last")


def test_the_text_of_a_call_streams_into_the_stage_that_is_shown(rows: RunRows) -> None:
    before = Run.objects.get().last_seq
    call = rows.ask("sim-scout", "Let me")
    rows.run.calls.filter(pk=call.pk).update(step="asked/1/model/ask/sim-scout")
    update = render_update(UpdateKey(rows.run.pk, before, may_run=True))
    assert update is not None
    assert str(call.pk) in update.drawn
    assert f'id="text-{call.pk}"' in "".join(update.pieces)


def test_a_pipeline_that_cannot_be_read_any_more_is_said_to_be_so(admin: Membership, rows: RunRows) -> None:
    Run.objects.update(request={**rows.run.request, "definition": {"schema_version": 99}})
    assert "cannot read the pipeline" in page(admin, rows.run)
    rows.emit(EventKind.STEP_ENDED, "loud", key="loud", kind="record", status="done")
    assert render_update(UpdateKey(rows.run.pk, 1, may_run=True)) is not None


def test_stages_that_failed_beside_an_output_are_named(engine: Engine, owner: Membership) -> None:
    handling: Mapping[str, Json] = {"strategy": "continue"}
    html = page(owner, ran(engine, owner, LOUD, BROKEN, error_handling=handling))
    assert "Failed: parsed. The output was made without it." in html
    assert "With failures" in html


def test_a_run_of_forty_stages_takes_few_queries(engine: Engine, owner: Membership) -> None:
    stages = [stage(f"s{n}", f"s{n - 8}" if n > 7 else "", "transform", input=UPPER) for n in range(40)]
    run, browser = ran(engine, owner, *stages), signed_in(owner)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        html = browser.get(f"/runs/{run.pk}/").content.decode()
    assert html.count('class="graph-stage') == 80
    assert len(queries) <= 20


def test_viewers_look_and_strangers_find_nothing(engine: Engine, owner: Membership) -> None:
    run = ran(engine, owner, LOUD, BROKEN)
    viewer = a_member(Role.VIEWER, owner.team)
    assert "Resume from here" not in page(viewer, run)
    for member, status in ((viewer, 403), (a_member(), 404)):
        assert signed_in(member).post(f"/pipelines/runs/{run.pk}/parsed/again").status_code == status
        assert signed_in(member).get(f"/pipelines/runs/{run.pk}/parsed/value").status_code == status


def test_a_failed_run_is_resumed_and_one_that_went_well_runs_again_from_a_stage(
    engine: Engine, owner: Membership
) -> None:
    run, browser = ran(engine, owner, LOUD, BROKEN), signed_in(owner)
    answer = browser.post(f"/pipelines/runs/{run.pk}/parsed/again")
    again = Run.objects.exclude(pk=run.pk).get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{again.pk}/")
    assert (again.rerun_of_id, again.steps.filter(key="loud").exists()) == (run.pk, True)
    answer = browser.post(f"/pipelines/runs/{run.pk}/loud/again")
    assert answer.headers["Location"].endswith("?stage=loud")
    refused = browser.post(f"/pipelines/runs/{again.pk}/loud/again", follow=True)
    assert "It still goes on." in refused.content.decode()


def test_another_value_goes_on_with_old_and_new_outputs_side_by_side(
    engine: Engine, owner: Membership
) -> None:
    run, browser = ran(engine, owner, LOUD, stage("last", "loud", "transform")), signed_in(owner)
    address = f"/pipelines/runs/{run.pk}/loud/value"
    assert "WHAT IS 17 % OF 2,300?" in browser.get(address).content.decode()
    given = {"value": json.dumps({"a": 1}), "written": "json", "version": "same"}
    answer = browser.post(f"{address}?part=output", given)
    again = engine.execute(Run.objects.exclude(pk=run.pk).get())
    assert answer.headers["Location"] == f"/runs/{again.pk}/?stage=loud"
    assert (again.output, again.rerun_of_id) == ({"a": 1}, run.pk)
    shown = panel(page(owner, again, "?stage=last"))
    assert ("Output before" in shown, "Output now" in shown) == (True, True)
    assert "Its output was put in by hand." in panel(page(owner, again, "?stage=loud"))


def test_a_stage_that_is_taken_over_from_an_earlier_run_has_no_time_in_this_one(
    engine: Engine, owner: Membership
) -> None:
    again = {"from": "stages.loud.output", "transforms": ["lower"]}
    run = ran(engine, owner, LOUD, stage("last", "loud", "transform", input=again))
    signed_in(owner).post(f"/pipelines/runs/{run.pk}/last/again")
    repeated = engine.execute(Run.objects.exclude(pk=run.pk).get())
    html = page(owner, repeated, "?stage=loud")
    assert ("Succeeded earlier" in html, "1 step," in html) == (True, True)
    assert "what it gave was taken over" in panel(html)
    assert "Succeeded earlier" not in page(owner, run)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"value": "{", "written": "json", "version": "same"}, "Line 1"),
        ({"value": "x", "written": "text", "version": "latest"}, "There is no stage"),
        ({}, "This field is required."),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_in_words(
    engine: Engine, owner: Membership, given: dict[str, str], words: str
) -> None:
    run, browser = ran(engine, owner, LOUD), signed_in(owner)
    row = SavedDefinition.objects.get()
    text = written(stage("other", processor="transform"))
    save_draft(membership=owner, definition=row, text=text, based_on=row.draft_number)
    publish(membership=owner, definition=row, based_on=row.draft_number + 1)
    answer = browser.post(f"/pipelines/runs/{run.pk}/loud/value", given)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_there_is_no_value_of_a_stage_that_a_run_has_not(engine: Engine, owner: Membership) -> None:
    run = ran(engine, owner, LOUD)
    assert signed_in(owner).get(f"/pipelines/runs/{run.pk}/nobody/value").status_code == 404


def test_a_value_too_large_to_be_kept_is_not_offered_for_editing(admin: Membership, rows: RunRows) -> None:
    ended(rows, "last", output="The beginning", shortened=["output"])
    rows.end(RunStatus.SUCCEEDED, answer="x")
    html = signed_in(admin).get(f"/pipelines/runs/{rows.run.pk}/last/value").content.decode()
    assert "too large to be edited here" in html
    assert "The beginning" not in html


def test_a_large_graph_is_drawn_in_one_direction_only() -> None:
    few, many = (pipeline(*(stage(f"s{n}") for n in range(count))) for count in (2, 151))
    assert [side.name for side in pipeline_graph(few, {}, "").sides] == ["right", "down"]
    assert [side.name for side in pipeline_graph(many, {}, "").sides] == ["right"]


def test_nothing_in_the_address_breaks_the_page(admin: Membership, rows: RunRows) -> None:
    for value in VALUES.values():
        html = page(admin, rows.run, f"?{encoded((('stage', value),))}")
        assert 'data-shows="asked"' in html


def test_lines_of_a_branch_say_when_they_are_taken() -> None:
    cases = [{"when": "input.n > 9", "to": "many"}, {"when": "input.n < 0", "to": "many"}]
    route = stage("route", processor="branch", options={"cases": cases, "default": "few"})
    view = pipeline_graph(pipeline(route, stage("many", "route"), stage("few", "route")), {}, "")
    words = {line.target: words for line, words in view.sides[0].labels}
    assert words == {"many": "input.n > 9 or input.n < 0", "few": "otherwise"}
