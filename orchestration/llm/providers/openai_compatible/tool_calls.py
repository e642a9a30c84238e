"""Tool calls as OpenAI-compatible servers write them: read out of an answer, and written into a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.engine.types import Json, Message, ToolCall, ToolDefinition
from orchestration.llm.providers.reading import mapping, string

MOST_CALLS = 128
LONGEST_ID = LONGEST_NAME = 200


@dataclass(kw_only=True, slots=True)
class _Pieces:
    """One call as far as it has arrived."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def is_continued(self, id: str, name: str, *, has_index: bool) -> bool:
        """Return whether a piece with this id and name belongs to this call.

        Of servers that number their calls, some repeat the name, cut it, or number all of them 0; where there
        is neither number nor id, a name begins another call.
        """
        if id and self.id:
            return id == self.id
        if not has_index:
            return not name and not id
        return name in {"", self.name} or not self.arguments


class CallCollector:
    """The tool calls of one answer, from pieces of any size. `count` is how many there are."""

    def __init__(self) -> None:
        self._calls: list[_Pieces] = []
        self._by_index: dict[int, _Pieces] = {}

    @property
    def count(self) -> int:
        """How many calls have begun."""
        return len(self._calls)

    def add(self, piece: Mapping[str, Json]) -> int:
        """Add a piece and return how many characters it has. Raises `BadAnswer` for too many calls."""
        function, index, id = mapping(piece.get("function")), piece.get("index"), string(piece.get("id"))
        name, given = string(function.get("name")), function.get("arguments")
        written = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        call = self._call(index if isinstance(index, int) else None, id, name)
        call.id = call.id or id[:LONGEST_ID]
        if name != call.name:
            call.name = (call.name + name)[:LONGEST_NAME]
        if written:
            call.arguments.append(written)
        return len(name) + len(written)

    def calls(self, shown: Callable[[str], str]) -> tuple[ToolCall, ...]:
        """Return the calls, their texts through `shown`; an id that is missing or used before is replaced."""
        found: dict[str, ToolCall] = {}
        for number, call in enumerate(self._calls, start=1):
            id = shown(call.id)
            while not id or id in found:
                id = f"{id or 'call'}_{number}"
            found[id] = ToolCall(id=id, name=shown(call.name), arguments=shown("".join(call.arguments)))
        return tuple(found.values())

    def _call(self, index: int | None, id: str, name: str) -> _Pieces:
        """Return the call that a piece belongs to, a new one where it begins one."""
        known = self._by_index.get(index) if index is not None else next(reversed(self._calls), None)
        if known is not None and known.is_continued(id, name, has_index=index is not None):
            return known
        if len(self._calls) == MOST_CALLS:
            raise BadAnswer(f"The model asks for more than {MOST_CALLS} tool calls at once.")
        self._calls.append(call := _Pieces())
        if index is not None:
            self._by_index[index] = call
        return call


def written_message(message: Message) -> dict[str, Json]:
    """Return a message as a request has it, with its tool calls, or as the result of one."""
    written: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
        written |= {"content": message.content or None, "tool_calls": calls}
    if message.role == "tool":
        written["tool_call_id"] = message.tool_call_id
    return written


def written_tools(tools: Sequence[ToolDefinition]) -> list[Json] | None:
    """Return the tools of a request, None where it has none."""
    functions = [
        {"name": each.name, "description": each.description, "parameters": dict(each.schema)}
        for each in tools
    ]
    return [{"type": "function", "function": each} for each in functions] or None
