"""Arithmetic with decimal numbers: each part of an expression is read once, and values are bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import reduce

from orchestra_site.web.patterns import Pattern
from orchestration.tools.engine.tool import ToolFailed, ToolFault

LONGEST = 2_000
DEEPEST = 50
DIGITS = 50
LARGEST_EXPONENT = 1_000
LARGEST = Decimal(10) ** 100
CONTEXT = Context(prec=DIGITS, Emax=999_999, Emin=-999_999)
TOKEN = Pattern(
    r"\s*(?:((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)|([A-Za-z_][A-Za-z_0-9]*)|(\*\*|[-+*/%^(),]))"
)
PI = Decimal("3.1415926535897932384626433832795028841971693993751")
E = Decimal("2.7182818284590452353602874713526624977572470936999")
CONSTANTS: Mapping[str, Decimal] = {"pi": PI, "e": E}


def _places(values: Sequence[Decimal]) -> Decimal:
    """Round half up to whole numbers, or to the places that the second value names."""
    places = values[1] if len(values) > 1 else Decimal(0)
    if places != places.to_integral_value() or abs(places) > DIGITS:
        raise _refused(f"round takes up to {DIGITS} whole places.")
    return values[0].quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP, context=CONTEXT)


def _total(values: Sequence[Decimal]) -> Decimal:
    return reduce(CONTEXT.add, values)


def _whole(rounding: str) -> Callable[[Sequence[Decimal]], Decimal]:
    return lambda values: values[0].to_integral_value(rounding=rounding)


FUNCTIONS: Mapping[str, tuple[int, int, Callable[[Sequence[Decimal]], Decimal]]] = {
    "abs": (1, 1, lambda values: CONTEXT.abs(values[0])),
    "avg": (1, LONGEST, lambda values: CONTEXT.divide(_total(values), Decimal(len(values)))),
    "ceil": (1, 1, _whole(ROUND_CEILING)),
    "exp": (1, 1, lambda values: CONTEXT.exp(values[0])),
    "floor": (1, 1, _whole(ROUND_FLOOR)),
    "ln": (1, 1, lambda values: CONTEXT.ln(values[0])),
    "log10": (1, 1, lambda values: CONTEXT.log10(values[0])),
    "max": (1, LONGEST, max),
    "min": (1, LONGEST, min),
    "round": (1, 2, _places),
    "sqrt": (1, 1, lambda values: CONTEXT.sqrt(values[0])),
    "sum": (1, LONGEST, _total),
}
"""Each with the fewest and the most values that it takes."""


def calculate(text: str) -> Decimal:
    """Return the value of an expression such as `round(2300 * 0.17, 2)`.

    Raises `ToolFailed` with the place that is at fault.
    """
    if len(text) > LONGEST:
        raise _refused(f"The expression has {len(text):,} characters; at most {LONGEST:,} are read.")
    parser = _Parser(_tokens(text))
    try:
        value = parser.expression()
    except ArithmeticError as error:
        raise ToolFailed(
            "This cannot be computed: a division by zero, or a value without a result."
        ) from error
    parser.expect_end()
    return value


def _tokens(text: str) -> list[tuple[str, int]]:
    """Return the parts of an expression with their positions, counted from 1."""
    found: list[tuple[str, int]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            rest = text[at:].lstrip()
            raise _refused(
                f"“{rest[0]}” at character {len(text) - len(rest) + 1} cannot stand in an expression."
            )
        word = token.group().lstrip()
        found.append((word, token.end() - len(word) + 1))
        at = token.end()
    return found


class _Parser:
    """Evaluates while it reads. From the weakest: sums, products, signs, powers, single values."""

    def __init__(self, tokens: list[tuple[str, int]]) -> None:
        self._tokens = [*tokens, ("", 0)]
        self._at = 0
        self._depth = 0

    def expression(self) -> Decimal:
        """Return the value of a sum."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused(f"The expression is nested more than {DEEPEST} levels deep.")
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = _bounded(CONTEXT.add(value, other) if sign == "+" else CONTEXT.subtract(value, other))
        self._depth -= 1
        return value

    def expect_end(self) -> None:
        """Refuse what follows a whole expression."""
        if self._at < len(self._tokens) - 1:
            raise self._unexpected()

    def _product(self) -> Decimal:
        value = self._signed()
        operations = {"*": CONTEXT.multiply, "/": CONTEXT.divide, "%": CONTEXT.remainder}
        while sign := self._take(*operations):
            value = _bounded(operations[sign](value, self._signed()))
        return value

    def _signed(self) -> Decimal:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return CONTEXT.minus(value) if negative else value

    def _power(self) -> Decimal:
        """Return a value, raised to powers from the right: 2 ** 3 ** 2 is 2 ** 9."""
        values = [self._value()]
        signs = []
        while self._take("**", "^"):
            signs.append(bool(self._take("-")))
            values.append(self._value())
        power = values.pop()
        while values:
            power = _raised(values.pop(), CONTEXT.minus(power) if signs.pop() else power)
        return power

    def _value(self) -> Decimal:
        word, position = self._tokens[self._at]
        if self._take("("):
            value = self.expression()
            self._expect(")")
            return value
        if word[:1].isdigit() or word[:1] == ".":
            self._at += 1
            return _bounded(CONTEXT.create_decimal(word))
        if word in CONSTANTS:
            self._at += 1
            return CONSTANTS[word]
        if word in FUNCTIONS:
            self._at += 1
            return self._called(word)
        if word[:1].isalpha() or word[:1] == "_":
            known = ", ".join([*FUNCTIONS, *CONSTANTS])
            raise _refused(f"“{word[:40]}” at character {position} is not known; there are {known}.")
        raise self._unexpected()

    def _called(self, name: str) -> Decimal:
        fewest, most, function = FUNCTIONS[name]
        self._expect("(")
        values = [self.expression()]
        while self._take(","):
            values.append(self.expression())
        self._expect(")")
        if not fewest <= len(values) <= most:
            raise _refused(f"{name} is given {len(values)} values, it takes {most}.")
        return _bounded(function(values))

    def _take(self, *words: str) -> str:
        word = self._tokens[self._at][0]
        if word not in words:
            return ""
        self._at += 1
        return word

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _unexpected(self) -> ToolFailed:
        word, position = self._tokens[self._at]
        if not word:
            return _refused("The expression is not complete.")
        return _refused(f"“{word[:40]}” at character {position} cannot stand there.")


def _raised(base: Decimal, exponent: Decimal) -> Decimal:
    if abs(exponent) > LARGEST_EXPONENT:
        raise _refused(f"A power may be up to {LARGEST_EXPONENT:,}.")
    return _bounded(CONTEXT.power(base, exponent))


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > LARGEST:
        raise ToolFailed("The result is larger than 10 to the power of 100.")
    return value


def _refused(message: str) -> ToolFailed:
    return ToolFailed(message, fault=ToolFault.ARGUMENTS)
