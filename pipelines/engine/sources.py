"""Where the value of a mapping comes from.

Written as a path: `input.text`, `variable.kind`, `previous`, `stages.draft.output.items[0]`, `context.now`,
with names of other characters in quotes (`input."first name"`); as `{value: ...}` (literally), as
`{template: "..."}`, or as `{from: <source>, default: ...}`; or as any other object or list of sources, which
gives an object or a list. Numbers, true, false and null stand for themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import NAME
from orchestration.expressions.templates import Template, parse_template
from orchestration.expressions.transforms.specs import GIVEN
from orchestration.expressions.values import clipped, listed, remembered, shortened, value_type
from orchestration.llm.engine.types import Json
from pipelines.engine.scope import CONTEXT, OF_A_STAGE, MissingValue, Root, Scope

LONGEST_PATH, MOST_KEYS = 500, 32
MOST_SOURCES, DEEPEST_SOURCE = 200, 8
_ROOT = Pattern(r"[\w-]*")
_KEY = Pattern(r'\.([\w-]+)|\."((?:[^"\\]|\\["\\])+)"|\[(-?\d{1,6})\]')
_ESCAPED = Pattern(r'\\(["\\])')


class Source(ABC):
    """Where a value comes from."""

    __slots__ = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """The paths that are read."""
        return ()

    @abstractmethod
    def read(self, scope: Scope) -> Json:
        """Return the value. Raises `MissingValue`, and `ExpressionError` for a template that fails."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place(Source):
    """A path; `is_optional` where the mapping says what to take if nothing is there."""

    root: Root
    keys: tuple[str | int, ...] = ()
    is_optional: bool = False

    @property
    def places(self) -> tuple[Place, ...]:
        """Itself."""
        return (self,)

    @property
    def stage(self) -> str:
        """The stage that is read by its name, or empty."""
        return str(self.keys[0]) if self.root is Root.STAGES else ""

    @property
    def variable(self) -> str:
        """The variable that is read, or empty."""
        return str(self.keys[0]) if self.root is Root.VARIABLE and self.keys else ""

    def __str__(self) -> str:
        return self.root + "".join(map(written_key, self.keys))

    def read(self, scope: Scope) -> Json:
        """Return the value. Raises `MissingValue`."""
        if self.root is Root.STAGES:
            value, done = scope.stage(str(self.keys[0]), str(self.keys[1])), 2
        else:
            value, done = scope.root(self.root), 0
        for number in range(done, len(self.keys)):
            key = self.keys[number]
            if not _is_inside(value, key):
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


def _is_inside(value: Json, key: str | int) -> bool:
    """Return whether a value has a field or an item."""
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value)


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

    def read(self, scope: Scope) -> Json:  # noqa: ARG002  # every source is given it
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

    def read(self, scope: Scope) -> Json:
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

    def read(self, scope: Scope) -> Json:
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

    def read(self, scope: Scope) -> Json:
        """Return the values as an object or a list."""
        values = [source.read(scope) for source in self.sources]
        return values if self.names is None else dict(zip(self.names, values, strict=True))


@remembered
def parse_source(written: Json) -> Source:
    """Read a source as it is written. Raises `ExpressionError` with the position in a path or a template."""
    if fault := GIVEN.excess(written):
        raise ExpressionError(f"A source {fault}.")
    source = _parsed(written, 0)
    if len(source.places) > MOST_SOURCES:
        raise ExpressionError(f"A mapping reads up to {MOST_SOURCES} sources.")
    return source


def _parsed(written: Json, level: int) -> Source:
    if level > DEEPEST_SOURCE:
        raise ExpressionError(f"Sources are nested up to {DEEPEST_SOURCE} deep.")
    match written:
        case str():
            return parse_place(written)
        case {"value": value, **others} if not others:
            return LiteralValue(value=value)
        case {"template": str(text), **others} if not others:
            return _template(text)
        case {"from": source, **others} if not others.keys() - {"default"}:
            parsed = _parsed(source, level + 1)
            return Otherwise(source=parsed, default=others["default"]) if others else parsed
        case dict() | list():
            names, parts = (
                (tuple(written), written.values()) if isinstance(written, dict) else (None, written)
            )
            return Composed(names=names, sources=tuple(_parsed(each, level + 1) for each in parts))
        case _:
            return LiteralValue(value=written)


def with_stages(written: Json) -> Json:
    """Return a source in which names of stages alone, also those in a list, stand for their outputs."""
    if isinstance(written, list):
        return [with_stages(each) for each in written]
    is_stage = isinstance(written, str) and NAME.fullmatch(written) and written not in set(Root)
    return f"{Root.STAGES}.{written}.output" if is_stage else written


def _template(text: str) -> Source:
    template = parse_template(text)
    if unknown := template.names - set(Root):
        raise ExpressionError(f"A template knows {listed(Root)}, not {listed(sorted(unknown))}.")
    whole = {path[:length] for path in template.paths for length in range(1, len(path))}
    return Rendered(
        template=template,
        read_places=tuple(_place(path[0], path[1:]) for path in sorted(template.paths - whole)),
    )


def parse_place(text: str) -> Place:
    """Read a path such as `stages.draft.output.items[0]`. Raises `ExpressionError` with the position."""
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
    return _place(text[: first.end()] if first else "", keys)


def _place(root: str, keys: Sequence[str | int]) -> Place:
    """Return a path whose beginning makes sense. Raises `ExpressionError`."""
    if root not in set(Root):
        raise ExpressionError(
            f"There is no source “{clipped(root)}”, there are {listed(Root)}. Text is written {{value: …}}.",
            position=0,
        )
    place = Place(root=Root(root), keys=tuple(keys))
    if place.root is Root.STAGES and not set(keys[1:2]) & set(OF_A_STAGE):
        raise ExpressionError(
            f"Of a stage {listed(OF_A_STAGE)} can be read, as in stages.draft.output, not {place}."
        )
    if place.root is Root.CONTEXT and (not keys or keys[0] not in CONTEXT):
        raise ExpressionError(f"The context has {listed(CONTEXT)}, not {place}.")
    return place
