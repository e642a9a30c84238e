"""One answer out of several, written by an aggregator model."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Message, Prompt, Purpose
from orchestration.runs.engine.errors import LimitReached
from orchestration.strategies.engine.asking import StepTimer, answered
from orchestration.strategies.engine.options import AnswerOptions
from orchestration.strategies.engine.quality.prompts import DATA_ONLY, blocks
from orchestration.strategies.engine.types import Candidate, Request

STEP = "aggregate"
CHARACTERS_PER_TOKEN = 3
TASK = """You are given a question and several answers to it, some of which may be wrong or incomplete.
Work out what is right, keep what is correct and useful in each, correct what is not, and write one final
answer to the question in your own words. Do not mention that there were several answers.
When the question has a short final answer, end with a line of the form
Answer: <the final answer>
"""


def aggregate_prompt(
    aggregator: ChatModel, request: Request, answers: Sequence[Candidate], options: AnswerOptions
) -> Prompt:
    """Return the prompt that has `aggregator` combine the answers, anonymous and marked as data."""
    spec = aggregator.spec
    tokens = max(0, spec.context_window - spec.max_output_tokens)
    texts = [candidate.text for candidate in answers]
    marked = blocks(request.text, request.system, texts, characters=tokens * CHARACTERS_PER_TOKEN)
    return Prompt(
        messages=(
            Message(role="system", content=f"{TASK}{DATA_ONLY}"),
            Message(role="user", content=marked),
        ),
        purpose=Purpose.AGGREGATE,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
    )


async def synthesise(
    aggregator: ChatModel,
    request: Request,
    answers: Sequence[Candidate],
    options: AnswerOptions,
    timer: StepTimer,
) -> Candidate | str:
    """Return the combined answer as a candidate of its own step, or why there is none."""
    name = aggregator.spec.name
    prompt = aggregate_prompt(aggregator, request, answers, options)
    try:
        with timer.step(STEP, name):
            completion = await timer.context.ask(aggregator, prompt, STEP)
    except (ModelError, LimitReached) as error:
        return f"{name} could not combine the answers: {error}"
    return answered(name, STEP, completion)
