"""Sources: where a value comes from, as people write it.

Written as a path: `input.text`, `previous`, `stages.draft.output.items[0]`, with names of other characters in
quotes (`input."first name"`); as `{value: ...}` (literally), as `{template: "..."}`, or as
`{from: <source>, default: ...}`; or as any other object or list of sources, which gives an object or a list.
Numbers, true, false and null stand for themselves. What paths begin with says a `Vocabulary`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.places import is_inside
from orchestration.expressions.templates import Template, parse_template
from orchestration.expressions.transforms.specs import GIVEN
from orchestration.expressions.values import Json, clipped, listed, remembered, shortened, value_type

LONGEST_PATH, MOST_KEYS = 500, 32
MOST_SOURCES, DEEPEST_SOURCE = 200, 8
_ROOT = Pattern(r"[\w-]*")
_KEY = Pattern(r'\.([\w-]+)|\."((?:[^"\\]|\\["\\])+)"|\[(-?\d{1,6})\]')
_ESCAPED = Pattern(r'\\(["\\])')


class MissingValue(LookupError):
    """What a source names is not there, in words that say what there is."""


class ReadScope(Protocol):
    """What sources can read."""

    def start(self, place: Place) -> tuple[Json, int]:
        """Return what a path begins with, and how many of its keys that took. Raises `MissingValue`."""

    def values(self, names: Collection[str]) -> dict[str, Json]:
        """Return what has these names, for templates; what is not there is left out."""


class Source(ABC):
    """Where a value comes from."""

    __slots__ = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """The paths that are read."""
        return ()

    @abstractmethod
    def read(self, scope: ReadScope) -> Json:
        """Return the value. Raises `MissingValue`, and `ExpressionError` for a template that fails."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place(Source):
    """A path; `is_optional` where the mapping says what to take if nothing is there."""

    root: str
    keys: tuple[str | int, ...] = ()
    is_optional: bool = False

    @property
    def places(self) -> tuple[Place, ...]:
        """Itself."""
        return (self,)

    def __str__(self) -> str:
        return self.root + "".join(map(written_key, self.keys))

    def read(self, scope: ReadScope) -> Json:
        """Return the value. Raises `MissingValue`."""
        value, done = scope.start(self)
        for number in range(done, len(self.keys)):
            key = self.keys[number]
            if not is_inside(value, key):
                raise MissingValue(_missing(value, key, replace(self, keys=self.keys[:number])))
            value = value[key]
        return value


def written_key(key: str | int) -> str:
    """Return a key as a path has it."""
    if isinstance(key, int):
        return f"[{key}]"
    if _ROOT.fullmatch(key) and key:
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{escaped}"'


