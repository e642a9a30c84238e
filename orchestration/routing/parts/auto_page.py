"""What the run page shows of `auto`: the decision card, the methods tried, what their models said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.arms import WEIGHTS, ResultSource
from orchestration.routing.engine.constraints import MethodLevel
from orchestration.routing.engine.executing import FALLBACK, ROUTE, AutoEvent, attempt_step
from orchestration.routing.engine.learning import levels
from orchestration.routing.models import RouterCell
from orchestration.routing.selectors import RULES
from orchestration.routing.services.learning import stored_context
from orchestration.runs.engine.types import EventKind, StepStatus
from orchestration.runs.kinds import (
    CALL_EVENTS,
    END_EVENTS,
    START_EVENTS,
    KindPage,
    Redraw,
    Section,
)
from orchestration.runs.models import Call, Event, Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.strategy import decision_labels
from orchestration.strategies.engine.strategy import escalations as strategy_escalations
from orchestration.strategies.engine.types import StrategyEvent, dollars
from orchestration.strategies.parts.inner_runs import PAGE as STRATEGY_PAGE
from orchestration.strategies.parts.inner_runs import inner_run
from orchestration.strategies.parts.lanes import Lane
from orchestration.strategies.parts.reasons import headline
from orchestration.strategies.parts.strategy_page import run_worth

METHOD_EVENTS = frozenset({*AutoEvent, EventKind.DECISION_MADE})
ANSWERED, NOT_TRIED = "Answered", "not_run"
"""The word for the attempt whose answer is used, and the state of one that was not tried."""
SHOWN_UNUSED = 6
"""Methods that the card shows at once beside those that were tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAttempt:
    """A method of the chain as the page shows it: a state that `state` draws, what it took, and why it ended.

    Quality is 0 to 1, None where nothing judged the answer; money is US dollars, times are seconds.
    """

    number: int
    title: str
    level: str
    ref: str
    state: str
    word: str
    detail: str = ""
    quality: float | None = None
    seconds: float | None = None
    cost_usd: Decimal = Decimal(0)
    calls: int = 0
    models: Mapping[str, Any] | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether its answer is that of the run."""
        return self.word == ANSWERED

    @property
    def is_idle(self) -> bool:
        """Whether it was not tried."""
        return self.state == NOT_TRIED

    @property
    def what(self) -> str:
        """What kind of method it is, in words."""
        return "single model" if self.level == MethodLevel.MODEL else self.level


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """How the calls of a run went: how many ran at the same time, came from the cache, were repeated."""

    calls: int
    together: int
    reused: int
    repeated: int


class AutoPage(KindPage):
    """The page of a run that chose its method."""

    template = "routing/run_sections.html"
    sentence = "routing/_run_sentence.html"
    why = "routing/_why.html"
    stylesheets = ("css/ballots.css", "css/routing.css")
    sections = (
        Section(name="auto-card", events=METHOD_EVENTS | START_EVENTS | END_EVENTS),
        Section(name="auto-models", events=METHOD_EVENTS | START_EVENTS | END_EVENTS | CALL_EVENTS),
    )
    sentences: Mapping[str, str] = {kind: f"routing/events/{kind}.html" for kind in AutoEvent}
    remembered = frozenset({*AutoEvent, *StrategyEvent, EventKind.TOOL_CALLED, EventKind.TOOL_ENDED})
    advice: Mapping[str, str] = {
        **STRATEGY_PAGE.advice,
        "no_method_answered": "Look at each method below, test the models under Models, and run it again.",
    }

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:
        """Return the decision card, the attempts, and what the models of the last one said."""
        run, plan = state.run, state.run.request.get("plan")
        if not plan:
            return {"calls": state.calls}
        attempts = _attempts(state, plan, now)
        shown = next((each for each in reversed(attempts) if each.models), None)
        inner: Mapping[str, Any] = shown.models if shown is not None and shown.models is not None else {}
        outcome: Mapping[str, Json] = run.outcome or {}
        notes = tuple(outcome.get("notes") or ())
        first = 1 if run.caveat else 0
        lanes: Sequence[Lane] = inner.get("lanes", ())
        title = outcome.get("title") or plan["title"]
        worth = run_worth(run, outcome.get("single"), now)
        return {
            "plan": plan,
            "attempts": attempts,
            "shown": shown,
            "m": inner,
            "lanes": lanes,
            "considered": _considered(plan, attempts),
            "unused": _unused(plan, attempts),
            "expected": next((each for each in plan["considered"] if each["ref"] == plan["method"]), None),
            "single": _single(plan) if worth is None else None,
            "worth": worth,
            "performance": performance(state.calls, len(state.reused)),
            "learned": _learned(run, outcome),
            "reused_run": outcome.get("reused", ""),
            "alone_name": worth.single.model if worth else "",
            "alone_usd": worth.single.cost_usd if worth else None,
            "headline": headline(run),
            "verdict": inner.get("verdict", ""),
            "why": " ".join(filter(None, [plan["reason"], inner.get("why", "")])),
            "has_reasons": True,
            "ballots": inner.get("ballots"),
            "method_words": title,
            "answered_by": f"by {title}" if run.answer else "",
            "shortfall": " ".join(notes[:first]),
            "notes": notes[first:],
        }

    def redraw(self, events: Sequence[Event], context: Mapping[str, Any]) -> Redraw:
        """Return the sections that events change, with the texts that are being written there."""
        kinds = {event.kind for event in events}
        touched = {each.name for each in self.sections if kinds & each.events}
        lanes: Sequence[Lane] = context.get("lanes", ())
        streaming = (lane.call for lane in lanes if lane.streams) if "auto-models" in touched else ()
        return Redraw(sections=frozenset(touched), calls=frozenset(streaming))

    def is_elsewhere(self, decision: Mapping[str, Json], context: Mapping[str, Any]) -> bool:
        """Return whether the card, the vote or the reason for the answer shows a decision."""
        return decision["kind"] == ROUTE or STRATEGY_PAGE.is_elsewhere(decision, {"ballots": None, **context})

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of decisions by kind."""
        return {**decision_labels(), ROUTE: "Method"}

    @property
    def escalations(self) -> frozenset[str]:
        """The kinds of decision to go on to another method or model."""
        return strategy_escalations() | {FALLBACK}

    def method(self, ref: str) -> str:
        """Return the title of a rule set of the gallery, else its name."""
        entry = RULES.gallery.get(ref)
        return entry.title if entry is not None else f"Auto: {ref}"

    def agreement(self, run: Run) -> float | None:
        """Return the share of the ballots behind the winner, where there was a vote."""
        return STRATEGY_PAGE.agreement(run)

    def beside_one_model(self, run: Run, stored: Json, now: datetime) -> Mapping[str, Json] | None:
        """Return what a run is worth beside the best single model."""
        return STRATEGY_PAGE.beside_one_model(run, stored, now)

    def start_address(self) -> str:
        """Return the address of Ask."""
        return reverse("strategies:ask")


