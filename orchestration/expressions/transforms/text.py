"""Transforms of texts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Literal

import re2
from pydantic import Field

from orchestra_site.web.patterns import IGNORECASE, Flag, Match, Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.transforms.specs import (
    GIVEN,
    MOST_WORK,
    Laborious,
    Step,
    TransformError,
    WorkCount,
    refused,
    transform,
)
from orchestration.expressions.values import Json, ValueType, shortened, value_type

TEXT, LIST = (ValueType.TEXT,), (ValueType.LIST,)
LONGEST_PATTERN = 1_000

Characters = Annotated[int, Field(ge=0, le=GIVEN.characters, description="At most so many characters.")]
Separator = Annotated[str, Field(max_length=1_000, description="What stands between the parts.")]
Expression = Annotated[
    str, Field(min_length=1, max_length=LONGEST_PATTERN, description="A regular expression (RE2).")
]
IgnoreCase = Annotated[bool, Field(title="Ignore capitals", description="Whether a and A are the same.")]


@transform(takes=TEXT, gives=TEXT, value="  yes\n", result="yes")
def strip() -> Step:
    """Remove blanks and line breaks at both ends."""
    return str.strip


@transform(takes=TEXT, gives=TEXT, value="Yes", result="yes")
def lower() -> Step:
    """Write everything in small letters."""
    return str.lower


@transform(takes=TEXT, gives=TEXT, value="Yes", result="YES")
def upper() -> Step:
    """Write everything in capitals."""
    return str.upper


@transform(takes=TEXT, gives=TEXT, main="length", value="A long story", parameter=7, result="A long…")
def truncate(
    *,
    length: Characters,
    marker: Annotated[
        str, Field(max_length=100, description="Ends a text that was cut; counts as part of it.")
    ] = "…",
) -> Step:
    """Cut a text that is longer than some number of characters."""
    kept = length - len(marker)

    def cut(text: str) -> Json:
        if len(text) <= length:
            return text
        return text[:kept] + marker if kept > 0 else text[:length]

    return cut


@transform(takes=TEXT, gives=LIST, main="separator", value="red,blue", parameter=",", result=["red", "blue"])
def split(*, separator: Annotated[str, Field(min_length=1, max_length=1_000)] = "\n") -> Step:
    """Divide a text at each separator, by default into lines."""

    def divided(text: str) -> Json:
        parts = text.split(separator, GIVEN.nodes)
        if len(parts) > GIVEN.nodes:
            raise TransformError(f"The text has more than {GIVEN.nodes:,} parts.")
        return parts

    return divided


@transform(takes=LIST, gives=TEXT, main="separator", value=["red", 2], parameter=", ", result="red, 2")
def join(*, separator: Separator = "\n") -> Step:
    """Write the items of a list as one text, by default as lines."""

    def joined(items: list[Json]) -> Json:
        texts = [spelled(item, f"[{place}]: ") for place, item in enumerate(items)]
        fitting(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    return joined


def spelled(value: Json, where: str = "") -> str:
    """Return a text, number or boolean as text. Raises `TransformError` for other values."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case _:
            raise refused(f"{where}{value_type(value).words} cannot be written as a text", value)


def fitting(characters: int) -> None:
    """Check the length of a text before it is made. Raises `TransformError`."""
    if characters > GIVEN.characters:
        raise TransformError(f"The text would have more than {GIVEN.characters:,} characters.")


def _compiled(expression: str, *, ignore_case: bool) -> tuple[Pattern, Match]:
    """Return an expression and an empty match of it, which has its groups. Raises `ExpressionError`."""
    flags = IGNORECASE if ignore_case else Flag.NONE
    try:
        pattern, groups = Pattern(expression, flags), Pattern(f"(?:{expression})|", flags).search("")
    except IndexError:
        raise ExpressionError(f"The pattern ends too early: {shortened(expression)}.") from None
    except (re2.error, ValueError) as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error.args[0]
        raise ExpressionError(f"The pattern cannot be used ({reason}).") from None
    assert groups is not None  # noqa: S101  # an expression with an empty alternative matches the empty text
    return pattern, groups


