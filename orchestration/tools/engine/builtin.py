"""The tools that need nothing from outside: calculator, clock, JSON query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.picks import parse_pick
from orchestration.llm.engine.types import Json
from orchestration.tools.engine.arithmetic import FUNCTIONS, LONGEST, calculate
from orchestration.tools.engine.tool import PureTool, ToolFailed, ToolFault, ToolSpec

LONGEST_ZONE = 60
EXACT = Decimal(2) ** 53
"""Up to here every whole number is the same to all who read JSON."""


def arguments_schema(required: Mapping[str, Json], **optional: Json) -> dict[str, Json]:
    """Return the schema of an object with these fields, and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


class Calculator(PureTool):
    """Computes an arithmetic expression exactly, with decimal numbers."""

    def __init__(self) -> None:
        written = {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST,
            "description": f"Such as round(2300 * 0.17, 2). Functions: {', '.join(FUNCTIONS)}.",
        }
        super().__init__(
            ToolSpec(
                name="calculator",
                title="The calculator",
                description="Computes an arithmetic expression exactly. Gives it as a number and as text.",
                schema=arguments_schema({"expression": written}),
            )
        )

    def compute(self, arguments: Mapping[str, Json]) -> Json:
        """Return `value` as a number and `text` with all its digits."""
        value = calculate(arguments["expression"])
        is_whole = value == value.to_integral_value() and abs(value) <= EXACT
        shown = format(value.normalize() if value else Decimal(0), "f")
        return {"value": int(value) if is_whole else float(value), "text": shown}


FORMATS: Mapping[str, Callable[[datetime], Json]] = {
    "iso": lambda now: now.isoformat(timespec="seconds"),
    "date": lambda now: now.date().isoformat(),
    "time": lambda now: f"{now:%H:%M:%S}",
    "weekday": lambda now: f"{now:%A}",
    "words": lambda now: f"{now:%A}, {now.day} {now:%B %Y}, {now:%H:%M}",
    "unix": lambda now: int(now.timestamp()),
}


class Clock(PureTool):
    """Tells the date and the time. `now` gives an aware moment."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        zone = {
            "type": "string",
            "maxLength": LONGEST_ZONE,
            "description": "Such as Europe/Berlin; without it UTC.",
        }
        written = {"enum": list(FORMATS), "description": "How the moment is written; without it iso."}
        super().__init__(
            ToolSpec(
                name="clock",
                title="The clock",
                description="Tells the date and the time in a time zone.",
                schema=arguments_schema({}, zone=zone, format=written),
            )
        )

    def compute(self, arguments: Mapping[str, Json]) -> Json:
        """Return `now` as it was asked for, and the `zone`."""
        name = arguments.get("zone", "UTC")
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            words = f"There is no time zone {name!r}. Write one such as Europe/Berlin or UTC."
            raise ToolFailed(words, fault=ToolFault.ARGUMENTS) from error
        written = FORMATS[arguments.get("format", "iso")]
        return {"now": written(self._now().astimezone(zone)), "zone": name}


class JsonQuery(PureTool):
    """Picks parts of a JSON value with JMESPath."""

    def __init__(self) -> None:
        query = {
            "type": "string",
            "minLength": 1,
            "description": "In JMESPath, such as items[?price > `10`].name",
        }
        value = {"description": "What is searched."}
        super().__init__(
            ToolSpec(
                name="json_query",
                title="The JSON query",
                description="Picks parts of a JSON value with a query in JMESPath.",
                schema=arguments_schema({"value": value, "query": query}),
            )
        )

    def compute(self, arguments: Mapping[str, Json]) -> Json:
        """Return what is picked, null where nothing is there."""
        try:
            return parse_pick(arguments["query"]).apply(arguments["value"])
        except ExpressionError as error:
            raise ToolFailed(str(error), fault=ToolFault.ARGUMENTS) from error
