"""Tool calls on the run page: in the lane of their model, on the path, and in the log."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.runs.kinds import decided_at
from orchestration.runs.models import RunStatus
from orchestration.runs.parts.waterfall import waterfall
from orchestration.runs.selectors.run_state import run_state
from orchestration.strategies.parts.lanes import Lane, LaneState, run_lanes
from orchestration.strategies.parts.strategy_page import touched_lanes
from orchestration.strategies.parts.tool_calls import ShownToolCall
from tests.support.history import signed_in
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db
SUM = {"arguments": '{"expression": "17 * 23"}', "result": '{"value": 391}'}


@pytest.fixture
def rows(member: Membership) -> RunRows:
    rows = RunRows.queued(member, "sim-sage")
    rows.start()
    rows.want_tools("sim-sage")
    return rows


def lane(rows: RunRows) -> Lane:
    [only] = run_lanes(run_state(rows.run.pk))
    return only


def test_a_lane_waits_for_its_tools_and_then_writes(rows: RunRows) -> None:
    rows.call_tool("sim-sage", "calculator")
    assert lane(rows).state is LaneState.CALLING
    assert [(call.tool, call.state, call.label) for call in lane(rows).tools] == [
        ("calculator", "running", "Calling")
    ]
    rows.end_tool("sim-sage", "calculator", **SUM)
    rows.ask("sim-sage", "391", part=".round-2")
    assert (lane(rows).state, lane(rows).streams) == (LaneState.WRITING, True)


def test_a_lane_takes_and_costs_what_its_rounds_do(rows: RunRows) -> None:
    rows.end_tool("sim-sage", "calculator", **SUM)
    rows.answer(rows.ask("sim-sage", part=".round-2", at_s=2.1), "It is 391.", seconds=1.0)
    found = lane(rows)
    assert (found.state, found.text, found.seconds) == (LaneState.ANSWERED, "It is 391.", 3.0)
    assert (found.tokens, len(found.attempts), len(found.tries)) == (64, 2, 1)
    [call] = found.tools
    assert (call.result, call.seconds, call.label, call.is_short) == ('{"value": 391}', 0.25, "Called", True)


def test_calls_stand_in_the_order_of_their_numbers(rows: RunRows) -> None:
    for number in (10, 2, 1):
        rows.end_tool("sim-sage", f"tool{number}", number)
    assert [call.tool for call in lane(rows).tools] == ["tool1", "tool2", "tool10"]


@pytest.mark.parametrize("status", [RunStatus.CANCELLED, RunStatus.FAILED])
def test_a_run_that_ends_while_a_tool_is_called_leaves_nothing_under_way(
    status: RunStatus, rows: RunRows
) -> None:
    rows.call_tool("sim-sage", "calculator")
    rows.end(status)
    assert (lane(rows).state, lane(rows).tools[0].state) == (LaneState.CANCELLED, "cancelled")


@pytest.mark.parametrize(
    ("state", "shown"), [("failed", LaneState.FAILED), ("cancelled", LaneState.CANCELLED)]
)
def test_the_outcome_says_how_a_model_ended_that_had_called_tools(
    state: str, shown: LaneState, rows: RunRows
) -> None:
    candidate = {"model": "sim-sage", "step": "ask/sim-sage", "state": state, "error": "503"}
    rows.succeed("Another.", candidates=[candidate])
    assert lane(rows).state is shown


def test_a_call_that_a_person_decided_on_has_the_state_of_its_step(rows: RunRows) -> None:
    step = rows.call_tool("sim-sage", "http_request")
    rows.end_step(step, "failed", kind="tool")
    assert [(call.state, call.seconds) for call in lane(rows).tools] == [("failed", None)]


def test_events_of_a_tool_redraw_the_lane_of_its_model(rows: RunRows) -> None:
    rows.call_tool("sim-sage", "calculator")
    state = run_state(rows.run.pk)
    called = [event for event in state.new_events if event.kind == "tool_called"]
    assert [each.model for each in touched_lanes(called, run_lanes(state))] == ["sim-sage"]
    assert touched_lanes(called, []) == []


def test_the_path_shows_a_tool_between_the_rounds(rows: RunRows) -> None:
    rows.end_tool("sim-sage", "json_query", **SUM)
    rows.answer(rows.ask("sim-sage", part=".round-2", at_s=2.1), "It is 391.")
    bars = waterfall(run_state(rows.run.pk), timezone.now(), decided_at).bars
    assert [(bar.label, bar.detail) for bar in bars] == [
        ("sim-sage", "answer"), ("json query", "tool"), ("sim-sage", "answer"),
    ]  # fmt: skip


def test_the_page_says_what_was_called_with_what_and_what_it_gave(rows: RunRows, member: Membership) -> None:
    rows.end_tool("sim-sage", "calculator", **SUM)
    rows.end_tool("sim-sage", "<b>pay</b>", 2, arguments="x" * 500, error="There is <b>no</b> such tool.")
    html = signed_in(member).get(f"/runs/{rows.run.pk}/").content.decode()
    lanes = html.split('id="run-lanes"')[1]
    assert "17 * 23" in lanes
    assert "<summary>Arguments and result</summary>" in lanes
    assert "There is &lt;b&gt;no&lt;/b&gt; such tool." in lanes
    assert "<b>" not in html
    assert "asked for a tool after" in html


def test_long_arguments_and_results_of_several_lines_are_folded() -> None:
    call = ShownToolCall(tool="t", state="done", arguments="x" * 161)
    assert not call.is_short
    assert not ShownToolCall(tool="t", state="done", result="a\nb").is_short
