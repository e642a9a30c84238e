"""Real answers, replayed: models whose every word stands in a JSON-lines file."""

from orchestration.providers.recorded.faults import BrokenRecording
from orchestration.providers.recorded.loading import Labelled, load_recording, load_recordings
from orchestration.providers.recorded.model import Pace, RecordedModel
from orchestration.providers.recorded.reading import Limits
from orchestration.providers.recorded.recording import Recording

__all__ = [
    "BrokenRecording",
    "Labelled",
    "Limits",
    "Pace",
    "RecordedModel",
    "Recording",
    "load_recording",
    "load_recordings",
]
