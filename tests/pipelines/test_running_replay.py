"""Pipelines after a crash: from any write on the same rows come out, and nothing that ended is repeated."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import LimitReached
from tests.support.definitions import document, stage
from tests.support.pipeline_runs import Execution, MemoryCache, failure


def work(id: str, needs: str = "", **fields: Json) -> dict[str, Json]:
    options = {key: fields.pop(key) for key in ("gives", "fails", "seconds") if key in fields}
    return stage(id, needs, "work", options=options, **fields)


OTHER = {"other": document(stage("x", "", "work"), stage("y", "x", "transform"), name="other")}
CASES: dict[str, dict[str, Json]] = {
    "in a row": document(work("a"), work("b", "a"), stage("c", "b", "transform"), work("d", "c")),
    "fanned out": document(work("a"), work("b", "a"), work("c", "a"), work("d", "b c")),
    "the first of two": document(work("a", seconds=0.02), work("b"), work("c", "a b", join="first_success")),
    "one at a time": document(
        work("a"),
        work("b", when="false == true"),
        work("c", "a b", parallel=False),
        work("d", "a b c", parallel=False, join="first_success"),
    ),
    "tried again": document(work("a", fails=["timeout", "timeout"], retry={"attempts": 3, "base": 0.0})),
    "too slow": document(work("a", seconds=9, timeout=0.01, on_error="skip"), work("b", "a", gives=1)),
    "another instead": document(work("a", fails=["odd"], on_error={"pipeline": "other"}), work("b", "a")),
    "cached": document(work("a", cache={"ttl": 60}), work("b", "a")),
    "failing": document(work("a"), work("b", "a", fails=["odd"]), work("c", seconds=0.03), work("d", "c b")),
    "taken over": document(
        work("a"),
        work("b", "a", fails=["odd"]),
        work("c", seconds=0.03),
        error_handling={"strategy": "fallback", "pipeline": "other"},
    ),
}


async def _ended(run: Execution) -> tuple[str, dict[str, str], dict[str, Json]]:
    """Run to the end; return what came out, and what the rows say but for times."""
    try:
        came = (await run.run()).answer
    except EngineError as error:
        came = f"{error.code}: {error}"
    return came, run.statuses, {key: row["output"] for key, row in run.rows.items()}


@pytest.mark.parametrize("case", CASES)
async def test_a_crash_at_any_write_changes_nothing_and_repeats_no_ended_work(case: str) -> None:
    def fresh() -> Execution:
        return Execution(CASES[case], value="v", others=OTHER, cache=MemoryCache())

    whole = await _ended(expected := fresh())
    for dies_at in range(expected.log.writes):
        run = fresh()
        assert await run.run_until_death(dies_at), dies_at
        assert await _ended(run) == whole, dies_at
        most = Counter(expected.work.done)
        repeated = {name: n - most[name] for name, n in Counter(run.work.done).items() if n > most[name]}
        assert all(n <= 1 for n in repeated.values()), (dies_at, repeated)


@pytest.mark.parametrize("case", CASES)
async def test_a_run_that_has_ended_does_no_work_when_it_is_replayed(case: str) -> None:
    run = Execution(CASES[case], value="v", others=OTHER, cache=MemoryCache())
    first = await _ended(run)
    done = len(run.work.done)
    assert await _ended(run) == first
    assert len(run.work.done) == done


async def test_a_run_that_a_person_cancels_leaves_cancelled_rows() -> None:
    run = Execution(document(work("a"), work("b", "a", seconds=9), work("c", "b")), value="v")

    def cancel(record: object) -> None:
        if getattr(record, "key", "") == "a" and run.context is not None:
            run.context.control.stop(StopReason.CANCELLED)

    run.log.before_commit = cancel
    with pytest.raises(BaseException):  # noqa: B017, PT011  # asyncio's own
        await run.run()
    assert run.statuses == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}


async def test_a_run_that_a_stopping_process_lets_go_leaves_no_row_of_what_ran() -> None:
    run = Execution(document(work("a", seconds=0.2)), value="v")
    assert not run.log.dead.is_set()
    assert await run.run_until_death(1)
    assert run.rows == {}


NAMES = [f"s{number}" for number in range(7)]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Json]:
    """Return a pipeline of stages that may fail, be skipped or jump, with any joins."""
    stages = []
    for place, name in enumerate(NAMES[: draw(st.integers(1, 7))]):
        needs = draw(st.lists(st.sampled_from(NAMES[:place]), max_size=3, unique=True)) if place else []
        fields: dict[str, Json] = {"parallel": draw(st.booleans()), "optional": draw(st.booleans())}
        if needs:
            fields["join"] = draw(st.sampled_from(["all", "any", "first_success"]))
        if draw(st.booleans()):
            fields["fails"] = ["odd"]
        fields["on_error"] = draw(st.sampled_from(["fail", "skip", {"default": 1}]))
        fields["when"] = draw(st.sampled_from(["true", "true", "false == true"]))
        fields["input"] = {"from": "previous", "default": 0}
        fields["seconds"] = draw(st.sampled_from([0.0, 0.001]))
        stages.append(work(name, " ".join(needs), **fields))
    handling = draw(st.sampled_from(["fail_fast", "continue"]))
    return document(*stages, error_handling={"strategy": handling})


@settings(max_examples=60, deadline=None)
@given(documents(), st.integers(0, 30))
async def test_any_pipeline_ends_each_stage_once_and_a_crash_changes_nothing(
    written: dict[str, Json], dies_at: int
) -> None:
    run, crashed = Execution(written, value="v"), Execution(written, value="v")
    whole = await _ended(run)
    assert set(run.rows) == {stage["id"] for stage in written["stages"]}
    assert max(Counter(run.work.done).values(), default=1) == 1
    if await crashed.run_until_death(dies_at):
        again = await _ended(crashed)
        if written["error_handling"]["strategy"] == "continue" and "any" not in str(written):
            assert again == whole


async def test_a_limit_that_a_stage_meets_ends_the_run_and_stands_in_its_row() -> None:
    run = Execution(document(work("a"), work("b", "a"), work("c", "b")), limits=Limits(steps_in_all=2))
    assert type(await failure(run.run())) is LimitReached
    assert run.statuses == {"a": "succeeded", "b": "failed", "c": "cancelled"}
    assert run.rows["b"]["error"]["code"] == "limit_reached"


async def test_the_time_limit_of_the_whole_run_ends_it() -> None:
    run = Execution(document(work("a"), work("b", "a")), value="v", limits=Limits(seconds=50))
    run.clock = lambda: 100.0 if run.work.done else 0.0
    assert type(await failure(run.run())) is LimitReached
    assert run.statuses == {"a": "succeeded", "b": "cancelled"}
