"""A run as plain data, for those who want to look at or keep everything."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from orchestration.runs.models import Event
from orchestration.runs.selectors.runs_live import RunState

RUN = (
    *("id", "kind", "ref", "prompt", "request", "panel", "seed", "status", "created_at", "started_at"),
    *(
        "finished_at",
        "answer",
        "quality",
        "error",
        "error_code",
        "cost_usd",
        "calls_started",
        "output",
        "outcome",
    ),
)
CALL = (
    *(
        "id",
        "step",
        "attempt",
        "model",
        "provider",
        "purpose",
        "status",
        "text",
        "input_tokens",
        "output_tokens",
    ),
    *(
        "usage_estimated",
        "input_price",
        "output_price",
        "cost_usd",
        "maybe_billed",
        "finish",
        "error",
        "error_code",
    ),
    *("started_at", "started_s", "latency_s", "first_token_s"),
)
STEP = ("key", "kind", "status", "started_s", "seconds")


def raw_run(state: RunState) -> dict[str, Any]:
    """Return the run with its calls, steps and events; money is in US dollars, times are in seconds."""
    return {
        **_columns(state.run, RUN),
        "rerun_of": state.run.rerun_of_id,
        "asked_by": str(state.run.created_by) if state.run.created_by else None,
        "calls": [_columns(call, CALL) for call in state.calls],
        "steps": [_columns(step, STEP) for step in state.steps],
        "events": [_event(event) for event in state.news],
    }


def _columns(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _event(event: Event) -> dict[str, Any]:
    return {"seq": event.seq, "kind": event.kind, "step": event.step, "at": event.at, "data": event.data}
