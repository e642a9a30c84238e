"""The tool calls of models as their lanes show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.asking import answer_step

SHORT = 160
"""Characters of arguments and result together that are shown without unfolding them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownToolCall:
    """A tool call: what it was given and gave, or why it failed; its `state` is that of a step.

    Times are seconds, None for a call that has not ended.
    """

    tool: str
    state: str
    arguments: str = ""
    result: str = ""
    error: str = ""
    seconds: float | None = None

    @property
    def label(self) -> str:
        """The state in words, empty for those of any step."""
        return {"done": "Called", "running": "Calling"}.get(self.state, "")

    @property
    def is_short(self) -> bool:
        """True where arguments and result need not be folded."""
        return len(self.arguments) + len(self.result) <= SHORT and "\n" not in self.result


def tool_calls(state: RunState) -> Mapping[str, Sequence[ShownToolCall]]:
    """Return the calls of tools by the step that asked the model, in the order of their numbers."""
    told: dict[str, dict[str, Json]] = defaultdict(dict)
    for event in state.remembered:
        if event.kind in {EventKind.TOOL_CALLED, EventKind.TOOL_ENDED}:
            told[event.step] |= event.data
    statuses = {step.key: step.status for step in state.steps}
    unknown = "cancelled" if state.run.is_over else "running"
    found: dict[str, list[ShownToolCall]] = defaultdict(list)
    for step in sorted(told, key=_number):
        data = told[step]
        ended = "done" if data.get("ok") else "failed"
        words = {name: str(data.get(name, "")) for name in ("tool", "arguments", "result", "error")}
        how = ended if "ok" in data else statuses.get(step, unknown)
        found[answer_step(step)].append(ShownToolCall(**words, state=how, seconds=data.get("seconds")))
    return found


def _number(step: str) -> int:
    number = step.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
