"""The log of an evaluated run: only its calls, only in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from dataclasses import dataclass, field

from orchestration.engine.context.records import CallEnded, CallStarted, QuestionAsked, Record
from orchestration.engine.errors import EngineError
from orchestration.engine.types import Delta


class NobodyToAsk(EngineError):
    """The run came to a question for a person, and an evaluation has none."""


class _Kept:
    """An awaitable that is done: in memory nothing has to be waited for."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_KEPT = _Kept()


@dataclass(slots=True)
class CallLog:
    """A `RunLog` that keeps what an evaluation counts: its calls, in the order in which they started."""

    started: list[CallStarted] = field(default_factory=list)
    ended: dict[str, CallEnded] = field(default_factory=dict)

    def write(self, *records: Record) -> Awaitable[None]:
        """Keep calls, drop the rest. Raises `NobodyToAsk`."""
        for record in records:
            match record:
                case CallStarted():
                    self.started.append(record)
                case CallEnded():
                    self.ended[record.id] = record
                case QuestionAsked():
                    message = (
                        f"A person would be asked: {record.question.text} An evaluation has nobody to ask;"
                        " choose options that settle it without one."
                    )
                    raise NobodyToAsk(message)
                case _:
                    pass
        return _KEPT

    def show(self, call: str, delta: Delta) -> None:
        """Show nobody anything."""
