"""Expressions of a program that is recomputed: their values, and the names that these are bound to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import Parameter, Signature
from typing import Final

from orchestration.strategies.engine.recomputing.functions import BUILTINS, called, method
from orchestration.strategies.engine.recomputing.operators import UNARY, apply, formatted, holds
from orchestration.strategies.engine.recomputing.work import (
    Function,
    NotRecomputedError,
    Value,
    WorkLimit,
)

CONVERSIONS: Final[Mapping[int, Callable[[Value], str]]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
"""How `!s`, `!r` and `!a` write a value into a text."""


@dataclass(slots=True)
class NameScope:
    """The names of the program, of one call of a function, or of a comprehension; `own` never lie outside."""

    outer: NameScope | None = None
    own: frozenset[str] = frozenset()
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value:
        """Return the value of a name. Raises `NotRecomputedError` for one that is not bound."""
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            if name in scope.own:
                break
            scope = scope.outer
        if scope is None and name in BUILTINS:
            return BUILTINS[name]
        raise NotRecomputedError


@dataclass(slots=True)
class ExpressionWalk:
    """Evaluates expressions; each kind of node that is known has a function here, any other ends it."""

    work: WorkLimit = field(default_factory=WorkLimit)

    def value(self, node: ast.expr, scope: NameScope) -> Value:
        """Return the value of an expression."""
        self.work.spend(1)
        find = EXPRESSIONS.get(type(node))
        if find is None:
            raise NotRecomputedError
        self.work.deeper()
        try:
            return find(self, node, scope)
        finally:
            self.work.depth -= 1

    def constant(self, node: ast.Constant, _: NameScope) -> Value:
        """Return what is written."""
        self.work.read(node.value)
        return node.value

    def name(self, node: ast.Name, scope: NameScope) -> Value:
        """Return the value of a name."""
        return scope.find(node.id)

    def items(self, nodes: Iterable[ast.expr], scope: NameScope) -> list[Value]:
        """Return the values of expressions, those with a star item by item."""
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += self.work.ordered(self.work.whole(self.value(node.value, scope)))
            else:
                found.append(self.value(node, scope))
        return found

    def set_display(self, node: ast.Set, scope: NameScope) -> Value:
        """Return a set of values."""
        items = self.items(node.elts, scope)
        self.work.read(items)
        return set(items)

    def dict_display(self, node: ast.Dict, scope: NameScope) -> Value:
        """Return a dict, with the items of those with stars."""
        found: dict[Value, Value] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                found |= self.work.whole(self.value(value, scope))
            else:
                self._put(found, self.value(key, scope), self.value(value, scope))
        return found

    def unary(self, node: ast.UnaryOp, scope: NameScope) -> Value:
        """Return what an operator makes of one value."""
        return UNARY[type(node.op)](self.value(node.operand, scope))

    def binary(self, node: ast.BinOp, scope: NameScope) -> Value:
        """Return what an operator makes of two values."""
        left = self.value(node.left, scope)
        return apply(self.work, node.op, left, self.value(node.right, scope))

    def both(self, node: ast.BoolOp, scope: NameScope) -> Value:
        """Return the value that decides a series of "and" or of "or"."""
        wanted = isinstance(node.op, ast.Or)
        found: Value = None
        for each in node.values:
            found = self.value(each, scope)
            if bool(found) is wanted:
                break
        return found

    def compare(self, node: ast.Compare, scope: NameScope) -> bool:
        """Return whether a series of comparisons holds."""
        left = self.value(node.left, scope)
        for kind, following in zip(node.ops, node.comparators, strict=True):
            right = self.value(following, scope)
            if not holds(self.work, kind, left, right):
                return False
            left = right
        return True

    def either(self, node: ast.IfExp, scope: NameScope) -> Value:
        """Return one of two values."""
        return self.value(node.body if self.value(node.test, scope) else node.orelse, scope)

    def part(self, node: ast.Subscript, scope: NameScope) -> Value:
        """Return an item, or a part, of a value."""
        owner = self.value(node.value, scope)
        return self._part(owner, self.value(node.slice, scope))

    def _part(self, owner: Value, key: Value) -> Value:
        if not isinstance(owner, str | list | tuple | dict | range):
            raise TypeError
        self.work.read(*([owner] if isinstance(key, slice) else [key]))
        return owner[key]

    def bounds(self, node: ast.Slice, scope: NameScope) -> Value:
        """Return from where to where a part goes, and in which steps."""
        ends = (node.lower, node.upper, node.step)
        return slice(*(None if each is None else self.value(each, scope) for each in ends))

    def attribute(self, node: ast.Attribute, scope: NameScope) -> Value:
        """Return a method."""
        return method(self.work, self.value(node.value, scope), node.attr)

    def call(self, node: ast.Call, scope: NameScope) -> Value:
        """Call a function."""
        function = self.value(node.func, scope)
        given = self.items(node.args, scope)
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, scope)
            named |= self.work.whole(value) if keyword.arg is None else {keyword.arg: value}
        result = called(self.work, function, given, named)
        self.work.read(*([result] if isinstance(result, int) else []))
        return result

    def anonymous(self, node: ast.Lambda, scope: NameScope) -> Function:
        """Return a function without a name."""
        body = node.body
        return self.function(node.args, NameScope(scope), lambda inner: self.value(body, inner))

    def _iterable(self, value: Value) -> Iterable[Value]:
        if not isinstance(value, Iterable):
            raise TypeError
        return value

    def generate(
        self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, scope: NameScope
    ) -> Iterator[Value]:
        """Yield the items of a comprehension; where to begin is decided at once, the rest when it is read."""
        return self._generated(node.generators, scope, lambda inner: self.value(node.elt, inner))

    def _generated(
        self, loops: Sequence[ast.comprehension], scope: NameScope, item: Callable[[NameScope], Value]
    ) -> Iterator[Value]:
        first = self.work.ordered(self._iterable(self.value(loops[0].iter, scope)))
        return self._nested(loops, first, NameScope(scope), item)

    def _nested(
        self,
        loops: Sequence[ast.comprehension],
        values: Iterable[Value],
        scope: NameScope,
        item: Callable[[NameScope], Value],
    ) -> Iterator[Value]:
        head, *rest = loops
        for each in values:
            self.work.spend(1)
            self.bind(head.target, each, scope)
            if not all(self.value(test, scope) for test in head.ifs):
                continue
            if rest:
                following = self.work.ordered(self._iterable(self.value(rest[0].iter, scope)))
                yield from self._nested(rest, following, scope, item)
            else:
                yield item(scope)

    def list_of(self, node: ast.ListComp, scope: NameScope) -> Value:
        """Return a list of the items of a comprehension."""
        return list(self.generate(node, scope))

    def set_of(self, node: ast.SetComp, scope: NameScope) -> Value:
        """Return a set of the items of a comprehension."""
        items = list(self.generate(node, scope))
        self.work.read(items)
        return set(items)

    def dict_of(self, node: ast.DictComp, scope: NameScope) -> Value:
        """Return a dict of the items of a comprehension."""
        found: dict[Value, Value] = {}
        pairs = self._generated(
            node.generators, scope, lambda inner: (self.value(node.key, inner), self.value(node.value, inner))
        )
        for key, value in pairs:
            self._put(found, key, value)
        return found

    def text(self, node: ast.JoinedStr, scope: NameScope) -> str:
        """Return a text with values in it."""
        parts = [str(self.value(each, scope)) for each in node.values]
        self.work.read(parts)
        return "".join(parts)

    def field(self, node: ast.FormattedValue, scope: NameScope) -> str:
        """Return a value as it is written into a text."""
        value = self.value(node.value, scope)
        spec = "" if node.format_spec is None else str(self.value(node.format_spec, scope))
        if node.conversion in CONVERSIONS:
            value = CONVERSIONS[node.conversion](self.work.shown(value))
        return formatted(self.work, value, spec)

    def bind(self, target: ast.expr, value: Value, scope: NameScope) -> None:
        """Bind a value to a name, to a part of a list or dict, or its items to several targets."""
        match target:
            case ast.Name(id=name):
                scope.names[name] = value
            case ast.Subscript(value=owner, slice=key):
                self._put(self.value(owner, scope), self.value(key, scope), value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                self._bind_all(targets, value, scope)
            case _:
                raise NotRecomputedError

    def _bind_all(self, targets: Sequence[ast.expr], value: Value, scope: NameScope) -> None:
        items = list(self.work.ordered(self.work.whole(value)))
        starred = [place for place, each in enumerate(targets) if isinstance(each, ast.Starred)]
        if starred:
            first, behind = starred[0], len(targets) - starred[0] - 1
            if len(items) < len(targets) - 1:
                raise ValueError
            end = len(items) - behind
            items = [*items[:first], items[first:end], *items[end:]]
        if len(items) != len(targets):
            raise ValueError
        for each, item in zip(targets, items, strict=True):
            self.bind(each.value if isinstance(each, ast.Starred) else each, item, scope)

    def _put(self, owner: Value, key: Value, value: Value) -> None:
        if not isinstance(owner, list | dict):
            raise TypeError
        if isinstance(key, slice):
            self.work.read(owner)
            value = list(self.work.ordered(self.work.whole(value)))
        else:
            self.work.read(key)
        owner[key] = value

    def function(
        self, arguments: ast.arguments, scope: NameScope, body: Callable[[NameScope], Value]
    ) -> Function:
        """Return a function; each call of it has a scope like `scope`, with its arguments."""
        signature = Signature(list(self._parameters(arguments, scope)))

        def call(*given: Value, **named: Value) -> Value:
            bound = signature.bind(*given, **named)
            bound.apply_defaults()
            return body(replace(scope, names=dict(bound.arguments)))

        return Function(call)

    def _parameters(self, given: ast.arguments, scope: NameScope) -> Iterator[Parameter]:
        plain = [*given.posonlyargs, *given.args]
        missing: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
        first = len(given.posonlyargs)
        kinds = [
            Parameter.POSITIONAL_ONLY if place < first else Parameter.POSITIONAL_OR_KEYWORD
            for place in range(len(plain))
        ]
        for one, kind, default in zip(plain, kinds, [*missing, *given.defaults], strict=True):
            yield self._parameter(one, kind, default, scope)
        if given.vararg is not None:
            yield Parameter(given.vararg.arg, Parameter.VAR_POSITIONAL)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            yield self._parameter(one, Parameter.KEYWORD_ONLY, default, scope)
        if given.kwarg is not None:
            yield Parameter(given.kwarg.arg, Parameter.VAR_KEYWORD)

    def _parameter(self, one: ast.arg, kind: Value, default: ast.expr | None, scope: NameScope) -> Parameter:
        value = Parameter.empty if default is None else self.value(default, scope)
        return Parameter(one.arg, kind, default=value)


EXPRESSIONS: Mapping[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: ExpressionWalk.constant,
    ast.Name: ExpressionWalk.name,
    ast.List: lambda walk, node, scope: walk.items(node.elts, scope),
    ast.Tuple: lambda walk, node, scope: tuple(walk.items(node.elts, scope)),
    ast.Set: ExpressionWalk.set_display,
    ast.Dict: ExpressionWalk.dict_display,
    ast.UnaryOp: ExpressionWalk.unary,
    ast.BinOp: ExpressionWalk.binary,
    ast.BoolOp: ExpressionWalk.both,
    ast.Compare: ExpressionWalk.compare,
    ast.IfExp: ExpressionWalk.either,
    ast.Subscript: ExpressionWalk.part,
    ast.Slice: ExpressionWalk.bounds,
    ast.Attribute: ExpressionWalk.attribute,
    ast.Call: ExpressionWalk.call,
    ast.Lambda: ExpressionWalk.anonymous,
    ast.ListComp: ExpressionWalk.list_of,
    ast.SetComp: ExpressionWalk.set_of,
    ast.DictComp: ExpressionWalk.dict_of,
    ast.GeneratorExp: ExpressionWalk.generate,
    ast.JoinedStr: ExpressionWalk.text,
    ast.FormattedValue: ExpressionWalk.field,
}
