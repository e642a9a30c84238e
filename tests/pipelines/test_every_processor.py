"""One pipeline with every processor, on the real engine, database and simulated models."""

from __future__ import annotations

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Call, Run, RunStatus
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.starting import store_run
from pipelines.engine.processors import PROCESSORS
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.pipelines import a_pipeline

INPUT = {"items": ["12 * 12", "7 * 8"], "who": "Ada"}
DEFINITION = read_document(
    """
schema_version: 1
name: everything
stages:
  - {id: checked, processor: validate, options: {schema: {required: [items]}}}
  - id: solved
    processor: map
    options:
      items: input.items
      stage:
        processor: model
        options:
          prompt: "What is {{ context.item }}?"
          models: [sim-oracle, sim-scholar]
          strategy: parallel
          options: {judge: sim-sage}
        output: {transforms: [extract_answer]}
  - {id: added, processor: tool, options: {name: calculator, arguments: {expression: "{{ previous[0] }} + {{ previous[1] }}"}}}
  - {id: kept, processor: transform, input: {from: stages.added.output, transforms: [dump_json]}}
  - {id: shouted, processor: pipeline, options: {name: loud, input: {text: input.who}}}
  - id: asked
    processor: run
    options: {kind: strategy, ref: voting, payload: {text: "What is 10% of 50?"}, models: [sim-oracle, sim-sage, sim-scholar]}
    output: {transforms: [extract_answer]}
  - {id: rested, processor: wait, options: {seconds: 0}}
  - {id: sure, processor: human, options: {text: "Go on, {{ input.who }}?", form: {enum: ["yes", "no"]}}}
  - {id: turn, processor: branch, options: {cases: [{when: stages.sure.output == "yes", to: all}]}}
  - {id: all, processor: aggregate, options: {from: [kept, shouted, asked, sure], how: list}}
""",  # noqa: E501  # as people write it
    "yaml",
)


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    upper: Json = {"from": "input.text", "transforms": ["upper"]}
    a_pipeline(member, stage("only", processor="transform", input=upper), name="loud")
    return member


@pytest.fixture
def run(engine: Engine, owner: Membership) -> Run:
    payload = {"definition": DEFINITION, "input": INPUT}
    run = engine.execute(store_run(membership=owner, kind="pipeline", payload=payload))
    assert run.status == RunStatus.WAITING, run.error
    answer_question(membership=owner, question=run.questions.get(), answer="yes")
    return engine.execute(run)


def test_every_processor_does_its_part(run: Run) -> None:
    used = {each["processor"] for each in DEFINITION["stages"]} | {"model"}
    assert used == set(PROCESSORS)
    assert run.status == RunStatus.SUCCEEDED, run.error
    output: list[str] = run.output or []
    assert "200" in output[0]
    assert output[1:] == ["ADA", "5", "yes"]
    assert set((run.outcome or {})["stages"].values()) == {"succeeded"}


def test_the_steps_of_each_stand_below_its_key(run: Run) -> None:
    rows = set(run.steps.filter(kind="record").values_list("key", flat=True))
    names = {each["id"] for each in DEFINITION["stages"]}
    assert rows == names | {"solved/1/item-0", "solved/1/item-1", "shouted/1/run/only"}
    kinds = dict(run.steps.exclude(kind="record").values_list("key", "kind"))
    expected = {
        "added/1/tool": "tool",
        "asked/1/run": "child",
        "rested/1/wait": "wait",
        "sure/1/question": "human",
    }
    assert expected.items() <= kinds.items()
    assert kinds["solved/1/item-0/1/model"] == "child"
    models = Call.objects.filter(run=run, step__startswith="solved/1/item-1/").values_list("model", flat=True)
    assert set(models) == {"sim-oracle", "sim-scholar", "sim-sage"}
