"""Writing down what runs do: one writer thread a process, commits in groups, numbers without gaps."""

from orchestration.services.recording.log import DatabaseRunLog
from orchestration.services.recording.parcels import CallText, QueueReason, RunEnded, RunParked, RunReleased
from orchestration.services.recording.recorder import Recorder

__all__ = ["CallText", "DatabaseRunLog", "QueueReason", "Recorder", "RunEnded", "RunParked", "RunReleased"]
