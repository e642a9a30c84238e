"""`python -m tests.support.manage`: manage.py with run kinds that only tests need."""

from __future__ import annotations

import asyncio
import os
import re
import sys

from orchestra_site.settings.loading import load_site

load_site()

from django.core.management import execute_from_command_line  # noqa: E402

from orchestration.runs.engine.context import RunContext  # noqa: E402
from orchestration.runs.engine.types import (  # noqa: E402
    EventKind,
    Outcome,
    Question,
    RunEvent,
)
from orchestration.runs.kinds import FrozenRun, register  # noqa: E402
from tests.support.kinds import StoryKind  # noqa: E402
from tests.support.question_schemas import APPROVAL, REVIEW  # noqa: E402
from tests.support.second_kind import register_second_kind  # noqa: E402

BURST = 300


async def burst(_: FrozenRun, context: RunContext) -> Outcome:
    """Wait for somebody to watch, then tell many events at once."""
    await asyncio.sleep(1.5)
    for number in range(BURST):
        await context.emit(RunEvent(kind=EventKind.PHASE_STARTED, data={"name": f"part {number}"}))
    return Outcome(answer="told")


async def questions(_: FrozenRun, context: RunContext) -> Outcome:
    """Ask two people, one after the other."""
    first = await context.ask_human(Question(text="Go on?"), "human/first")
    second = await context.ask_human(Question(text="Sure?"), "human/second")
    return Outcome(answer=f"{first}, {second}")


async def approval(_: FrozenRun, context: RunContext) -> Outcome:
    """Have a reply approved and reviewed, both at once."""
    reply = Question(
        text="Shall this reply go out?\n\nDear Ms Lee, thank you for your patience.",
        schema=APPROVAL,
        deadline_s=3 * 3600,
        default={"decision": "reject"},
    )
    review = Question(text="What shall the newsletter say?", schema=REVIEW)
    asked = (context.ask_human(reply, "approve"), context.ask_human(review, "review"))
    return Outcome(answer=str(await asyncio.gather(*asked)))


async def deadly(_: FrozenRun, context: RunContext) -> Outcome:
    """End the process, every time."""
    os.abort()


async def stuck(_: FrozenRun, _context: RunContext) -> Outcome:
    """Match a text for longer than anybody waits, and keep the interpreter lock meanwhile."""

    async def match() -> object:
        await asyncio.sleep(0.2)
        return re.fullmatch("(a|aa)+b", "a" * 64)

    return Outcome(answer=str(await asyncio.gather(match())))


async def patient(_: FrozenRun, _context: RunContext) -> Outcome:
    """Take longer than a process that is stuck lives."""
    await asyncio.sleep(4)
    return Outcome(answer="done")


if __name__ == "__main__":
    for story in (burst, questions, approval, deadly, stuck, patient):
        register(StoryKind(story.__name__, story))
    register_second_kind()
    execute_from_command_line(["manage.py", *sys.argv[1:]])
