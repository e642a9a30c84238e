"""Text templates in a subset of Jinja2: `Classify: {{ input.text | trim }}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

LONGEST = 50_000
"""Characters of a template."""
SYNTAX = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read: the names that it uses, the keys that it reads from each."""

    text: str
    names: frozenset[str]
    paths: frozenset[tuple[str, ...]]

    def render(self, values: Mapping[str, Json]) -> str:
        """Return the text. Raises `ExpressionError`."""
        try:
            return SYNTAX.from_string(self.text).render(values)
        except (jinja2.TemplateError, TypeError) as error:
            raise ExpressionError(str(error)) from error


def parse_template(text: str) -> Template:
    """Read a template. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A template has up to {LONGEST:,} characters.")
    try:
        tree = SYNTAX.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(str(error)) from error
    names = frozenset(meta.find_undeclared_variables(tree))
    found = (_path(each) for each in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)))
    return Template(text, names, frozenset(path for path in found if path and path[0] in names))


def _path(node: nodes.Node) -> tuple[str, ...]:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        return (*_path(node.node), node.attr)
    return ()
