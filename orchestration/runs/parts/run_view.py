"""Everything the run page shows, made of what the tables say: the page and its socket render the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestra_site.web.words import plain_name, plain_value
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import EventKind
from orchestration.runs.kinds import (
    CALL_EVENTS,
    END_EVENTS,
    PAGES,
    START_EVENTS,
    KindPage,
    decided_at,
    get_page,
)
from orchestration.runs.models import (
    CommandKind,
    Event,
    HumanQuestion,
    Rating,
    Run,
    RunStatus,
    asked_to,
)
from orchestration.runs.parts.questions import QuestionCard, question_card
from orchestration.runs.parts.waterfall import Waterfall, elapsed_s, waterfall
from orchestration.runs.selectors.run_state import RunState

ADVICE = {
    "internal_error": "Run it again; if it fails again, tell the administrator of this installation.",
    "replay_mismatch": "Run it again: this run was started by another version of Orchestra.",
}
AFTER_A_PAUSE = frozenset({EventKind.RUN_WAITED, EventKind.RUN_RESUMED})
"""Events by which a pause has taken effect, or was lost with its process."""
OWN_EVENTS = {kind.value for kind in EventKind}
LONGEST_VALUE = 200
LONGEST_HEADING = 300
MOST_LINES = 6
PLAIN_LINE = "runs/events/other.html"
"""Shows an event by its name and the plain values of its data."""


class Part(StrEnum):
    """Parts of the run page that every kind has and that are swapped whole: partial and element's id."""

    SUMMARY = "run-summary"
    ACTIONS = "run-actions"
    NOTICE = "run-notice"
    ANSWER = "run-answer"
    WHY = "run-why"
    PATH_WORDS = "run-path-words"
    PATH = "run-path"
    RATINGS = "run-ratings"
    MESSAGE = "run-message"


THE_PATH = frozenset({Part.PATH, Part.PATH_WORDS})
PROGRESS = frozenset({Part.SUMMARY, Part.ANSWER})
OF_THE_START = PROGRESS | THE_PATH | {Part.ACTIONS, Part.NOTICE}
TOUCHED: Mapping[str, frozenset[Part]] = {
    **dict.fromkeys(START_EVENTS, OF_THE_START),
    **dict.fromkeys(END_EVENTS, OF_THE_START | {Part.WHY, Part.MESSAGE}),
    **dict.fromkeys(CALL_EVENTS, PROGRESS | THE_PATH),
    EventKind.PHASE_STARTED: frozenset(),
    EventKind.ANSWER_REUSED: PROGRESS | THE_PATH,
    EventKind.DECISION_MADE: PROGRESS | THE_PATH | {Part.WHY},
    EventKind.STEP_ENDED: THE_PATH,
    EventKind.TOOL_CALLED: frozenset(),
    EventKind.TOOL_ENDED: frozenset(),
    EventKind.QUESTION_ASKED: frozenset({Part.NOTICE, Part.ACTIONS}),
    EventKind.QUESTION_ANSWERED: frozenset({Part.NOTICE, Part.ACTIONS}),
    EventKind.ANSWER_WITHDRAWN: frozenset({Part.NOTICE, Part.ACTIONS}),
    EventKind.COMMAND_RECEIVED: frozenset({Part.ACTIONS}),
    EventKind.MESSAGE_RECEIVED: frozenset(),
    EventKind.RUN_RATED: frozenset({Part.RATINGS}),
}


