"""Read the syntax of a condition: the names, calls and comprehensions that stand in it, and where.

The CEL engine shows none of this. What it accepts is decided by it; here only what is refused before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError

DEEPEST = 32
"""Levels of brackets, steps of a path, operators over operators."""
SPACE = r"(?:[ \t\r\n\f]+|//[^\n]*)*"
BEFORE = Pattern(SPACE)
TOKEN = Pattern(
    SPACE + r"""([rR]?(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')"""
    r"""|0[xX][0-9a-fA-F]+[uU]?|[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|[0-9]+[uU]?"""
    r"""|[_a-zA-Z][_a-zA-Z0-9]*|&&|\|\||[<>=!]=|[-+*/%<>!?:.,(){}\[\]]|$)"""
)
"""A text, number, name, sign or the end, with the blanks and comments before it."""
BINARY = {"||": 1, "&&": 2, "in": 3, **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 3)}
BINARY |= dict.fromkeys("+-", 4) | dict.fromkeys("*/%", 5)
MACROS = {"all": 3, "exists": 3, "exists_one": 3, "filter": 3, "map": 3}
"""Comprehensions, and the parts of each: what is gone through, the name of an item, what is computed."""
FUNCTIONS = {
    "contains": 2, "double": 1, "endsWith": 2, "has": 1, "int": 1, "matches": 2, "size": 1, "startsWith": 2,
    "string": 1, "type": 1, **MACROS,
}  # fmt: skip
CONSTANTS = {"true", "false", "null"}
TYPES = {"bool", "double", "int", "list", "map", "null_type", "string", "type"}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition.

    `kind` is "constant", "name", "field", "index", "call", "each" (a comprehension), "list", "map", or
    "operator"; `word` is the constant as it is written, the name, the field, the function or the operator.
    """

    kind: str
    word: str
    start: int
    parts: tuple[Node, ...] = ()
    depth: int = 1

    def path(self) -> tuple[str, ...]:
        """Return the name and the fields of `input.text`; nothing for what is no such path."""
        if self.kind == "name":
            return (self.word,)
        before = self.parts[0].path() if self.kind == "field" else ()
        return (*before, self.word) if before else ()


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign of a condition."""

    kind: str
    word: str
    start: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the words and signs of a condition, then one of kind "end". Raises `ExpressionError`."""
    end = 0
    for found in TOKEN.finditer(text):
        if found.start() > end:
            blanks = BEFORE.match(text, end)
            place = blanks.end() if blanks else end
            raise ExpressionError(f"“{text[place]}” cannot stand here.{_hint(text, place)}", position=place)
        end, word = found.end(), found.group(1) or ""
        yield Token(_kind(word), word, end - len(word))


def _kind(word: str) -> str:
    """Return what sort of word or sign is read."""
    if not word:
        return "end"
    if word[-1] in "\"'":
        return "text"
    if word[0].isdigit() or (word[0] == "." and len(word) > 1):
        return "number"
    return "name" if word[0].isalpha() or word[0] == "_" else "sign"


def _hint(text: str, place: int) -> str:
    hints = {"=": " Equality is written ==.", "&": " “And” is written &&.", "|": " “Or” is written ||."}
    return hints.get(text[place], " The quote is not closed." if text[place] in "\"'" else "")


class Reader:
    """Reads one condition from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.place]

    def read(self) -> Node:
        """Return the whole condition."""
        node = self.expression()
        if self.next.kind != "end":
            self.refuse()
        return node

    def expression(self) -> Node:
        """Read an expression, with `condition ? this : that`."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.too_deep(self.next.start)
        node = self.binary(1)
        if self.takes("?"):
            chosen = self.binary(1)
            self.expect(":")
            node = self.node("operator", "?:", node.start, (node, chosen, self.expression()))
        self.depth -= 1
        return node

    def binary(self, least: int) -> Node:
        """Read operators that bind at least as strongly as `least`; a chain of equal ones is one node."""
        node = self.unary()
        while (binding := BINARY.get(self.next.word, 0)) >= least and self.next.kind in ("sign", "name"):
            operator, parts = self.next.word, [node]
            while BINARY.get(self.next.word, 0) == binding and self.next.kind in ("sign", "name"):
                self.place += 1
                parts.append(self.binary(binding + 1))
            node = self.node("operator", operator, node.start, tuple(parts))
        return node

    def unary(self) -> Node:
        """Read `!` and `-`, however many, and what they stand before."""
        first, place = self.next, self.place
        while self.takes("!") or self.takes("-"):
            pass
        plain = self.place == place
        node = self.member()
        return node if plain else self.node("operator", first.word, first.start, (node,))

    def member(self) -> Node:
        """Read a value with the fields, items and methods that follow it."""
        node = self.primary()
        while self.next.word in (".", "[") and self.next.kind == "sign":
            start = self.next.start
            if self.takes("["):
                node = self.node("index", "", start, (node, self.expression()))
                self.expect("]")
                continue
            self.place += 1
            named = self.expect_name()
            if self.takes("("):
                node = self.call(named, (node, *self.items(")")))
            else:
                node = self.node("field", named.word, named.start, (node,))
        return node

    def primary(self) -> Node:
        """Read a constant, a name, a call, or what stands in brackets."""
        token = self.next
        self.place += 1
        if token.kind in ("text", "number") or token.word in CONSTANTS:
            return Node("constant", token.word, token.start)
        if token.kind == "name":
            return (
                self.call(token, self.items(")"))
                if self.takes("(")
                else Node("name", token.word, token.start)
            )
        if token.word == "(":
            node = self.expression()
            self.expect(")")
            return node
        if token.word == "[":
            return self.node("list", "", token.start, self.items("]"))
        if token.word == "{":
            return self.node("map", "", token.start, self.items("}"))
        self.place -= 1
        return self.refuse()

    def items(self, end: str) -> tuple[Node, ...]:
        """Read what stands between commas, and the bracket that ends it; of a map, keys and values."""
        found = list[Node]()
        while not self.takes(end):
            found.append(self.expression())
            if end == "}":
                self.expect(":")
                found.append(self.expression())
            if not self.takes(","):
                self.expect(end)
                break
        return tuple(found)

    def call(self, function: Token, parts: tuple[Node, ...]) -> Node:
        """Return a call of one of `FUNCTIONS`, whose first part may stand before it."""
        word, wanted = function.word, FUNCTIONS.get(function.word)
        if wanted is None:
            known = ", ".join(FUNCTIONS)
            raise ExpressionError(
                f"There is no function “{word}”; there are {known}.", position=function.start
            )
        if len(parts) != wanted:
            raise ExpressionError(
                f"{word} is given {len(parts)} values, it takes {wanted}.", position=function.start
            )
        if word in MACROS and (parts[1].kind != "name" or parts[0].start > function.start):
            raise ExpressionError(f"{word} is written list.{word}(item, …).", position=function.start)
        if word == "has" and parts[0].kind != "field":
            raise ExpressionError("has asks for a field, as has(input.text).", position=function.start)
        return self.node("each" if word in MACROS else "call", word, function.start, parts)

    def node(self, kind: str, word: str, start: int, parts: tuple[Node, ...]) -> Node:
        """Return a node over others, unless that is too deep."""
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > DEEPEST:
            self.too_deep(start)
        return Node(kind, word, start, parts, depth)

    def takes(self, sign: str) -> bool:
        """Read the sign if it is next, and return whether it was."""
        found = self.next.kind == "sign" and self.next.word == sign
        self.place += found
        return found

    def expect(self, sign: str) -> None:
        """Read the sign."""
        if not self.takes(sign):
            self.refuse(f" “{sign}” is expected.")

    def expect_name(self) -> Token:
        """Read a name."""
        if self.next.kind != "name":
            self.refuse(" The name of a field is expected.")
        self.place += 1
        return self.tokens[self.place - 1]

    def refuse(self, hint: str = "") -> NoReturn:
        """Say that what is next cannot stand there."""
        token = self.next
        shown = (
            "The condition is not complete." if token.kind == "end" else f"“{token.word}” cannot stand here."
        )
        raise ExpressionError(shown + hint, position=token.start)

    def too_deep(self, place: int) -> NoReturn:
        """Say that the condition is nested too deeply."""
        raise ExpressionError(f"The condition is nested more than {DEEPEST} levels deep.", position=place)
