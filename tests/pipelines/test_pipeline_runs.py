"""Runs of pipelines on the real engine and database: what is frozen, what is refused, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.library.services.definitions import publish, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Run
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.strategies.engine.quality.rubrics import Criterion, Rubric
from orchestration.strategies.models import Observation, SavedRubric
from orchestration.strategies.services.rubrics import save_rubric
from pipelines.models import CachedResult
from pipelines.services.pipeline_runs import StageCache
from tests.support.definitions import document, stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.pipelines import UPPER, a_draft, a_pipeline, a_pipeline_run, written

LOUD = stage("loud", processor="transform", input=UPPER)
WANTS_TEXT = {"schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}


def rows(run: Run) -> Mapping[str, Json]:
    return {step.key: step.result for step in run.steps.filter(kind="record")}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


def test_a_run_keeps_the_version_it_was_started_with(engine: Engine, owner: Membership) -> None:
    row = a_pipeline(owner)
    run = a_pipeline_run(owner)
    row.refresh_from_db()
    text = written(stage("quiet", processor="transform"))
    save_draft(membership=owner, definition=row, text=text, based_on=1)
    publish(membership=owner, definition=row, based_on=2)
    engine.execute(run)
    assert (run.status, run.answer, run.output, run.prompt) == ("succeeded", "HELLO", "HELLO", "hello")
    assert run.request["version"] == 1
    assert (run.outcome or {})["stages"] == {"loud": "succeeded"}
    assert rows(run)["loud"]["output"] == "HELLO"


def test_a_draft_runs_and_so_does_an_earlier_version(engine: Engine, owner: Membership) -> None:
    row = a_pipeline(owner)
    text = written(stage("quiet", processor="transform", input={"from": "input.text"}))
    save_draft(membership=owner, definition=row, text=text, based_on=1)
    draft = engine.execute(a_pipeline_run(owner, version="draft"))
    first = engine.execute(a_pipeline_run(owner, version=1))
    assert [(run.output, run.request["version"]) for run in (draft, first)] == [("hello", None), ("HELLO", 1)]


def test_a_failed_stage_fails_the_run_and_says_which(engine: Engine, owner: Membership) -> None:
    a_pipeline(
        owner,
        stage("parsed", processor="transform", input={"from": "input.text", "transforms": ["parse_json"]}),
    )
    run = engine.execute(a_pipeline_run(owner))
    assert (run.status, run.error_code) == ("failed", "stage_failed")
    assert run.error.startswith("Stage parsed failed: ")
    assert rows(run)["parsed"]["error"]["path"] == "input.transforms[0]"


def test_a_pipeline_takes_over_from_a_stage_as_it_was_when_the_run_started(
    engine: Engine, owner: Membership
) -> None:
    inner = a_pipeline(
        owner, stage("told", processor="transform", input={"from": "input.failed.stage"}), name="inner"
    )
    broken = {"from": "input.text", "transforms": ["parse_json"]}
    a_pipeline(owner, stage("parsed", processor="transform", input=broken, on_error={"pipeline": "inner"}))
    run = a_pipeline_run(owner)
    inner.delete()
    engine.execute(run)
    assert (run.output, run.request["pipelines"]["inner"]["version"]) == ("parsed", 1)
    assert rows(run)["parsed/fallback/told"]["status"] == "succeeded"


def test_a_stored_request_is_what_starts_the_same_run_again(engine: Engine, owner: Membership) -> None:
    row = a_pipeline(owner)
    run = a_pipeline_run(owner)
    save_draft(membership=owner, definition=row, text="", based_on=1)
    again = get_kind("pipeline").check(owner, get_kind("pipeline").payload(run))
    assert {**again.request} == run.request


def test_the_time_that_a_pipeline_may_take_bounds_its_run(owner: Membership) -> None:
    a_pipeline(owner, LOUD, timeout=5)
    limits = [{}, {"max_latency_s": 2}, {"max_latency_s": 9, "max_cost_usd": "0.5"}]
    runs = [a_pipeline_run(owner, constraints=each) for each in limits]
    assert [run.request["constraints"]["max_latency_s"] for run in runs] == [5.0, 2.0, 5.0]


def test_the_models_of_a_run_are_the_usual_panel_unless_some_are_named(owner: Membership) -> None:
    a_pipeline(owner)
    usual, named = a_pipeline_run(owner), a_pipeline_run(owner, models=["sim-sage"])
    assert (len(usual.request["models"]), named.request["models"]) == (3, ["sim-sage"])
    assert [entry["spec"]["name"] for entry in named.panel] == ["sim-sage"]
    limited = a_pipeline_run(owner, models=["sim-sage"], constraints={"max_cost_usd": "0.01"})
    assert limited.panel[0]["spec"]["allowances"]


REFUSED: list[tuple[dict[str, Json], str, str]] = [
    ({"pipeline": "nobody"}, "pipeline", "no pipeline “nobody”"),
    ({"version": 7}, "version", "has no version 7"),
    ({"version": "newest"}, "version", "a number, latest or draft"),
    ({"version": "draft"}, "definition", "has a problem and cannot run. stages.b.needs"),
    ({"pipeline": "unpublished"}, "version", "is not published yet"),
    ({"input": {"text": 5}}, "input.text", "text is a number, must be a text"),
    ({"input": {}}, "input", "text"),
    ({"input": [[]] * 200_000}, "input", "100,000 parts"),
    ({"models": ["nobody"]}, "models", "no model 'nobody'"),
    ({"constraints": {"min_quality": 0.5}}, "min_quality", "no limit on the quality"),
    ({"constraints": {"max_cost_usd": -1}}, "max_cost_usd", "A limit must be above zero"),
    ({"edits": {"nobody": {"output": 1}}}, "edits", "no stage “nobody”"),
    ({"definition": {"name": "x"}}, "definition", "stages: This is missing"),
]


@pytest.mark.parametrize(("payload", "field", "words"), REFUSED)
def test_what_cannot_run_is_refused_at_its_field(
    payload: dict[str, Json], field: str, words: str, owner: Membership
) -> None:
    row = a_pipeline(owner, LOUD, input=WANTS_TEXT)
    a_draft(owner, name="unpublished")
    save_draft(membership=owner, definition=row, text=written(stage("b", "nobody", "transform")), based_on=1)
    with pytest.raises(InvalidRequest) as refused:
        a_pipeline_run(owner, **payload)
    assert (refused.value.field, words in str(refused.value)) == (field, True), str(refused.value)


def test_a_stranger_cannot_run_the_pipeline_of_a_team(owner: Membership) -> None:
    a_pipeline(owner)
    with pytest.raises(InvalidRequest, match="no pipeline"):
        a_pipeline_run(a_member())


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (None, "hello"),
        ({"type": "string"}, "hello"),
        (
            {"type": "object", "properties": {"mail": TEXT, "times": NUMBER}, "required": ["mail"]},
            {"mail": "hello"},
        ),
        ({"type": "object", "properties": {"text": TEXT, "tone": TEXT}}, {"text": "hello"}),
        ({"type": "object", "properties": {"text": TEXT, "times": NUMBER}, "required": ["times"]}, None),
        ({"type": "array"}, None),
    ],
)
def test_a_question_starts_a_pipeline_that_takes_one_text(
    schema: Json, value: Json, owner: Membership
) -> None:
    a_pipeline(
        owner, stage("passes", processor="transform", input={"from": "input"}), input={"schema": schema}
    )
    choices = get_kind("pipeline").choices(owner)
    assert [choice.ref for choice in choices] == (["support"] if value else [])
    if value:
        asked = {"ref": "support", "text": "hello", "models": [], "constraints": {}}
        assert get_kind("pipeline").check(owner, asked).request["input"] == value


def test_what_a_person_puts_in_place_of_a_stage_counts_instead(engine: Engine, owner: Membership) -> None:
    a_pipeline(owner, LOUD, stage("last", "loud", "transform"))
    run = engine.execute(a_pipeline_run(owner, edits={"loud": {"output": "mine"}}))
    assert (run.output, rows(run)["loud"]["edited"]) == ("mine", True)


def test_a_definition_of_a_file_runs_without_being_saved(engine: Engine, owner: Membership) -> None:
    run = engine.execute(a_pipeline_run(owner, "", definition=document(LOUD)))
    assert (run.output, run.ref, run.request["pipeline"]) == ("HELLO", "support", "")


def test_expired_results_of_stages_are_removed_when_others_are_stored(
    engine: Engine, owner: Membership
) -> None:
    old = timezone.now() - timedelta(days=1)
    CachedResult.objects.create(team=owner.team, key="old", output={}, expires_at=old)
    cache, deaf = StageCache(team=owner.team_id), StageCache(team=owner.team_id, reads=False)
    async_to_sync(cache.put)("new", {"output": 1, "score": None}, 60.0)
    assert async_to_sync(cache.get)("new") == {"output": 1, "score": None}
    assert [async_to_sync(each.get)(key) for each, key in ((cache, "old"), (deaf, "new"))] == [None, None]
    assert [row.key for row in CachedResult.objects.all()] == ["new"]


def test_the_answers_that_stages_ask_for_are_learned_from(engine: Engine, owner: Membership) -> None:
    ask = stage(
        "ask", processor="model", options={"prompt": "What is 17% of 2,300?", "models": ["sim-oracle"]}
    )
    a_pipeline(owner, ask, stage("again", "ask", "model", options={"prompt": "What is 3 + 4?"}))
    run = engine.execute(a_pipeline_run(owner, constraints={"max_cost_usd": "0.5"}, models=["sim-sage"]))
    assert (run.status, run.calls_started) == ("succeeded", 2)
    assert sorted(entry["spec"]["name"] for entry in run.panel) == ["sim-oracle", "sim-sage"]
    learn_from_ended_runs()
    seen = Observation.objects.filter(run=run).order_by("model__name")
    assert [(each.model.name, each.asked, each.answered) for each in seen] == [
        ("sim-oracle", 1, 1),
        ("sim-sage", 1, 1),
    ]


def test_a_limit_on_the_cost_ends_a_run_whichever_stage_reaches_it(engine: Engine, owner: Membership) -> None:
    asks = [stage(f"ask{n}", processor="model", options={"prompt": f"What is {n} + 2?"}) for n in range(3)]
    a_pipeline(owner, *asks)
    run = engine.execute(a_pipeline_run(owner, constraints={"max_cost_usd": "0.000001"}))
    assert (run.status, run.error_code, run.calls_started) == ("failed", "limit_reached", 0)


def test_pipelines_contain_others_in_a_version_of_their_choice(engine: Engine, owner: Membership) -> None:
    inner = a_pipeline(
        owner, stage("told", processor="transform", input={"from": "input.text"}), name="inner"
    )
    text = written(stage("told", processor="transform", input=UPPER), name="inner")
    save_draft(membership=owner, definition=inner, text=text, based_on=1)
    publish(membership=owner, definition=inner, based_on=2)
    newest = stage("newest", processor="pipeline", options={"name": "inner"}, input={"from": "input"})
    first = stage(
        "first", processor="pipeline", options={"name": "inner", "version": 1}, input={"from": "input"}
    )
    both = {"from": ["stages.newest.output", "stages.first.output", "stages.each.output"]}
    told = {
        "processor": "pipeline",
        "options": {"name": "inner", "version": 1},
        "input": {"from": "context.item"},
    }
    each = {"items": "input.texts", "stage": told}
    a_pipeline(owner, newest, first, stage("each", processor="map", options=each), output=both, name="outer")
    value = {"text": "hello", "texts": [{"text": "one"}]}
    run = engine.execute(a_pipeline_run(owner, "outer", input=value))
    assert (run.output, run.error) == (["HELLO", "hello", ["one"]], "")
    assert sorted(run.request["pipelines"]) == ["inner", "inner@1"]
    assert rows(run)["first/1/run/told"]["status"] == "succeeded"


def test_members_are_named_in_a_definition_and_known_by_id_in_its_runs(owner: Membership) -> None:
    ben = a_member(team=owner.team, name="Ben")
    asked = {"text": "Fine?", "who": [ben.user.name]}
    a_pipeline(owner, stage("ask", processor="human", options=asked))
    assert a_pipeline_run(owner).request["people"] == {"Ben": str(ben.user_id)}
    ben.delete()
    with pytest.raises(InvalidRequest, match="nobody called “Ben”"):
        a_pipeline_run(owner)


@pytest.mark.parametrize("judge", ["sim-sage", "{{ input.judge }}"])
def test_a_strategy_that_is_run_may_have_a_judge_of_its_own(
    judge: str, engine: Engine, owner: Membership
) -> None:
    payload = {"text": "{{ input.text }}", "options": {"judge": judge}}
    options = {"kind": "strategy", "ref": "parallel", "payload": payload, "models": ["sim-swift"]}
    a_pipeline(owner, stage("asks", processor="run", options=options))
    given = {"text": "What is 2 + 2?", "judge": "sim-sage"}
    models = ["sim-sage"] if "{{" in judge else ["sim-swift"]
    run = engine.execute(a_pipeline_run(owner, input=given, models=models))
    assert (run.status, run.error) == ("succeeded", "")
    assert {entry["spec"]["name"] for entry in run.panel} == {"sim-swift", "sim-sage"}


def test_a_judge_that_the_team_does_not_have_is_refused_before_the_run_starts(owner: Membership) -> None:
    payload = {"text": "hello", "options": {"judge": "nobody", "rounds": "{{ input }}"}}
    options = {"kind": "strategy", "ref": "parallel", "payload": payload, "models": ["sim-swift"]}
    a_pipeline(owner, stage("asks", processor="run", options=options), stage("later", processor="transform"))
    with pytest.raises(InvalidRequest, match="no model 'nobody'") as refused:
        a_pipeline_run(owner)
    assert refused.value.field == "stages.asks.options.payload"


def test_a_stage_is_judged_by_a_rubric_that_the_run_was_frozen_with(
    engine: Engine, owner: Membership
) -> None:
    rubric = Rubric(name="House", criteria=(Criterion(name="Tone"),))
    save_rubric(membership=owner, rubric=rubric)
    options = {"prompt": "What is 2 + 2?", "strategy": "parallel", "models": ["sim-swift"]}
    judged = {**options, "options": {"judge": "sim-sage", "rubric": "House"}}
    a_pipeline(owner, stage("asks", options=judged))
    run = engine.execute(a_pipeline_run(owner))
    assert (run.status, run.error) == ("succeeded", "")
    assert run.request["rubrics"]["House"]["version"] == 1
    asked = run.calls.get(purpose="judge")
    assert '"tone":' in asked.text.replace(" ", "")
    SavedRubric.objects.all().delete()
    with pytest.raises(InvalidRequest, match="no rubric “House”"):
        a_pipeline_run(owner)
