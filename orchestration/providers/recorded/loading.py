"""A recording read whole: either every line is in order, or all that is wrong is told and nothing is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestration.engine.evaluation.items import Item, ItemKey, Label
from orchestration.providers.recorded.faults import BrokenRecording, Fault, FaultList
from orchestration.providers.recorded.lines import read_line
from orchestration.providers.recorded.reading import Limits, read_lines
from orchestration.providers.recorded.recording import Recording

USUAL = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A recording and, apart from it, the labels: models are made of the one, scorers get the other."""

    recording: Recording
    labels: Mapping[ItemKey, Label]


def load_recording(file: BinaryIO, name: str, limits: Limits = USUAL) -> Labelled:
    """Read a file that can be rewound; `name` stands in messages. Raises `BrokenRecording`."""
    faults = FaultList(name)
    seen: dict[ItemKey, int] = {}
    items: list[Item] = []
    labels: dict[ItemKey, Label] = {}
    for number, item, label in _parsed(file, limits, faults):
        first = seen.setdefault(item.key, number)
        if first != number:
            faults.add(number, f"item {item.key} stands on line {first} already.")
            continue
        items.append(item)
        labels[item.key] = label
    faults.raise_if_any()
    if not items:
        raise BrokenRecording(name, (Fault(0, "The file holds no items."),))
    return Labelled(recording=Recording(items), labels=labels)


def _parsed(file: BinaryIO, limits: Limits, faults: FaultList) -> Iterator[tuple[int, Item, Label]]:
    for number, raw in read_lines(file, limits, faults):
        try:
            item, label = read_line(raw)
        except ValueError as error:
            faults.add(number, str(error))
        else:
            yield number, item, label


def load_recordings(paths: Sequence[Path], limits: Limits = USUAL) -> Labelled:
    """Read several files as one recording. Raises `BrokenRecording`, also for an item in two of them."""
    items: list[Item] = []
    labels: dict[ItemKey, Label] = {}
    for path in paths:
        try:
            with path.open("rb") as file:
                part = load_recording(file, path.name, limits)
        except OSError as error:
            reason = f"It cannot be read: {error.strerror or error}."
            raise BrokenRecording(str(path), (Fault(0, reason),)) from None
        twice = next((item.key for item in part.recording.items if item.key in labels), None)
        if twice is not None:
            reason = f"Item {twice} is in another of the files, too. Name each file once."
            raise BrokenRecording(path.name, (Fault(0, reason),))
        items.extend(part.recording.items)
        labels.update(part.labels)
    return Labelled(recording=Recording(items), labels=labels)
