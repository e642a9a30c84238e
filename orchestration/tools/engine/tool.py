"""What a tool is: a function for pipelines and models, with a JSON Schema and limits on time and size.

EngineError                        of llm
└── ToolFailed                     a tool gave no result; its `fault` says why
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import Bounds, with_storable_texts
from orchestration.llm.engine.errors import AddressRefused, EngineError, ModelError
from orchestration.llm.engine.types import Json

LONGEST_NAME = 120
ARGUMENTS = Bounds(depth=32, nodes=20_000, characters=1_000_000)
RESULT = Bounds(depth=64, nodes=100_000, characters=1_000_000)
MOST_SHOWN = 5


class ToolFault(StrEnum):
    """Why a tool gave no result: the codes of `ToolFailed`."""

    TIMEOUT = "tool_timeout"
    REFUSED = "tool_refused"
    FAILED = "tool_failed"
    ARGUMENTS = "bad_arguments"
    UNKNOWN = "unknown_tool"


class ToolFailed(EngineError):
    """A tool gave no result; also when that is read back from the journal."""

    def __init__(self, message: str, *, fault: ToolFault = ToolFault.FAILED) -> None:
        super().__init__(message)
        self.fault = fault

    @property
    def code(self) -> str:
        """What kind of failure it was."""
        return self.fault.value


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSpec:
    """What is known of a tool before it is called.

    `schema` is the JSON Schema of its arguments, an object. One that is not `repeatable` may change something
    outside: after a crash in the middle of a call a person decides what follows.
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Json]
    repeatable: bool = True
    timeout_s: float = 30.0

    @property
    def label(self) -> str:
        """The title as it stands by itself."""
        title = self.title.removeprefix("The ")
        return title[:1].upper() + title[1:]


class Tool(ABC):
    """Something that pipelines and models may call by name."""

    def __init__(self, spec: ToolSpec) -> None:
        self.spec = spec

    def repeats(self, arguments: Mapping[str, Json]) -> bool:  # noqa: ARG002  # for overriding
        """Return whether a call with these arguments may be sent again when nobody knows how it ended."""
        return self.spec.repeatable

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Check the arguments, call the tool and return its result as plain JSON. Raises `ToolFailed`."""
        await asyncio.to_thread(check_arguments, self.spec, arguments)
        limit = asyncio.timeout(self.spec.timeout_s)
        try:
            async with limit:
                result = await self.run(arguments)
        except TimeoutError as error:
            if not limit.expired():
                raise
            late = f"{self.spec.title} gave no result within {self.spec.timeout_s:g} s."
            raise ToolFailed(late, fault=ToolFault.TIMEOUT) from error
        except ModelError as error:  # of the transport that tools share with models
            refused = isinstance(error, AddressRefused)
            raise ToolFailed(str(error), fault=ToolFault.REFUSED if refused else ToolFault.FAILED) from error
        return await asyncio.to_thread(self._checked, result)

    def _checked(self, result: Json) -> Json:
        try:
            RESULT.check(result, f"What {self.spec.title} gave")
        except ExpressionError as error:
            raise ToolFailed(str(error)) from error
        return storable(result)

    @abstractmethod
    async def run(self, arguments: Mapping[str, Json]) -> Json:
        """Return the result of checked arguments. Raises `ToolFailed`."""


class PureTool(Tool):
    """Computes its result from its arguments alone, off the event loop."""

    async def run(self, arguments: Mapping[str, Json]) -> Json:
        """Return what `compute` returns."""
        return await asyncio.to_thread(self.compute, arguments)

    @abstractmethod
    def compute(self, arguments: Mapping[str, Json]) -> Json:
        """Return the result of checked arguments. Raises `ToolFailed`."""


def check_arguments(spec: ToolSpec, arguments: Mapping[str, Json]) -> None:
    """Compare arguments with a tool's schema. Raises `ToolFailed` with every fault at its path."""
    try:
        ARGUMENTS.check(arguments, f"What {spec.title} is given")
        problems = parse_schema(dict(spec.schema)).problems(arguments)
    except ExpressionError as error:
        raise ToolFailed(str(error), fault=ToolFault.ARGUMENTS) from error
    if problems:
        shown = "; ".join(f"{each.path or 'the whole'} {each.message}" for each in problems[:MOST_SHOWN])
        more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise ToolFailed(f"{spec.title} cannot take this: {shown}{more}.", fault=ToolFault.ARGUMENTS)


def storable(value: Json) -> Json:
    """Return plain JSON as every database can store it: without NUL and halves of characters.

    Raises `ToolFailed` for a number that JSON does not have.
    """
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        words = "The result has a number that cannot be stored: infinite, or none at all."
        raise ToolFailed(words) from None
    return with_storable_texts(value)


def unknown_tool(name: str) -> ToolFailed:
    """Return the error of a name that no tool of the run has."""
    return ToolFailed(f"There is no tool called {name[:LONGEST_NAME]!r} here.", fault=ToolFault.UNKNOWN)
