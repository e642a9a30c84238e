"""Which parts of the run page an event changes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from orchestration.engine.events import EventKind
from orchestration.engine.types import Purpose
from orchestration.models import Event
from orchestration.parts.lanes import Lane


class Part(StrEnum):
    """Parts of the run page that are swapped whole: the partial's name, and the element's id."""

    SUMMARY = "run-summary"
    ACTIONS = "run-actions"
    NOTICE = "run-notice"
    ANSWER = "run-answer"
    LANES = "run-lanes"
    BALLOTS = "run-ballots"
    DECISIONS = "run-decisions"
    HELPERS = "run-helpers"
    PATH = "run-path"
    RATE = "run-rate"
    RATINGS = "run-ratings"


OF_A_CALL = frozenset({Part.SUMMARY, Part.HELPERS, Part.PATH})
OF_THE_START = frozenset({Part.SUMMARY, Part.ACTIONS, Part.NOTICE, Part.LANES, Part.PATH})
OF_THE_END = OF_THE_START | {Part.ANSWER, Part.BALLOTS, Part.DECISIONS, Part.HELPERS, Part.RATE}
TOUCHED = {
    EventKind.RUN_QUEUED: OF_THE_START,
    EventKind.RUN_STARTED: OF_THE_START,
    EventKind.RUN_RESUMED: OF_THE_START,
    EventKind.RUN_WAITED: OF_THE_START,
    EventKind.RUN_SUCCEEDED: OF_THE_END,
    EventKind.RUN_FAILED: OF_THE_END,
    EventKind.RUN_CANCELLED: OF_THE_END,
    EventKind.PHASE_STARTED: frozenset[Part](),
    EventKind.CALL_STARTED: OF_A_CALL,
    EventKind.CALL_FINISHED: OF_A_CALL,
    EventKind.CALL_FAILED: OF_A_CALL,
    EventKind.CALL_CANCELLED: OF_A_CALL,
    EventKind.CALL_LOST: OF_A_CALL,
    EventKind.ANSWER_REUSED: frozenset({Part.SUMMARY, Part.PATH}),
    EventKind.CANDIDATE_SCORED: frozenset({Part.SUMMARY}),
    EventKind.BALLOT_CAST: frozenset({Part.BALLOTS}),
    EventKind.VOTE_TALLIED: frozenset({Part.BALLOTS}),
    EventKind.DECISION_MADE: frozenset({Part.SUMMARY, Part.DECISIONS, Part.LANES, Part.PATH}),
    EventKind.STEP_ENDED: frozenset({Part.PATH}),
    EventKind.QUESTION_ASKED: frozenset({Part.NOTICE}),
    EventKind.QUESTION_ANSWERED: frozenset({Part.NOTICE}),
    EventKind.COMMAND_RECEIVED: frozenset({Part.ACTIONS}),
    EventKind.MESSAGE_RECEIVED: frozenset[Part](),
    EventKind.RUN_RATED: frozenset({Part.RATINGS}),
}


def touched_parts(events: Iterable[Event]) -> frozenset[Part]:
    """Return the parts that `events` change; a synthesis adds a lane, so that all are drawn anew."""
    parts: set[Part] = set()
    for event in events:
        parts |= TOUCHED[EventKind(event.kind)]
        if event.data.get("purpose") == Purpose.AGGREGATE:
            parts.add(Part.LANES)
    return frozenset(parts)


def touched_lanes(events: Iterable[Event], lanes: Iterable[Lane]) -> list[Lane]:
    """Return the lanes that `events` are about, by model or by the step of a call."""
    models = {event.data["model"] for event in events if "model" in event.data}
    steps = {event.step for event in events if event.step}
    return [lane for lane in lanes if lane.model in models or steps & {call.step for call in lane.attempts}]
