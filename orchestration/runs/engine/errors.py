"""Errors of runs: the branch of `EngineError` that the journal and the limits raise.

EngineError                        of llm
├── LimitReached                   fatal for the run: money, calls, wall time or depth used up
├── ReplayMismatch                 fatal for the run: the journal does not fit the code that replays it
├── TimedOut                       a part of the run took longer than it may
├── ChildFailed                    fatal for the run: a run inside it failed; carries that one's code
└── LeaseLost                      this process no longer owns the run: stop writing, say nothing
"""

from __future__ import annotations

from orchestration.llm.engine.errors import CodedError, Consequence, EngineError, ModelError


class LimitReached(EngineError):
    """The run used up its money, calls, wall time or depth. `limit` names which."""

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class ReplayMismatch(EngineError):
    """The journal holds another step under this key than the one being replayed, or a key came twice."""


class TimedOut(EngineError):
    """A part of a run took longer than it may."""

    code = "timeout"


class ChildFailed(CodedError):
    """A run inside this one failed: with its code and its words, also when read back from the journal."""


class LeaseLost(EngineError):
    """Another process owns the run now."""

    consequence = Consequence.SILENT


class RecordedFailure(ModelError):
    """A model error read back from the journal: same code and words as the one that was recorded."""

    def __init__(self, message: str, *, code: str, billed: bool = False) -> None:
        super().__init__(message)
        self._code = code
        self.billed = billed

    @property
    def code(self) -> str:
        """The code of the error that was recorded."""
        return self._code
