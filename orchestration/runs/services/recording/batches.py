"""What the recorder commits: batches of one run's records, each with the fence that allows writing them.

There is one writer thread a process; it commits in groups and numbers events without gaps.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import Record
from orchestration.runs.models import RunStatus


class QueueReason(StrEnum):
    """Why a run was put into the queue."""

    NEW = "new"
    RESTART = "restart"
    LAPSED = "lapsed"
    BLOCKED = "blocked"
    ANSWERED = "answered"
    RESUMED = "resumed"
    MESSAGE = "message"
    DUE = "due"


MOST_COST = Decimal(9_999_999)
"""US dollars: what the columns of a call's and a run's cost hold. More is stored as this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallText:
    """The text of a call that is under way, for pages that open late."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnded:
    """The run's one terminal status and what it leaves."""

    status: RunStatus
    outcome: Json = None
    output: Json = None
    answer: str = ""
    quality: float | None = None
    caveat: str = ""
    error: str = ""
    error_code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunParked:
    """The run waits, for a person or a moment; `paused` when a person stopped it on purpose."""

    paused: bool
    for_people: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReleased:
    """The process stops: another may claim the run at once."""


Entry = Record | CallText | RunEnded | RunParked | RunReleased


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteBatch:
    """Entries of one run that are committed together.

    `cost_usd` and `calls` are the run's totals once these entries are in; `acknowledge` is called on `loop`
    with None or the reason why the batch was refused.
    """

    run: UUID
    team: UUID
    fence: int
    entries: tuple[Entry, ...]
    cost_usd: Decimal
    calls: int
    loop: AbstractEventLoop
    acknowledge: Callable[[BaseException | None], None]
