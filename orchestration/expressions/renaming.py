"""A name below a root gets another one in expressions: `stages.draft` becomes `stages.first`.

What cannot be read stays as it is, and so does what would read something else afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_site.web.patterns import DOTALL, Match, Pattern
from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.templates import parse_template

_INSIDE = Pattern(r"\{\{.*?\}\}|\{%.*?%\}", DOTALL)
"""What of a template is no plain text."""
_PLACE = Pattern(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|"""
    r"""(\.\s*)?\b([a-zA-Z_]\w*)\s*(?:\.\s*([a-zA-Z_]\w*)|\[\s*(?:"([\w-]+)"|'([\w-]+)')\s*\])"""
)
"""A text in quotes, or a name (that of a field, behind a point) and the name below it."""
_PLAIN = Pattern(r"[a-zA-Z_]\w*")
_WORDS = {"in", "true", "false", "null"}
"""Names that a condition reads only in quotes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Renaming:
    """Another name for what is below a root."""

    root: str
    old: str
    new: str

    def in_template(self, text: str) -> str:
        """Return a template with the new name."""
        changed = _INSIDE.sub(lambda found: self._in_expression(found.group()), text)
        if changed == text:
            return text
        try:
            before, after = parse_template(text).paths, parse_template(changed).paths
        except ExpressionError:
            return text
        first = (self.root, self.old)
        wanted = {(self.root, self.new, *path[2:]) if path[:2] == first else path for path in before}
        return changed if after == wanted else text

    def in_condition(self, text: str) -> str:
        """Return a condition with the new name."""
        changed = self._in_expression(text)
        try:
            parse_condition(changed)
        except ExpressionError:
            return text
        return changed

    def _in_expression(self, text: str) -> str:
        def name(found: Match) -> str:
            field_of, root, *names = found.groups()
            if field_of or root != self.root or self.old not in names:
                return str(found.group())
            is_plain = _PLAIN.fullmatch(self.new) and self.new not in _WORDS
            return f"{self.root}.{self.new}" if is_plain else f'{self.root}["{self.new}"]'

        return _PLACE.sub(name, text)
