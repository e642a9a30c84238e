"""Voting by belief: the answer that is most likely right wins, whoever has the most votes."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.belief.model import AnswerRecord, Tried
from orchestration.strategies.engine.belief.reading import Form, ReadAnswer, question_traits
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.consensus.answers import read_answer
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
    run = knowing(answers_poll(*answering(a="12", b="12", c="13")), a=0.7, b=0.7, c=0.7)
    await run.run()
    [emitted] = run.emitted(StrategyEvent.VOTE_TALLIED)
    assert emitted.data["reason"] == "“12” is most likely right."
    assert emitted.data["scores"] == emitted.data["shares"]
    assert emitted.data["scores"]["12"] > 0.6
    assert 0 < emitted.data["scores"]["13"] < 0.3
    ballots = [Cast.from_json(event.data) for event in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert all(ballot.length > 0 for ballot in ballots)
    old = {key: value for key, value in asdict(ballots[0]).items() if key not in {"hedging", "length"}}
    assert Cast.from_json(old).hedging == 0.0


@pytest.mark.parametrize(("graded", "rule"), [(0, "plurality"), (29, "plurality"), (30, "belief")])
async def test_below_thirty_graded_answers_of_each_model_the_most_votes_decide(
    graded: int, rule: str
) -> None:
    records = {
        name: AnswerRecord(by_task={"reasoning": Tried(right=right * graded, seen=graded)})
        for name, right in {"a": 1.0, "b": 0.1, "c": 0.1}.items()
    }
    run = answers_poll(*answering(a="7", b="12", c="12"))
    outcome = await replace(run, belief=replace(shipped_belief(), records=records)).run()
    assert outcome.consensus is not None
    assert outcome.consensus.rule == rule
    assert outcome.chosen == ("ask/a" if rule == "belief" else "ask/b")


async def test_equals_go_by_the_tie_rule() -> None:
    run = knowing(answers_poll(*answering(a="7", b="12")), a=0.7, b=0.7)
    outcome = await run.run()
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


@pytest.mark.parametrize(
    ("rights", "options", "calls"),
    [
        (dict.fromkeys("abcde", 0.7), {}, 3),
        ({"a": 0.97, "b": 0.6, "c": 0.6, "d": 0.6, "e": 0.6}, {}, 2),
        ({"a": 0.4, "b": 0.4, "c": 0.4, "d": 0.4, "e": 0.97}, {}, 5),
        (dict.fromkeys("abcde", 0.7), {"stop": "posterior", "posterior": 0.8}, 2),
        (dict.fromkeys("abcde", 0.7), {"stop": "off"}, 5),
    ],
)
async def test_waves_end_once_no_answer_to_come_can_change_the_likeliest(
    rights: dict[str, float], options: dict[str, Json], calls: int
) -> None:
    run = knowing(answers_poll(*answering(a="12", b="12", c="12", d="7", e="7")), **rights)
    await run.run(waves=1, **options)
    assert sum(run.calls.values()) == calls


@pytest.mark.parametrize(("stop", "fewest"), [("exact", 2), ("posterior", 1), ("off", 5)])
def test_an_estimate_reckons_with_that(stop: str, fewest: int) -> None:
    given = {"ballot": BallotKind.ANSWERS, "rule": RuleName.BELIEF, "waves": 1, "stop": stop}
    assert voting_effort(VotingOptions.model_validate(given), 5).answers == (fewest, 5)


async def test_a_vote_by_belief_that_misses_its_quorum_says_so() -> None:
    run = knowing(answers_poll(*answering(a="", b="", c="1")), a=0.7, b=0.7, c=0.7)
    with pytest.raises(Exception, match="the quorum is 2"):
        await run.run(rule="belief", quorum=2)


SAID = ("12", "13", "14", "x + 1", "It was a matter of luck", None)


@given(
    rights=st.lists(st.floats(0.02, 0.99), min_size=2, max_size=6),
    said=st.lists(st.sampled_from(SAID), min_size=6, max_size=6),
    hedging=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    forms=st.dictionaries(st.sampled_from(list(Form)), st.floats(-3, 3)),
    after=st.integers(1, 5),
    result=st.sampled_from([None, "12", "15"]),
)
@example(
    rights=[0.875, 0.5], said=["12", SAID[4], *SAID[:4]], hedging=[0.0] * 6, forms={}, after=1, result=None
)
@example(
    rights=[0.95, 0.95, 0.1],
    said=[SAID[4], SAID[4], *SAID[:4]],
    hedging=[0.0] * 6,
    forms={},
    after=2,
    result="12",
)
def test_what_is_final_stays_whatever_the_others_answer(
    *,
    rights: list[float],
    said: list[str | None],
    hedging: list[float],
    forms: dict[Form, float],
    after: int,
    result: str | None,
) -> None:
    records = {f"m{number}": AnswerRecord(prior=right) for number, right in enumerate(rights)}
    question = replace(question_traits("How many? A number."), result=read_answer(result) if result else None)
    belief = replace(shipped_belief(), records=records, forms={question.kind: forms})
    answers = [
        ReadAnswer(model=name, answer=None if text is None else read_answer(text), hedging=doubt)
        for name, text, doubt in zip(records, said, hedging, strict=False)
    ]
    early, late = answers[:after], belief.after(question, answers)
    if belief.is_final(question, early, list(records)[after:]):
        winners = belief.after(question, early).best.places
        assert set(winners) <= set(late.best.places)
