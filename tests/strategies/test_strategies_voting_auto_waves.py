"""Waves with the usual ballot: asking ends early only where it is certain that answers are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Purpose
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.voting.counting import Cast, countable
from tests.support.clock import SkippingLoop
from tests.support.votes import how, kinds, mixed, poll

LOOP_FACTORY = SkippingLoop


async def test_early_answers_that_can_be_compared_do_not_end_the_asking_while_a_review_is_possible() -> None:
    run = poll(*mixed(a="12", b="", c="", d="", e=""))
    outcome = await run.run(rule="weighted", weights="a=9", waves=1)
    assert all(model.count.prompts[0].purpose is Purpose.ANSWER for model in run.members)
    assert kinds(run) == {"review"}
    assert how(outcome).startswith("review: Only 1 of 5")


async def test_asking_ends_early_once_a_count_is_certain_and_its_winner_too() -> None:
    run = poll(*mixed(a="12", b="12", c="12", d="", e=""))
    outcome = await run.run(waves=1)
    assert run.calls == {"a": 1, "b": 1, "c": 1, "d": 0, "e": 0}
    assert kinds(run) == {"answers"}
    assert outcome.notes[0].startswith("Settled: “12” wins whatever the others say. 2 calls not started")


async def test_a_likely_winner_ends_the_asking_no_sooner_than_a_count_is_certain() -> None:
    run = poll(*mixed(a="12", b="12", c="12", d="", e=""))
    await run.run(waves=1, stop="posterior", posterior=0.5)
    assert sum(run.calls.values()) == 3


async def test_a_quorum_that_no_count_can_reach_is_left_to_the_reviews() -> None:
    run = poll(*mixed(a="", b="", c="1", d="1"))
    outcome = await run.run(waves=2, quorum=3)
    assert kinds(run) == {"review"}
    assert outcome.consensus is not None


SAID = st.sampled_from(["1", "2", "", "red", "blue", "a red house", "a red houses", "a red housesx"])


@given(texts=st.lists(SAID, min_size=1, max_size=7), after=st.integers(0, 7), quorum=st.integers(1, 4))
def test_what_can_be_counted_early_can_be_counted_whatever_comes(
    texts: list[str], after: int, quorum: int
) -> None:
    casts = [_cast(f"m{place}", text) for place, text in enumerate(texts)]
    if countable(casts[:after], len(casts), quorum):
        assert countable(casts, len(casts), quorum)


def _cast(voter: str, text: str) -> Cast:
    kind = AnswerKind.NUMBER if text.isdigit() else AnswerKind.TEXT
    return (
        Cast(voter=voter, answer=Extracted(kind=kind, key=text, raw=text)) if text else Cast.none(voter, "")
    )
