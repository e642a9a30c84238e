"""Simulated models call the calculator when it is offered and the question is one that they would compute."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orchestration.llm.engine.types import (
    Capability,
    Completion,
    FinishReason,
    Message,
    Prompt,
    ToolDefinition,
)
from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, model_spec
from orchestration.tools.engine.arithmetic import calculate

CALCULATOR = ToolDefinition(name="calculator", description="Computes.", schema={"type": "object"})
CLOCK = replace(CALCULATOR, name="clock")
POOR = replace(CATALOG[1], failure_rate=0.0, skill=0.0)


def asked(question: str, *results: str, tool: ToolDefinition = CALCULATOR) -> Prompt:
    said = [Message(role="tool", content=text, tool_call_id="call_1") for text in results]
    return Prompt(messages=(Message(role="user", content=question), *said), tools=(tool,))


async def answer(prompt: Prompt) -> Completion:
    return await SimulatedModel(model_spec(POOR), POOR, seed=0, pace=0.0).complete(prompt)


@pytest.mark.parametrize(
    ("question", "expression", "value"),
    [
        ("What is 17 * 23?", "17 * 23", "391"),
        ("What is 17% of 2,300?", "17/100 * 2300", "391"),
        ("What is 2 to the power of 10?", "2 ^ 10", "1024"),
        ("What is 10 / 3? Round to 2 decimal places.", "round(10 / 3, 2)", "3.33"),
    ],
)
async def test_a_computation_is_a_call_that_the_real_calculator_takes(
    question: str, expression: str, value: str
) -> None:
    found = await answer(asked(question))
    (call,) = found.tool_calls
    assert (found.text, found.finish, call.name) == ("", FinishReason.TOOL_CALLS, "calculator")
    assert json.loads(call.arguments) == {"expression": expression}
    assert format(calculate(expression).normalize(), "f") == value


async def test_the_result_is_the_answer_however_poor_the_model_is() -> None:
    found = await answer(asked("What is 17 * 23?", '<data>\n{"value": 391, "text": "391"}\n</data>'))
    assert (found.tool_calls, found.finish) == ((), FinishReason.STOP)
    assert "The calculator computes 17 * 23" in found.text
    assert "Answer: 391\n" in found.text


@pytest.mark.parametrize("result", ["", "no", "[1]", '{"text": 4}', '{"text": "1e999999999"}', "[" * 20_000])
async def test_a_result_that_is_no_number_leaves_the_model_to_its_own_skill(result: str) -> None:
    found = await answer(asked("What is 17 * 23?", result))
    assert "calculator" not in found.text
    assert "Answer: " in found.text


@pytest.mark.parametrize(
    "prompt",
    [
        asked("What is 17 * 23?", tool=CLOCK),
        asked("How do I make tea?"),
        asked("What is 6 * 7? A) 42 B) 43"),
        asked("What day of the week was 20 July 1969?"),
        replace(asked("What is 17 * 23?"), tools=()),
    ],
)
async def test_no_call_is_made_where_there_is_nothing_to_compute_or_nothing_to_call(prompt: Prompt) -> None:
    assert (await answer(prompt)).tool_calls == ()


async def test_a_call_that_does_not_fit_the_limit_on_the_answer_is_cut_off() -> None:
    found = await answer(replace(asked("What is 17 * 23?"), max_tokens=1))
    assert (found.tool_calls, found.text, found.finish) == ((), "", FinishReason.LENGTH)


def test_one_of_the_simulated_models_calls_no_tools() -> None:
    without = [each.name for each in CATALOG if Capability.TOOLS not in each.capabilities]
    assert without == ["sim-swift"]
