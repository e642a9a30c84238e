"""What a session is made of: its state, what happens to it (entries), what it wants done (actions), records.

All are plain values. Times (`at`) are seconds since the session began, money is US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from collaboration.engine.answers import ActionKind, ParsedAnswer
from collaboration.engine.impact import Contribution
from collaboration.engine.lineup import LineUp, Participant
from collaboration.engine.messages import SessionMessage
from collaboration.engine.negotiation import Negotiation
from collaboration.engine.phases import Phase
from collaboration.engine.plan import Plan
from collaboration.engine.roles import Power
from collaboration.engine.selection import Records
from collaboration.engine.stopping import Counts
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Person

MemberStatus = Literal["active", "bench", "lost", "left"]
DecisionKind = Literal["resource_allocation", "task_division", "approach", "conflict", "quality"]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class CastVote:
    """A stance or vote that counted: `said` is support, oppose, abstain or vote."""

    voter: str
    option: str
    said: str
    weight: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
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
class SessionState:
    """A session at one moment.

    `pending` are the actions under way. A pause keeps back the actions that are `held` and the answers that
    are `deferred`. `approach` is what was agreed on beside the plan, `directions` are what people redirected
    it to. `summary` stands for the messages to all up to the number `summarised`. `asked` counts actions,
    `refused` refusals by sender.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """An action has no answer: it failed, its participant is down altogether, or a person's time is over."""

    at: float
    action: int
    why: Literal["failed", "down", "expired"]
    words: str = ""
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A person said or did something by themselves; `people` has what a payload may be."""

    at: float
    by: Person
    payload: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePassed:
    """Nothing happened until now: see `wake_at`."""

    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The run was cancelled, or one of its limits ends the session with what there is; `words` say which."""

    at: float
    words: str
    cancelled: bool = False


Entry = Answered | Missed | Acted | TimePassed | Ended


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
