"""What the run page shows of a strategy: lanes, ballots, helpers, and the sentence that sums them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from orchestration.llm.engine.types import Json, Purpose
from orchestration.runs.engine.types import EventKind
from orchestration.runs.kinds import CALL_EVENTS, END_EVENTS, START_EVENTS, KindPage, Redraw, Section
from orchestration.runs.models import Event, Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.asking import answer_step
from orchestration.strategies.engine.fallback import FALLBACK
from orchestration.strategies.engine.single_model import PanelWorth, panel_worth
from orchestration.strategies.engine.strategy import all_strategies, decided_at, decision_labels, escalations
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.engine.voting.strategy import BALLOT
from orchestration.strategies.parts.ballots import shown_vote
from orchestration.strategies.parts.lanes import Lane, LaneState, beside_answer, run_lanes
from orchestration.strategies.parts.reasons import CONCLUDING, headline, reason, settings, verdict
from orchestration.strategies.selectors import strategy_name

LANE_PURPOSES = {Purpose.ANSWER.value, Purpose.AGGREGATE.value}
LARGEST_TOGETHER = 40_000
"""Characters of all lanes' texts up to which they are drawn as one piece; above it, one by one."""


class StrategyPage(KindPage):
    """The page of a run of one strategy."""

    template = "strategies/run_sections.html"
    sentence = "strategies/_run_sentence.html"
    why = "strategies/_vote.html"
    stylesheets = ("css/ballots.css",)
    menu = "strategies/_run_menu.html"
    sections = (
        Section(name="run-worth", events=END_EVENTS),
        Section(name="run-lanes", events=START_EVENTS | END_EVENTS | {EventKind.DECISION_MADE}),
    )
    details = (Section(name="run-helpers", events=END_EVENTS | CALL_EVENTS),)
    sentences: Mapping[str, str] = {kind: f"strategies/events/{kind}.html" for kind in StrategyEvent}
    remembered = frozenset({*StrategyEvent, EventKind.TOOL_CALLED, EventKind.TOOL_ENDED})
    advice: Mapping[str, str] = {
        "all_models_failed": "Test the models under Models, or choose others and run again.",
        "no_usable_answer": "Choose other models, connect a real one under Models, or ask in other words.",
    }

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:
        """Return what is said of the answer, the lanes, the vote, and the helpers."""
        run, lanes, vote = state.run, run_lanes(state), shown_vote(state)
        if run.is_over:
            lanes = beside_answer(lanes, run.answer)
        worth = run_worth(run, (run.outcome or {}).get("single"), now)
        notes = tuple((run.outcome or (vote.result if vote else {})).get("notes") or ())
        first = 1 if run.caveat else 0  # it says what the answer falls short of, and stands with the answer
        chosen = next((lane for lane in lanes if lane.chosen), None)
        return {
            "title": self.method(run.ref),
            "headline": headline(run),
            "verdict": verdict(run, vote),
            "why": reason(state.recorded(EventKind.DECISION_MADE)),
            "has_reasons": vote is not None,
            "method_words": vote.words if vote is not None else "",
            "settings": settings(run),
            "alone_name": worth.single.model if worth else "",
            "alone_usd": worth.single.cost_usd if worth else None,
            "worth": worth,
            "saved_usd": sum((lane.saved_usd for lane in lanes if lane.saved_usd), Decimal(0)),
            "lanes": lanes,
            "expands": any(lane.text and not lane.is_answer for lane in lanes),
            "differ": any(lane.differences for lane in lanes),
            "counts": _lane_counts(lanes),
            "ballots": vote,
            "helpers": tuple(call for call in state.calls if call.purpose not in LANE_PURPOSES),
            "answered_by": f"{'written by' if chosen.role else 'from'} {chosen.model}" if chosen else "",
            "shortfall": " ".join(notes[:first]),
            "notes": notes[first:],
        }

    def redraw(self, events: Sequence[Event], context: Mapping[str, Any]) -> Redraw:
        """Return the sections that events change, or single lanes; a synthesis adds one, which draws all."""
        kinds = {event.kind for event in events}
        touched = {each.name for each in (*self.sections, *self.details) if kinds & each.events}
        if any(event.data.get("purpose") == Purpose.AGGREGATE for event in events):
            touched.add("run-lanes")
        lanes: Sequence[Lane] = context["lanes"]
        drawn = lanes if "run-lanes" in touched else touched_lanes(events, lanes)
        pieces: list[tuple[str, Mapping[str, Any]]] = [("lane", {"lane": lane}) for lane in drawn]
        if "run-lanes" in touched and sum(len(lane.text) for lane in lanes) <= LARGEST_TOGETHER:
            pieces = []
        elif "run-lanes" in touched:
            touched.remove("run-lanes")
            pieces.insert(0, ("run-lanes", {"lanes": [replace(lane, text="") for lane in lanes]}))
        return Redraw(
            sections=frozenset(touched),
            pieces=pieces,
            calls=frozenset(lane.call for lane in drawn if lane.streams),
        )

    def is_elsewhere(self, decision: Mapping[str, Json], context: Mapping[str, Any]) -> bool:
        """Return whether the reason for the answer, or the vote, shows a decision."""
        in_vote = decision["kind"] == BALLOT and context["ballots"] is not None
        return bool(in_vote or decision["kind"] in CONCLUDING)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of decisions by kind, as each strategy gives them."""
        return decision_labels()

    @property
    def escalations(self) -> frozenset[str]:
        """The kinds of decision to ask a further model or to fall back on another strategy."""
        return escalations() | {FALLBACK}

    def moment(self, step: str) -> str:
        """Return in words what was decided at a step, as its strategy describes it."""
        return decided_at(step)

    def method(self, ref: str) -> str:
        """Return the strategy's title; its name where the strategy no longer exists."""
        found = all_strategies().get(ref)
        return found.title if found is not None else ref

    def agreement(self, run: Run) -> float | None:
        """Return the share of the ballots behind the winner, where there was a vote."""
        agreement: float | None = ((run.outcome or {}).get("consensus") or {}).get("agreement")
        return agreement

    def beside_one_model(self, run: Run, stored: Json, now: datetime) -> Mapping[str, Json] | None:
        """Return what a run is worth beside the best single model of its panel."""
        worth = run_worth(run, stored, now)
        return None if worth is None else worth.as_json()

    def start_address(self) -> str:
        """Return the address of Ask."""
        return reverse("strategies:ask")


