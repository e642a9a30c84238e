"""A recorded model: it says what was said, and nothing else."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable, RequestRejected
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Delta, Message, Prompt
from orchestration.llm.providers.recorded.model import Pace, RecordedModel
from tests.support.models import prompt_of
from tests.support.recordings import answer, line, lines, recorded

ASKED = "What is the number of stones in bag 0?"
RECORDING = recorded(lines("7 1 3")).recording


def model(name: str = "ada", pace: Pace | None = None) -> RecordedModel:
    return RecordedModel(RECORDING.spec(name), RECORDING, pace=pace or Pace())


async def streamed_pieces(asked: ChatModel, prompt: Prompt) -> list[Delta | Completion]:
    return [piece async for piece in asked.stream(prompt)]


async def test_the_recorded_text_comes_back_with_its_tokens_and_price() -> None:
    said = await model().complete(prompt_of(ASKED))
    assert said.text == "The answer is 7."
    assert (said.usage.input_tokens, said.usage.output_tokens, said.usage.estimated) == (20, 10, False)
    assert said.reported_model == "ada"
    assert model().spec.prices is not None


@pytest.mark.parametrize("asked", [f"  {ASKED}\n", ASKED.replace(" ", "\n\t ")])
async def test_white_space_does_not_matter(asked: str) -> None:
    assert (await model("bob").complete(prompt_of(asked))).text == "The answer is 1."


async def test_instructions_are_not_part_of_what_is_looked_up() -> None:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=ASKED))
    assert (await model().complete(Prompt(messages=messages))).text == "The answer is 7."


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([("user", "What else?" * 9)], r"has no answer to “What else\?What else\?"),
        ([("user", ASKED.upper())], "replays 1 recorded questions word for word"),
        ([("user", ASKED), ("assistant", "7"), ("user", ASKED)], "a conversation of 3 messages"),
        ([("assistant", ASKED)], "answers to single questions"),
    ],
)
async def test_a_prompt_that_was_not_recorded_is_refused_in_words(
    messages: list[tuple[str, str]], words: str
) -> None:
    asked = Prompt(messages=tuple(Message(role=role, content=text) for role, text in messages))  # type: ignore[arg-type]
    with pytest.raises(RequestRejected, match=words):
        await model().complete(asked)


async def test_a_model_of_which_there_is_no_text_is_refused_too() -> None:
    answers = [answer("ada", "1", text=None), answer("bob", "2", text="")]
    recording = recorded([line(0, {}, answers=answers)]).recording
    assert recording.models == ("bob",)
    with pytest.raises(RequestRejected, match="has no answer"):
        await RecordedModel(recording.spec("ada"), recording).complete(prompt_of(ASKED))
    empty = await streamed_pieces(RecordedModel(recording.spec("bob"), recording), prompt_of(ASKED))
    assert [piece.text for piece in empty] == [""]


async def test_samples_count_through_what_was_recorded_of_one_prompt() -> None:
    twice = recorded([line(0, {"ada": "7"}), line(1, {"ada": "8"}, prompt=ASKED)]).recording
    asked = RecordedModel(twice.spec("ada"), twice)
    assert [(await asked.complete(prompt_of(ASKED, sample=n))).text[-2] for n in (0, 1)] == ["7", "8"]
    with pytest.raises(RequestRejected, match="has 2 of the 3 samples"):
        await asked.complete(prompt_of(ASKED, sample=2))


async def test_a_paced_answer_grows_piece_by_piece_to_the_same_text() -> None:
    long = recorded([line(0, {}, answers=[answer("ada", "1", text="word " * 40)])]).recording
    paced = RecordedModel(long.spec("ada"), long, pace=Pace(tokens_per_s=1e6))
    *deltas, whole = await streamed_pieces(paced, prompt_of(ASKED))
    assert len(deltas) > 3
    assert deltas[-1].text == whole.text == "word " * 40
    assert [delta.offset for delta in deltas if isinstance(delta, Delta)][:2] == [0, 24]


async def test_what_is_not_recorded_is_estimated_and_says_so() -> None:
    answers = [answer("ada", "1", text="12345678", tokens=None)]
    bare = recorded([line(0, {}, answers=answers, prompt_tokens=None)]).recording
    said = await RecordedModel(bare.spec("ada"), bare).complete(prompt_of(ASKED))
    assert (said.usage.output_tokens, said.usage.estimated) == (2, True)


async def test_outages_come_at_their_rate_and_the_same_each_time() -> None:
    async def outages() -> list[bool]:
        flaky = model(pace=Pace(failure_rate=0.5, seed=3))
        return [await fails(flaky) for _ in range(200)]

    assert await outages() == await outages()
    assert 60 < sum(await outages()) < 140


async def fails(asked: ChatModel) -> bool:
    try:
        await asked.complete(prompt_of(ASKED))
    except ProviderUnavailable:
        return True
    return False
