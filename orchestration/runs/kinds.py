"""What a kind of run brings: how it is checked, executed and shown. Kinds register when Django starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import CharField, QuerySet, Value

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import EventKind, Outcome
from orchestration.runs.models import Call, CallStatus, Event, Run
from orchestration.runs.selectors.run_state import RunState

SavedTitles = QuerySet[Any, tuple[str, str]]
"""Pairs of texts: a ref, and a title, which may be empty."""
LONGEST_NAME = 40
LONGEST_REF = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRequest:
    """A request that can be run, frozen. `prompt` is what was asked, as text for headings and lists.

    `request` is plain JSON that `RunKind.check` accepts again; limits stand under its key `constraints`.
    `panel` has an entry for each model that the run may ask. Raises `InvalidRequest` for a `ref` of more than
    200 characters.
    """

    ref: str
    prompt: str
    request: Mapping[str, Json]
    panel: Sequence[Mapping[str, Json]] = ()

    def __post_init__(self) -> None:
        if len(self.ref) > LONGEST_REF:
            raise InvalidRequest(
                f"The name of what is run has at most {LONGEST_REF} characters.", field="ref"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenRun:
    """A run as it was frozen: everything that executing it may depend on."""

    run: UUID
    team: UUID
    kind: str
    ref: str
    request: Mapping[str, Json]
    panel: Sequence[Mapping[str, Json]]
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Startable:
    """Something that a member can start: its name inside its kind, and the JSON Schema of its payload.

    `cost_usd` and `seconds` are what it typically takes, None where nothing is known.
    """

    ref: str
    title: str
    summary: str = ""
    schema: Mapping[str, Json] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    seconds: float | None = None


class RunKind(ABC):
    """A kind of run. `name` is stored with its runs (at most 40 characters), `title` is for people.

    One that `pauses_itself` is paused by messages to its runs, and the runs cannot be besides. `most_steps`
    is how many steps a run may have with its children.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    pauses_itself: ClassVar[bool] = False
    most_steps: ClassVar[int] = Limits().steps_in_all

    @abstractmethod
    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a payload whole and freeze it.

        Raises `InvalidRequest` with the path of the field at fault.
        """

    @abstractmethod
    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Execute a frozen run, from the start or from its journal. Raises `EngineError`."""

    def check_child(
        self, parent: FrozenRun, ref: str, payload: Mapping[str, Json], panel: Sequence[str]
    ) -> FrozenRun:
        """Freeze a child of another run: `panel` names models among those of the parent, in order.

        Raises `InvalidRequest` for a model that the parent's run may not ask.
        """
        members = [panel_entry(parent.panel, name, role="member") for name in panel]
        return replace(parent, kind=self.name, ref=ref, request=payload, panel=members)

    def freeze_child(
        self,
        membership: Membership,  # noqa: ARG002  # kinds that store what they run look there
        ref: str,
        payload: Mapping[str, Json],  # noqa: ARG002
    ) -> CheckedRequest:
        """Return what a parent has to be frozen with before it starts, so that `check_child` accepts a child.

        `payload` is what is known of the child's by then. The parent's request takes in the one that is
        returned (see `with_children`), and its panel the models. Raises `InvalidRequest`.
        """
        return CheckedRequest(ref=ref, prompt="", request={})

    def named_models(self, ref: str, payload: Mapping[str, Json]) -> Sequence[str]:  # noqa: ARG002  # most name none
        """Return the models that a child's payload names beside its panel: its parent is frozen with them."""
        return ()

    def finished_parts(self, run: Run) -> Collection[str]:  # noqa: ARG002  # most replay all
        """Return the first parts of the keys of steps that the run, claimed again, will not open any more.

        What they left is not read: a run of many parts goes on as quickly after a crash as a small one.
        """
        return ()

    def check_message(self, run: Run, payload: Json) -> Json:  # noqa: ARG002  # kinds that take messages look at them
        """Return what a person says to a run as the run receives it. Raises `InvalidRequest`.

        The run page sends `{"text": ...}`, the text neither empty nor longer than 20,000 characters.
        """
        raise InvalidRequest(f"A run of the kind {self.title} takes no messages.")

    def posted_message(self, posted: Mapping[str, Sequence[str]]) -> Json:  # noqa: ARG002  # most have one text
        """Return what a form of the kind's own sent, as `check_message` takes it; None for a plain `text`.

        `posted` has the values of each field. The page's partial `reply` is the answer, with the `place` that
        the form names, `message_error`, and `message_kept`, the fields of what is refused.
        """
        return None

    def payload(self, run: Run) -> Mapping[str, Json]:
        """Return the payload that starts the same run again."""
        request: Mapping[str, Json] = run.request
        return request

    def choices(self, membership: Membership) -> Sequence[Startable]:  # noqa: ARG002  # most kinds list the team's
        """Return what the member can start."""
        return ()

    def saved_titles(self, membership: Membership) -> SavedTitles | None:  # noqa: ARG002  # most save nothing
        """Return the refs and titles of what the team has saved of this kind, for `kind_titles`."""
        return None

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:
        """Return the names in words of what can be started, by ref; `saved` are those of `saved_titles`."""
        return {**{choice.ref: choice.title for choice in self.choices(membership)}, **saved}

    def record_start(self, membership: Membership, run: Run) -> None:  # noqa: B027  # most are in the history alone
        """Record in the audit log that a member started a run, in the transaction that stores it."""

    def learn(self, runs: Sequence[Run]) -> None:  # noqa: B027  # most kinds learn nothing
        """Learn from runs that are over, each given once, in the transaction that marks them as learned."""

    def learn_rating(self, run: Run) -> None:  # noqa: B027  # most kinds learn nothing
        """Learn from the ratings of a run as they are now, in the transaction that changed them."""


