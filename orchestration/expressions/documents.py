"""Documents in YAML and JSON, read within limits, and written as YAML that people read.

Of YAML there is what JSON can hold: the core schema of YAML 1.2, in which `no` and dates are texts; no
anchors, no tags of other types, no keys twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Literal, NoReturn

import yaml

from orchestra_site.web.alphabets import encodable
from orchestra_site.web.patterns import DOTALL, Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds, Json, clipped, shortened

LONGEST = 1_000_000
"""Characters of a document."""
BOUNDS = Bounds(depth=64, nodes=50_000, characters=LONGEST)
LONGEST_NUMBER = 1_000
"""Characters of a number in YAML; what is longer is a text."""
TOO_DEEP = f"The document is nested more than {BOUNDS.depth} levels deep"
SIGNS = Pattern(r'"(?:[^"\\]|\\.)*"(?:[ \t\r\n]*:)?|[\[\]{}]', DOTALL)
WORDS: Mapping[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WHOLE = Pattern(r"[-+]?[0-9]+")
WITH_BASE = Pattern(r"0o[0-7]+|0x[0-9a-fA-F]+")
FRACTION = Pattern(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NUMERIC = frozenset("+-.0123456789")
"""The characters that a number begins with."""
SAYS_WHICH = "tag:yaml.org,2002:"
CORE = {"!", *(f"{SAYS_WHICH}{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))}
"""The tags of what JSON has, too."""


def read_document(text: str, syntax: Literal["yaml", "json"]) -> Json:
    """Return what a document says. Raises `ExpressionError` with line and column."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A document has up to {LONGEST:,} characters, this one {len(text):,}.")
    found = _from_json(text) if syntax == "json" else _Reader(encodable(text)).document()
    BOUNDS.check(found, "The document")
    return found


