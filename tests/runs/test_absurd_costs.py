"""Costs beyond what their columns hold: stored as the most that they hold, on pages that still open."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from orchestration.llm.engine.types import Purpose
from orchestration.runs.engine.budget import NOTHING_SPENT
from orchestration.runs.engine.records import CallEnded, CallEnding, CallStarted
from orchestration.runs.models import Call, Run
from orchestration.runs.services.claims import claim_run
from orchestration.runs.services.recording.batches import MOST_COST
from orchestration.runs.services.recording.recorder import DatabaseRunLog
from tests.support.engines import Engine
from tests.support.history import signed_in
from tests.support.kinds import queued_run
from tests.support.models import spec_named

CALL = str(uuid4())


@pytest.mark.parametrize("cost", ["1e9", "1e400", "10000000"])
def test_a_cost_beyond_the_column_breaks_no_page(engine: Engine, cost: str) -> None:
    run = queued_run("any")
    claim_run(run.id, "test")
    started = CallStarted(
        id=CALL, step="ask/a", attempt=1, spec=spec_named("a"), purpose=Purpose.ANSWER, started_s=0.0
    )
    ended = CallEnded(id=CALL, step="ask/a", model="a", status=CallEnding.DONE, cost_usd=Decimal(cost))

    async def record() -> None:
        log = DatabaseRunLog(
            recorder=engine.runtime.recorder, run=run.id, team=run.team_id, fence=1, spent=NOTHING_SPENT
        )
        await log.write(started, ended)

    engine.runtime.submit(record()).result(15)
    assert Call.objects.get().cost_usd == Run.objects.get().cost_usd == MOST_COST
    browser = signed_in(run.team.memberships.get())
    assert [browser.get(path).status_code for path in ("/runs/", f"/runs/{run.pk}/")] == [200, 200]
