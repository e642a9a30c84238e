"""Sessions at work in memory: the real runner and journal, models that do what the schemas ask for."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collaboration.engine.lineup import LineUp
from collaboration.engine.records import gathered
from collaboration.engine.replaying import SessionStart
from collaboration.engine.running import ROWS, SessionInput, run_session
from collaboration.engine.state import Entry, Forked
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Json, Prompt, Usage
from orchestration.runs.engine.claim import ChildRun, StartTool, no_tools
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import Received
from tests.support.lives import ANA, Lives
from tests.support.logs import MIDNIGHT
from tests.support.models import Reply, ScriptedModel
from tests.support.rooms import PLAN, TASK, line_up

SECONDS = {"m-lead": 3.0, "m-scout": 5.0, "m-sage": 4.0, "m-judge": 2.0}
"""How long each model takes to answer."""


def obliging(prompt: Prompt) -> str:
    """Answer so that nobody quarrels, as the schema asks."""
    schema = prompt.response_schema
    fields: Json = {} if schema is None else schema["properties"]
    if schema is None:
        return "So be it."
    if "subtasks" in fields:
        return json.dumps(PLAN)
    if "stances" in fields:
        proposals = fields["stances"]["items"]["properties"]["proposal"]["enum"]
        said = [{"proposal": each, "stance": "support", "reason": "Good."} for each in proposals]
        return json.dumps({"stances": said, "counter": ""})
    if "option" in fields:
        return json.dumps({"option": fields["option"]["enum"][0], "reason": "First."})
    if "verdict" in fields:
        return json.dumps({"verdict": "accept", "score": 0.9, "reason": "Fine."})
    asked = prompt.messages[-1].content
    subtask = next((id for id in ("s1", "s2", "s3") if f"\n{id}:\n" in asked), "all")
    return json.dumps({"text": f"Written about {subtask} in many words of its own."})


class Session:
    """A session in memory, through crashes and parking. `replies` are by the name of a model.

    `acts` are what Ana does, and `answers` what people answer (by action), at their seconds.
    """

    def __init__(
        self,
        lineup: LineUp | None = None,
        replies: Mapping[str, Json] | None = None,
        *,
        acts: Mapping[float, Mapping[str, Json]] | None = None,
        answers: Mapping[float, tuple[int, Json]] | None = None,
        tool: StartTool = no_tools,
        task: str = TASK,
    ) -> None:
        self.lineup, self.task = lineup or line_up(), task
        self.replies, self.entries = dict(replies or {}), tuple[Entry, ...]()
        self.models = self._models(self.lineup)
        messages = {
            at: Received(number=n, by=replace(ANA, id="u-ana"), payload=act)
            for n, (at, act) in enumerate(sorted((acts or {}).items()), 1)
        }
        said = {at: (f"action/{number}/ask", answer) for at, (number, answer) in (answers or {}).items()}
        self.children: Counter[str] = Counter()
        self.lives = Lives(self.story, messages, said, child=self._child, tool=tool)

    def _models(self, lineup: LineUp) -> dict[str, ScriptedModel]:
        names = {each.model for each in lineup.participants if each.model}
        return {
            name: ScriptedModel(name, self.replies.get(name, priced), first_s=SECONDS.get(name, 1.0))
            for name in sorted(names)
        }

    def forks(self, entries: Iterable[Entry], lineup: LineUp | None = None) -> Session:
        """Begin with entries of another session, and differ from it after them by the line-up."""
        known, changed = tuple(entries), lineup or self.lineup
        point = Forked(at=known[-1].at, by=ANA, of="run-1", entry=len(known), lineup=changed)
        self.entries, self.models = (*known, point), self.models | self._models(changed)
        return self

    async def story(self, context: RunContext) -> Json:
        """Run the session once more, from its journal where it has one."""
        loop = asyncio.get_running_loop()
        models: Mapping[str, ChatModel] = {name: Metered(each) for name, each in self.models.items()}
        start = SessionStart(task=self.task, lineup=self.lineup, records={}, entries=self.entries)
        given = SessionInput(start=start, models=models, clock=lambda: clock(loop))
        state = await run_session(given, context)
        return str(state.phase)

    def _child(self, kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
        async def child(payload: Mapping[str, Json], context: RunContext) -> Json:
            self.children[f"{kind}/{ref} {','.join(panel)}".strip()] += context.recall("done") is None
            await context.decide("done", value=True)
            return {"answer": f"By {ref}.", "output": None, "score": None, "data": {}}

        return child

    @property
    def open_waits(self) -> set[str]:
        """The questions and timers of the journal that no step has ended; messages may come until the end."""
        log = self.lives.log
        return {each for each in set(log.timers) - set(log.steps) if not each.startswith("message/")}

    @property
    def asked(self) -> dict[str, int]:
        """How often each model was asked."""
        return {name: model.count.started for name, model in self.models.items()}

    @property
    def shown(self) -> dict[str, Json]:
        """The session, gathered from its rows."""
        steps = self.lives.log.steps
        rows = {
            int(key.partition("/")[2]): step.result
            for key, step in steps.items()
            if step.kind is StepKind.RECORD and key.startswith(f"{ROWS}/")
        }
        return gathered(self.task, [rows[number] for number in sorted(rows)])


def clock(loop: asyncio.AbstractEventLoop) -> datetime:
    """Return the date and time of a loop whose time is skipped."""
    return MIDNIGHT + timedelta(seconds=loop.time())


def priced(prompt: Prompt) -> Reply:
    """Answer as `obliging`, with a usage that costs a thousandth of a dollar."""
    return Completion(text=obliging(prompt), usage=Usage(input_tokens=1000, output_tokens=0))


def one_part(prompt: Prompt) -> Reply:
    """Answer as `obliging`, with a plan of one subtask."""
    one = json.dumps({"subtasks": [{"title": "Trade of Genoa"}]})
    return one if "subtasks" in (prompt.response_schema or {}).get("properties", {}) else priced(prompt)


def bookkeeper(prompt: Prompt) -> Reply:
    """Have an amount booked by a tool at first, then do the work."""
    text = prompt.messages[-1].content
    if "tool:book" in text and "Answer to what you delegated" not in text:
        return json.dumps({"status": "delegate", "to": "tool:book", "request": '{"amount": 5}'})
    return priced(prompt)
