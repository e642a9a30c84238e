"""Recordings that are kept as files: read when first asked, remembered while they are in use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from pathlib import Path
from threading import Lock

from orchestration.engine.errors import ModelUnavailable
from orchestration.engine.model import AnswerStream, StreamingModel
from orchestration.engine.types import ModelSpec, Prompt
from orchestration.providers.recorded.faults import BrokenRecording
from orchestration.providers.recorded.loading import load_recording
from orchestration.providers.recorded.model import Pace, RecordedModel
from orchestration.providers.recorded.reading import Limits
from orchestration.providers.recorded.recording import Recording

REMEMBERED = 3
STORED = Limits(bytes=128_000_000, lines=100_000, line_bytes=4_000_000)
"""What a recording that is kept may weigh: it stays in memory while its models are asked."""


class Shelf:
    """The recordings of one process that were asked last. Safe to use from any thread.

    A kept file never changes: another recording is another file.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._recordings: OrderedDict[Path, Recording] = OrderedDict()

    def take(self, path: Path) -> Recording:
        """Return the recording kept at `path`. Raises `ModelUnavailable`."""
        with self._lock:
            if path not in self._recordings:
                self._recordings[path] = _read(path)
            self._recordings.move_to_end(path)
            while len(self._recordings) > REMEMBERED:
                self._recordings.popitem(last=False)
            return self._recordings[path]

    def forget(self, path: Path) -> None:
        """Let go of a recording whose file is deleted."""
        with self._lock:
            self._recordings.pop(path, None)


def _read(path: Path) -> Recording:
    try:
        with path.open("rb") as file:
            return load_recording(file, "The recording", STORED).recording
    except OSError as error:
        message = (
            "The recording is not in this machine's data folder any more"
            f" ({error.strerror or error}). Delete its provider and add it again."
        )
        raise ModelUnavailable(message) from None
    except BrokenRecording as error:
        raise ModelUnavailable(str(error)) from None


class StoredModel(StreamingModel):
    """A recorded model whose recording is read off the event loop when it is first asked."""

    def __init__(self, spec: ModelSpec, shelf: Shelf, path: Path, *, pace: Pace) -> None:
        self._spec = spec
        self._shelf = shelf
        self._path = path
        self._pace = pace

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return self._spec

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Replay the recorded answer. Raises `ModelUnavailable`, `RequestRejected`."""
        recording = await asyncio.to_thread(self._shelf.take, self._path)
        async with aclosing(RecordedModel(self._spec, recording, pace=self._pace).stream(prompt)) as pieces:
            async for piece in pieces:
                yield piece
