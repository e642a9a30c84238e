"""The pipelines that come with Orchestra: valid as they are, and run on the simulated models at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import pipelines
from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run, RunStatus
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.starting import store_run
from pipelines.selectors import PIPELINES
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.tree import ROOT

TEXTS = {path.stem: path.read_text() for path in Path(pipelines.__path__[0], "gallery").glob("*.yaml")}
DOCUMENTS = {name: read_document(text, "yaml") for name, text in TEXTS.items()}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


def run_example(engine: Engine, owner: Membership, name: str, answer: Json, **more: Json) -> Run:
    """Run a pipeline on its example to the end; a person gives `answer` to whatever is asked."""
    definition = DOCUMENTS[name]
    [example] = definition["input"]["schema"]["examples"]
    payload = {"definition": definition, "input": example, **more}
    run = engine.execute(store_run(membership=owner, kind="pipeline", payload=payload))
    while run.status == RunStatus.WAITING:
        question = run.questions.get(answered_at=None)
        answer_question(membership=owner, question=question, answer=answer)
        run = engine.execute(run)
    return run


def statuses(run: Run) -> Mapping[str, str]:
    found: Mapping[str, str] = (run.outcome or {})["stages"]
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_it_has_no_problems_and_says_what_it_is_for(name: str) -> None:
    assert not PIPELINES.read(TEXTS[name], {}).problems
    assert DOCUMENTS[name]["title"]
    assert DOCUMENTS[name]["description"].endswith(".")


OUTPUTS: Mapping[str, Callable[[Json], bool]] = {
    "classify_and_route": lambda given: "Answer: 4320" in given,
    "compare_and_vote": lambda given: given.endswith(
        "- In turn: 391\n- Cheap first: 391\n- By a vote of all: 391"
    ),
    "extract_to_json": lambda given: given["quantity"] == 12,
    "summarise_and_check": lambda given: len(given["checks"]) == len(given["statements"]) > 0,
    "support_reply": lambda given: (
        given["sent"] and given["kind"] == "billing" and given["reply"]["body"] > ""
    ),
    "translate_and_check": lambda given: given["translation"] > "" and given["same_meaning"] in {True, False},
    "validate_transform_execute": lambda given: "144" in given,
}
"""What each gives on its example, as far as it does not depend on words."""


@pytest.mark.parametrize("name", TEXTS)
def test_it_runs_to_its_end_on_the_simulated_models(engine: Engine, owner: Membership, name: str) -> None:
    run = run_example(engine, owner, name, {"decision": "approve"})
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert OUTPUTS[name](run.output), run.output
    assert "failed" not in statuses(run).values()


def test_a_reply_that_a_person_rejects_is_not_sent(engine: Engine, owner: Membership) -> None:
    run = run_example(engine, owner, "support_reply", {"decision": "reject", "comment": "Too long."})
    assert run.output == {"sent": False, "kind": "billing", "comment": "Too long."}
    assert (statuses(run)["approved"], statuses(run)["rejected"]) == ("skipped", "succeeded")


def test_an_order_that_cannot_be_read_is_filled_in_by_a_person(engine: Engine, owner: Membership) -> None:
    filled = {"customer": "Ada", "article": "Paper", "quantity": 3}
    edits = {"extract": {"output": {"quantity": 1_000_000}}}
    run = run_example(engine, owner, "extract_to_json", filled, edits=edits)
    assert (run.output, statuses(run)["correct"]) == (filled, "succeeded")


def test_the_definition_in_the_guide_has_no_problems() -> None:
    guide = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    text = guide.partition("```yaml\n")[2].partition("```")[0]
    assert PIPELINES.read(text, {}).problems == ()
