"""Names and values of the code as a reader says them, for what no page has words of its own for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from orchestra_site.web.templatetags.text import dollars, duration

UNITS: Mapping[str, Callable[[str], str]] = {
    "_usd": lambda value: dollars(Decimal(value)),
    "_s": lambda value: duration(float(value)),
}
"""How a value is written by the end of its name."""


def plain_name(name: str) -> str:
    """Return a name in words, without its unit: "timeout" for timeout_s."""
    unit = next((each for each in UNITS if name.endswith(each)), "")
    return name.removesuffix(unit).replace(".", " ").replace("_", " ")


def plain_value(name: str, value: object) -> str:
    """Return the value called `name` in words: 2 min 00 s for 120.0 where the name ends in _s."""
    if value is None or value in ("", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    for unit, write in UNITS.items():
        if name.endswith(unit):
            try:
                return write(str(value))
            except (InvalidOperation, ValueError):  # not a number
                break
    if isinstance(value, int | float):
        return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
    text = str(value)
    return text if " " in text or "/" in text else text.replace("_", " ")
