"""The processor `aggregate`: one value from several.

| how | gives |
|---|---|
| list | all, in order |
| merge | one object; of equal names the later value |
| concat | one text |
| vote | the value whose final answer most others give, too; of as many votes the first |
| best | the value of the stage with the highest score; of equal scores the first |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from orchestration.expressions.filters import text as in_words
from orchestration.expressions.sources import Composed, LiteralValue, MissingValue, Place
from orchestration.expressions.values import clipped, value_type
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.consensus.answers import MOST_CHARACTERS, AnswerKind, Extracted
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.grouping import group_answers
from orchestration.strategies.engine.consensus.wording import text_key
from pipelines.engine.options import OptionFormat
from pipelines.engine.processor import ProcessorFailed, ProcessorOptions, PureProcessor, StageResult, Work
from pipelines.engine.scope import Root, Scope, parse_source, with_stages

MOST_COUNTED = 200
"""Values that are voted on."""


class Aggregation(StrEnum):
    """How one value is made of several."""

    LIST = "list"
    MERGE = "merge"
    CONCAT = "concat"
    VOTE = "vote"
    BEST = "best"


class AggregateOptions(ProcessorOptions):
    """What is put together, and how."""

    source: Json = Field(
        default="previous",
        alias="from",
        title="From",
        json_schema_extra={"format": OptionFormat.SOURCES},
    )
    """Stages and sources, as in [draft, input.text], or one source with several values."""
    how: Aggregation = Aggregation.LIST
    """A list, one object, one text, a vote, the best."""
    separator: str = Field(default="\n\n", max_length=1_000, title="Between")
    """Stands between texts in a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedValue:
    """One of the values that are put together: its name (that of its stage, if it is one's) and its score."""

    name: str
    value: Json
    score: float | None = None


class Aggregate(PureProcessor):
    """Makes one value of several."""

    name = "aggregate"
    title = "Aggregate"
    summary = "Makes one value of several: a list, one object, one text, what most say, or the best."
    Options = AggregateOptions

    def compute(self, work: Work) -> StageResult:
        """Return the value; what is not there is left out and named. Raises `ProcessorFailed`."""
        options: AggregateOptions = work.options
        parts, missing = _gathered(options.source, work.scope)
        if not parts and options.how in {Aggregation.VOTE, Aggregation.BEST}:
            raise _wrong("There is nothing to choose from: no value is there.")
        found = WAYS[options.how](parts, options)
        names = [part.name for part in parts]
        details = {"how": options.how.value, "of": names[:MOST_COUNTED], "missing": missing, **found.details}
        return StageResult(value=found.value, score=found.score, details=details)


def _wrong(message: str) -> ProcessorFailed:
    return ProcessorFailed(message, code="aggregate")


def _gathered(written: Json, scope: Scope) -> tuple[list[NamedValue], list[str]]:
    """Return the values that are there, and the names of the sources that have none."""
    source = parse_source(with_stages(written))
    whole = source if isinstance(source, Composed) else _taken_apart(source.read(scope))
    found: list[NamedValue] = []
    missing: list[str] = []
    for number, each in enumerate(whole.sources):
        stage = str(each.keys[0]) if isinstance(each, Place) and each.root == Root.STAGES else ""
        name = whole.names[number] if whole.names else stage or str(number + 1)
        try:
            value = each.read(scope)
        except MissingValue:
            missing.append(name)
            continue
        score = scope.stages.get(stage or name, {}).get("score")
        found.append(NamedValue(name=clipped(name), value=value, score=score))
    return found, missing


def _taken_apart(value: Json) -> Composed:
    """Return the items of a list, or the fields of an object, as sources."""
    if not isinstance(value, dict | list):
        raise _wrong(f"The source gives {value_type(value).words}: a list or an object is needed.")
    names, values = (tuple(value), value.values()) if isinstance(value, dict) else (None, value)
    return Composed(names=names, sources=tuple(LiteralValue(value=each) for each in values))


def _merge(parts: Sequence[NamedValue], _: AggregateOptions) -> StageResult:
    merged: dict[str, Json] = {}
    for part in parts:
        if not isinstance(part.value, dict):
            raise _wrong(f"Only objects can be merged; {part.name} is {value_type(part.value).words}.")
        merged |= part.value
    return StageResult(value=merged)


def _vote(parts: Sequence[NamedValue], _: AggregateOptions) -> StageResult:
    """Count by the final answers that the values are or state."""
    if len(parts) > MOST_COUNTED:
        raise _wrong(f"A vote takes up to {MOST_COUNTED:,} values, there are {len(parts):,}.")
    answers = [_answer(part.value) for part in parts]
    groups = sorted(group_answers(answers), key=lambda group: -len(group.members))
    votes = [len(group.members) for group in groups]
    rows = [
        {"answer": clipped(group.raw), "of": [parts[at].name for at in group.members]} for group in groups
    ]
    details = {"tally": rows, "agreement": votes[0] / len(parts), "tie": votes[0] in votes[1:]}
    return StageResult(value=parts[groups[0].members[0]].value, details=details)


def _answer(value: Json) -> Extracted:
    """Return what a value says, as it is compared with others."""
    if isinstance(value, dict | list):
        written = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return Extracted(kind=AnswerKind.CODE, key=written, raw=written)
    written = in_words(value)
    key = text_key(written) if len(written) <= MOST_CHARACTERS else ""
    return extract_answer(written) or Extracted(kind=AnswerKind.TEXT, key=key or written, raw=written)


def _best(parts: Sequence[NamedValue], _: AggregateOptions) -> StageResult:
    scored = [part for part in parts if part.score is not None]
    best = max(scored, key=lambda part: part.score or 0.0, default=parts[0])
    details = {"chosen": best.name, "scores": {part.name: part.score for part in scored}}
    return StageResult(value=best.value, score=best.score, details=details)


WAYS: Mapping[Aggregation, Callable[[Sequence[NamedValue], AggregateOptions], StageResult]] = {
    Aggregation.LIST: lambda parts, _: StageResult(value=[part.value for part in parts]),
    Aggregation.MERGE: _merge,
    Aggregation.CONCAT: lambda parts, options: StageResult(
        value=options.separator.join(in_words(part.value) for part in parts)
    ),
    Aggregation.VOTE: _vote,
    Aggregation.BEST: _best,
}
