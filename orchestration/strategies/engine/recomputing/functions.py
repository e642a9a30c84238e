"""The methods and built-in functions of a program that is recomputed: Python's own, where these are known.

Nothing reaches an attribute that is not in `METHODS`, or a name that is not in `BUILTINS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter

from orchestration.strategies.engine.recomputing.operators import formatted, power
from orchestration.strategies.engine.recomputing.work import (
    AT_ONCE,
    MOST_BITS,
    PROGRAM_ERRORS,
    Function,
    NotRecomputedError,
    Value,
    WorkLimit,
    bound,
)

MOST_DIGITS = 300
"""Places to which a number is rounded, on either side of the point."""
METHODS: Mapping[type, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        str: "capitalize casefold center count endswith find format index isalnum isalpha isascii isdecimal"
        " isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip"
        " maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip"
        " split splitlines startswith strip swapcase title translate upper zfill",
        list: "append clear copy count extend index insert pop remove reverse sort",
        tuple: "count index",
        dict: "clear copy fromkeys get items keys pop popitem setdefault update values",
        set: "add clear copy difference difference_update discard intersection intersection_update isdisjoint"
        " issubset issuperset pop remove symmetric_difference symmetric_difference_update union update",
        frozenset: "copy difference intersection isdisjoint issubset issuperset symmetric_difference union",
        int: "bit_length",
        float: "is_integer",
    }.items()
}
READ_LITTLE = frozenset(
    {"append", "clear", "get", "items", "keys", "values", "setdefault", "add", "discard", "format"}
)
"""Methods that do not read the whole value that they are called on."""
OF_TYPES = frozenset({"fromkeys", "maketrans"})
"""Methods that are called on a type, without a value of it."""


def _padded(_: WorkLimit, __: str, given: Sequence[Value]) -> None:
    if given and isinstance(given[0], int):
        bound(given[0])


def _replaced(_: WorkLimit, text: str, given: Sequence[Value]) -> None:
    old, new, *_rest = given
    bound(len(text) + text.count(old) * len(new))


def _joined(work: WorkLimit, text: str, given: Sequence[Value]) -> None:
    texts: Sequence[Value] = [*work.ordered(given[0])]
    bound(sum(len(each) + len(text) for each in texts))


def _translated(_: WorkLimit, text: str, given: Sequence[Value]) -> None:
    longest = max((len(each) for each in given[0].values() if isinstance(each, str)), default=1)
    bound(len(text) * max(1, longest))


def _extended(work: WorkLimit, values: Value, given: Sequence[Value]) -> None:
    for each in given[:1]:
        work.ordered(each)
        bound(len(values) + len(each))


def _taken(work: WorkLimit, values: Value, _: Sequence[Value]) -> None:
    work.ordered(values)


def _from_keys(work: WorkLimit, _: Value, given: Sequence[Value]) -> None:
    work.ordered(given[0])


BOUNDED_METHODS: Mapping[tuple[type, str], Callable[[WorkLimit, Value, Sequence[Value]], None]] = {
    (str, "center"): _padded,
    (str, "ljust"): _padded,
    (str, "rjust"): _padded,
    (str, "zfill"): _padded,
    (str, "replace"): _replaced,
    (str, "join"): _joined,
    (str, "translate"): _translated,
    (list, "extend"): _extended,
    (dict, "update"): _extended,
    (dict, "fromkeys"): _from_keys,
    (set, "pop"): _taken,
}
"""What is looked at before a method whose result may be too large, or differ from run to run.
"""


def method(work: WorkLimit, owner: Value, name: str) -> Function:
    """Return a method of a value; or of a type, to be called with the value first."""
    kind: type = owner if isinstance(owner, type) else type(owner)
    if kind not in METHODS or (hasattr(kind, name) and name not in METHODS[kind]):
        raise NotRecomputedError
    own = getattr(kind, name)

    def call(*given: Value, **named: Value) -> Value:
        arguments = [work.whole(each) for each in given]
        if not isinstance(owner, type) and name not in OF_TYPES:
            arguments.insert(0, owner)
        if name not in READ_LITTLE:
            work.read(*arguments[:1])
        work.read(*named.values())
        if name == "format":
            return _format(work, *arguments, **named)
        if (kind, name) in BOUNDED_METHODS:
            first = None if name in OF_TYPES else arguments[0]
            try:
                BOUNDED_METHODS[kind, name](work, first, arguments[name not in OF_TYPES :])
            except PROGRAM_ERRORS:  # for these arguments the method would raise, perhaps another error
                raise NotRecomputedError from None
        keyed = {key: callback(work, each) if key == "key" else each for key, each in named.items()}
        return own(*arguments, **keyed)

    return Function(call)


def _format(work: WorkLimit, text: str, *given: Value, **named: Value) -> str:
    """Return a text with values in its fields, which may only be numbered or named."""
    parts, place = [], 0
    for before, name, spec, conversion in Formatter().parse(text):
        parts.append(before)
        if name is None:
            continue
        if conversion is not None or (name and not (name.isascii() and name.isalnum())):
            raise NotRecomputedError
        if name and not name.isdigit():
            value = named[name]
        else:
            value = given[int(name or place)]
            place += not name
        parts.append(formatted(work, value, spec or ""))
    work.read(parts)
    return "".join(parts)


def callback(work: WorkLimit, function: Value) -> Callable[..., Value] | None:
    """Return a function of the program, or a built-in one, as Python's own may call it."""
    return None if function is None else lambda *given: called(work, function, given, {})