def performance(calls: Sequence[Call], reused: int) -> Performance:
    """Return how calls went."""
    spans = [(call.started_s, call.started_s + (call.latency_s or 0.0)) for call in calls]
    together = max((sum(start <= at < end for start, end in spans) for at, _ in spans), default=0)
    repeated = sum(call.attempt > 1 for call in calls)
    return Performance(calls=len(calls), together=together, reused=reused, repeated=repeated)


def _attempts(state: RunState, plan: Mapping[str, Json], now: datetime) -> list[ShownAttempt]:
    """Return all links of the chain, tried or not; the models of the last one that asked any, as lanes."""
    run, steps = state.run, {step.key: step for step in state.steps}
    rows = {each["step"]: each for each in (run.outcome or {}).get("attempts", ())}
    ended = {event.step: event.data for event in state.remembered if event.kind == AutoEvent.METHOD_ENDED}
    started = {event.step for event in state.remembered if event.kind == AutoEvent.METHOD_STARTED}
    answer = (run.outcome or {}).get("method")
    found: list[ShownAttempt] = []
    newest = max((n for n in range(len(plan["chain"])) if attempt_step(n) in started), default=-1)
    used = next((n for n, each in enumerate(plan["chain"]) if each["ref"] == answer), newest)
    for number, link in enumerate(plan["chain"]):
        key = attempt_step(number)
        step, about = steps.get(key), {**ended.get(key, {}), **rows.get(key, {})}
        calls = [call for call in state.calls if call.step.startswith(f"{key}/")]
        look, word = _look(
            run,
            step.status if step else "",
            about,
            is_started=key in started,
            is_used=number == used,
        )
        inner = _inner(state, link, key, now) if number == used else None
        found.append(
            ShownAttempt(
                number=number + 1,
                title=link["title"],
                level=link["level"],
                ref=link["ref"],
                state=look,
                word=word,
                detail=about.get("failure") or about.get("shortfall") or about.get("detail") or "",
                quality=about.get("quality"),
                seconds=step.seconds if step else None,
                cost_usd=sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0)),
                calls=len(calls),
                models=inner,
            )
        )
    return found


