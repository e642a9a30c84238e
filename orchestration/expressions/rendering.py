"""Render the checked syntax tree of a template, with every step and every character counted."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import nodes

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.filters import (
    BOUNDS,
    DEEP,
    EVEN_MISSING,
    FILTERS,
    TESTS,
    Missing,
    items,
    text,
    within,
)
from orchestration.expressions.values import Json, kind, shortened

MOST_STEPS = 400_000
"""Parts of a template that are evaluated, or 100 characters each that are worked on: about half a second."""
PER_STEP = 100

COMPARE: Mapping[str, Callable[[Json, Json], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, whole: operator.contains(whole, item),
    "notin": lambda item, whole: not operator.contains(whole, item),
}
ARITHMETIC: Mapping[type[nodes.Expr], Callable[[Json, Json], Json]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Div: operator.truediv,
}


class Located(ExpressionError):
    """What fails, with the line on which it stands."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


class Rendering:
    """One rendering of a template: its text so far and the steps that it took.

    `mark` is applied to the text of each value.
    """

    def __init__(self, mark: Callable[[str], str] = str) -> None:
        self.mark = mark
        self.parts = list[str]()
        self.length = self.steps = 0

    def body(self, written: Iterable[nodes.Node], scope: Mapping[str, Json]) -> None:
        """Render statements one after the other; what one refuses is said with its line."""
        for node in written:
            self.step(node)
            try:
                RENDER.get(type(node), Rendering.write)(self, node, scope)
            except Located:
                raise
            except ExpressionError as error:
                self.fail(node, str(error))

    def output(self, node: nodes.Output, scope: Mapping[str, Json]) -> None:
        """Add texts and values."""
        self.body(node.nodes, scope)

    def write(self, node: nodes.Expr, scope: Mapping[str, Json]) -> None:
        """Add what a part of the template results in to the text."""
        shown = node.data if isinstance(node, nodes.TemplateData) else self.mark(self.text(node, scope))
        self.step(node, shown)
        self.length += len(shown)
        within(self.length)
        self.parts.append(shown)

    def text(self, node: nodes.Expr, scope: Mapping[str, Json]) -> str:
        """Return the text of what an expression results in."""
        value = self.value(node, scope)
        self.step(node, value, deep=True)
        return text(value)

    def choose(self, node: Any, scope: Mapping[str, Json]) -> None:  # noqa: ANN401 - its parts have no types
        """Render the first branch whose condition holds."""
        for branch in (node, *node.elif_):
            if self.value(branch.test, scope):
                self.body(branch.body, scope)
                return
        self.body(node.else_, scope)

    def repeat(self, node: Any, scope: Mapping[str, Json]) -> None:  # noqa: ANN401 - its parts have no types
        """Render the body of a loop for each item; `loop` says where it is."""
        scopes = [self.named(node.target, item, scope) for item in items(self.value(node.iter, scope))]
        if node.test is not None:
            scopes = [inner for inner in scopes if self.value(node.test, inner)]
        count = len(scopes)
        for place, inner in enumerate(scopes):
            self.step(node)
            loop = {"index": place + 1, "index0": place, "first": place == 0, "last": place == count - 1}
            self.body(node.body, {**inner, "loop": {**loop, "length": count}})
        if not scopes:
            self.body(node.else_, scope)

    def named(self, target: nodes.Node, item: Json, scope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the scope in which an item of a loop has its name, or a pair its two."""
        if isinstance(target, nodes.Name):
            return {**scope, target.name: item}
        names = [each.name for each in target.iter_child_nodes() if isinstance(each, nodes.Name)]
        if not isinstance(item, list | tuple) or len(item) != len(names):
            self.fail(target, f"{shortened(item)} is not {len(names)} values.")
        return {**scope, **dict(zip(names, item, strict=True))}

    def value(self, node: nodes.Expr, scope: Mapping[str, Json]) -> Json:
        """Return what an expression results in; what is not there is an error."""
        found = self.found(node, scope)
        if isinstance(found, Missing):
            self.fail(node, found.message)
        return found

    def found(self, node: nodes.Expr, scope: Mapping[str, Json]) -> Json:
        """Return what an expression results in, or `Missing`."""
        self.step(node)
        try:
            return EVALUATE[type(node)](self, node, scope)
        except Located:
            raise
        except ExpressionError as error:
            return self.fail(node, str(error))
        except (ArithmeticError, TypeError, ValueError):
            return self.fail(node, "these values cannot be computed with.")

    def name(self, node: nodes.Name, scope: Mapping[str, Json]) -> Json:
        """Return the value of a name."""
        return scope[node.name] if node.name in scope else Missing(f"there is no “{node.name}”.")

    def key(self, node: nodes.Getattr | nodes.Getitem, scope: Mapping[str, Json]) -> Json:
        """Return what stands under a key of an object or at a place of a list."""
        whole = self.value(node.node, scope)
        key = node.attr if isinstance(node, nodes.Getattr) else self.value(node.arg, scope)
        if isinstance(whole, Mapping) and isinstance(key, str) and key in whole:
            return whole[key]
        if isinstance(whole, list | tuple) and type(key) is int and -len(whole) <= key < len(whole):
            return whole[key]
        return Missing(f"{written(node.node)} is {kind(whole)} and has no {shortened(key)}.")

    def filtered(self, node: nodes.Filter, scope: Mapping[str, Json]) -> Json:
        """Return what a filter makes of a value."""
        assert node.node is not None  # noqa: S101 - the parser gives filter blocks none, and these are refused
        found = self.found if node.name in EVEN_MISSING else self.value
        value = found(node.node, scope)
        given = [self.value(each, scope) for each in node.args]
        named = {str(each.key): self.value(each.value, scope) for each in node.kwargs}
        filter_ = FILTERS[node.name]
        by_name: dict[str, Json] = dict(zip(filter_.parameters, given, strict=False)) | named
        self.step(node, value, deep=node.name in DEEP)
        result = filter_.apply(value, **by_name)
        self.step(node, result)
        return result

    def tested(self, node: nodes.Test, scope: Mapping[str, Json]) -> Json:
        """Return whether a value is what a test says."""
        found = self.found if node.name in EVEN_MISSING else self.value
        return TESTS[node.name](found(node.node, scope))

    def compared(self, node: nodes.Compare, scope: Mapping[str, Json]) -> Json:
        """Return whether all comparisons of a chain hold."""
        left = self.value(node.expr, scope)
        for each in node.ops:
            right = self.value(each.expr, scope)
            self.step(node, left, deep=True)
            self.step(node, right, deep=True)
            try:
                holds = COMPARE[each.op](left, right)
            except TypeError:
                self.fail(node, f"{kind(left)} and {kind(right)} cannot be compared.")
            if not holds:
                return False
            left = right
        return True

    def computed(self, node: nodes.BinExpr, scope: Mapping[str, Json]) -> Json:
        """Return a sum, difference or quotient of numbers, or two texts as one."""
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(left, str) and isinstance(right, str) and isinstance(node, nodes.Add):
            return self.joined(node, (left, right))
        if not (TESTS["number"](left) and TESTS["number"](right)):
            self.fail(node, f"{kind(left)} and {kind(right)} cannot be computed with; ~ joins texts.")
        return ARITHMETIC[type(node)](left, right)

    def concatenated(self, node: nodes.Concat, scope: Mapping[str, Json]) -> Json:
        """Return values as one text."""
        return self.joined(node, [self.text(each, scope) for each in node.nodes])

    def joined(self, node: nodes.Expr, parts: Collection[str]) -> str:
        """Return texts as one."""
        within(sum(map(len, parts)))
        found = "".join(parts)
        self.step(node, found)
        return found

    def negated(self, node: nodes.Neg, scope: Mapping[str, Json]) -> Json:
        """Return a number with the other sign."""
        value = self.value(node.node, scope)
        if not TESTS["number"](value):
            self.fail(node, f"{kind(value)} cannot be negative.")
        return -value

    def chosen(self, node: nodes.CondExpr, scope: Mapping[str, Json]) -> Json:
        """Return the one or the other value; without another it is an empty text."""
        if self.value(node.test, scope):
            return self.value(node.expr1, scope)
        return "" if node.expr2 is None else self.value(node.expr2, scope)

    def step(self, node: nodes.Node, value: Json = None, *, deep: bool = False) -> None:
        """Count a step, and those for the text or the parts of a value that is worked on."""
        self.steps += 1
        if isinstance(value, str):
            self.steps += len(value) // PER_STEP
        elif isinstance(value, list | dict):
            self.steps += sum(1 for _ in BOUNDS.parts(value, "the value")) if deep else len(value)
        if self.steps > MOST_STEPS:
            self.fail(node, f"the template takes more than {MOST_STEPS:,} steps.")

    def fail(self, node: nodes.Node, message: str) -> NoReturn:
        """Stop, and say where."""
        raise Located(f"Line {node.lineno}: {message}", line=node.lineno)


def written(node: nodes.Expr) -> str:
    """Return a path as it is written, or words for what is no path."""
    if isinstance(node, nodes.Name):
        return node.name
    before = written(node.node) if isinstance(node, nodes.Getattr) else "the value"
    return f"{before}.{node.attr}" if isinstance(node, nodes.Getattr) and before != "the value" else before


Evaluate = Callable[[Rendering, Any, Mapping[str, Json]], Json]
EVALUATE: Mapping[type[nodes.Node], Evaluate] = {
    nodes.Add: Rendering.computed,
    nodes.And: lambda self, node, scope: self.value(node.left, scope) and self.value(node.right, scope),
    nodes.Compare: Rendering.compared,
    nodes.Concat: Rendering.concatenated,
    nodes.CondExpr: Rendering.chosen,
    nodes.Const: lambda _self, node, _scope: node.value,
    nodes.Div: Rendering.computed,
    nodes.Filter: Rendering.filtered,
    nodes.Getattr: Rendering.key,
    nodes.Getitem: Rendering.key,
    nodes.List: lambda self, node, scope: [self.value(each, scope) for each in node.items],
    nodes.Name: Rendering.name,
    nodes.Neg: Rendering.negated,
    nodes.Not: lambda self, node, scope: not self.value(node.node, scope),
    nodes.Or: lambda self, node, scope: self.value(node.left, scope) or self.value(node.right, scope),
    nodes.Sub: Rendering.computed,
    nodes.Test: Rendering.tested,
}
"""What evaluates each kind of expression; other kinds are refused when a template is read."""
RENDER: Mapping[type[nodes.Node], Callable[[Rendering, Any, Mapping[str, Json]], None]] = {
    nodes.For: Rendering.repeat,
    nodes.If: Rendering.choose,
    nodes.Output: Rendering.output,
}
"""What renders each kind of statement."""
