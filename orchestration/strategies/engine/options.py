"""Options of strategies: pydantic schemas that forms, commands and the API are built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.types import AS_SHARE

ModelName = Annotated[
    str, Field(min_length=1, max_length=120, json_schema_extra={"format": FieldFormat.MODEL})
]
"""The name of a model of the team, used as a helper beside the panel."""
Aggregator = Annotated[ModelName | None, Field(title="Aggregator")]
Temperature = Annotated[float | None, Field(ge=0, le=2, title="Temperature")]
Threshold = Annotated[float, Field(ge=0.1, le=0.99, title="Good enough", json_schema_extra=AS_SHARE)]
RubricName = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=60,
        title="Rubric",
        description="What the judge scores by, from Methods > Judges. Empty: five dimensions.",
        json_schema_extra={"format": FieldFormat.RUBRIC},
    ),
]
"""The name of a rubric of the team; None for the one that comes with Orchestra."""


class StrategyOptions(BaseModel):
    """Base of the options of strategies: unknown ones are refused, each has title, description and bounds.

    A form shows the fields of the last base first: `class XOptions(AnswerOptions, JudgedOptions, XChoices)`.
    It shows those named in `main` at once, the others only when asked for.
    """

    main: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AnswerOptions(StrategyOptions):
    """Options of strategies that ask models for answers."""

    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=200_000,
        title="Longest answer",
        description="Tokens an answer may have. Empty: as many as the model allows.",
    )
    temperature: Temperature = Field(
        default=None,
        description="0 answers alike each time, higher values vary more. Empty: the model's own default.",
    )
    recompute: bool = Field(
        default=True,
        title="Recompute",
        description="Where the question asks for the value of a sum, or what a small Python program prints,"
        " whether that is gone through step by step and the answers are compared with what comes of it."
        " Nothing of a program is run.",
    )


class JudgeOptions(StrategyOptions):
    """Options of strategies whose answers may be scored by models."""

    judge: ModelName | None = Field(
        default=None,
        title="Judge",
        description="Model that scores the answers without knowing whose they are. Empty: only the built-in"
        " checks (empty, refused, cut off, repetitive, off topic and the like) and what others answer.",
    )
    second_judge: ModelName | None = Field(
        default=None,
        title="Second judge",
        description="Scores as well; no judge scores answers of its own model family while another can.",
    )
    rubric: RubricName = None


Options = TypeVar("Options", bound=StrategyOptions)


def parse_options(schema: type[Options], given: Mapping[str, Json]) -> Options:
    """Return `given` as options; empty text counts as not given. Raises `InvalidOptions`."""
    try:
        return schema.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        raise InvalidOptions(tuple(_explained(schema, error))) from None


def helper_models(options: StrategyOptions) -> tuple[str, ...]:
    """Return the names of the models that the options name, each once, in the order of the fields."""
    return named_helpers(type(options), options.model_dump(include=set(_model_fields(type(options)))))


def named_helpers(schema: type[StrategyOptions], given: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the names of models among options that may not have been checked."""
    names = (given.get(field) for field in _model_fields(schema))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


@cache
def _model_fields(schema: type[StrategyOptions]) -> tuple[str, ...]:
    properties = schema.model_json_schema()["properties"]
    choices = {name: (field, *field.get("anyOf", ())) for name, field in properties.items()}
    return tuple(
        name for name in choices if any(each.get("format") == FieldFormat.MODEL for each in choices[name])
    )


def _explained(schema: type[StrategyOptions], error: ValidationError) -> Iterator[InvalidRequest]:
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        field = schema.model_fields.get(name)
        title = field.title if field is not None and field.title else name or "Options"
        sentence = f"{title}: {detail['msg'][:1].lower()}{detail['msg'][1:]}."
        if detail["type"] == "extra_forbidden":
            sentence = f"There is no option “{name[:60]}”. There are: {', '.join(schema.model_fields)}."
        yield InvalidRequest(sentence, field=f"options.{name}".rstrip("."))
