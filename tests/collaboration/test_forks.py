"""Forks as runs: started from a session that was executed, frozen with it, refused in words."""

from __future__ import annotations

import json

import pytest

from collaboration.selectors import session_record
from collaboration.services.forks import LARGEST, ForkChanges, fork_start, start_fork
from collaboration.services.session_runs import SessionKind
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run, Step
from orchestration.runs.services.starting import store_run
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.rooms import LED, SCOUT

TASK = "Compare the harbours of Genoa and Marseille. Describe the trade of each. Name what travellers like."
LINEUP: Json = {
    "name": "small",
    "participants": [{**LED, "model": "sim-sage"}, {**SCOUT, "model": "sim-scout"}],
    "limits": {"returns": 0},
}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


@pytest.fixture
def whole(owner: Membership, engine: Engine) -> Run:
    payload = {"text": TASK, "lineup": LINEUP, "constraints": {"max_cost_usd": 1}}
    return engine.execute(store_run(membership=owner, kind="session", payload=payload))


def fork(owner: Membership, run: Run, entry: int, lineup: Json = None, **rest: Json) -> Run:
    changes = ForkChanges(lineup=lineup or run.request["lineup"], constraints={}, **rest)
    return start_fork(membership=owner, run=run, entry=entry, changes=changes)


def settled(run: Run) -> int:
    """Return the entry after which the plan is settled."""
    said = session_record(run)["messages"]
    return next(int(each["entry"]) for each in said if each["text"] == "The session is executing.")


def with_model(name: str) -> Json:
    lead, scout = LINEUP["participants"]
    return {**LINEUP, "participants": [lead, {**scout, "model": name}]}


def test_a_fork_begins_with_what_was_and_goes_on_with_another_model(
    owner: Membership, whole: Run, engine: Engine
) -> None:
    point = settled(whole)
    run = engine.execute(fork(owner, whole, point, with_model("sim-swift"), direction="Be brief."))
    old, new = session_record(whole), session_record(run)
    same = [each for each in old["messages"] if each["entry"] <= point]
    assert (run.status, run.rerun_of, new["messages"][: len(same)]) == ("succeeded", whole, same)
    assert new["fork"]["words"] == "Participant scout: model “sim-scout” → “sim-swift”."
    asked = set(run.calls.filter(purpose="answer").values_list("model", flat=True))
    assert asked == {"sim-swift"}
    assert 0 < float(new["fork"]["cost_usd"]) < whole.cost_usd


def test_a_fork_of_a_fork_and_a_rerun_of_it_come_to_results(
    owner: Membership, whole: Run, engine: Engine
) -> None:
    first = engine.execute(fork(owner, whole, 1))
    second = engine.execute(fork(owner, first, settled(first), plan=({"do": "add", "title": "Wine"},)))
    again = store_run(membership=owner, kind="session", payload=SessionKind().payload(second))
    assert [again.request[each] for each in ("fork", "lineup")] == [
        second.request[each] for each in ("fork", "lineup")
    ]
    assert engine.execute(again).status == "succeeded"
    assert "Wine" in [each["title"] for each in session_record(second)["subtasks"]]


def test_a_session_that_was_cut_off_can_go_on_in_a_fork(
    owner: Membership, whole: Run, engine: Engine
) -> None:
    Run.objects.filter(pk=whole.pk).update(status="cancelled")
    Step.objects.filter(run=whole, key__in=("log/4", "session/4")).delete()
    run = engine.execute(fork(owner, whole, 3))
    assert run.status == "succeeded"


def test_what_cannot_be_forked_says_why(owner: Membership, whole: Run) -> None:
    newest = session_record(whole)["entries"]
    wrong = [
        (-1, {}, "Choose a point up to"),
        (newest + 1, {}, "Choose a point up to"),
        (newest, {}, "The session is completed at this point"),
        (settled(whole), {"plan": ({"do": "drop", "subtask": "s99"},)}, "no subtask “s99”"),
        (1, {"lineup": with_model("nobody")}, "no model 'nobody'"),
        (1, {"lineup": {**LINEUP, "participants": LINEUP["participants"][:1]}}, "Nobody does subtasks"),
    ]
    for entry, changes, words in wrong:
        with pytest.raises(InvalidRequest, match=words):
            fork(owner, whole, entry, **changes)
    assert Run.objects.count() == 1


def test_a_session_of_other_rules_cannot_be_forked(owner: Membership, whole: Run) -> None:
    row = Step.objects.get(run=whole, key="session/1")
    row.result = {**(row.result or {}), "phase": "dancing"}
    row.save()
    with pytest.raises(InvalidRequest, match="rules of another version"):
        fork_start(whole, 2)


def test_a_session_that_has_not_begun_or_lacks_a_step_cannot_be_forked(owner: Membership, whole: Run) -> None:
    with pytest.raises(InvalidRequest, match="no more has happened"):
        fork_start(store_run(membership=owner, kind="session", payload=whole.request), 0)
    Step.objects.filter(run=whole, key="action/1/ask").delete()
    with pytest.raises(InvalidRequest, match="lacks what came of a step"):
        fork_start(whole, 1)


def test_a_fork_that_is_too_large_is_refused(owner: Membership, whole: Run) -> None:
    step = Step.objects.get(run=whole, key="action/1/ask")
    said = step.result or {}
    step.result = {**said, "text": f"{said['text']}{' ' * LARGEST}"}
    step.save()
    with pytest.raises(InvalidRequest, match="more than 2,000,000 characters"):
        fork(owner, whole, 1)


@pytest.mark.parametrize("known", [{"entries": [{"entry_kind": "odd"}]}, {"entries": 7}, {"lineup": {}}])
def test_a_fork_whose_frozen_entries_cannot_be_read_does_not_start(
    known: dict[str, Json], owner: Membership, whole: Run
) -> None:
    payload = json.loads(json.dumps({**whole.request, "fork": known}))
    with pytest.raises(InvalidRequest, match="can no longer be read"):
        store_run(membership=owner, kind="session", payload=payload)
