"""What is wrong with a recording: line by line, in words, as many as one cares to read."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.engine.errors import InvalidRequest

TOLD = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `line` counts from 1, 0 stands for the file as a whole."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}" if self.line else self.reason


class BrokenRecording(InvalidRequest):
    """A file that cannot be replayed. `faults` holds the first ones, `more` says how many follow."""

    def __init__(self, name: str, faults: tuple[Fault, ...], more: int = 0) -> None:
        listed = " ".join(map(str, faults))
        rest = f" And {more:,} more." if more else ""
        super().__init__(f"{name} cannot be used. {listed}{rest}", field="file")
        self.faults = faults
        self.more = more


class FaultList:
    """Collects faults and keeps the first ones."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: list[Fault] = []
        self._more = 0

    def add(self, line: int, reason: str) -> None:
        """Note a fault."""
        if len(self._first) < TOLD:
            self._first.append(Fault(line, reason))
        else:
            self._more += 1

    def raise_if_any(self) -> None:
        """Raise `BrokenRecording` if there was any."""
        if self._first:
            raise BrokenRecording(self._name, tuple(self._first), self._more)