def run_worth(run: Run, stored: Json, now: datetime) -> PanelWorth | None:
    """Return what a run is worth beside the single model that its outcome has `stored`."""
    return panel_worth(stored, run.quality, float(run.cost_usd), run.working_seconds(now))


class PresetPage(StrategyPage):
    """The page of a run that was started with a preset."""

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:
        """Return what is said of a run of its strategy, and which version of the preset was used."""
        found = super().context(state, now)
        strategy, version = strategy_name(state.run), state.run.request.get("version")
        title = StrategyPage.method(self, strategy)
        used = [("Strategy", title), ("Version", str(version) if version else "draft")]
        return {**found, "settings": [*used, *found["settings"]]}

    def method(self, ref: str) -> str:
        """Return the name of the preset as a method."""
        return f"Preset {ref}"


def _lane_counts(lanes: Sequence[Lane]) -> Mapping[str, int | str]:
    """Return how many models the panel has, how many of them were asked, and in words what became of them."""
    members = [lane for lane in lanes if not lane.role]
    states = Counter(lane.state for lane in members)
    counts = {
        "answered": states[LaneState.ANSWERED] + states[LaneState.REUSED],
        "without a usable answer": states[LaneState.UNUSABLE],
        "failed": states[LaneState.FAILED] + states[LaneState.LOST] + states[LaneState.MISSING],
        "stopped early": states[LaneState.CANCELLED],
    }
    return {
        "panel": len(members),
        "asked": len(members) - states[LaneState.PENDING] - states[LaneState.NOT_ASKED],
        "words": ", ".join(f"{count} {word}" for word, count in counts.items() if count),
    }


def touched_lanes(events: Iterable[Event], lanes: Iterable[Lane]) -> list[Lane]:
    """Return the lanes that `events` concern, by model or by the step of a call, of a model or of a tool."""
    models = {event.data["model"] for event in events if "model" in event.data}
    steps = {answer_step(event.step) for event in events if event.step}
    return [
        lane
        for lane in lanes
        if lane.model in models or steps & {answer_step(call.step) for call in lane.attempts}
    ]
