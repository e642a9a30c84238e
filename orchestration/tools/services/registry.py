"""Which tools a team has, and the one that a run calls."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from orchestration.tools.engine.builtin import Calculator, Clock, JsonQuery
from orchestration.tools.engine.tool import Tool, unknown_tool

BUILT_IN: Mapping[str, Tool] = {
    tool.spec.name: tool for tool in (Calculator(), Clock(timezone.now), JsonQuery())
}


async def find_tool(team: UUID, name: str) -> Tool:  # noqa: ARG001
    """Return a tool of a team. Raises `ToolFailed` where there is none of this name."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    raise unknown_tool(name)