def _matches(pattern: Pattern, text: str, work: WorkCount) -> list[Match]:
    """Return all matches in a text, each of which may have read the rest of it. Raises `TransformError`."""
    most = min(GIVEN.nodes, work.left // max(1, len(text)))
    found = list(islice(pattern.finditer(text), most + 1))
    if len(found) > most:
        raise TransformError(
            f"The pattern matches more than {most:,} times in a text of {len(text):,} characters"
            f"{', after other searches' if work.left < MOST_WORK else ''}, which is too much work;"
            " split the text, and use the pattern on each part."
        )
    work.spend(len(found) * len(text))
    return found


@transform(takes=TEXT, main="pattern", value="Order A-17, please", parameter=r"[A-Z]-\d+", result="A-17")
def regex(
    *,
    pattern: Expression,
    find: Annotated[
        Literal["first", "all", "groups"],
        Field(
            description="The first match, all matches, or the groups of the first one."
            " Of a match with one group it is the group.",
        ),
    ] = "first",
    ignore_case: IgnoreCase = False,
) -> Step:
    """Find a pattern in a text; nothing where it does not occur."""
    compiled, groups = _compiled(pattern, ignore_case=ignore_case)
    group = 1 if len(groups.groups()) == 1 else 0

    def first(text: str) -> Json:
        found = compiled.search(text)
        return None if found is None else found.group(group)

    def every(text: str, work: WorkCount) -> Json:
        return [found.group(group) or "" for found in _matches(compiled, text, work)]

    def parts(text: str) -> Json:
        found = compiled.search(text)
        return None if found is None else found.groupdict() or list(found.groups())

    steps: dict[str, Step] = {"first": first, "all": Laborious(run=every), "groups": parts}
    return steps[find]


@transform(takes=TEXT, gives=TEXT, value="1 000", parameter={"old": " ", "new": ""}, result="1000")
def replace(
    *,
    old: Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN, title="Replace")],
    new: Annotated[
        str, Field(max_length=100_000, title="By", description=r"In a pattern's, \1 is its first group.")
    ],
    regex: Annotated[bool, Field(title="Pattern", description="Whether it is a regular expression.")] = False,
    ignore_case: IgnoreCase = False,
) -> Step:
    """Replace a text or a pattern wherever it occurs."""
    if not regex and not ignore_case:

        def replaced(text: str) -> Json:
            fitting(len(text) + text.count(old) * (len(new) - len(old)))
            return text.replace(old, new)

        return replaced
    compiled, groups = _compiled(old if regex else _quoted(old), ignore_case=ignore_case)
    filled = _filling(new, groups) if regex else lambda _: new
    return Laborious(run=lambda text, work: _substituted(text, _matches(compiled, text, work), filled))


def _quoted(text: str) -> str:
    """Return an expression that matches exactly a text."""
    return "".join(f"\\x{ord(each):02x}" if each.isascii() and not each.isalnum() else each for each in text)


def _substituted(text: str, matches: list[Match], filled: Callable[[Match], str]) -> str:
    parts, end, length = list[str](), 0, 0
    for found in matches:
        parts += [text[end : found.start()], filled(found)]
        end = found.end()
        length += len(parts[-1]) + len(parts[-2])
        fitting(length)
    return "".join([*parts, text[end:]])


_REFERENCE = Pattern(r"\\(?:([1-9])|g<(\w+)>|(\\))")


def _filling(template: str, groups: Match) -> Callable[[Match], str]:
    r"""Return what fills in the groups of a match: `\1` to `\9` and `\g<name>`. Raises `ExpressionError`."""
    literal = _REFERENCE.split(template)[::4]
    references: list[int | str] = []
    for found in _REFERENCE.finditer(template):
        digit, name, backslash = found.groups()
        references.append(backslash or name or int(digit))
        known = backslash or name in groups.groupdict() or 0 < int(digit or 0) <= len(groups.groups())
        if not known:
            raise ExpressionError(f"The pattern has no group {found.group()}.", position=found.start())

    def filled(match: Match) -> str:
        given = ["\\" if each == "\\" else match.group(each) or "" for each in references]
        return "".join(part for pair in zip(literal, [*given, ""], strict=True) for part in pair)

    return filled


TEXT_TRANSFORMS = (strip, lower, upper, truncate, split, join, regex, replace)