def _missing(value: Json, key: str | int, at: Place) -> str:
    """Return that a value, read `at` a place, has no such field or item."""
    if isinstance(value, dict):
        return f"{at} has no field “{key}”; it has {listed(value)}."
    if isinstance(value, list) and isinstance(key, int):
        return f"{at} has {len(value):,} items, and none at [{key}]."
    wanted = f"no item [{key}]" if isinstance(key, int) else f"no field “{key}”"
    hint = "; an item is read by its number, as in [0]" if isinstance(value, list) else ""
    return f"{at} is {value_type(value).words} and has {wanted}{hint}: {shortened(value)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiteralValue(Source):
    """A value that stands in the definition."""

    value: Json

    def read(self, scope: ReadScope) -> Json:  # noqa: ARG002  # every source is given it
        """Return the value."""
        return self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered(Source):
    """A text in which values stand."""

    template: Template
    read_places: tuple[Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """The paths that the template reads."""
        return self.read_places

    def read(self, scope: ReadScope) -> Json:
        """Return the text."""
        return self.template.render(scope.values(self.template.names))


@dataclass(frozen=True, kw_only=True, slots=True)
class Otherwise(Source):
    """A source with a value for where there is none."""

    source: Source
    default: Json

    @property
    def places(self) -> tuple[Place, ...]:
        """The paths of the source, all optional."""
        return tuple(replace(place, is_optional=True) for place in self.source.places)

    def read(self, scope: ReadScope) -> Json:
        """Return the value, or the default."""
        try:
            return self.source.read(scope)
        except MissingValue:
            return self.default


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed(Source):
    """An object of several sources, or a list where there are no names."""

    names: tuple[str, ...] | None
    sources: tuple[Source, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """The paths of all."""
        return tuple(place for source in self.sources for place in source.places)

    def read(self, scope: ReadScope) -> Json:
        """Return the values as an object or a list."""
        values = [source.read(scope) for source in self.sources]
        return values if self.names is None else dict(zip(self.names, values, strict=True))


class Vocabulary:
    """What paths may begin with; `check` raises `ExpressionError` for one that can never be read."""

    def __init__(self, roots: Collection[str], check: Callable[[Place], None]) -> None:
        self._roots, self._check = roots, check
        self.source = remembered(self._source)
        """Reads a source as it is written. Raises `ExpressionError`, with the position where there is one."""

    def _source(self, written: Json) -> Source:
        if fault := GIVEN.excess(written):
            raise ExpressionError(f"A source {fault}.")
        source = self._parsed(written, 0)
        if len(source.places) > MOST_SOURCES:
            raise ExpressionError(f"A mapping reads up to {MOST_SOURCES} sources.")
        return source

    def _parsed(self, written: Json, level: int) -> Source:
        if level > DEEPEST_SOURCE:
            raise ExpressionError(f"Sources are nested up to {DEEPEST_SOURCE} deep.")
        match written:
            case str():
                return self.place(written)
            case {"value": value, **others} if not others:
                return LiteralValue(value=value)
            case {"template": str(text), **others} if not others:
                return self._template(text)
            case {"from": source, **others} if not others.keys() - {"default"}:
                parsed = self._parsed(source, level + 1)
                return Otherwise(source=parsed, default=others["default"]) if others else parsed
            case dict() | list():
                names, parts = (
                    (tuple(written), written.values()) if isinstance(written, dict) else (None, written)
                )
                return Composed(names=names, sources=tuple(self._parsed(each, level + 1) for each in parts))
            case _:
                return LiteralValue(value=written)

    def _template(self, text: str) -> Source:
        template = parse_template(text)
        if unknown := template.names - set(self._roots):
            raise ExpressionError(f"A template knows {listed(self._roots)}, not {listed(sorted(unknown))}.")
        whole = {path[:length] for path in template.paths for length in range(1, len(path))}
        places = tuple(self._place(path[0], path[1:]) for path in sorted(template.paths - whole))
        return Rendered(template=template, read_places=places)

    def place(self, text: str) -> Place:
        """Read a path such as `input.items[0]`. Raises `ExpressionError` with the position."""
        if len(text) > LONGEST_PATH:
            raise ExpressionError(f"A source has up to {LONGEST_PATH} characters.", position=LONGEST_PATH)
        first = _ROOT.match(text)
        position = first.end() if first else 0
        keys: list[str | int] = []
        while position < len(text):
            found = _KEY.match(text, position)
            if found is None:
                raise ExpressionError(
                    f'A source is written as input.text, input.items[0] or input."a name"; '
                    f"“{clipped(text[position:])}” is none of these, at character {position + 1}.",
                    position=position,
                )
            plain, quoted, number = found.groups()
            keys.append(int(number) if number else plain or _ESCAPED.sub(r"\1", quoted))
            position = found.end()
        if len(keys) > MOST_KEYS:
            raise ExpressionError(f"A source has up to {MOST_KEYS} names and numbers.")
        return self._place(text[: first.end()] if first else "", keys)

    def _place(self, root: str, keys: Sequence[str | int]) -> Place:
        if root not in set(self._roots):
            raise ExpressionError(
                f"There is no source “{clipped(root)}”, there are {listed(self._roots)}."
                " Text is written {value: …}.",
                position=0,
            )
        place = Place(root=root, keys=tuple(keys))
        self._check(place)
        return place