def touched_parts(events: Iterable[Event]) -> frozenset[Part]:
    """Return the parts that `events` change; one of a kind's own may change the sentence and the reasons."""
    of_people = any(event.data.get("kind") == StepKind.HUMAN for event in events)
    touched = (TOUCHED.get(event.kind, PROGRESS | {Part.WHY}) for event in events)
    return frozenset({Part.NOTICE} if of_people else ()).union(*touched)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A run's totals. `unpriced` names models that were called and whose cost is not known.

    `tokens` is None where nobody has counted them.

    `over_usd` is what the known costs are above the run's limit, None where they are within it.
    """

    calls: int
    tokens: int | None
    cost_usd: Decimal
    over_usd: Decimal | None
    unpriced: tuple[str, ...]
    maybe_billed: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryLine:
    """An event with the template that has its sentence; `after` is the time since the run was started.

    `model` was asked at the event's step, if any. An event that no template is known for is shown as plain
    data: `words` and `facts`.
    """

    event: Event
    after: timedelta
    template: str
    model: str = ""

    @property
    def seconds(self) -> float:
        """Seconds since the run was asked for."""
        return max(0.0, self.after.total_seconds())

    @property
    def words(self) -> str:
        """The event's name as words."""
        return plain_name(self.event.kind).capitalize()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is plain in the event's data, by name, each value cut at 200 characters."""
        return [
            (plain_name(name), plain_value(name, value)[:LONGEST_VALUE])
            for name, value in self.data.items()
            if isinstance(value, (str, int, float))
        ]

    @property
    def data(self) -> Mapping[str, Json]:
        """The event's data."""
        return self.event.data if isinstance(self.event.data, dict) else {}

    @property
    def label(self) -> str:
        """What a decision is about."""
        return decision_label(str(self.data.get("kind")))

    @property
    def asked_to(self) -> str:
        """What a model was asked to do."""
        return asked_to(str(self.data.get("purpose", "")))

    @property
    def recorded(self) -> str:
        """What an ended step left in the journal."""
        if self.model:
            return f"what {self.model} said"
        if self.data.get("kind") == StepKind.TOOL:
            return "what a tool gave"
        moment = decided_at(self.event.step)
        return f"“{moment}”" if moment else "a step"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """A run page's content. `advice` says what to do about a failure, where its own sentence does not.

    `parked` says whether a run that waits was `paused`, or else waits `for_people`; `own` is the context of
    the kind's sections.
    """

    run: Run
    page: KindPage
    facts: Facts
    decisions: tuple[Mapping[str, Json], ...]
    path: Waterfall
    story: tuple[StoryLine, ...]
    ratings: tuple[Rating, ...]
    questions: tuple[QuestionCard, ...]
    parked: Mapping[str, Json]
    advice: str
    cancelling: bool
    pausing: bool
    first: int
    seq: int
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sections(self) -> list[str]:
        """The partials of the kind that stand below the reason for the answer."""
        return [f"{self.page.template}#{section.name}" for section in self.page.sections]

    @property
    def details(self) -> list[str]:
        """The partials of the kind that stand below the path."""
        return [f"{self.page.template}#{section.name}" for section in self.page.details]

    @property
    def needs_you(self) -> bool:
        """True where the member who looks at a personal page is asked something."""
        return self.page.is_personal and bool(self.for_viewer)

    @property
    def for_viewer(self) -> list[QuestionCard]:
        """The questions whose forms are shown."""
        return [card for card in self.questions if card.may_answer]

    @property
    def for_others(self) -> list[QuestionCard]:
        """The questions that the member who looks may not answer."""
        return [card for card in self.questions if not card.may_answer]

    @property
    def folds_question(self) -> bool:
        """True where the question may take more than six lines."""
        prompt = self.run.prompt
        return len(prompt) > LONGEST_HEADING or prompt.count("\n") >= MOST_LINES

    @property
    def has_why(self) -> bool:
        """True once there is something to say on why the answer is, or will be, what it is."""
        own = any(self.own.get(name) for name in ("why", "has_reasons", "notes"))
        return own or bool(self.escalations or self.choices)

    @property
    def method(self) -> str:
        """What was run, in words."""
        return self.page.method(self.run.ref)

    @property
    def change_address(self) -> str:
        """Where the run is changed and started again, empty when it cannot be."""
        return self.page.change_address(self.run)

    @property
    def escalations(self) -> tuple[Mapping[str, Json], ...]:
        """Decisions to go on because an answer would not do."""
        return tuple(each for each in self.decisions if each["kind"] in self.page.escalations)

    @property
    def choices(self) -> tuple[Mapping[str, Json], ...]:
        """The other decisions, unless a section of the kind shows them."""
        return tuple(
            each
            for each in self.decisions
            if each["kind"] not in self.page.escalations and not self.page.is_elsewhere(each, self.own)
        )

    @property
    def limits(self) -> Mapping[str, Json]:
        """The limits the member set."""
        limits: Mapping[str, Json] = self.run.request.get("constraints") or {}
        return {name: limit for name, limit in limits.items() if limit is not None}


