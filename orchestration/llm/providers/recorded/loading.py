"""A recording read from its file: JSON lines, plain or gzip, used whole or not at all."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, BinaryIO, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.providers.recorded.recording import (
    AnswerLabel,
    Item,
    ItemKey,
    Label,
    RecordedAnswer,
    Recording,
)

FAULTS_SHOWN = 20
GZIP = b"\x1f\x8b"
FOREIGN = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
BOM = b"\xef\xbb\xbf"
LONGEST_MAGIC = 6
MOST_ANSWERS = 1_000
MOST_REASONS = 3
LONGEST_REASON = 200


class BrokenRecording(InvalidRequest):
    """A file that cannot be replayed: `faults` are the first ones, `more` counts those that follow."""

    def __init__(self, name: str, faults: Sequence[str], more: int = 0) -> None:
        rest = f" And {more:,} more." if more else ""
        super().__init__(f"{name} cannot be used. {' '.join(faults)}{rest}", field="file")


class FaultList:
    """Collects the first faults and counts those that follow."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.more = 0

    def add(self, line: int, reason: str) -> None:
        """Add a fault; `line` counts from 1, 0 stands for the file as a whole."""
        if len(self.first) < FAULTS_SHOWN:
            self.first.append(f"Line {line}: {reason}" if line else reason)
        else:
            self.more += 1


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingLimits:
    """The most that a recording may contain, unpacked: bytes in all, lines, bytes of one line."""

    bytes: int = 512_000_000
    lines: int = 200_000
    line_bytes: int = 8_000_000


def read_lines(file: BinaryIO, limits: RecordingLimits, faults: FaultList) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number; stop at what cannot be read, with a fault."""
    magic = file.read(LONGEST_MAGIC)
    file.seek(0)
    foreign = next((words for start, words in FOREIGN.items() if magic.startswith(start)), None)
    if foreign is not None:
        faults.add(0, f"The file is {foreign}. It must be JSON lines in UTF-8, plain or gzip.")
        return
    packed = magic.startswith(GZIP)
    source = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
    number = 0
    try:
        for number, line in _limited(source, limits, faults):
            if line.strip():
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        faults.add(number + 1, f"the gzip data is damaged or cut off here ({error}).")


def _limited(source: BinaryIO, limits: RecordingLimits, faults: FaultList) -> Iterator[tuple[int, bytes]]:
    number = total = 0
    while line := source.readline(limits.line_bytes + 1):
        number += 1
        total += len(line)
        if len(line) > limits.line_bytes:
            faults.add(number, f"is longer than {limits.line_bytes:,} bytes, the most a line may have.")
            return
        if number > limits.lines or total > limits.bytes:
            faults.add(
                number,
                f"the file goes on beyond {limits.lines:,} lines or {limits.bytes:,} bytes unpacked."
                " Split it or leave items out.",
            )
            return
        yield number, line.removeprefix(BOM) if number == 1 else line


Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class AnswerLine(BaseModel):
    """One model's answer on a line."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: Name
    text: str | None
    tokens: Count | None = None
    cost_usd: Dollars | None = None
    extracted: str | None = None
    correct: bool | None = None
    score: float | None = None


class ItemLine(BaseModel):
    """The fields of a line; others are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")

    dataset: Name
    item_id: Name
    turn: Count = 0
    task_type: str = ""
    prompt: str
    reference: str | None = None
    prompt_tokens: Count | None = None
    answers: Annotated[list[AnswerLine], Field(min_length=1, max_length=MOST_ANSWERS)]

    @field_validator("prompt")
    @classmethod
    def _says_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("is empty")
        return prompt

    @field_validator("answers")
    @classmethod
    def _each_model_once(cls, answers: list[AnswerLine]) -> list[AnswerLine]:
        seen: set[str] = set()
        for answer in answers:
            if answer.model in seen:
                raise ValueError(f"{answer.model} answers twice")
            seen.add(answer.model)
        return answers


def read_line(raw: bytes) -> tuple[Item, Label]:
    """Return a line's item and label. Raises `ValueError` with a sentence that says what is wrong."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8. Save the file as UTF-8.") from None
    try:
        line = ItemLine.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(_explained(error)) from None
    return _item(line), _label(line)


def _item(line: ItemLine) -> Item:
    answers = {
        answer.model: RecordedAnswer(
            text=answer.text,
            tokens=answer.tokens,
            cost_usd=None if answer.cost_usd is None else Decimal(repr(answer.cost_usd)),
        )
        for answer in line.answers
    }
    return Item(
        key=ItemKey(line.dataset, line.item_id, line.turn),
        prompt=line.prompt,
        task_type=line.task_type,
        prompt_tokens=line.prompt_tokens,
        answers=answers,
    )


def _label(line: ItemLine) -> Label:
    answers = {
        answer.model: AnswerLabel(correct=answer.correct, score=answer.score, extracted=answer.extracted)
        for answer in line.answers
    }
    return Label(reference=line.reference, answers=answers)


def _explained(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    reasons = []
    for detail in details[:MOST_REASONS]:
        where = ".".join(str(part) for part in detail["loc"])
        what = detail["msg"].removeprefix("Value error, ")[:LONGEST_REASON]
        reasons.append(f"{where}: {what}" if where else what)
    rest = len(details) - len(reasons)
    return "; ".join(reasons) + (f"; and {rest} more." if rest else ".")


DEFAULT_LIMITS = RecordingLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A recording, for models, and apart from it the labels, for scorers."""

    recording: Recording
    labels: Mapping[ItemKey, Label]


def load_recording(file: BinaryIO, name: str, limits: RecordingLimits = DEFAULT_LIMITS) -> Labelled:
    """Read a seekable file; `name` stands in messages. Raises `BrokenRecording`, listing what is wrong."""
    faults = FaultList()
    seen: dict[ItemKey, int] = {}
    items: list[Item] = []
    labels: dict[ItemKey, Label] = {}
    for number, raw in read_lines(file, limits, faults):
        try:
            item, label = read_line(raw)
        except ValueError as error:
            faults.add(number, str(error))
            continue
        first = seen.setdefault(item.key, number)
        if first == number:
            items.append(item)
            labels[item.key] = label
        else:
            faults.add(number, f"item {item.key} stands on line {first} already.")
    if not items and not faults.first:
        faults.add(0, "The file contains no items.")
    if faults.first:
        raise BrokenRecording(name, faults.first, faults.more)
    return Labelled(recording=Recording(items), labels=labels)


def load_recordings(paths: Sequence[Path], limits: RecordingLimits = DEFAULT_LIMITS) -> Labelled:
    """Read several files as one recording. Raises `BrokenRecording`, also for an item in two of them."""
    items: list[Item] = []
    labels: dict[ItemKey, Label] = {}
    for path in paths:
        try:
            with path.open("rb") as file:
                part = load_recording(file, path.name, limits)
        except OSError as error:
            reason = f"It cannot be read: {error.strerror or error}."
            raise BrokenRecording(str(path), [reason]) from None
        twice = next((item.key for item in part.recording.items if item.key in labels), None)
        if twice is not None:
            reason = f"Item {twice} is in another of the files, too. Name each file once."
            raise BrokenRecording(path.name, [reason])
        items.extend(part.recording.items)
        labels.update(part.labels)
    return Labelled(recording=Recording(items), labels=labels)
