"""Voting in waves: who need not be asked any more is not asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.belief.model import AnswerRecord, Tried
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted, read_answer
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.engine.voting.counting import Cast, Count, count
from orchestration.strategies.engine.voting.options import VotingOptions
from tests.support.clock import SkippingLoop
from tests.support.models import ScriptedModel, spec_named
from tests.support.votes import answering, answers_poll

LOOP_FACTORY = SkippingLoop
FIVE = dict(zip("abcde", ["12", "12", "12", "7", "7"], strict=True))


async def test_later_waves_are_not_started_once_no_ballot_can_change_the_winner() -> None:
    run = answers_poll(*answering(**FIVE))
    outcome = await run.run(waves=1)
    assert run.calls == {"a": 1, "b": 1, "c": 1, "d": 0, "e": 0}
    assert [candidate.state for candidate in outcome.candidates[3:]] == ["cancelled", "cancelled"]
    assert outcome.notes[0].startswith("Settled: “12” wins whatever the others say. 2 calls not started, an")
    [emitted] = run.emitted(StrategyEvent.VOTE_TALLIED)
    assert emitted.data["calls_saved"] == 2
    assert float(emitted.data["saved_usd"]) > 0


async def test_a_wave_that_could_still_change_the_winner_is_started() -> None:
    run = answers_poll(*answering(a="12", b="7", c="12", d="7", e="7"))
    outcome = await run.run(waves=2)
    assert sum(run.calls.values()) == 5
    assert outcome.chosen == "ask/b"


@pytest.mark.parametrize(("options", "calls"), [({"stop": "off"}, 5), ({"waves": 0}, 5), ({"waves": 4}, 4)])
async def test_all_are_asked_where_stopping_is_off_or_there_is_one_wave(
    options: dict[str, object], calls: int
) -> None:
    run = answers_poll(*answering(**FIVE))
    await run.run(**{"waves": 1, **options})
    assert sum(run.calls.values()) == calls


async def test_a_likely_winner_is_enough_where_that_is_asked_for() -> None:
    run = answers_poll(*answering(**FIVE))
    outcome = await run.run(waves=2, stop="posterior", posterior=0.6)
    assert sum(run.calls.values()) == 2
    assert "“12” is right with a probability of 0.9" in outcome.notes[0]
    assert "; 0.6 was asked for. 3 calls not started" in outcome.notes[0]


async def test_where_no_further_answer_is_worth_its_call_the_others_are_not_asked() -> None:
    run = answers_poll(*answering(a="12", b="12", c="12", d="12", e="12", f="12", g="12"))
    outcome = await run.run(waves=1, stop="posterior", posterior=0.999)
    assert sum(run.calls.values()) == 2
    assert "no other model is expected to raise it by more than 0.5%." in outcome.notes[0]


async def test_an_answer_that_more_voted_for_but_is_not_believed_does_not_end_the_asking() -> None:
    """The one who is far better than both others says something else."""
    weak = {"a": 0.3, "b": 0.3, "c": 0.97}
    records = {
        name: AnswerRecord(prior=right, by_task={"reasoning": Tried(right=200 * right, seen=200)})
        for name, right in weak.items()
    }
    run = answers_poll(*answering(a="12", b="12", c="13", d="12", e="12"))
    run = replace(run, belief=replace(shipped_belief(), records=records))
    await run.run(waves=3, stop="posterior", posterior=0.5, rule="plurality")
    assert sum(run.calls.values()) == 5


@pytest.mark.parametrize("rule", ["majority", "unanimous"])
async def test_other_rules_end_only_once_they_are_settled(rule: str) -> None:
    run = answers_poll(*answering(a="12", b="12", c="12", d="12", e="12", f="12", g="12"))
    await run.run(waves=2, stop="posterior", posterior=0.5, rule=rule)
    assert sum(run.calls.values()) > 2


async def test_a_winner_that_is_not_likely_enough_is_waited_for() -> None:
    """Of two that differ neither is believed; once two agree, nobody else is expected to change that."""
    why = {0.7: "0.7 was asked for", 0.9: "no other model is expected to raise it by more than 0.5%"}
    for posterior, asked in ((0.7, 1), (0.9, 3)):
        run = answers_poll(*answering(a="12", b="13", c="12", d="12", e="12"))
        outcome = await run.run(waves=1, stop="posterior", posterior=posterior)
        assert sum(run.calls.values()) == asked
        assert why[posterior] in outcome.notes[0]


async def test_without_prices_the_calls_that_were_saved_are_counted_only() -> None:
    run = answers_poll(
        *(ScriptedModel(spec_named(name, prices=None), [f"Answer: {n}"]) for name, n in FIVE.items())
    )
    outcome = await run.run(waves=1)
    assert outcome.notes == ("Settled: “12” wins whatever the others say. 2 calls not started.",)


async def test_a_quorum_that_cannot_be_reached_ends_the_asking() -> None:
    run = answers_poll(*answering(a="", b="", c="1", d="1"))
    with pytest.raises(Exception, match="the quorum is 3"):
        await run.run(waves=2, quorum=3)
    assert sum(run.calls.values()) == 2


def counted(*texts: str | None, kind: AnswerKind = AnswerKind.TEXT) -> Count:
    """Return the count of a panel of four once the first of it have said `texts`; None abstains."""
    casts = [
        Cast(voter=name, answer=Extracted(kind=kind, key=text, raw=text)) if text else Cast.none(name, "")
        for name, text in zip("abcd", texts, strict=False)
    ]
    return count(VotingOptions().by_most_votes(), "abcd", casts)


def test_a_text_is_settled_once_the_rest_could_not_win() -> None:
    assert counted("red", "red", "red").is_settled()
    assert not counted("blue", "red", "red").is_settled()
    assert not counted("red", None).is_settled()
    assert not counted(None, None).is_settled()


def test_a_winner_whose_numbers_differ_by_a_hair_is_not_settled_early() -> None:
    assert counted("3", "3", "3", kind=AnswerKind.NUMBER).is_settled()
    assert not counted("3", "3.0000001", "3", kind=AnswerKind.NUMBER).is_settled()


SPELLED = (
    "5",
    "5 kg",
    "5000 g",
    "5 g",
    "5000",
    "3 cats",
    "3 dogs",
    "3 cats and dogs",
    "3",
    "3.0000001",
    "x = 3",
)


@pytest.mark.parametrize("rule", ["plurality", "majority", "unanimous"])
@given(said=st.lists(st.sampled_from(SPELLED), min_size=2, max_size=6), after=st.integers(1, 5))
def test_what_is_settled_stays_whichever_units_and_digits_the_others_write(
    rule: str, said: list[str], after: int
) -> None:
    options = VotingOptions.model_validate({"rule": rule})
    names = [f"m{place}" for place in range(len(said))]
    casts = [Cast(voter=name, answer=read_answer(text)) for name, text in zip(names, said, strict=True)]
    early, late = count(options, names, casts[:after]), count(options, names, casts)
    if early.is_settled():
        early_winner, late_winner = early.tally().winner, late.tally().winner
        assert (early_winner is None) == (late_winner is None)
        if early_winner is not None and late_winner is not None:
            assert set(early.contender(early_winner).models) <= set(late.contender(late_winner).models)
