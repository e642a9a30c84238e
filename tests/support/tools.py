"""A tool whose calls a test counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from orchestration.llm.engine.types import Json
from orchestration.tools.engine.tool import Tool, ToolFailed, ToolSpec, unknown_tool

TITLE = "The ledger"


class CountingTool(Tool):
    """Books an amount in a ledger: takes a second, then fails, or gives what it is told to, or a number."""

    def __init__(
        self,
        *,
        repeatable: bool = False,
        fails: ToolFailed | None = None,
        takes_s: float = 1,
        gives: Json = None,
    ) -> None:
        super().__init__(ToolSpec(name="book", title=TITLE, description="", schema={}, repeatable=repeatable))
        self.calls: list[Json] = []
        self._fails = fails
        self._takes_s = takes_s
        self._gives = gives

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        return await self.run(arguments)  # without a thread, which a loop that skips waits does not wait for

    async def run(self, arguments: Mapping[str, Json]) -> Json:
        self.calls.append(dict(arguments))
        await asyncio.sleep(self._takes_s)
        if self._fails is not None:
            raise self._fails
        return self._gives or {"booked": len(self.calls)}

    async def find(self, name: str) -> Tool:
        """Return the tool under its name."""
        if name != self.spec.name:
            raise unknown_tool(name)
        return self
