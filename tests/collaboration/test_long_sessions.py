"""Sessions that are longer than what a model reads: results, conversations, answers that are cut off."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from collaboration.engine.answers import ActionKind, read_answer
from collaboration.engine.contexts import fitted, marked, prompt
from collaboration.engine.plan import NotPossible
from collaboration.engine.records import session_row
from orchestration.llm.engine.errors import ContextWindowExceeded
from orchestration.llm.engine.types import Prompt
from tests.support.clock import SkippingLoop
from tests.support.models import Reply, truncated
from tests.support.rooms import ANA, LED, QUIET, SAGE, SCOUT, TASK, Room, line_up
from tests.support.sessions import Session, obliging

LOOP_FACTORY = SkippingLoop
LONG = "Salt-and-silk" * 4_000


def wordy(prompt: Prompt) -> Reply:
    """Answer as `obliging`, but do each subtask at great length."""
    said = obliging(prompt)
    return json.dumps({"text": LONG}) if said.startswith('{"text"') else said


@pytest.mark.parametrize("window", [4_096, 8_192, 32_768])
async def test_results_longer_than_the_window_of_a_model_are_shortened_for_it(window: int) -> None:
    session = Session(line_up(LED, SCOUT, SAGE, negotiation=QUIET), {"m-scout": wordy, "m-sage": wordy})
    for model in session.models.values():
        model.spec = replace(model.spec, context_window=window)
    assert await session.lives.run() == "completed"
    sent = [prompt for model in session.models.values() for prompt in model.count.prompts]
    assert max(each.input_tokens for each in sent) <= window - 1024
    assert any("characters are left out here" in each.messages[-1].content for each in sent)
    assert [each["status"] for each in session.shown["subtasks"]] == ["accepted"] * 3
    assert len(session.shown["subtasks"][0]["result"]) == len(LONG)


async def test_a_model_that_counts_other_tokens_is_sent_half_as_much() -> None:
    replies = [*[ContextWindowExceeded("Too long.")] * 3, *[obliging_work() for _ in range(9)]]
    session = Session(line_up(LED, SCOUT, negotiation=QUIET), {"m-scout": replies})
    assert await session.lives.run() == "completed"
    assert {"action/2/shorter/1", "action/2/shorter/2"} <= session.lives.log.steps.keys()
    assert not [each for each in session.shown["messages"] if each["kind"] == "error"]


def obliging_work() -> str:
    return json.dumps({"text": "Short."})


async def test_a_model_that_can_read_nothing_is_asked_four_times_and_missed() -> None:
    session = Session(
        line_up(LED, SCOUT, negotiation=QUIET), {"m-scout": [ContextWindowExceeded("Too long.")]}
    )
    assert await session.lives.run() == "failed"
    assert session.asked["m-scout"] == 4 * 3


async def test_an_answer_in_prose_that_was_cut_off_says_so() -> None:
    session = Session(
        line_up(LED, SCOUT, negotiation=QUIET, protocol="natural"), {"m-scout": [truncated("Ships and")]}
    )
    await session.lives.run()
    assert session.shown["subtasks"][0]["result"] == "Ships and\n[… cut for length]"


@pytest.mark.parametrize(
    "text", ['{"text": "Ships and', '```json\n{"status": "done", "text": "Ships', '{ "text" :']
)
def test_a_form_that_was_cut_off_is_no_result(text: str) -> None:
    with pytest.raises(NotPossible):
        read_answer(ActionKind.ASSEMBLE, text, "hybrid")


def test_json_that_is_the_work_itself_is_a_result() -> None:
    assert read_answer(ActionKind.ASSEMBLE, '{"port": "Genoa", ', "hybrid").text == '{"port": "Genoa",'


@pytest.mark.parametrize(
    ("lengths", "most"),
    [((10, 5_000, 9_000), 6_000), ((4_000, 4_000), 5_000), ((20_000,), 3_000), ((9, 9), 5_000)],
)
def test_blocks_are_shortened_from_the_longest_and_what_is_around_them_stays(
    lengths: tuple[int, ...], most: int
) -> None:
    text = "\n".join(f"Part {n}:\n{marked('x' * length)}" for n, length in enumerate(lengths))
    found = fitted(text, most)
    assert len(found) <= most
    assert [f"Part {n}:\n<data>" in found for n in range(len(lengths))] == [True] * len(lengths)
    assert found.count("</data>") == len(lengths)
    assert "x" * lengths[0] in found or lengths[0] > 10


def test_what_has_no_room_at_all_loses_its_data_only() -> None:
    text = f"Task.\n{marked('x' * 500)}\nDo it."
    assert fitted(text, 0).replace("\n", " ").startswith("Task. <data>  [… 500 characters are left out")


def test_what_has_no_data_stays_as_long_as_it_is() -> None:
    assert fitted("Divide the task.", 3) == "Divide the task."


def test_two_thousand_messages_are_summarised_and_each_costs_the_same() -> None:
    room = Room(
        line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"messages": 5_000, "context_tokens": 1_000})
    )
    room.play("executing")
    took: list[float] = []
    for number in range(2_000):
        began, before = time.thread_time(), room.state
        step = room.act(
            "u-ana", "say", text=f"Remark {number} on the trade of Genoa and on what it cost then."
        )
        session_row(before, step, 1.0)
        took.append(time.thread_time() - began)
        while room.pending("summarise"):
            room.answer("They talked about the trade.", "summarise")
    assert len(room.state.log) > 2_000
    assert room.state.summarised > 1_900
    assert sum(took[-500:]) < 8 * sum(took[:500])
    work = room.pending("work")[0]
    assert prompt(room.state, work).input_tokens < 2_500
    assert TASK in prompt(room.state, work).messages[-1].content