def _look(
    run: Run, status: str, about: Mapping[str, Json], *, is_started: bool, is_used: bool
) -> tuple[str, str]:
    """Return the state of an attempt as icon and word."""
    if status == StepStatus.DONE:
        if is_used and run.is_over:
            return "succeeded", ANSWERED
        return ("succeeded", "Done") if about.get("ok", True) else ("below_quality", "Not good enough")
    if status == StepStatus.FAILED:
        return "failed", "Failed"
    if status == StepStatus.CANCELLED or (is_started and run.is_over):
        return "cancelled", "Stopped"
    if is_started:
        return "running", "Under way"
    return NOT_TRIED, "Not needed" if run.is_over else "If needed"


def _inner(state: RunState, link: Mapping[str, Json], key: str, now: datetime) -> Mapping[str, Any] | None:
    """Return what the models of a strategy said; a pipeline or session has none to show here."""
    kind, _, ref = link["ref"].partition("/")
    if kind not in {"strategy", "model"}:
        return None
    strategy = "" if kind == "model" else ref
    written = {"strategy": strategy, "models": link["models"], "options": link["options"]}
    return inner_run(state, key, written, now)


def _considered(plan: Mapping[str, Json], attempts: Sequence[ShownAttempt]) -> list[Mapping[str, Json]]:
    """Return the methods that the card shows at once: those of the chain, and the best of the others."""
    tried = [each.ref for each in attempts]
    usable = [each for each in plan["considered"] if each["offered"] and not each["obstacle"]]
    rest = [each for each in usable if each["ref"] not in tried]
    top = {each["ref"] for each in rest[:SHOWN_UNUSED]} | {*tried}
    return [
        {**each, "is_chosen": each["ref"] == plan["method"]}
        for each in plan["considered"]
        if each["ref"] in top
    ]


def _unused(plan: Mapping[str, Json], attempts: Sequence[ShownAttempt]) -> list[Mapping[str, Json]]:
    """Return the methods that could not be used, or that the card has no room for."""
    shown = {each["ref"] for each in _considered(plan, attempts)}
    known = [each for each in plan["considered"] if each["offered"] or each["obstacle"]]
    return [each for each in known if each["ref"] not in shown]


def _single(plan: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return the best single model by itself, where another method was chosen."""
    if plan["single"] in {"", plan["method"]}:
        return None
    return next((each for each in plan["considered"] if each["ref"] == plan["single"]), None)


def _learned(run: Run, outcome: Mapping[str, Json]) -> str:
    """Return what the router knows of the method now, in a sentence; empty until it has learned."""
    if run.learned_at is None or not outcome.get("method") or outcome.get("reused"):
        return ""
    context = stored_context(run)
    kind = levels(context)[2]
    row = RouterCell.objects.filter(team_id=run.team_id, ref=outcome["method"], level=kind).first()
    if row is None:
        return ""
    quality = row.quality / max(row.judged, 1e-9)
    judged = f"weight of judgements {round(row.judged, 1):g}, mean quality {quality:.0%}"
    known = judged if row.judged > 0 else "none judged yet"
    cost = dollars(Decimal(str(row.cost_usd / row.counted)))
    more = WEIGHTS[ResultSource.RATING] / WEIGHTS[ResultSource.POSTERIOR]
    counted = f"{row.counted:.0f} result{'' if round(row.counted) == 1 else 's'}"
    return (
        f"{outcome['title']} now has {counted} with questions of the kind “{context.kind}”"
        f" ({known}), on average {cost} and"
        f" {row.seconds / row.counted:.1f} s. A rating of this answer counts {more:.0f} times as much."
    )
