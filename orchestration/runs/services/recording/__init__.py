"""Writing down what runs do: one writer thread a process, commits in groups, numbers without gaps."""

from orchestration.runs.services.recording.batches import (
    CallText,
    QueueReason,
    RunEnded,
    RunParked,
    RunReleased,
)
from orchestration.runs.services.recording.recorder import DatabaseRunLog, Recorder

__all__ = ["CallText", "DatabaseRunLog", "QueueReason", "Recorder", "RunEnded", "RunParked", "RunReleased"]
