"""What a run did, in numbers for one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orchestration.engine.events import EventKind
from orchestration.engine.strategies.strategy import decision_labels
from orchestration.engine.types import Json
from orchestration.parts.lanes import Lane, LaneState
from orchestration.parts.waterfall import elapsed_s
from orchestration.selectors.runs_live import RunState

ANSWERED = (LaneState.ANSWERED, LaneState.REUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Counts of lanes by how they stand, and the run's totals.

    `unpriced` names models whose cost nobody knows.
    """

    panel: int
    asked: int
    answered: int
    failed: int
    cancelled: int
    chosen: str
    synthesised: bool
    calls: int
    tokens: int
    cost_usd: Decimal
    unpriced: tuple[str, ...]
    maybe_billed: int
    seconds: float | None
    saved_usd: Decimal


def summary_of(state: RunState, lanes: Sequence[Lane], now: datetime) -> Summary:
    """Count what the lanes and calls say."""
    members = [lane for lane in lanes if not lane.role]
    stands = Counter(lane.state for lane in members)
    chosen = next((lane for lane in lanes if lane.chosen), None)
    untouched = {LaneState.PENDING, LaneState.NOT_ASKED}
    return Summary(
        panel=len(members),
        asked=sum(lane.state not in untouched for lane in members),
        answered=sum(stands[known] for known in ANSWERED),
        failed=stands[LaneState.FAILED] + stands[LaneState.LOST] + stands[LaneState.MISSING],
        cancelled=stands[LaneState.CANCELLED],
        chosen=chosen.model if chosen else "",
        synthesised=bool(chosen and chosen.role),
        calls=len(state.calls),
        tokens=sum(call.input_tokens + call.output_tokens for call in state.calls),
        cost_usd=sum((call.cost_usd for call in state.calls if call.cost_usd is not None), Decimal(0)),
        unpriced=tuple(sorted({lane.model for lane in lanes if lane.attempts and not lane.priced})),
        maybe_billed=sum(call.maybe_billed for call in state.calls),
        seconds=elapsed_s(state, now),
        saved_usd=sum((lane.saved_usd for lane in lanes if lane.saved_usd), Decimal(0)),
    )


def decisions_of(state: RunState) -> list[Mapping[str, Json]]:
    """Return what was decided: from the outcome, before there is one from the events."""
    final = (state.run.outcome or {}).get("decisions")
    told = [event.data for event in state.remembered if event.kind == EventKind.DECISION_MADE]
    return [with_shares(decision) for decision in final or told]


def with_shares(decision: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a decision with its options beside their scores, best first; those without a score come last."""
    scores: Mapping[str, float] = decision.get("scores") or {}
    names = list(dict.fromkeys([*(decision.get("options") or ()), *scores]))
    ranked = sorted(names, key=lambda name: -scores.get(name, -1.0))
    remarks: Mapping[str, str] = decision.get("remarks") or {}
    rows = [
        {"name": n, "score": scores.get(n), "chosen": n == decision["chosen"], "remark": remarks.get(n, "")}
        for n in ranked
    ]
    return {**decision, "label": decision_labels().get(decision["kind"], "Decision"), "rows": rows}
