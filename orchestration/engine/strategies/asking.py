"""Asking panel members: a candidate for each, whatever comes of it, and the path that was taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from orchestration.engine.consensus.answers import Extracted
from orchestration.engine.consensus.extraction import extract_answer
from orchestration.engine.context import RunContext, Timing
from orchestration.engine.context.records import step_key
from orchestration.engine.errors import LimitReached, ModelError
from orchestration.engine.events import EventKind, RunEvent
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.options import AnswerOptions
from orchestration.engine.types import (
    Candidate,
    Completion,
    FinishReason,
    Message,
    Prompt,
    Purpose,
    Request,
    Step,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came of asking one model. `code` is its error's, `limit` what the run ran out of instead."""

    candidate: Candidate
    code: str = ""
    limit: LimitReached | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """The path an outcome takes: one step after another, timed by the run's clock."""

    context: RunContext
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Time what is done inside; a failure is noted and passed on.

        A step that replays is timed as it was when it ended.
        """
        started, ok = self.context.now(), False
        try:
            yield
            ok = True
        finally:
            live = Timing(started_s=started, seconds=self.context.now() - started)
            took = self.context.timing(name) or live
            self.steps.append(
                Step(step=name, started_s=took.started_s, seconds=took.seconds, ok=ok, detail=detail)
            )

    def in_order(self) -> tuple[Step, ...]:
        """Return the steps by when they began."""
        return tuple(sorted(self.steps, key=lambda step: (step.started_s, step.step)))


def ask_step(model: ChatModel) -> str:
    """Return the key of the step that asks a panel member."""
    return step_key("ask", model.spec.name)


def answer_prompt(request: Request, options: AnswerOptions, *, sample: int = 0) -> Prompt:
    """Return what panel members are asked."""
    system = (Message(role="system", content=request.system),) if request.system else ()
    return Prompt(
        messages=(*system, Message(role="user", content=request.text)),
        purpose=Purpose.ANSWER,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        sample=sample,
    )


async def ask_member(model: ChatModel, prompt: Prompt, trail: Trail) -> Reply:
    """Ask one member. A model's error and a limit reached become part of the reply."""
    step = ask_step(model)
    try:
        with trail.step(step, model.spec.name):
            completion = await trail.context.ask(model, prompt, step)
    except ModelError as error:
        failed = Candidate(model=model.spec.name, step=step, state="failed", error=str(error))
        return Reply(candidate=failed, code=error.code)
    except LimitReached as error:
        return Reply(candidate=not_asked(model, str(error)), limit=error)
    question = prompt.messages[-1].content
    return Reply(candidate=answered(model.spec.name, step, completion, question=question))


def answered(model: str, step: str, completion: Completion, *, question: str | None = None) -> Candidate:
    """Return a completion as a candidate; `question` helps to read its final answer."""
    candidate = Candidate(
        model=model,
        step=step,
        text=completion.text,
        latency_s=completion.latency_s,
        cost_usd=completion.cost_usd,
        usage=completion.usage,
        finish=completion.finish,
        cached=completion.cached,
    )
    final = final_answer(candidate, question)
    return candidate if final is None else replace(candidate, extracted=final.raw)


def final_answer(candidate: Candidate, question: str | None) -> Extracted | None:
    """Return the final answer that a candidate gives to `question`, None when it cannot be read."""
    cut_off = candidate.finish is FinishReason.LENGTH
    return extract_answer(candidate.text, question=question, cut_off=cut_off)


def not_asked(model: ChatModel, why: str) -> Candidate:
    """Return the candidate of a member that gave no answer because it was not waited for."""
    return Candidate(model=model.spec.name, step=ask_step(model), state="missing", error=why)


async def begin_phase(context: RunContext, name: str) -> None:
    """Tell that a phase of the strategy begins."""
    await context.emit(RunEvent(kind=EventKind.PHASE_STARTED, data={"name": name}))
