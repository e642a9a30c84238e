"""Everything the run page shows, made of what the tables say: the page and its socket render the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestration.engine.events import EventKind
from orchestration.engine.strategies.fallback import PART
from orchestration.engine.strategies.strategy import escalations
from orchestration.engine.strategies.voting.strategy import BALLOT
from orchestration.engine.types import Json
from orchestration.models import Call, CommandKind, Event, HumanQuestion, Rating, Run, RunStatus
from orchestration.parts.ballots import BallotBox, ballot_box
from orchestration.parts.lanes import Lane, helper_calls, lanes_of
from orchestration.parts.summary import Summary, decisions_of, summary_of
from orchestration.parts.waterfall import Waterfall, waterfall_of
from orchestration.selectors.runs_live import RunState

ADVICE = {
    "all_models_failed": "Test the models under Models, or choose others and run again.",
    "internal_error": "Run it again; if it fails again, tell whoever looks after this installation.",
    "quality_too_low": "Lower the quality you ask for, or add a stronger model and run again.",
    "replay_mismatch": "Run it again: this run was started by another version of Orchestra.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """A run page's content. `advice` says what to do about a failure, where its own sentence does not."""

    run: Run
    lanes: tuple[Lane, ...]
    helpers: tuple[Call, ...]
    ballots: BallotBox | None
    summary: Summary
    decisions: tuple[Mapping[str, Json], ...]
    notes: tuple[str, ...]
    path: Waterfall
    story: tuple[StoryLine, ...]
    ratings: tuple[Rating, ...]
    question: HumanQuestion | None
    advice: str
    cancelling: bool
    first: int
    seq: int

    @property
    def escalations(self) -> tuple[Mapping[str, Json], ...]:
        """Decisions to go on because an answer would not do."""
        return tuple(decision for decision in self.decisions if decision["kind"] in escalations() | {PART})

    @property
    def choices(self) -> tuple[Mapping[str, Json], ...]:
        """The other decisions; what is voted with stands with the vote, where that is shown."""
        elsewhere = escalations() | {PART} | ({BALLOT} if self.ballots is not None else set())
        return tuple(decision for decision in self.decisions if decision["kind"] not in elsewhere)

    @property
    def constraints(self) -> Mapping[str, Json]:
        """The limits the member set."""
        limits: Mapping[str, Json] = self.run.request.get("constraints") or {}
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryLine:
    """An event with the template that tells it, and when it happened: time since the run was asked for."""

    event: Event
    after: timedelta

    @property
    def template(self) -> str:
        """The name of the template that has the sentence."""
        return f"orchestration/parts/events/{self.event.kind}.html"

    @property
    def seconds(self) -> float:
        """Seconds since the run was asked for."""
        return max(0.0, self.after.total_seconds())


def view_of(state: RunState, *, after: int, now: datetime) -> RunView:
    """Return what to show of `state`; the story has the events after number `after`."""
    lanes = lanes_of(state)
    outcome: dict[str, Any] = state.run.outcome or {}
    return RunView(
        run=state.run,
        lanes=lanes,
        helpers=helper_calls(state),
        ballots=ballot_box(state),
        summary=summary_of(state, lanes, now),
        decisions=tuple(decisions_of(state)),
        notes=tuple(outcome.get("notes") or ()),
        path=waterfall_of(state, now),
        story=tuple(StoryLine(event=event, after=event.at - state.run.created_at) for event in state.news),
        ratings=state.ratings,
        question=state.question if state.run.status == RunStatus.WAITING else None,
        advice=ADVICE.get(state.run.error_code, ""),
        cancelling=not state.run.is_over and any(_asks_to_cancel(event) for event in state.remembered),
        first=after + 1,
        seq=state.seq,
    )


def _asks_to_cancel(event: Event) -> bool:
    return event.kind == EventKind.COMMAND_RECEIVED and event.data.get("kind") == CommandKind.CANCEL
