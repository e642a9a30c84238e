"""A simulated model on the engine's side: stream, usage, limits, failures, repeatability."""

import asyncio
from dataclasses import replace

import pytest

from orchestration.llm.engine.errors import ContextWindowExceeded, ProviderUnavailable, RateLimited
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import (
    Capability,
    Completion,
    Delta,
    FinishReason,
    Message,
    Prompt,
    Tier,
    Usage,
)
from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, SimulatedProfile, model_spec

STEADY = replace(CATALOG[0], failure_rate=0.0, skill=1.0)


def model(profile: SimulatedProfile = STEADY, *, seed: int = 0, pace: float = 0.0) -> SimulatedModel:
    return SimulatedModel(model_spec(profile), profile, seed=seed, pace=pace)


def prompt(text: str = "What is 6 * 7?", **settings: object) -> Prompt:
    return replace(Prompt(messages=(Message(role="user", content=text),)), **settings)  # type: ignore[arg-type]


async def test_it_streams_word_by_word_and_ends_with_the_whole() -> None:
    pieces = [piece async for piece in model().stream(prompt())]
    *deltas, whole = pieces
    assert isinstance(whole, Completion)
    assert len(deltas) > 5
    text = ""
    for delta in deltas:
        assert isinstance(delta, Delta)
        assert delta.offset == len(text)
        assert delta.text.startswith(text)
        text = delta.text
    assert text == whole.text


async def test_an_answer_states_its_result_and_that_it_is_simulated() -> None:
    whole = await model().complete(prompt())
    assert "\nAnswer: 42\n" in whole.text
    assert whole.text.endswith("_Simulated answer by sim-swift._")
    assert whole.reported_model == "sim-swift (simulated)"


async def test_tokens_are_counted_by_the_stated_rule() -> None:
    whole = await model().complete(prompt("What is 6 * 7?"))
    assert whole.usage == Usage(input_tokens=4 + 4, output_tokens=-(-len(whole.text) // 4))


async def test_the_same_prompt_gets_the_same_answer_whatever_the_seed() -> None:
    shaky = replace(STEADY, skill=0.5)
    texts = {(await model(shaky, seed=seed).complete(prompt())).text for seed in range(5)}
    assert len(texts) == 1


async def test_samples_and_seeds_at_a_temperature_draw_anew() -> None:
    shaky = model(replace(STEADY, skill=0.5))
    samples = {(await shaky.complete(prompt(sample=number))).text for number in range(20)}
    seeded = {(await shaky.complete(prompt(seed=number, temperature=0.7))).text for number in range(20)}
    cold = {(await shaky.complete(prompt(seed=number, temperature=0.0))).text for number in range(20)}
    assert len(samples) > 1
    assert len(seeded) > 1
    assert len(cold) == 1


async def test_a_token_limit_cuts_the_answer_and_says_so() -> None:
    whole = await model().complete(prompt(max_tokens=5))
    assert (len(whole.text), whole.finish, whole.usage.output_tokens) == (20, FinishReason.LENGTH, 5)


async def test_a_stop_sequence_ends_the_answer() -> None:
    whole = await model().complete(prompt(stop=("Answer:",)))
    assert "Answer:" not in whole.text
    assert whole.finish is FinishReason.STOP


async def test_a_prompt_beyond_the_context_window_is_refused() -> None:
    with pytest.raises(ContextWindowExceeded, match="at most 8192 tokens and the prompt has"):
        await model().complete(prompt("word " * 8192))


async def test_a_long_prompt_is_answered_off_the_event_loop() -> None:
    whole = await model().complete(prompt(f"How many words are in: {'word ' * 700}"))
    assert "Answer: 700" in whole.text


async def test_attempts_fail_at_about_the_stated_rate_and_a_retry_may_succeed() -> None:
    failing = model(replace(STEADY, failure_rate=0.3))
    outcomes: list[type[Exception] | None] = []
    for _ in range(300):
        try:
            await failing.complete(prompt())
        except (ProviderUnavailable, RateLimited) as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)
    assert 60 < 300 - outcomes.count(None) < 120
    assert {ProviderUnavailable, RateLimited} < set(outcomes)


async def test_failures_hang_on_the_seed_alone() -> None:
    async def failures(seed: int) -> list[bool]:
        failing = model(replace(STEADY, failure_rate=0.5), seed=seed)
        answers = [
            await asyncio.gather(failing.complete(prompt()), return_exceptions=True) for _ in range(30)
        ]
        return [isinstance(answer, Exception) for (answer,) in answers]

    assert await failures(1) == await failures(1)
    assert await failures(1) != await failures(2)


async def test_the_pace_stretches_its_waits() -> None:
    whole = await model(pace=0.01).complete(prompt())
    due = 0.01 * (STEADY.first_token_s + len(whole.text) / 4 / STEADY.tokens_per_s)
    assert whole.latency_s >= due - 0.001
    assert whole.first_token_s is not None
    assert whole.first_token_s <= whole.latency_s


async def test_what_it_cannot_do_it_says_in_words() -> None:
    whole = await model().complete(prompt("Who painted the ceiling of the chapel?"))
    assert whole.text.startswith("I can't answer this: sim-swift is a simulated model")
    assert "Answer:" not in whole.text
    assert whole.text.endswith("_Simulated answer by sim-swift._")


async def test_instructions_may_hold_the_task() -> None:
    system = Message(role="system", content="Classify the text as positive or negative.")
    user = Message(role="user", content="Text: What a wonderful, friendly place.")
    whole = await model().complete(Prompt(messages=(system, user)))
    assert "Answer: positive" in whole.text


async def test_a_prompt_without_a_user_is_declined() -> None:
    whole = await model().complete(Prompt(messages=()))
    assert whole.text.startswith("I can't answer this")


def test_the_catalogue_offers_distinct_models_from_cheap_to_dear() -> None:
    assert len({profile.name for profile in CATALOG}) == len({profile.family for profile in CATALOG}) == 6
    assert {profile.tier for profile in CATALOG} == set(Tier)
    prices = [profile.prices.output_per_million for profile in CATALOG]
    assert prices == sorted(prices)


def test_a_spec_carries_what_the_profile_states() -> None:
    spec = model().spec
    assert isinstance(model(), ChatModel)
    assert (spec.name, spec.provider, spec.family, spec.context_window) == (
        "sim-swift",
        "simulated",
        "swift",
        8192,
    )
    assert Capability.STREAMING in spec.capabilities