def called(work: WorkLimit, function: Value, given: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """Call a function of the program, a method, a type or a built-in function."""
    work.spend(1)
    if isinstance(function, Function):
        return function.call(*given, **named)
    if function in LAZY:
        return LAZY[function](work, *given, **named)
    if function not in WHOLE:
        raise TypeError
    arguments = [each if isinstance(each, Function) else work.whole(each) for each in given]
    work.read(*named.values())
    return WHOLE[function](work, *arguments, **named)


def _plain(kind: Callable[..., Value]) -> Callable[..., Value]:
    return lambda _, *given, **named: kind(*given, **named)


def _in_order(kind: Callable[..., Value]) -> Callable[..., Value]:
    return lambda work, *given, **named: kind(*map(work.ordered, given), **named)


def _text(kind: Callable[[Value], Value]) -> Callable[..., Value]:
    return lambda work, *given: kind(*map(work.shown, given))


def _told(kind: Callable[..., Value]) -> Callable[..., Value]:
    """Return a function that tells something of a value without reading it."""

    def found(work: WorkLimit, value: Value, *kinds: Value) -> Value:
        work.read(*kinds)
        if isinstance(value, Iterator | Function) or len(kinds) > 1:
            raise NotRecomputedError
        return kind(value, *kinds)

    return found


def _print(work: WorkLimit, *given: Value, sep: str | None = None, end: str | None = None) -> None:
    texts = [str(work.shown(each)) for each in given]
    line = (" " if sep is None else sep).join(texts) + ("\n" if end is None else end)
    bound(len(line))
    work.read(line)
    work.output.append(line)


def _sorted(work: WorkLimit, values: Value, *, key: Value = None, reverse: bool = False) -> list[Value]:
    found = values if key is None else work.ordered(values)
    return sorted(found, key=callback(work, key), reverse=reverse)


def _extreme(kind: Callable[..., Value]) -> Callable[..., Value]:
    def found(work: WorkLimit, *given: Value, key: Value = None, **named: Value) -> Value:
        values = given if key is None else [work.ordered(each) for each in given]
        return kind(*values, key=callback(work, key), **named)

    return found


def _round(_: WorkLimit, number: Value, digits: Value = None) -> Value:
    if isinstance(digits, int):
        bound(abs(digits), MOST_DIGITS)
    return round(number, digits)


def _pow(work: WorkLimit, base: Value, exponent: Value, modulus: Value = None) -> Value:
    if modulus is None:
        power(base, exponent)
    elif isinstance(exponent, int) and isinstance(modulus, int):
        work.spend(exponent.bit_length() * (1 + modulus.bit_length() * AT_ONCE // (MOST_BITS * 4)))
    return pow(base, exponent, modulus)


def _map(work: WorkLimit, function: Value, *values: Value) -> Iterator[Value]:
    return map(callback(work, function) or called, *map(work.ordered, values))


def _filter(work: WorkLimit, function: Value, values: Value) -> Iterator[Value]:
    return filter(callback(work, function), work.ordered(values))


def _enumerate(work: WorkLimit, values: Value, start: int = 0) -> Iterator[Value]:
    return enumerate(work.ordered(values), start)


def _reversed(_: WorkLimit, values: Value) -> Iterator[Value]:
    return reversed(values)


def _next(_: WorkLimit, iterator: Iterator[Value], *default: Value) -> Value:
    try:
        return next(iterator, *default)
    except StopIteration:
        raise NotRecomputedError from None


LAZY: Mapping[Value, Callable[..., Value]] = {
    all: lambda work, values: all(work.each(values)),
    any: lambda work, values: any(work.each(values)),
    bool: _told(bool),
    enumerate: _enumerate,
    filter: _filter,
    format: formatted,
    isinstance: _told(isinstance),
    iter: lambda work, values: iter(work.ordered(values)),
    len: _plain(len),
    map: _map,
    next: _next,
    print: _print,
    range: _plain(range),
    repr: _text(repr),
    reversed: _reversed,
    str: _text(str),
    type: _told(type),
    zip: _in_order(zip),
}
"""Functions that do not read all of their arguments, or refuse iterators."""
WHOLE: Mapping[Value, Callable[..., Value]] = {
    **{
        each: _plain(each) for each in (abs, bin, chr, divmod, float, frozenset, hex, int, oct, ord, set, sum)
    },
    **{each: _in_order(each) for each in (dict, list, tuple)},
    max: _extreme(max),
    min: _extreme(min),
    pow: _pow,
    round: _round,
    sorted: _sorted,
}
BUILTINS: Mapping[str, Value] = {each.__name__: each for each in (*LAZY, *WHOLE)}
ERRORS: Mapping[str, type[Exception]] = {
    each.__name__: each
    for each in (
        ArithmeticError,
        AttributeError,
        Exception,
        IndexError,
        KeyError,
        LookupError,
        OverflowError,
        RuntimeError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    )
}
"""What a program may raise and name in a handler."""
