"""A walk through a small Python program, statement by statement: what it binds, and what it prints.

The program is parsed, never compiled: each kind of statement that is known has a function here, any other
ends the walk.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count, takewhile

from orchestration.strategies.engine.recomputing.evaluating import ExpressionWalk, NameScope
from orchestration.strategies.engine.recomputing.functions import ERRORS
from orchestration.strategies.engine.recomputing.operators import apply
from orchestration.strategies.engine.recomputing.work import PROGRAM_ERRORS, NotRecomputedError, Value


class Flow(Enum):
    """How a block ends that does not run to its end."""

    BREAK = "break"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Returned:
    """The end of a function's body, with its value."""

    value: Value


End = Flow | Returned | None

_WITH_A_SCOPE = (
    ast.FunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def _stored(body: Sequence[ast.AST]) -> frozenset[str]:
    """Return the names that a function's body binds, which are its own throughout."""
    found, waiting = set(), list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if not isinstance(node, _WITH_A_SCOPE):
            waiting += ast.iter_child_nodes(node)
    return frozenset(found)


class ProgramWalk(ExpressionWalk):
    """A walk through a program; `work` counts what is done."""

    def block(self, body: Sequence[ast.stmt], scope: NameScope) -> End:
        """Execute statements in order, until one ends the block."""
        self.work.deeper()
        try:
            for statement in body:
                self.work.spend(1)
                execute = STATEMENTS.get(type(statement))
                if execute is None:
                    raise NotRecomputedError
                end = execute(self, statement, scope)
                if end is not None:
                    return end
        finally:
            self.work.depth -= 1
        return None

    def define(self, node: ast.FunctionDef, scope: NameScope) -> End:
        """Bind a function."""
        if node.decorator_list:
            raise NotRecomputedError

        def body(inner: NameScope) -> Value:
            end = self.block(node.body, inner)
            return end.value if isinstance(end, Returned) else None

        scope.names[node.name] = self.function(node.args, NameScope(scope, _stored(node.body)), body)
        return None

    def leave(self, node: ast.Return, scope: NameScope) -> End:
        """Return from a function."""
        return Returned(None if node.value is None else self.value(node.value, scope))

    def assign(self, node: ast.Assign, scope: NameScope) -> End:
        """Bind a value to each target."""
        value = self.value(node.value, scope)
        for target in node.targets:
            self.bind(target, value, scope)
        return None

    def annotate(self, node: ast.AnnAssign, scope: NameScope) -> End:
        """Bind a value whose type is stated, if there is one."""
        if node.value is not None:
            self.bind(node.target, self.value(node.value, scope), scope)
        return None

    def change(self, node: ast.AugAssign, scope: NameScope) -> End:
        """Change a value by an operator and bind the result; parts of the target are evaluated once."""
        match node.target:
            case ast.Name(id=name):
                if scope.own and name not in scope.names:
                    raise NotRecomputedError
                scope.names[name] = self._operate(node.op, scope.find(name), node.value, scope)
            case ast.Subscript(value=owner, slice=key):
                whole, at = self.value(owner, scope), self.value(key, scope)
                self._put(whole, at, self._operate(node.op, self._part(whole, at), node.value, scope))
            case _:
                raise NotRecomputedError
        return None

    def _operate(self, kind: ast.operator, left: Value, right: ast.expr, scope: NameScope) -> Value:
        given = self.value(right, scope)
        if isinstance(left, list) and isinstance(kind, ast.Add):
            given = self.work.ordered(self.work.whole(given))
            given = [*given] if not isinstance(given, list) else given
        return apply(self.work, kind, left, given, in_place=True)

    def loop(self, node: ast.For, scope: NameScope) -> End:
        """Execute a body for each item."""
        return self._repeat(node, self._turns(node, scope), scope)

    def _turns(self, node: ast.For, scope: NameScope) -> Iterator[None]:
        for item in self.work.ordered(self._iterable(self.value(node.iter, scope))):
            self.bind(node.target, item, scope)
            yield

    def loop_while(self, node: ast.While, scope: NameScope) -> End:
        """Execute a body as long as a condition holds."""
        turns = takewhile(bool, (self.value(node.test, scope) for _ in count()))
        return self._repeat(node, turns, scope)

    def _repeat(self, node: ast.For | ast.While, turns: Iterable[object], scope: NameScope) -> End:
        for _ in turns:
            self.work.spend(1)
            end = self.block(node.body, scope)
            if end is Flow.BREAK:
                return None
            if isinstance(end, Returned):
                return end
        return self.block(node.orelse, scope)

    def branch(self, node: ast.If, scope: NameScope) -> End:
        """Execute one of two bodies."""
        return self.block(node.body if self.value(node.test, scope) else node.orelse, scope)

    def evaluate(self, node: ast.Expr, scope: NameScope) -> End:
        """Evaluate an expression for what it does."""
        self.value(node.value, scope)
        return None

    def remove(self, node: ast.Delete, scope: NameScope) -> End:
        """Remove names, and parts of lists and dicts."""
        for target in node.targets:
            match target:
                case ast.Name(id=name) if name in scope.names:
                    del scope.names[name]
                case ast.Subscript(value=owner, slice=key):
                    whole, at = self.value(owner, scope), self.value(key, scope)
                    self.work.read(whole, *([] if isinstance(at, slice) else [at]))
                    del whole[at]
                case _:
                    raise NotRecomputedError
        return None

    def claim(self, node: ast.Assert, scope: NameScope) -> End:
        """Go on where a claim holds."""
        if not self.value(node.test, scope):
            raise NotRecomputedError
        return None

    def attempt(self, node: ast.Try, scope: NameScope) -> End:
        """Execute a body, what follows an error of it or none, and last what follows in any case."""
        try:
            end = self._tried(node, scope)
        except PROGRAM_ERRORS:
            last = self.block(node.finalbody, scope)
            if last is not None:
                return last
            raise
        return self.block(node.finalbody, scope) or end

    def _tried(self, node: ast.Try, scope: NameScope) -> End:
        try:
            end = self.block(node.body, scope)
        except PROGRAM_ERRORS as error:
            for handler in node.handlers:
                if isinstance(error, self._caught(handler.type)):
                    return self.block(handler.body, scope)
            raise
        return end or self.block(node.orelse, scope)

    def _caught(self, kind: ast.expr | None) -> tuple[type[Exception], ...]:
        match kind:
            case None:
                return (Exception,)
            case ast.Name(id=name) if name in ERRORS:
                return (ERRORS[name],)
            case ast.Tuple(elts=kinds):
                return tuple(each for one in kinds for each in self._caught(one))
            case _:
                raise NotRecomputedError

    def fail(self, node: ast.Raise, _: NameScope) -> End:
        """Raise an error of the program."""
        match node.exc:
            case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name in ERRORS:
                raise ERRORS[name]
            case _:
                raise NotRecomputedError


STATEMENTS: Mapping[type[ast.stmt], Callable[..., End]] = {
    ast.FunctionDef: ProgramWalk.define,
    ast.Return: ProgramWalk.leave,
    ast.Assign: ProgramWalk.assign,
    ast.AnnAssign: ProgramWalk.annotate,
    ast.AugAssign: ProgramWalk.change,
    ast.For: ProgramWalk.loop,
    ast.While: ProgramWalk.loop_while,
    ast.If: ProgramWalk.branch,
    ast.Expr: ProgramWalk.evaluate,
    ast.Delete: ProgramWalk.remove,
    ast.Assert: ProgramWalk.claim,
    ast.Try: ProgramWalk.attempt,
    ast.Raise: ProgramWalk.fail,
    ast.Pass: lambda *_: None,
    ast.Break: lambda *_: Flow.BREAK,
    ast.Continue: lambda *_: Flow.CONTINUE,
}
