"""Hostile texts, as long as a prompt may be, are answered at once."""

from collections.abc import Mapping
from time import thread_time

import pytest

from orchestration.llm.engine.types import Message, Prompt, Purpose
from orchestration.llm.providers.simulated import CATALOG
from orchestration.llm.providers.simulated.reply import reply_to

LONGEST = 200_000
PIECES = (
    "\n", " ", "\t \n", "a", "1", "1,", "1.", "(", "[", '"', "'", "`", "- ", "-", "é", "\x00", "\u2028",
    '{"a":', "A) ", "A) 1 B) 2 ", "&lt;answer", "<question>", '<answer id="A">', "</answer>", "one ", "a, ",
    "1 + ", "2^", "2024-01-01 ", "1 May 2024 ", "please ", "answer: ", "how many times does a in ",
    "count the letter a in ", "sort 1, ", "convert 1 km ", "17% of ", "positive, negative: ",
    "A) x" + "9" * 5_000,
)  # fmt: skip
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "count": {"type": "integer"}},
}
SECONDS = 5.0  # of processor time: what is not linear takes minutes


def took(text: str, purpose: Purpose, schema: Mapping[str, object] | None) -> float:
    messages = (Message(role="system", content=text), Message(role="user", content=text))
    started = thread_time()
    assert reply_to(CATALOG[0], Prompt(messages=messages, purpose=purpose, response_schema=schema))
    return thread_time() - started


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("length", [5_900, LONGEST])
def test_a_repeated_piece_is_answered_at_once(piece: str, length: int) -> None:
    text = (piece * length)[:length]
    assert took(text, Purpose.ANSWER, SCHEMA) < SECONDS
    assert took(f"What is 2 + 2?\nA) 4 B) x {text}", Purpose.ANSWER, None) < SECONDS


@pytest.mark.parametrize("piece", PIECES)
def test_a_judge_reads_a_long_case_at_once(piece: str) -> None:
    text = (piece * LONGEST)[:LONGEST]
    case = f'<question>\nWhat is 2 + 2?{text[:5_000]}\n</question>\n<answer id="A">\n{text}\n</answer>'
    assert took(case, Purpose.JUDGE, None) < SECONDS
    assert took(case, Purpose.AGGREGATE, None) < SECONDS
