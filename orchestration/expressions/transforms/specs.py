"""What a transform is: what it takes and gives, its parameters, and an example that is tested."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import ANY, Bounds, Json, ValueType, shortened

TAKEN, GIVEN = Bounds(), Bounds(characters=1_000_000)
"""How large a value may be that a mapping takes, and one that it gives."""
MOST_WORK = 500_000_000
"""Characters that all searches of one mapping may read."""


@dataclass(kw_only=True, slots=True)
class WorkCount:
    """How much work is left to a mapping, in characters that a search reads."""

    left: int = MOST_WORK

    def spend(self, characters: int) -> None:
        """Count work that was done. Raises `TransformError` when it was too much."""
        self.left -= characters
        if self.left < 0:
            raise TransformError("This is too much work for one mapping; shorten the value first.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Laborious:
    """A step whose work is more than its value is long, and counted."""

    run: Callable[[Any, WorkCount], Json]


Step = Callable[[Any], Json] | Laborious
"""A transform with its parameters: takes a value of a type that it is declared for."""

MISSING: Json = object()
"""The default of a parameter that need not be given, where every JSON value means something."""


class TransformError(ValueError):
    """A value that a transform cannot take or give, in words, with the value shortened."""


def refused(message: str, value: Json) -> TransformError:
    """Return the error for a value, which is shown behind the message."""
    return TransformError(f"{message}: {shortened(value)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformSpec:
    """A kind of transform, made by a function of its parameters, and an example of it.

    `main` is the parameter that is meant by `{name: value}`; where it is the only one (`is_whole`), an object
    is its value, too, and not the parameters by name. The example turns `value` into `result`; `parameter` is
    what is written for it behind the name, None for the name alone.
    """

    make: Callable[..., Step]
    value: Json
    result: Json
    parameter: Json = None
    takes: tuple[ValueType, ...] = ANY
    gives: tuple[ValueType, ...] = ANY
    main: str = ""
    is_whole: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return self.make.__name__.rstrip("_")

    @property
    def sentence(self) -> str:
        """What it does, for people."""
        return (self.make.__doc__ or "").partition("\n")[0]

    @property
    def written(self) -> Json:
        """The example as it is written."""
        return self.name if self.parameter is None else {self.name: self.parameter}

    @property
    def parameters(self) -> dict[str, Json]:
        """The JSON Schema of the parameters, with titles, from which the editor's form is made."""
        schema = _model(self.make).model_json_schema()
        schema.pop("title")
        return schema

    def step(self, written: Json = MISSING) -> Step:
        """Return the transform with its parameters. Raises `ExpressionError` for wrong ones."""
        if written is MISSING or (written is None and not self.main):
            given = {}
        elif isinstance(written, dict) and not self.is_whole:
            given = written
        elif self.main:
            given = {self.main: written}
        else:
            raise ExpressionError(f"{self.name} has no parameters; write it as “{self.name}”.")
        try:
            options = _model(self.make).model_validate(given)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)[:3]
            places = [".".join([self.name, *map(str, detail["loc"])]) for detail in details]
            messages = [detail["msg"][:1].lower() + detail["msg"][1:] for detail in details]
            reasons = [f"{place}: {message}" for place, message in zip(places, messages, strict=True)]
            raise ExpressionError(f"{'; '.join(reasons)}.") from None
        return self.make(**{name: getattr(options, name) for name in options.model_fields_set})


def title(field: str, _: object) -> str:
    """Return what forms call a field that has no other title."""
    return field.replace("_", " ").capitalize()


def transform(**declared: Any) -> Callable[[Callable[..., Step]], TransformSpec]:  # noqa: ANN401  # the fields
    """Declare a function of the parameters as a transform; its first line is the sentence."""
    return lambda make: TransformSpec(make=make, **declared)


@cache
def _model(make: Callable[..., Step]) -> type[BaseModel]:
    """Return the parameters of a function as a model; they are checked without conversions."""
    hints = get_type_hints(make, include_extras=True)
    shown = {inspect.Parameter.empty: ..., MISSING: None}
    fields: dict[str, Any] = {
        name: (hints[name], shown.get(each.default, each.default))
        for name, each in inspect.signature(make).parameters.items()
    }
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, field_title_generator=title)
    return create_model(make.__name__, __config__=config, **fields)
