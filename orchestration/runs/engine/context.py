"""`RunContext`: everything that a run may do outside itself, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Protocol, TypeVar

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Json, Prompt
from orchestration.runs.engine.types import RunEvent

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """Who may answer: members with one of the roles, and users by id. Empty: anyone who may run."""

    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


ANYONE = Audience()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a person is asked: the words, a form as JSON Schema, what counts as the answer at the deadline."""

    text: str
    schema: Mapping[str, Json] = field(default_factory=dict)
    deadline_s: float | None = None
    default: Json = None
    audience: Audience = ANYONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who sent something: the user's id as text, "" for one who was removed, and the name that is shown."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """Something that a person said or did in a run; numbers grow, with gaps."""

    number: int
    by: Person
    payload: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """When something began and how long it took, in seconds of run time."""

    started_s: float
    seconds: float


class Budget(Protocol):
    """What the run may still spend. None means unlimited."""

    @property
    def money_left(self) -> Decimal | None:
        """US dollars neither spent nor reserved."""

    @property
    def calls_left(self) -> int | None:
        """Calls not yet started."""


class RunContext(Protocol):
    """A run as seen by what it executes.

    Steps are named by the run's structure (`ask/gpt-4o`, `judge/2`), never by the order in which things
    finish. A key used twice raises `ReplayMismatch`. Steps that ended before a crash replay without
    touching the network: a done one returns its result, a failed one raises its error, a cancelled one
    raises `CancelledError`.
    """

    async def ask(self, model: ChatModel, prompt: Prompt, step: str) -> Completion:
        """Ask `model`, streaming to the pages; the result is durable before this returns.

        Raises `ModelError` (the model's fault), `LimitReached` (money, calls or time used up).
        """

    async def ask_human(self, question: Question, step: str) -> Json:
        """Wait for a person's answer, or for the question's deadline: then its default is the answer.

        The run is parked when nothing but waiting is pending; run time does not pass meanwhile.
        """

    async def receive(self, step: str, timeout: float | None = None) -> Received | None:  # noqa: ASYNC109  # it outlasts a restart
        """Return the next message of a person to this run, None when none has come within `timeout` seconds.

        Each message is received once, in the order of their numbers. The run is parked meanwhile like for a
        question, though not in the minute after a message.
        """

    async def wait(self, step: str, until: datetime | float) -> None:
        """Wait until an aware date and time, or for seconds that count from the first time the step starts.

        The run is parked meanwhile unless it is a matter of seconds. Raises `TypeError` for a naive time.
        """

    async def run_child(
        self, kind: str, ref: str, payload: Mapping[str, Json], *, panel: Sequence[str] = (), step: str
    ) -> Json:
        """Run another kind inline and return its outcome as plain JSON.

        It has this run's budget and deadline, one more level of depth, and the models named by `panel`.
        Raises `ChildFailed`, and `LimitReached` for a limit that the whole run shares.
        """

    async def decide(self, step: str, value: Value) -> Value:
        """Journal a choice: the first time `value` is stored and returned, on replay what was stored.

        `value` is plain JSON.
        """

    def record(self, step: str, value: Json) -> None:
        """Store a pure step's result, plain JSON, for the pages, with the next commit.

        It is computed again on replay and never read back; one that is stored stays as it is.
        """

    def recall(self, step: str) -> Json:
        """Return what `decide(step, ...)` stored before a crash, None if it did not come to that.

        Check this before starting work that the decision has made needless.
        """

    async def emit(self, event: RunEvent) -> None:
        """Emit an event, once per content; its `step` and `data["step"]` get the prefix of `scoped`."""

    def scoped(self, name: str) -> RunContext:
        """Return this run with the keys of all steps prefixed by `name`, so that parts cannot clash."""

    def key(self, step: str) -> str:
        """Return a step's key in the whole run, at most 200 characters long; "" for no step."""

    def now(self) -> float:
        """Seconds since the run first started."""

    def timing(self, step: str) -> Timing | None:
        """Return when an ended step began and how long it took; for one that replayed, as it was then."""

    def time_left(self) -> float | None:
        """Seconds to the deadline, None without one."""

    @property
    def random(self) -> Random:
        """Randomness from the run's seed: the same on replay."""

    @property
    def budget(self) -> Budget:
        """What may still be spent."""

    @property
    def cancelled(self) -> bool:
        """True once a person cancelled the run."""