def run_view(state: RunState, *, after: int, now: datetime, member: Membership | None = None) -> RunView:
    """Return what to show of `state`; the story has the events after number `after`.

    `member` looks at a page that is personal.
    """
    page = get_page(state.run.kind)
    final: Sequence[Mapping[str, Json]] | None = (state.run.outcome or {}).get("decisions")
    parked = state.recorded(EventKind.RUN_WAITED)
    commands = [e for e in state.remembered if e.kind == EventKind.COMMAND_RECEIVED]
    pauses = [e.seq for e in commands if e.data.get("kind") == CommandKind.PAUSE]
    since = max((e.seq for e in state.remembered if e.kind in AFTER_A_PAUSE), default=0)
    models = {call.step: call.model for call in state.calls}
    own = page.context(state, now)
    if page.is_personal and member is not None:
        own |= page.personal(own, member)
    return RunView(
        run=state.run,
        page=page,
        facts=_totals(state.run, now) if page.is_large else _facts(state, now),
        decisions=tuple(map(with_shares, final or state.recorded(EventKind.DECISION_MADE))),
        path=own.get("path") or waterfall(state, now, decided_at),
        story=tuple(_line(event, state.run, models) for event in state.new_events),
        ratings=state.ratings,
        questions=tuple(_question(each, page, member) for each in state.questions),
        parked=parked[-1] if parked else {},
        advice=ADVICE.get(state.run.error_code) or page.advice.get(state.run.error_code, ""),
        cancelling=not state.run.is_over and any(e.data.get("kind") == CommandKind.CANCEL for e in commands),
        pausing=state.run.status == RunStatus.RUNNING and max(pauses, default=0) > since,
        first=after + 1,
        seq=state.seq,
        own=own,
    )


def _question(question: HumanQuestion, page: KindPage, member: Membership | None) -> QuestionCard:
    """Return the card of a question; where all are shown the same, everyone is shown its form."""
    is_for_all = not page.is_personal
    allowed = is_for_all or (member is not None and question.may_be_answered_by(member))
    return question_card(question, may_answer=allowed)


def _facts(state: RunState, now: datetime) -> Facts:
    priced = _priced(state.run)
    cost = sum((call.cost_usd for call in state.calls if call.cost_usd is not None), Decimal(0))
    limit = (state.run.request.get("constraints") or {}).get("max_cost_usd")
    over = Decimal(0) if limit is None else cost - Decimal(str(limit))
    return Facts(
        calls=len(state.calls),
        tokens=sum(call.input_tokens + call.output_tokens for call in state.calls),
        cost_usd=cost,
        over_usd=over if over > 0 else None,
        unpriced=tuple(sorted({call.model for call in state.calls} - priced)),
        maybe_billed=sum(call.maybe_billed for call in state.calls),
        seconds=elapsed_s(state, now),
    )


def _totals(run: Run, now: datetime) -> Facts:
    """Return what the run's own row says of its calls."""
    limit = (run.request.get("constraints") or {}).get("max_cost_usd")
    over = Decimal(0) if limit is None else run.cost_usd - Decimal(str(limit))
    return Facts(
        calls=run.calls_started,
        tokens=None,
        cost_usd=run.cost_usd,
        over_usd=over if over > 0 else None,
        unpriced=tuple(sorted(_names(run) - _priced(run))),
        maybe_billed=0,
        seconds=run.working_seconds(now),
    )


def _priced(run: Run) -> set[str]:
    return {each["spec"]["name"] for each in run.panel if (each.get("spec") or {}).get("prices")}


def _names(run: Run) -> set[str]:
    return {each["spec"]["name"] for each in run.panel}


def _line(event: Event, run: Run, models: Mapping[str, str]) -> StoryLine:
    known = f"runs/events/{event.kind}.html" if event.kind in OWN_EVENTS else PLAIN_LINE
    own = (page.sentences[event.kind] for page in PAGES.values() if event.kind in page.sentences)
    template = next(own, known)
    model = models.get(event.step, "")
    return StoryLine(event=event, after=event.at - run.created_at, template=template, model=model)


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
    return {**decision, "label": decision_label(decision["kind"]), "rows": rows}


def decision_label(kind: str) -> str:
    """Return what decisions of a kind are about, in words."""
    labels = (page.labels.get(kind) for page in PAGES.values())
    return next(filter(None, labels), "Decision")
