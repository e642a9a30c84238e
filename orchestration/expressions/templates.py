"""Text templates in a subset of Jinja2: `Classify: {{ input.text | trim }}`.

Jinja2 reads the syntax; what may stand in it is decided here, and it is rendered without Jinja2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.filters import FILTERS, TESTS
from orchestration.expressions.rendering import EVALUATE, RENDER, Located, Rendering
from orchestration.expressions.values import Json, remembered

LONGEST = 50_000
"""Characters of a template."""
DEEPEST = 64
NESTED_LOOPS = 2
SYNTAX = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - plain text, read only
WITHIN = (nodes.TemplateData, nodes.Operand, nodes.Keyword, nodes.Template)
"""What stands in others and is rendered with them."""
REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Assign: "“set” cannot be used",
    nodes.AssignBlock: "“set” cannot be used",
    nodes.Block: "“block” cannot be used",
    nodes.Call: "nothing can be called; filters stand behind a |, as {{ name | upper }}",
    nodes.CallBlock: "“call” cannot be used",
    nodes.Dict: "objects cannot be written",
    nodes.Extends: "“extends” cannot be used",
    nodes.FilterBlock: "“filter” stands behind a value, as {{ name | upper }}",
    nodes.FloorDiv: "“//” cannot be used",
    nodes.FromImport: "“import” cannot be used",
    nodes.Import: "“import” cannot be used",
    nodes.Include: "“include” cannot be used",
    nodes.Macro: "“macro” cannot be used",
    nodes.Mod: "“%” cannot be used",
    nodes.Mul: "“*” cannot be used",
    nodes.Pow: "“**” cannot be used",
    nodes.Slice: "parts of a list cannot be taken; [0] is its first item",
    nodes.With: "“with” cannot be used",
}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read: its text, the names that it uses, and the longest paths that it reads."""

    text: str
    names: frozenset[str]
    paths: frozenset[Path]
    tree: nodes.Template

    def render(self, values: Mapping[str, Json], mark: Callable[[str], str] = str) -> str:
        """Return the text that the template results in; `mark` is applied to the text of each value.

        Raises `ExpressionError` with the line at fault.
        """
        rendering = Rendering(mark)
        try:
            rendering.body(self.tree.body, values)
        except Located as error:
            raise ExpressionError(str(error), position=_start(self.text, error.line)) from error
        return "".join(rendering.parts)


@remembered
def parse_template(text: str) -> Template:
    """Read a template. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A template has up to {LONGEST:,} characters, this one {len(text):,}.")
    try:
        tree = Parser(SYNTAX, text).parse()
    except jinja2.TemplateSyntaxError as error:
        _refuse(text, error.lineno, f"{(error.message or '').rstrip('.')}.")
    except RecursionError:
        raise ExpressionError(f"The template is nested more than {DEEPEST} levels deep.") from None
    except ValueError:
        raise ExpressionError("A number in the template has too many digits.") from None
    _check(tree, text)
    paths = frozenset(_paths(tree, frozenset()))
    return Template(text, frozenset(path[0] for path in paths), paths, tree)


def _check(tree: nodes.Template, text: str) -> None:
    """Refuse what is not part of the subset, without recursion: a tree may be deep."""
    level = [(node, 0) for node in tree.body]
    for _ in range(DEEPEST):
        for node, loops in level:
            wrong = _fault(node, loops)
            if wrong:
                _refuse(text, node.lineno, f"{wrong}.")
        level = [
            (child, loops + isinstance(node, nodes.For))
            for node, loops in level
            for child in node.iter_child_nodes()
        ]
        if not level:
            return
    _refuse(text, level[0][0].lineno, f"the template is nested more than {DEEPEST} levels deep.")


def _fault(node: nodes.Node, loops: int) -> str:
    """Return why a node cannot stand in a template, or nothing."""
    kind = type(node)
    if kind in REFUSED:
        return REFUSED[kind]
    if isinstance(node, nodes.For):
        return _loop_fault(node, loops)
    if isinstance(node, nodes.Filter):
        return _filter_fault(node)
    wrong = "" if kind in EVALUATE or kind in RENDER or kind in WITHIN else f"{kind.__name__} cannot be used"
    if isinstance(node, nodes.Test) and (node.name not in TESTS or node.args):
        wrong = f"there is no test “{node.name}”; there are {', '.join(TESTS)}"
    if isinstance(node, nodes.Tuple):
        wrong = "" if node.ctx == "store" else "lists are written in brackets, as [1, 2]"
    return wrong


def _loop_fault(node: nodes.For, loops: int) -> str:
    if loops >= NESTED_LOOPS:
        return f"loops stand up to {NESTED_LOOPS} levels inside each other"
    return "“recursive” cannot be used" if node.recursive else ""


def _filter_fault(node: nodes.Filter) -> str:
    found = FILTERS.get(node.name)
    if found is None:
        return f"there is no filter “{node.name}”; there are {', '.join(FILTERS)}"
    given = [*found.parameters[: len(node.args)], *(each.key for each in node.kwargs)]
    spread = node.dyn_args is not None or node.dyn_kwargs is not None
    fits = len(node.args) <= len(found.parameters) and len(set(given)) == len(given) >= found.least
    if spread or not fits or not set(given) <= set(found.parameters):
        takes = ", ".join(found.parameters) or "nothing"
        return f"the filter “{node.name}” takes {takes}"
    return ""


def _paths(node: nodes.Node, bound: frozenset[str]) -> Iterator[Path]:
    """Yield the paths that a node reads, without those that begin with an item of a loop."""
    path = _path(node)
    if path:
        if path[0] not in bound:
            yield path
        return
    if isinstance(node, nodes.For):
        yield from _paths(node.iter, bound)
        targets = {
            each.name
            for each in (node.target, *node.target.iter_child_nodes())
            if isinstance(each, nodes.Name)
        }
        inside = [*node.body, *([node.test] if node.test else [])]
        for each in inside:
            yield from _paths(each, bound | targets | {"loop"})
        for each in node.else_:
            yield from _paths(each, bound)
        return
    for each in node.iter_child_nodes():
        yield from _paths(each, bound)


def _path(node: nodes.Node) -> Path:
    """Return the name and keys of `input.items["a b"]`; nothing for what is no path."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before, key = _path(node.node), node.attr
    elif (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        before, key = _path(node.node), node.arg.value
    else:
        return ()
    return (*before, key) if before else ()


def _start(text: str, line: int) -> int:
    """Return the character at which a line begins."""
    return len("".join(text.splitlines(keepends=True)[: line - 1]))


def _refuse(text: str, line: int, message: str) -> NoReturn:
    raise ExpressionError(f"Line {line}: {message}", position=_start(text, line))
