"""Values of a run as its pages show them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from orchestration.llm.engine.types import Json

SHORT = 600
"""Characters of a value up to which it stands open."""


@dataclass(frozen=True)
class ShownValue:
    """A value as a page shows it."""

    value: Json

    @cached_property
    def markdown(self) -> str:
        """The value as Markdown: a text as it is, anything else as JSON, which pages show in colours."""
        if self.is_text:
            return str(self.value)
        return f"```json\n{json.dumps(self.value, ensure_ascii=False, indent=2)}\n```"

    @property
    def is_text(self) -> bool:
        """True for a text; other values have a button of their own to copy them."""
        return isinstance(self.value, str)

    @property
    def length(self) -> str:
        """How many characters it has."""
        return f"{len(self.markdown):,}"

    @property
    def is_short(self) -> bool:
        """True where it may stand open."""
        return len(self.markdown) <= SHORT