def _from_json(text: str) -> Json:
    depth = 0
    for found in SIGNS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found.group(), 0)
        if depth > BOUNDS.depth:
            raise ExpressionError(f"{_place(text, found.start())}: {TOO_DEEP}.", position=found.start())
    try:
        return json.loads(
            text, object_pairs_hook=_without_repeats, parse_constant=_no_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        message = f"{_place(text, error.pos)}: {error.msg}."
        raise ExpressionError(message, position=error.pos) from error
    except _KeyTwice as error:
        where, *_ = _repeats(text, error.key)
        raise ExpressionError(f"{_place(text, where)}: {error}", position=where) from error
    except ExpressionError:
        raise
    except ValueError as error:
        raise ExpressionError("A number in the document has too many digits.") from error


class _KeyTwice(ExpressionError):
    """A key that an object has twice."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {shortened(key)} stands twice in one object.")
        self.key = key


def _without_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict[str, Json]()
    for key, value in pairs:
        if key in found:
            raise _KeyTwice(key)
        found[key] = value
    return found


def _finite(word: str) -> float:
    if not isfinite(number := float(word)):
        raise ExpressionError(f"{clipped(word)} is larger than any number that can be kept.")
    return number


def _no_constant(word: str) -> NoReturn:
    raise ExpressionError(f"{word} is no value of JSON.")


def _repeats(text: str, key: str) -> Iterator[int]:
    """Yield where a key stands that its object has already."""
    keys = list[set[str]]()
    for found in SIGNS.finditer(text):
        word = found.group()
        if word == "{":
            keys.append(set())
        elif word == "}":
            keys.pop()
        elif word[0] == '"' and word[-1] == ":" and json.loads(word[:-1]) == key:
            if key in keys[-1]:
                yield found.start()
            keys[-1].add(key)


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"Line {line}, column {position - text.rfind(chr(10), 0, position)}"


class _Reader:
    """Builds a document from the events of the YAML parser, which come as the text is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes = 0

    def document(self) -> Json:
        """Return the one document of a text."""
        loader = yaml.CSafeLoader(self.text)
        try:
            loader.get_event()
            if loader.check_event(yaml.StreamEndEvent):
                return None
            loader.get_event()
            found = self.value(loader, 0)
            loader.get_event()
            if not loader.check_event(yaml.StreamEndEvent):
                self.refuse(loader.get_event(), "A text holds one document")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
            message = f"{place}{error.problem or 'The document cannot be read'}."
            raise ExpressionError(message, position=mark.index if mark else None) from error
        except yaml.YAMLError as error:
            raise ExpressionError("The document holds a character that YAML does not allow.") from error
        finally:
            loader.dispose()
        return found

    def value(self, loader: yaml.CSafeLoader, depth: int) -> Json:
        """Return the value that begins with the next event."""
        event = loader.get_event()
        self.check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            listed = list[Json]()
            while not loader.check_event(yaml.SequenceEndEvent):
                listed.append(self.value(loader, depth + 1))
            loader.get_event()
            return listed
        named = dict[str, Json]()
        while not loader.check_event(yaml.MappingEndEvent):
            key = loader.get_event()
            self.check(key, depth + 1)
            name = self.key(key)
            if name in named:
                self.refuse(key, f"The key {shortened(name)} stands twice in one object")
            named[name] = self.value(loader, depth + 1)
        loader.get_event()
        return named

    def check(self, event: Any, depth: int) -> None:  # noqa: ANN401 - the library has no type for them all
        """Refuse what is too much, and what YAML has beyond JSON."""
        self.nodes += 1
        if depth > BOUNDS.depth:
            self.refuse(event, TOO_DEEP)
        if self.nodes > BOUNDS.nodes:
            self.refuse(event, f"The document has more than {BOUNDS.nodes:,} parts")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.refuse(event, "Anchors and aliases (& and *) cannot be used")
        if event.tag is not None and event.tag not in CORE:
            self.refuse(event, f"The tag {shortened(event.tag)} cannot be used")

    def scalar(self, event: Any) -> Json:  # noqa: ANN401 - see `check`
        """Return a text, a number, true, false or null."""
        word, plain = event.value, event.implicit[0]
        if event.tag == f"{SAYS_WHICH}str" or not (plain or event.tag not in (None, "!")):
            return word
        if word in WORDS:
            return WORDS[word]
        if word[:1] not in NUMERIC or len(word) > LONGEST_NUMBER:
            return word
        if WHOLE.fullmatch(word):
            return int(word)
        if WITH_BASE.fullmatch(word):
            return int(word, 0)
        return _finite(word) if FRACTION.fullmatch(word) else word

    def key(self, event: Any) -> str:  # noqa: ANN401 - see `check`
        """Return the name of a key; a number or word is its own name."""
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        return self.refuse(event, "A key is a text")

    def refuse(self, event: Any, message: str) -> NoReturn:  # noqa: ANN401 - see `check`
        """Raise with the place of an event."""
        mark = event.start_mark
        raise ExpressionError(
            f"Line {mark.line + 1}, column {mark.column + 1}: {message}.", position=mark.index
        )


class _Writer(yaml.SafeDumper):
    """Writes block style, and texts of several lines as they are."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the library's signature
        """Write what occurs twice twice."""
        return True


def _written(writer: _Writer, text: str) -> yaml.ScalarNode:
    tag = f"{SAYS_WHICH}str"
    if any(each in text for each in "\r\x85\u2028\u2029\ufeff"):
        return writer.represent_scalar(tag, text, style='"')
    if "\n" in text.strip("\n"):
        return writer.represent_scalar(tag, text, style="|")
    reads_otherwise = text in WORDS or any(each.fullmatch(text) for each in (WHOLE, WITH_BASE, FRACTION))
    return writer.represent_scalar(tag, text, style="'" if reads_otherwise else None)


def _float(writer: _Writer, number: float) -> yaml.ScalarNode:
    return writer.represent_scalar(f"{SAYS_WHICH}float", repr(number))


_Writer.add_representer(str, _written)
_Writer.add_representer(float, _float)


def write_yaml(document: Json) -> str:
    """Return a document as YAML in its own order: `read_document` of it gives the document again."""
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)
