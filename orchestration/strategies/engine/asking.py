"""Asking panel members for answers, timing the steps of the path, and emitting what a strategy does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TypeVar

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.values import off_loop
from orchestration.llm.engine.types import Completion, FinishReason, Json, Message, Prompt, Purpose
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.records import bounded, step_key
from orchestration.runs.engine.types import Decision, EventKind, PathStep, RunEvent, Timing
from orchestration.strategies.engine.belief.reading import ReadAnswer, read_text
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.options import AnswerOptions
from orchestration.strategies.engine.types import Candidate, Request

T = TypeVar("T")
AGAIN = "answer"
"""The part of a run in which models answer once more, with a number: `answer-2/ask/<model>`."""
_PART = Pattern(r"(.*)\.(?:round|tool)-[0-9]+")
_AGAIN = Pattern(rf"(?:.*/)?{AGAIN}-([0-9]{{1,4}})/.*")


@dataclass(frozen=True, slots=True)
class StepTimer:
    """The steps of a run, timed by its clock; those of a part stand among all others, with its `prefix`."""

    context: RunContext
    steps: list[PathStep] = field(default_factory=list)
    prefix: str = ""

    def key(self, step: str) -> str:
        """Return the key of a step of this part in the whole run of the strategy."""
        return bounded(self.prefix + step)

    def again(self, number: int) -> StepTimer:
        """Return the timer of the part that has answer `number` of each model; the first is no part."""
        if number == 1:
            return self
        name = f"{AGAIN}-{number}"
        return StepTimer(self.context.scoped(name), self.steps, f"{self.prefix}{name}/")

    async def begin(self, phase: str) -> None:
        """Emit that a phase of the strategy begins."""
        await self.context.emit(RunEvent(kind=EventKind.PHASE_STARTED, data={"name": phase}))

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Time the block, a replayed one as it was when it ended; a failure is recorded and raised again."""
        started, ok = self.context.now(), False
        try:
            yield
            ok = True
        finally:
            live = Timing(started_s=started, seconds=self.context.now() - started)
            took = asdict(self.context.timing(name) or live)
            self.steps.append(PathStep(step=self.key(name), ok=ok, detail=detail, **took))

    def path(self) -> tuple[PathStep, ...]:
        """Return the steps by when they began."""
        return tuple(sorted(self.steps, key=lambda step: (step.started_s, step.step)))


def ask_step(name: str) -> str:
    """Return the key of the step that asks the panel member called `name` for an answer."""
    return step_key("ask", name)


def round_step(name: str, number: int) -> str:
    """Return the key of the step that asks a member for the same answer once more."""
    return ask_step(name) if number == 1 else bounded(f"{ask_step(name)}.round-{number}")


def tool_step(name: str, number: int) -> str:
    """Return the key of a tool call, by its number, on the way to a member's answer."""
    return bounded(f"{ask_step(name)}.tool-{number}")


def answer_step(key: str) -> str:
    """Return the key of the step that first asked for the answer to which a round or a tool call belongs."""
    part = _PART.fullmatch(key)
    return part[1] if part else key


def answer_number(key: str) -> int:
    """Return the number of the answer of its model to which the step `key` leads, 1 for the first."""
    part = _AGAIN.fullmatch(key)
    return int(part[1]) if part else 1


def answer_prompt(request: Request, options: AnswerOptions) -> Prompt:
    """Return the prompt for the members of the panel."""
    system = (Message(role="system", content=request.system),) if request.system else ()
    return Prompt(
        messages=(*system, Message(role="user", content=request.text)),
        purpose=Purpose.ANSWER,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        response_schema=request.response_schema,
    )


READ_AT_ONCE = 200_000
"""Characters that are read on the event loop; it serves the pages, too."""


async def answered(model: str, step: str, completion: Completion, *, question: str = "") -> Candidate:
    """Return a completion as a candidate; `question` helps to read its final answer."""
    text, cut_off = completion.text, completion.finish is FinishReason.LENGTH
    read = partial(extract_answer, text, question=question, cut_off=cut_off)
    final = await off_loop(len(text) + len(question), read, at_most=READ_AT_ONCE)
    return Candidate(
        model=model,
        step=step,
        text=text,
        extracted=None if final is None else final.raw,
        latency_s=completion.latency_s,
        cost_usd=completion.cost_usd,
        usage=completion.usage,
        finish=completion.finish,
        cached=completion.cached,
    )


def read_candidate(candidate: Candidate, question: str) -> ReadAnswer:
    """Return an answer to `question` as a belief reads it."""
    cut_off = candidate.finish is FinishReason.LENGTH
    return read_text(candidate.model, candidate.text, question, cut_off=cut_off)


async def announce(context: RunContext, decision: Decision, step: str) -> None:
    """Emit a decision."""
    data: dict[str, Json] = asdict(decision)
    await context.emit(RunEvent(kind=EventKind.DECISION_MADE, step=step, data=data))
