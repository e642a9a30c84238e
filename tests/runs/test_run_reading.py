"""A run that goes on while its page is being read."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from orchestration.runs.models import RunStatus
from orchestration.runs.selectors.run_state import RunState, run_state, whole_run
from tests.support.history import a_member
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db


def test_one_that_ends_meanwhile_is_read_again_so_that_its_end_is_told() -> None:
    rows = RunRows.queued(a_member(), "sim-swift")
    rows.start()
    before = [run_state(rows.run.pk)]
    rows.end(RunStatus.SUCCEEDED)

    def read(run: UUID) -> RunState:
        state = run_state(run)
        return replace(before.pop(), run=state.run) if before else state

    state = whole_run(rows.run.pk, read)
    assert (state.run.status, state.new_events[-1].kind) == ("succeeded", "run_succeeded")


def test_one_that_never_rests_is_shown_all_the_same() -> None:
    rows = RunRows.queued(a_member(), "sim-swift")
    state = run_state(rows.run.pk)
    ahead = replace(state, seq=state.seq - 1)
    assert whole_run(rows.run.pk, lambda _: ahead) is ahead
