"""Voting by belief: the answer that is most likely right wins, whoever has the most votes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.strategies.engine.belief.model import AnswerRecord, Tried
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.consensus.ballots import RuleName
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.engine.voting.counting import Cast
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions, voting_effort
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.models import ScriptedModel
from tests.support.votes import LOST_FOR_WORDS, answering, answers_poll, kinds, mixed, poll

LOOP_FACTORY = SkippingLoop


def knowing(run: Stage, **rights: float) -> Stage:
    """Return the run with records of 200 graded answers of each model."""
    records = {
        name: AnswerRecord(prior=right, by_task={"reasoning": Tried(right=200 * right, seen=200)})
        for name, right in rights.items()
    }
    return replace(run, belief=replace(shipped_belief(), records=records))


async def test_one_that_is_far_ahead_wins_against_two_that_are_often_wrong() -> None:
    run = knowing(answers_poll(*answering(a="12", b="12", c="13")), a=0.3, b=0.3, c=0.97)
    assert (await run.run(rule="plurality")).chosen == "ask/a"
    run = knowing(answers_poll(*answering(a="12", b="12", c="13")), a=0.3, b=0.3, c=0.97)
    outcome = await run.run(rule="belief")
    assert outcome.chosen == "ask/c"
    assert outcome.consensus is not None
    assert (outcome.consensus.rule, outcome.consensus.dissenters) == ("belief", ("a", "b"))
    assert outcome.consensus.agreement == pytest.approx(1 / 3)
    assert 0 < outcome.consensus.margin < 1


async def test_what_is_counted_is_the_probability_and_it_is_emitted() -> None:
    run = answers_poll(*answering(a="12", b="12", c="13"))
    await run.run(rule="belief")
    [emitted] = run.emitted(StrategyEvent.VOTE_TALLIED)
    assert emitted.data["reason"] == "“12” is most likely right."
    assert emitted.data["scores"] == emitted.data["shares"]
    assert emitted.data["scores"]["12"] > 0.6
    assert 0 < emitted.data["scores"]["13"] < 0.3
    ballots = [Cast.from_json(event.data) for event in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert all(ballot.length > 0 for ballot in ballots)
    old = {key: value for key, value in ballots[0].to_json().items() if key not in {"hedging", "length"}}
    assert Cast.from_json(old).hedging == 0.0


async def test_without_records_more_votes_are_likelier_and_equals_go_by_the_tie_rule() -> None:
    assert (await answers_poll(*answering(a="7", b="12", c="12")).run(rule="belief")).chosen == "ask/b"
    run = answers_poll(*answering(a="7", b="12"))
    outcome = await run.run(rule="belief")
    assert outcome.chosen == "ask/a"
    [emitted] = run.emitted(StrategyEvent.VOTE_TALLIED)
    assert "are tied" in emitted.data["reason"]


async def test_answers_of_which_none_can_be_compared_are_believed_one_by_one() -> None:
    texts = {"a": "It was a matter of luck", "b": "Nobody could have foreseen any of it"}
    run = knowing(answers_poll(*(ScriptedModel(name, [text]) for name, text in texts.items())), a=0.4, b=0.9)
    assert (await run.run(rule="belief")).chosen == "ask/b"


async def test_reviews_are_counted_by_plurality() -> None:
    members = mixed(a=LOST_FOR_WORDS, b="", c="", d="")
    run = poll(*members)
    outcome = await run.run(rule="belief")
    assert kinds(run) == {"review"}
    assert outcome.consensus is not None
    assert outcome.consensus.rule == "plurality"
    reviewed = poll(*mixed(a="12", b="12", c="13"))
    outcome = await reviewed.run(rule="belief", ballot="review")
    assert kinds(reviewed) == {"review"}
    assert outcome.consensus is not None
    assert outcome.consensus.rule == "plurality"


async def test_only_the_posterior_stops_it_early() -> None:
    run = answers_poll(*answering(a="12", b="12", c="12", d="7", e="7"))
    await run.run(rule="belief", waves=1)
    assert sum(run.calls.values()) == 5
    run = answers_poll(*answering(a="12", b="12", c="12", d="7", e="7"))
    await run.run(rule="belief", waves=1, stop="posterior", posterior=0.8)
    assert sum(run.calls.values()) == 2


@pytest.mark.parametrize(("stop", "fewest"), [("exact", 5), ("posterior", 1), ("off", 5)])
def test_an_estimate_reckons_with_that(stop: str, fewest: int) -> None:
    given = {"ballot": BallotKind.ANSWERS, "rule": RuleName.BELIEF, "waves": 1, "stop": stop}
    assert voting_effort(VotingOptions.model_validate(given), 5).answers == (fewest, 5)


async def test_a_vote_by_belief_that_misses_its_quorum_says_so() -> None:
    run = answers_poll(*answering(a="", b="", c="1"))
    with pytest.raises(Exception, match="the quorum is 2"):
        await run.run(rule="belief", quorum=2)
