"""What a session is made of: its state, what happens to it (entries), what it wants done (actions), records.

All are plain values. Times (`at`) are seconds since the session began, money is US dollars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Literal

from collaboration.engine.answers import CUT, LONGEST_ANSWER, ActionKind, ParsedAnswer
from collaboration.engine.impact import Contribution
from collaboration.engine.lineup import LineUp, Participant
from collaboration.engine.negotiation import Negotiation
from collaboration.engine.phases import Phase, moved
from collaboration.engine.plan import Plan, Subtask
from collaboration.engine.roles import Power
from collaboration.engine.selection import Records
from collaboration.engine.stopping import Counts
from orchestra_site.web.alphabets import storable_text
from orchestration.llm.engine.types import Json, estimate_tokens
from orchestration.runs.engine.types import Person

MOST_REFUSALS = 50
"""Refused moves of one participant that are recorded; later ones are only counted."""
HEADING = 20
"""Tokens of what stands around a message in a prompt."""
MemberStatus = Literal["active", "bench", "lost", "left"]
MessageKind = Literal["proposal", "response", "question", "delegation", "status_update", "result", "error"]
DecisionKind = Literal["resource_allocation", "task_division", "approach", "conflict", "quality"]


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """One message. `sender` is a participant, "" for the session itself; `to` is empty for all.

    `about` is the subtask or proposal that it concerns, `data` what readers under the structured protocol are
    shown instead of the text; with an error it is the command that a person was refused. A `pinned` one stays
    in every context. `at` is seconds of session time.
    """

    number: int
    at: float
    phase: Phase
    kind: MessageKind
    text: str
    sender: str = ""
    to: tuple[str, ...] = ()
    about: str = ""
    pinned: bool = False
    data: Mapping[str, Json] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Roughly how many tokens it takes in a prompt."""
        return estimate_tokens(self.text) + HEADING


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionMember:
    """A participant of the line-up, or a person who joined: whether it takes part, and why (not).

    `user` is the id of the user who has the seat of a person.
    """

    participant: Participant
    status: MemberStatus = "active"
    reason: str = ""
    user: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Something to be done next, by its number.

    `participant` is asked; a tool is called for them. `choices` are what the answer may name. `request` is
    the question, the work, or why work was sent back. `problem` says what was wrong with the `previous`
    answer. A person has `deadline_s` seconds to answer.
    """

    number: int
    kind: ActionKind
    participant: str
    subtask: str = ""
    choices: tuple[str, ...] = ()
    request: str = ""
    asked_by: str = ""
    problem: str = ""
    previous: str = ""
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class CastVote:
    """A stance or vote that counted: `said` is support, oppose, abstain or vote."""

    voter: str
    option: str
    said: str
    weight: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision: the question, the options in words by their ids, every vote, the choice and why."""

    number: int
    at: float
    kind: DecisionKind
    question: str
    selected: str
    rationale: str
    options: Mapping[str, str] = field(default_factory=dict)
    votes: tuple[CastVote, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnding:
    """How a session ended.

    `caveat` is the code of what a completed one falls short of, or of why it failed; `words` say it.
    """

    words: str
    caveat: str = ""
    quality: float | None = None
    consensus: float | None = None
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkPoint:
    """Where a session began to differ from another one, the run `of`, by whom, in which `words`, which way.

    What came before, up to the `entry` and the session time `at`, is the other's, and so is its `cost_usd`.
    """

    of: str
    entry: int
    by: str
    words: str
    direction: str
    at: float
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionState:
    """A session at one moment.

    `pending` are the actions under way. A pause keeps back the actions that are `held` and the answers that
    are `deferred`. `approach` is what was agreed on beside the plan, `directions` are what people redirected
    it to. `summary` stands for the messages to all up to the number `summarised`. `asked` counts actions,
    `refused` refusals by sender. A `fork` has counts of its own.
    """

    task: str
    lineup: LineUp
    members: Mapping[str, SessionMember]
    records: Records
    seed: int = 0
    phase: Phase = Phase.PLANNING
    paused_at: float | None = None
    paused_for: float = 0.0
    plan: Plan = field(default_factory=Plan)
    approach: str = ""
    directions: tuple[str, ...] = ()
    log: tuple[SessionMessage, ...] = ()
    summary: str = ""
    summarised: int = 0
    negotiation: Negotiation | None = None
    votes: Mapping[str, ParsedAnswer] = field(default_factory=dict)
    consensus: float | None = None
    decisions: tuple[DecisionRecord, ...] = ()
    pending: Mapping[int, Action] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    deferred: tuple[Answered | Missed, ...] = ()
    asked: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    result: str = ""
    assembled_by: str = ""
    result_returns: int = 0
    result_score: float | None = None
    ending: SessionEnding | None = None
    fork: ForkPoint | None = None

    @property
    def counted_from(self) -> float:
        """The session time from which its own limit on the time counts."""
        return self.fork.at if self.fork is not None else 0.0

    @property
    def active(self) -> tuple[Participant, ...]:
        """Those who take part, in the order of the line-up, then of joining."""
        return tuple(each.participant for each in self.members.values() if each.status == "active")

    def able(self, power: Power) -> tuple[Participant, ...]:
        """Return those who take part and have a power."""
        return tuple(each for each in self.active if power in each.powers)

    @property
    def leader(self) -> Participant:
        """Who leads: the first who can. A session that has nobody to lead ends at once."""
        return self.able(Power.DIVIDE)[0]

    @property
    def voters(self) -> tuple[Participant, ...]:
        """Those who take part in a negotiation; the arbiter does not."""
        arbiter = self.lineup.conflict.arbiter
        return tuple(each for each in self.able(Power.VOTE) if each.id != arbiter)

    def member(self, user: str) -> SessionMember | None:
        """Return the seat of a user, whatever its status."""
        return next((each for each in self.members.values() if user and each.user == user), None)

    def title(self, id: str) -> str:
        """Return what a participant is called; the session itself has the name "Session"."""
        return self.members[id].participant.title if id in self.members else id or "Session"

    def asks(self, *kinds: ActionKind) -> tuple[Action, ...]:
        """Return the pending actions of some kinds."""
        return tuple(each for each in self.pending.values() if each.kind in kinds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """An action was answered: by a model in text, by a person with a form, by a tool with anything."""

    at: float
    action: int
    content: Json
    cost_usd: Decimal = Decimal(0)
    entry_kind: Literal["answered"] = "answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """An action has no answer: it failed, its participant is down altogether, or a person's time is over."""

    at: float
    action: int
    why: Literal["failed", "down", "expired"]
    words: str = ""
    cost_usd: Decimal = Decimal(0)
    entry_kind: Literal["missed"] = "missed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A person said or did something by themselves; `people` has what a payload may be."""

    at: float
    by: Person
    payload: Json
    entry_kind: Literal["acted"] = "acted"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePassed:
    """Nothing happened until now: see `wake_at`."""

    at: float
    entry_kind: Literal["time"] = "time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The run was cancelled, or one of its limits ends the session with what there is; `words` say which."""

    at: float
    words: str
    cancelled: bool = False
    entry_kind: Literal["ended"] = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Forked:
    """From here on the session differs from the run `of`, of whose entries `entry` was the last before.

    `lineup` and `records` are those from now on, `words` say what is different in them. `plan` has edits of
    the plan as people send them.
    """

    at: float
    by: Person
    of: str
    entry: int
    lineup: LineUp
    records: Records = field(default_factory=dict)
    words: str = ""
    direction: str = ""
    plan: tuple[Mapping[str, Json], ...] = ()
    entry_kind: Literal["forked"] = "forked"


Entry = Answered | Missed | Acted | TimePassed | Ended | Forked


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStep:
    """What follows from an entry: the state after it, and what is new in it.

    `withdrawn` are the numbers of actions whose answers are not wanted any more.
    """

    state: SessionState
    actions: tuple[Action, ...] = ()
    withdrawn: tuple[int, ...] = ()
    messages: tuple[SessionMessage, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()


class Turn:
    """The state while an entry is worked in. What is said, asked and decided is collected in order."""

    def __init__(self, state: SessionState, at: float) -> None:
        self.state, self._at = state, at
        self._first_message, self._first_decision = len(state.log), len(state.decisions)
        self._actions: list[Action] = []
        self._withdrawn: list[int] = []

    @property
    def now(self) -> float:
        """Seconds of session time, which stands still in a pause."""
        until = self._at if self.state.paused_at is None else self.state.paused_at
        return until - self.state.paused_for

    @property
    def step(self) -> SessionStep:
        """What has come out so far."""
        return SessionStep(
            state=self.state,
            actions=tuple(self._actions),
            withdrawn=tuple(self._withdrawn),
            messages=self.state.log[self._first_message :],
            decisions=self.state.decisions[self._first_decision :],
        )

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of a state
        """Change fields of the state."""
        self.state = replace(self.state, **changes)

    def count(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of the counts
        """Change counts; `count(idle=0)` says that something new has come."""
        self.set(counts=replace(self.state.counts, **changes))

    def put(self, subtask: Subtask) -> None:
        """Replace a subtask by its new version."""
        self.set(plan=self.state.plan.put(subtask))

    def say(self, kind: MessageKind, text: str, sender: str = "", **rest: Any) -> None:  # noqa: ANN401
        """Add a message to the log. `rest` are further fields of it: to, about, pinned, data."""
        written = storable_text(text)
        written = written if len(written) <= LONGEST_ANSWER else written[:LONGEST_ANSWER] + CUT
        number, phase = len(self.state.log) + 1, self.state.phase
        message = SessionMessage(number, self.now, phase, kind, written, sender, **rest)
        self.set(log=(*self.state.log, message))
        self.count(messages=self.state.counts.messages + bool(sender))

    def refuse(self, sender: str, words: str, move: Mapping[str, Json] | None = None) -> None:
        """Record that a `move` is not allowed, in a message that only whoever made it sees."""
        times = self.state.refused.get(sender, 0) + 1
        self.set(refused={**self.state.refused, sender: times})
        if times <= MOST_REFUSALS:
            self.say("error", words, to=(sender,), data=move or {})

    def ask(self, kind: ActionKind, participant: str, **rest: Any) -> None:  # noqa: ANN401
        """Have something done. `rest` are further fields of the action; a pause holds it back."""
        state, is_person = self.state, self.state.members[participant].participant.is_person
        deadline = state.lineup.limits.answer_seconds if is_person and kind is not ActionKind.TOOL else None
        number = state.asked + 1
        action = Action(number=number, kind=kind, participant=participant, deadline_s=deadline, **rest)
        self.set(asked=number, pending={**state.pending, number: action})
        if state.paused_at is None:
            self._actions.append(action)
        else:
            self.set(held=(*state.held, number))

    def ask_again(self, action: Action, **changes: Any) -> None:  # noqa: ANN401 - the fields of an action
        """Have the same done once more, under a number of its own."""
        kept = {each.name: getattr(action, each.name) for each in fields(action)} | changes
        self.ask(**{name: value for name, value in kept.items() if name not in {"number", "deadline_s"}})

    def close(self, number: int) -> None:
        """Note that an action is no longer pending."""
        self.set(pending={key: each for key, each in self.state.pending.items() if key != number})

    def withdraw(self, unwanted: Callable[[Action], object]) -> tuple[Action, ...]:
        """Take back the pending actions that are `unwanted`, and return them."""
        found = tuple(each for each in self.state.pending.values() if unwanted(each))
        for each in found:
            self.close(each.number)
            self._withdrawn.append(each.number)
        self._actions = [each for each in self._actions if each not in found]
        return found

    def decide(self, kind: DecisionKind, question: str, selected: str, rationale: str, **rest: Any) -> None:  # noqa: ANN401
        """Record a decision. `rest` are its options and votes."""
        number = len(self.state.decisions) + 1
        record = DecisionRecord(number, self.now, kind, question, selected, rationale, **rest)
        self.set(decisions=(*self.state.decisions, record))

    def enter(self, phase: Phase) -> None:
        """Go to another phase; it is said."""
        self.set(phase=moved(self.state.phase, phase))
        self.say("status_update", f"The session is {phase}.")

    def pause(self, *, paused: bool) -> None:
        """Hold back what would be asked next, or have it done after all."""
        if paused:
            self.set(paused_at=self._at)
            return
        self._actions += [self.state.pending[each] for each in self.state.held if each in self.state.pending]
        began = self._at if self.state.paused_at is None else self.state.paused_at
        self.set(paused_at=None, paused_for=self.state.paused_for + self._at - began, held=())

    def set_members(self, members: Mapping[str, SessionMember]) -> None:
        """Change who takes part; in a negotiation, who has a weight in it."""
        self.set(members=members)
        if self.state.negotiation is not None:
            weights = {each.id: each.weight for each in self.state.voters}
            self.set(negotiation=replace(self.state.negotiation, weights=weights))
