"""What holds for every kind of provider: how it streams, fails and is closed. A new kind needs a row here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Delta, Prompt
from orchestration.llm.models import ProviderKind
from orchestration.llm.providers.recorded.model import Pace, RecordedModel
from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, model_spec
from tests.support.models import prompt_of
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.recordings import lines, recorded
from tests.support.transport import chat_model, loopback_client

RECORDED_QUESTION = "What is the number of stones in bag 0?"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A model of one kind that answers `prompt`, and one that cannot answer `refused`."""

    model: ChatModel
    prompt: Prompt
    failing: ChatModel
    refused: Prompt


@asynccontextmanager
async def simulated() -> AsyncIterator[Example]:
    steady = replace(CATALOG[0], failure_rate=0.0)
    model = SimulatedModel(model_spec(steady), steady, seed=0, pace=0.0)
    down = replace(CATALOG[0], failure_rate=1.0)
    failing = SimulatedModel(model_spec(down), down, seed=0, pace=0.0)
    question = prompt_of("What is 6 * 7?")
    yield Example(model=model, prompt=question, failing=failing, refused=question)


@asynccontextmanager
async def openai_compatible() -> AsyncIterator[Example]:
    async with OpenAIServer() as server, OpenAIServer() as down, loopback_client() as client:
        server.default = Behaviour(text="The answer is forty-two.")
        down.default = Behaviour(status=503, body=b"{}")
        yield Example(
            model=chat_model(client, server.base_url),
            prompt=prompt_of("How many?"),
            failing=chat_model(client, down.base_url),
            refused=prompt_of("How many?"),
        )


@asynccontextmanager
async def replayed() -> AsyncIterator[Example]:
    recording = recorded(lines("7 1 3")).recording
    model = RecordedModel(recording.spec("ada"), recording, pace=Pace())
    yield Example(
        model=model,
        prompt=prompt_of(RECORDED_QUESTION),
        failing=model,
        refused=prompt_of("Another question?"),
    )


EXAMPLES: dict[str, Callable[[], AbstractAsyncContextManager[Example]]] = {
    ProviderKind.SIMULATED: simulated,
    ProviderKind.OPENAI_COMPATIBLE: openai_compatible,
    ProviderKind.RECORDED: replayed,
}


def test_every_kind_of_the_registry_has_an_example() -> None:
    assert EXAMPLES.keys() == set(ProviderKind.values)


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_deltas_add_up_to_the_one_completion_that_ends_the_stream(kind: str) -> None:
    async with EXAMPLES[kind]() as example:
        *deltas, whole = [piece async for piece in example.model.stream(example.prompt)]
    assert isinstance(whole, Completion)
    text = ""
    for delta in deltas:
        assert isinstance(delta, Delta)
        assert delta.offset == len(text)
        assert delta.text.startswith(text)
        text = delta.text
    assert text == whole.text != ""
    assert whole.usage.input_tokens > 0 < whole.usage.output_tokens


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_an_answer_as_a_whole_is_the_streamed_one(kind: str) -> None:
    async with EXAMPLES[kind]() as example:
        *_, streamed = [piece async for piece in example.model.stream(example.prompt)]
        whole = await example.model.complete(example.prompt)
    assert isinstance(streamed, Completion)
    assert (whole.text, whole.finish, whole.usage) == (streamed.text, streamed.finish, streamed.usage)


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_a_closed_stream_leaves_the_model_usable(kind: str) -> None:
    async with EXAMPLES[kind]() as example:
        async with aclosing(example.model.stream(example.prompt)) as pieces:
            assert isinstance(await anext(pieces), Delta)
        assert (await example.model.complete(example.prompt)).text


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_what_cannot_be_answered_raises_an_error_of_the_tree_in_words(kind: str) -> None:
    async with EXAMPLES[kind]() as example:
        with pytest.raises(ModelError) as raised:
            await example.failing.complete(example.refused)
    assert len(str(raised.value).split()) > 2