def with_children(request: Mapping[str, Json], children: Iterable[CheckedRequest]) -> dict[str, Json]:
    """Return the request of a parent with what its children are frozen with; objects are joined."""
    found = dict(request)
    for child in children:
        for name, value in child.request.items():
            joins = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = {**found[name], **value} if joins else value
    return found


def panel_entry(panel: Iterable[Mapping[str, Json]], name: str, *, role: str) -> dict[str, Json]:
    """Return the entry of a frozen panel for the model called `name`, in another role.

    Raises `InvalidRequest`.
    """
    for entry in panel:
        if entry["spec"]["name"] == name:
            return {**entry, "role": role}
    raise InvalidRequest(f"This run was not started with a model called {name!r}.", field="models")


CALL_EVENTS = frozenset(
    {EventKind.CALL_STARTED, EventKind.CALL_FINISHED, EventKind.CALL_FAILED}
    | {EventKind.CALL_CANCELLED, EventKind.CALL_LOST}
)
START_EVENTS = frozenset(
    {EventKind.RUN_QUEUED, EventKind.RUN_STARTED, EventKind.RUN_RESUMED, EventKind.RUN_WAITED}
)
END_EVENTS = frozenset({EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of a run's page: `name` is the partial in the kind's template and the id of its element.

    It is drawn anew after each event whose kind is among `events`, and when a run ends.
    """

    name: str
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Redraw:
    """What events change on a page: whole sections, and partials of the kind's template with more context.

    `calls` are the running calls whose text element is drawn by it.
    """

    sections: frozenset[str] = frozenset()
    pieces: Sequence[tuple[str, Mapping[str, Any]]] = ()
    calls: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedDetails:
    """What of a run is compared with others beside its answer.

    `tables` have lines, each the name of a thing and what is to be said of it, below their titles. `story` is
    what happened in order: who, the words, and seconds since the start. `note` says where the run came from.
    """

    tables: Mapping[str, Sequence[tuple[str, str]]]
    story: Sequence[tuple[str, str, float]] = ()
    note: str = ""


class KindPage:
    """What a kind's runs look like on the pages that all kinds share. Each attribute has a plain default.

    `sentence` says what is under way until there is an answer. `why` is a template in the card that says why
    this is the answer. `sections` stand below that card, `details` below the path. `sentences` maps the
    kind's own events to templates; `remembered` are those that a page needs however old they are. `advice`
    says by error code what to do. `actions` is a template with what can be done to a run in place of pausing
    and cancelling it. A page that `is_personal` shows each member something else (`personal`): it is drawn
    for each of them, which costs more. `reply` is the partial that says what came of a message of the kind's
    own. `menu` is a template with more entries of the menu of a run. The runs of one that `is_large` may have
    many thousands of calls: their page reads none of them, nor steps, nor the events of steps, and has the
    totals of the run alone.
    """

    template: str = "runs/sections.html"
    sentence: str = "runs/_sentence.html"
    why: str = ""
    stylesheets: Sequence[str] = ()
    sections: Sequence[Section] = (Section(name="run-calls", events=CALL_EVENTS),)
    details: Sequence[Section] = ()
    sentences: Mapping[str, str] = {}
    remembered: frozenset[str] = frozenset()
    advice: Mapping[str, str] = {}
    actions: str = ""
    is_personal: bool = False
    reply: str = ""
    menu: str = ""
    is_large: bool = False

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # other pages tell the time
        """Return what the sections, the sentence and the reason for the answer show.

        All of these may be left out: `headline` (`text`, and `is_all` where the answer says no more) is shown
        large, `verdict` says how far others agree, `shortfall` what the run's caveat is, `answered_by` whose
        answer it is; `why` is the sentence on why it was chosen, `has_reasons` is true where the template
        `why` has more to show, `notes` follow it;
        `method_words`, `settings` (pairs of label and value), `alone_name` with `alone_usd`, and `saved_usd`
        are facts. `path` is a waterfall that stands in place of that of calls and decisions; with
        `own_table` a section of the kind has its table. `message_label`, where it is not empty, labels a
        field with which members send messages to the run until it ends.
        """
        return {"calls": state.calls}

    def chosen(self, state: RunState, query: Mapping[str, str], now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Return what else the page shows where the query of its address chooses a part of it.

        The socket draws none of it.
        """
        return {}

    def personal(self, context: Mapping[str, Any], member: Membership) -> dict[str, Any]:  # noqa: ARG002
        """Return what a member is shown besides; `context` is that of the page."""
        return {}

    def redraw(self, events: Sequence[Event], context: Mapping[str, Any]) -> Redraw:
        """Return what `events` change; `context` is that of the page.

        The sections are taken to show the text of each of the context's `calls` that is running.
        """
        kinds = {event.kind for event in events}
        touched = {
            section.name
            for section in (*self.sections, *self.details)
            if kinds & (section.events | END_EVENTS | START_EVENTS)
        }
        calls: Iterable[Call] = context.get("calls", ()) if touched else ()
        running = (str(call.pk) for call in calls if call.status == CallStatus.RUNNING)
        return Redraw(sections=frozenset(touched), calls=frozenset(running))

    def is_elsewhere(self, decision: Mapping[str, Json], context: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Tell whether a section of the kind shows a decision, so that no card has to."""
        return False

    @property
    def labels(self) -> Mapping[str, str]:
        """What decisions are about, in words, by their kind."""
        return {}

    @property
    def escalations(self) -> frozenset[str]:
        """The kinds of decision to go on because a result would not do."""
        return frozenset()

    def moment(self, step: str) -> str:  # noqa: ARG002  # for overriding
        """Return in words what was decided at a step, empty where there are none."""
        return ""

    def method(self, ref: str) -> str:
        """Return how the history names what was run."""
        return ref

    def agreement(self, run: Run) -> float | None:  # noqa: ARG002  # most kinds have one answer
        """Return the share of a run's answers that agree, None where none were compared."""
        return None

    def beside_one_model(self, run: Run, stored: Json, now: datetime) -> Mapping[str, Json] | None:  # noqa: ARG002
        """Return what a run is worth beside one model (`model`, `basis`, `quality`, `cost_usd`, `gain`, ...).

        `stored` is what its outcome has as `single`. None where it was compared with none.
        """
        return None

    def compared(self, run: Run) -> ComparedDetails | None:  # noqa: ARG002  # most kinds have an answer, and that is all
        """Return what else of a run is compared with others, None where that is nothing."""
        return None

    def start_address(self) -> str:
        """Return the page where runs of the kind are started, empty when there is none."""
        return ""

    def change_address(self, run: Run) -> str:
        """Return where a run is changed and started again, empty when it cannot be."""
        start = self.start_address()
        return f"{start}?from={run.pk}" if start else ""


KINDS: dict[str, RunKind] = {}
PAGES: dict[str, KindPage] = {}
"""The page of each kind; what is shown of a run may come from any of them, for a run may have children."""


def register(kind: RunKind, page: KindPage | None = None) -> None:
    """Make a kind known; apps call it when Django starts. Raises `ValueError` for a name that is too long."""
    if len(kind.name) > LONGEST_NAME:
        raise ValueError(f"The name of a run kind has at most {LONGEST_NAME} characters: {kind.name}.")
    KINDS[kind.name], PAGES[kind.name] = kind, page or KindPage()


def all_kinds() -> Sequence[RunKind]:
    """Return every kind, in the order in which they were registered."""
    return list(KINDS.values())


def kind_titles(membership: Membership) -> Mapping[str, Mapping[str, str]]:
    """Return the names in words of what can be started, by kind and ref: the history filters by them.

    What teams have saved of all kinds is read with one query.
    """
    queries = {
        kind.name: found for kind in all_kinds() if (found := kind.saved_titles(membership)) is not None
    }
    named = [found.annotate(of=Value(name, CharField())).order_by() for name, found in queries.items()]
    rows = named[0].union(*named[1:], all=True) if named else ()
    saved: dict[str, dict[str, str]] = defaultdict(dict)
    for ref, title, kind in sorted(rows):
        saved[kind][ref] = title or ref
    return {kind.name: kind.titles(membership, saved[kind.name]) for kind in all_kinds()}


def get_kind(name: str) -> RunKind:
    """Return a kind by name. Raises `InvalidRequest` that names those there are."""
    if name not in KINDS:
        raise InvalidRequest(
            f"There is no run kind {name!r}; there are {', '.join(sorted(KINDS)) or 'none'}.", field="kind"
        )
    return KINDS[name]


def get_page(name: str) -> KindPage:
    """Return the page of a kind; runs of a kind that is gone are shown plainly."""
    return PAGES.get(name) or KindPage()


def large_kinds() -> frozenset[str]:
    """Return the names of the kinds whose pages read no calls and steps."""
    return frozenset(name for name, page in PAGES.items() if page.is_large)


def decided_at(step: str) -> str:
    """Return in words what was decided at a step, which may be a child's; empty where no kind says it."""
    parts = step.split("/")
    for start in range(len(parts)):
        key = "/".join(parts[start:])
        for page in PAGES.values():
            if words := page.moment(key):
                return words
    return ""


def child_result(outcome: Outcome) -> dict[str, Json]:
    """Return what a parent gets of a child's outcome, as plain data."""
    found = {"answer": outcome.answer, "output": outcome.output, "score": outcome.score}
    return {**found, "data": dict(outcome.data)}
