"""An uploaded dataset, read whole: its rows, and of every bad one the number and the reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestra_site.web.alphabets import storable_text
from orchestration.evaluation.engine.scorers import ItemScorer, ScorerKind, reference_problem
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.recorded.recording import same_words
from orchestration.routing.engine.rules import Priority

LARGEST_FILE = 5_000_000
"""Bytes of a file."""
MOST_ROWS = 5_000
LONGEST_TEXT = 20_000
"""Characters of a prompt or a reference."""
LONGEST_NAME = 100
"""Characters of an id or a type of task."""
MOST_NOTED = 20
ALIASES: Mapping[str, str] = {
    "question": "prompt",
    "input": "prompt",
    "answer": "reference",
    "expected": "reference",
    "type": "task_type",
    "item_id": "id",
}
"""Names of columns that mean one of ours."""
COLUMNS = ("prompt", "reference", "task_type", "id", "scorer", "priority")
DELIMITERS = ",;\t"
BOM = "\ufeff"


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRow:
    """A question with its reference.

    `scorer` is the kind it asks for, empty for that of the evaluation; `priority` that of the request.
    """

    number: int
    prompt: str
    reference: str = ""
    task_type: str = ""
    key: str = ""
    scorer: str = ""
    priority: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowProblem:
    """Why a row cannot be used. Rows are counted as a spreadsheet does (the names are row 1), or by lines."""

    number: int
    reason: str

    @property
    def words(self) -> str:
        """The problem as a sentence."""
        return f"Row {self.number:,}: {self.reason}"


@dataclass(kw_only=True, slots=True)
class ReadRows:
    """The good rows of a file, the problems of the others, and what is worth knowing of the good ones."""

    rows: list[DatasetRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_rows(raw: bytes) -> ReadRows:
    """Read CSV with a line of names, JSON lines, or a JSON list of objects.

    Raises `InvalidRequest` for a file that cannot be read at all: too large, no text, without prompts.
    """
    if len(raw) > LARGEST_FILE:
        raise InvalidRequest(
            f"The file has {len(raw):,} bytes; at most {LARGEST_FILE:,} can be read. Split it.", field="file"
        )
    try:
        text = raw.decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"Byte {error.start + 1:,} is not UTF-8. Save the file as UTF-8 and upload it again.",
            field="file",
        ) from None
    begins = text.lstrip()[:1]
    if not begins:
        raise InvalidRequest("The file is empty.", field="file")
    given = _objects(text) if begins == "{" else _listed(text) if begins == "[" else _cells(text)
    return _checked(given)


RawRow = tuple[int, Mapping[str, Json] | str]
"""The number of a row, and its columns or what is wrong with it."""


def _objects(text: str) -> Iterator[RawRow]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(line: str) -> Mapping[str, Json] | str:
    twice: list[str] = []

    def once(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    try:
        value = json.loads(line, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return "It is no JSON object on one line."
    if twice:
        return f"It has “{min(twice)[:LONGEST_NAME]}” twice."
    return value if isinstance(value, dict) else "It is no JSON object."


def _listed(text: str) -> Iterator[RawRow]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The JSON cannot be read: {str(error)[:LONGEST_NAME]}.", field="file") from None
    for number, each in enumerate(value, 1):
        yield number, each if isinstance(each, dict) else "It is no JSON object."


def _cells(text: str) -> Iterator[RawRow]:
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    # A cell is bounded by the size of the file: a limit of the csv module would be one for the whole process.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if number == 1:
                names = [_column(name) for name in cells]
                _check_names(names)
            elif len(cells) > len(names):
                yield number, f"It has {len(cells)} cells, and there are {len(names)} columns."
            elif any(cell.strip() for cell in cells):
                yield number, dict(zip(names, cells, strict=False))
    except csv.Error as error:
        yield number + 1, f"The file cannot be read from here on: {error}."


def _column(name: str) -> str:
    plain = name.strip().casefold().replace(" ", "_")
    return ALIASES.get(plain, plain)


def _check_names(names: Sequence[str]) -> None:
    if "prompt" not in names:
        found = ", ".join(name[:30] for name in names[:8])
        raise InvalidRequest(
            "There is no column “prompt”. The first line must name the columns: prompt, reference, and if you"
            f" like task type, id, scorer, priority. It has: {found}.",
            field="file",
        )
    twice = next((name for name in names if name in COLUMNS and names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"Two columns are called “{twice}”. Leave one out.", field="file")


def _checked(given: Iterator[RawRow]) -> ReadRows:
    """Check every row by itself and against those before it."""
    found = ReadRows()
    keys: dict[str, int] = {}
    asked: dict[str, int] = {}
    repeated: list[str] = []
    for number, columns in given:
        if len(found.rows) + len(found.problems) >= MOST_ROWS:
            raise InvalidRequest(f"The file has more than {MOST_ROWS:,} rows. Split it.", field="file")
        row = _row(number, columns) if not isinstance(columns, str) else columns
        if isinstance(row, DatasetRow) and row.key in keys:
            row = f"The id “{row.key}” is that of row {keys[row.key]:,}, too."
        if isinstance(row, str):
            found.problems.append(RowProblem(number=number, reason=row))
            continue
        keys[row.key] = number
        first = asked.setdefault(same_words(row.prompt), number)
        if first != number:
            repeated.append(f"row {number:,} asks what row {first:,} asks")
        found.rows.append(row)
    if repeated:
        more = f" and {len(repeated) - MOST_NOTED:,} more" if len(repeated) > MOST_NOTED else ""
        found.notes.append(f"Questions that come twice: {', '.join(repeated[:MOST_NOTED])}{more}.")
    if empty := sum(not row.reference for row in found.rows):
        found.notes.append(f"{empty:,} rows have no reference: only a judge can score them.")
    return found


def _row(number: int, columns: Mapping[str, Json]) -> DatasetRow | str:
    """Return a row, or why it cannot be used."""
    texts: dict[str, str] = {}
    for name, value in columns.items():
        column = _column(name)
        if column in COLUMNS:
            texts[column] = _text(value)
    for column, text in texts.items():
        if problem := _text_problem(column, text):
            return problem
    prompt, reference = texts.get("prompt", ""), texts.get("reference", "").strip()
    if not prompt.strip():
        return "The prompt is empty."
    scorer, priority = (texts.get(name, "").strip().casefold() for name in ("scorer", "priority"))
    if problem := _unknown("scorer", scorer, ScorerKind) or _unknown("priority", priority, Priority):
        return problem
    if scorer and (problem := reference_problem(ItemScorer(kind=ScorerKind(scorer)), reference, prompt)):
        return problem
    return DatasetRow(
        number=number,
        prompt=prompt,
        reference=reference,
        task_type=texts.get("task_type", "").strip(),
        key=texts.get("id", "").strip() or str(number),
        scorer=scorer,
        priority=priority,
    )


def _unknown(what: str, given: str, known: type[StrEnum]) -> str:
    """Return why a value is none of those there are, empty for one of them or none at all."""
    if not given or given in set(known):
        return ""
    return f"There is no {what} “{given}”. There are: {', '.join(known)}."


def _text(value: Json) -> str:
    """Return a value as text: a JSON value that is none as it is written."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text_problem(column: str, text: str) -> str:
    most, name = LONGEST_TEXT if column in {"prompt", "reference"} else LONGEST_NAME, column.replace("_", " ")
    if len(text) > most:
        return f"The {name} has {len(text):,} characters; at most {most:,} are possible."
    if storable_text(text) != text:
        return f"The {name} has characters that cannot be stored (NUL or halves of characters)."
    return ""
