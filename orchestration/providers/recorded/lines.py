"""One line of a recording: what it must hold, and how it becomes an item and, apart from it, a label."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orchestration.engine.evaluation.items import AnswerLabel, Item, ItemKey, Label, RecordedAnswer

MOST_ANSWERS = 1_000
MOST_REASONS = 3
LONGEST_REASON = 200

Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class AnswerLine(BaseModel):
    """What the line says of one model's answer."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: Name
    text: str | None
    tokens: Count | None = None
    cost_usd: Dollars | None = None
    extracted: str | None = None
    correct: bool | None = None
    score: float | None = None


class ItemLine(BaseModel):
    """What a line says. Fields beyond these are not read."""

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
        message = f"byte {error.start + 1} is not UTF-8. Save the file as UTF-8."
        raise ValueError(message) from None
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
