"""Voting with answers: each final answer is a vote for itself."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.errors import LimitReached
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.errors import AllModelsFailed, QuorumMissed, VoteUndecided
from orchestration.strategies.engine.quality import checks
from orchestration.strategies.engine.quality.rubrics import Criterion, Rubric
from orchestration.strategies.engine.types import Candidate, Constraints, StrategyEvent
from orchestration.strategies.engine.voting.counting import Cast, Contender
from orchestration.strategies.engine.voting.deciding import representative
from tests.support.clock import SkippingLoop
from tests.support.judges import answers_in, by_text, scores
from tests.support.models import FailingModel, ScriptedModel, truncated
from tests.support.votes import answering, answers_poll

LOOP_FACTORY = SkippingLoop


def checked_before() -> int:
    """Return how many texts the checks have looked at."""
    return checks._checked.cache_info().misses


DOWN = ProviderUnavailable("503")


async def test_equal_answers_count_together_however_they_are_written() -> None:
    run = answers_poll(*answering(a="12", b="7", c="12.0"))
    outcome = await run.run()
    assert (outcome.chosen, outcome.answer) == ("ask/a", "Answer: 12")
    assert outcome.consensus is not None
    assert outcome.consensus.agreement == pytest.approx(2 / 3)
    assert outcome.consensus.margin == pytest.approx(1 / 3)
    assert (outcome.consensus.dissenters, outcome.consensus.rule) == (("b",), "plurality")


SORTED = ("1, 3, 5, 9", "[1, 3, 5, 9]", "**1, 3, 5 and 9**", "1,3,5,9")


@pytest.mark.parametrize("wrong", [1, 3])
async def test_the_answer_in_another_order_is_another_one_and_never_shown_for_the_winner(wrong: int) -> None:
    misled = [ScriptedModel(f"wrong{place}", ["Answer: 3, 1, 5, 9"]) for place in range(wrong)]
    right = [ScriptedModel(f"right{place}", [f"Answer: {said}"]) for place, said in enumerate(SORTED)]
    run = answers_poll(*misled, *right)
    outcome = await run.run()
    assert (outcome.chosen, outcome.answer) == ("ask/right0", "Answer: 1, 3, 5, 9")
    assert outcome.consensus is not None
    assert outcome.consensus.agreement == pytest.approx(4 / (4 + wrong))
    assert outcome.consensus.dissenters == tuple(model.spec.name for model in misled)


async def test_the_answer_that_is_shown_is_the_one_that_the_label_of_the_winner_shows() -> None:
    run = answers_poll(*answering(a="5000 g", b="5 kg", c="5 kg", d="7"))
    outcome = await run.run()
    assert (outcome.chosen, outcome.decisions[0].chosen) == ("ask/a", "5 kg")
    run = answers_poll(*answering(a="5", b="5 g", c="5 kg", d="5 kg"))
    assert (await run.run()).chosen == "ask/c"


async def test_of_the_answers_that_won_the_best_is_shown() -> None:
    again = "It is three hundred and ninety-one, as I said. " * 12
    texts = {"a": f"{again}\n\nAnswer: 391", "b": "17 times 23.\n\nAnswer: 391", "c": "Answer: 7"}
    outcome = await answers_poll(*(ScriptedModel(name, [text]) for name, text in texts.items())).run()
    assert outcome.chosen == "ask/b"
    reason = outcome.decisions[-1].reason
    assert reason == "b has the highest estimated quality of the 2 whose answer won."


def test_no_other_text_stands_for_the_winner() -> None:
    winner = Contender(label="12", models=("a", "b"), spoken_by=("a",))
    told = [Candidate(model=name, step=f"ask/{name}", text=name) for name in "ba"]
    assert representative(winner, told).model == "a"
    with pytest.raises(AssertionError, match="No answer says what won: 12"):
        representative(winner, told[:1])


async def test_each_answer_is_checked_once() -> None:
    texts = [f"The total that we counted is {number}.\n\nAnswer: {number}" for number in (917, 918, 919)]
    before = checked_before()
    await answers_poll(*(ScriptedModel(f"m{place}", [text]) for place, text in enumerate(texts))).run()
    assert checked_before() - before == len(texts)


async def test_who_fails_or_cannot_be_read_abstains_with_a_reason() -> None:
    run = answers_poll(*answering(a="12", b=""), FailingModel("c", DOWN))
    outcome = await run.run()
    ballots = {event.data["voter"]: event.data for event in run.emitted(StrategyEvent.BALLOT_CAST)}
    assert [ballots[name]["abstained"] for name in "abc"] == [False, True, True]
    assert ballots["b"]["reason"] == "No final answer can be read in what it wrote."
    assert ballots["c"]["reason"] == "503"
    assert outcome.consensus is not None
    assert outcome.consensus.agreement == 1.0


async def test_a_missed_quorum_fails_and_names_who_abstained() -> None:
    run = answers_poll(*answering(a="12", b="", c=""))
    with pytest.raises(QuorumMissed, match=r"1 of 3 ballots count; the quorum is 2\. b abstained: No final"):
        await run.run(quorum=2)
    [told] = run.emitted(StrategyEvent.VOTE_TALLIED)
    assert (told.data["verdict"], told.data["winner"]) == ("no quorum", None)


async def test_models_that_all_ignore_how_to_answer_make_no_winner() -> None:
    with pytest.raises(QuorumMissed, match="0 of 3 ballots count"):
        await answers_poll(*answering(a="", b="", c="")).run()


async def test_words_before_the_length_limit_are_no_vote() -> None:
    babbling = [ScriptedModel(name, [truncated(f"zimi nulezu {name}")]) for name in "ab"]
    run = answers_poll(*babbling, *answering(c="12"))
    outcome = await run.run()
    ballots = {event.data["voter"]: event.data for event in run.emitted(StrategyEvent.BALLOT_CAST)}
    assert [ballots[name]["abstained"] for name in "abc"] == [True, True, False]
    assert ballots["a"]["reason"] == "It was cut off at the length limit before it stated a final answer."
    assert outcome.answer == "Answer: 12"


async def test_models_that_all_fail_are_named() -> None:
    with pytest.raises(AllModelsFailed, match="a: 503; b: 503"):
        await answers_poll(FailingModel("a", DOWN), FailingModel("b", DOWN)).run()


async def test_a_majority_that_is_not_reached_is_no_result() -> None:
    with pytest.raises(VoteUndecided, match=r"No option is backed by more than half .* plurality"):
        await answers_poll(*answering(a="1", b="2", c="3")).run(rule="majority")


async def test_weights_decide_under_the_weighted_rule() -> None:
    outcome = await answers_poll(*answering(a="1", b="1", c="2")).run(rule="weighted", weights="c=2.5")
    assert outcome.chosen == "ask/c"
    assert outcome.consensus is not None
    assert outcome.consensus.dissenters == ("a", "b")


async def test_an_empty_answer_does_not_speak_for_the_winner() -> None:
    cut_off = ScriptedModel("a", ["I cannot help with that. Answer: 12"])
    outcome = await answers_poll(cut_off, *answering(b="12", c="7")).run()
    assert outcome.chosen == "ask/b"


async def test_ties_go_to_the_order_of_the_panel() -> None:
    run = answers_poll(*answering(a="1", b="2"))
    outcome = await run.run()
    assert outcome.chosen == "ask/a"
    assert "are tied; “1” is first in order." in outcome.decisions[-2].reason


async def test_a_judge_breaks_a_tie_without_knowing_whose_the_answers_are() -> None:
    judge = ScriptedModel("judge", by_text(**{"Answer: 1": 4, "Answer: 2": 9}))
    outcome = await answers_poll(*answering(a="1", b="2"), helpers=[judge]).run(tie="judge", judge="judge")
    assert (outcome.chosen, judge.count.started) == ("ask/b", 2)
    assert outcome.decisions[-2].reason == "“1” and “2” were tied; judge chose “2”."


async def test_a_judge_that_prefers_the_first_place_is_asked_in_both_orders_and_decides_nothing() -> None:
    biased = ScriptedModel("judge", [scores(10, 6), scores(10, 6)])
    run = answers_poll(*answering(a="1", b="2", c="2"), helpers=[biased])
    outcome = await run.run(rule="judge", judge="judge")
    shown = [answers_in(each) for each in biased.count.prompts]
    assert shown[0] == shown[1][::-1]
    assert outcome.chosen == "ask/b"
    cast = run.emitted(StrategyEvent.BALLOT_CAST)[-1].data
    assert cast["reason"].endswith("it counts 60%. It scored “1” and “2” alike.")


async def test_a_judge_scores_by_the_rubric_of_the_request() -> None:
    rubric = Rubric(name="Strict", criteria=(Criterion(name="Brevity"),)).model_dump(mode="json")
    judge = ScriptedModel("judge", ["?"])
    await answers_poll(*answering(a="1", b="2"), helpers=[judge], rubric=rubric).run(
        tie="judge", judge="judge", rubric="Strict"
    )
    assert "- Brevity" in judge.count.prompts[0].messages[0].content


async def test_a_judge_that_cannot_be_read_leaves_a_tie_to_the_order() -> None:
    judge = ScriptedModel("judge", ["Both are fine."])
    outcome = await answers_poll(*answering(a="1", b="2"), helpers=[judge]).run(tie="judge", judge="judge")
    assert outcome.chosen == "ask/a"
    [note] = outcome.notes
    assert note.startswith(
        "The tie was left to the order of the panel. judge made no choice. judge gave no verdict"
    )


async def test_under_the_judge_rule_the_judge_decides_and_the_panel_dissents() -> None:
    judge = ScriptedModel("judge", by_text(**{"Answer: 1": 4, "Answer: 2": 9}))
    run = answers_poll(*answering(a="1", b="1", c="2"), helpers=[judge])
    outcome = await run.run(rule="judge", judge="judge")
    assert outcome.chosen == "ask/c"
    assert outcome.consensus is not None
    assert outcome.consensus.dissenters == ("a", "b")
    assert [event.data["voter"] for event in run.emitted(StrategyEvent.BALLOT_CAST)][-1] == "judge"


async def test_a_judge_is_not_asked_when_there_is_one_answer_only() -> None:
    judge = ScriptedModel("judge")
    await answers_poll(*answering(a="1", b="1"), helpers=[judge]).run(rule="judge", judge="judge")
    assert judge.count.started == 0


async def test_a_judge_that_makes_no_choice_is_no_result() -> None:
    run = answers_poll(*answering(a="1", b="2"), helpers=[FailingModel("judge", DOWN)])
    with pytest.raises(
        VoteUndecided, match=r"The judge made no choice\. judge abstained: judge could not judge"
    ):
        await run.run(rule="judge", judge="judge")


async def test_a_limit_ends_the_voting_and_what_was_cast_is_counted() -> None:
    run = answers_poll(*answering(a="1", b="1", c="2"), limits=Limits(calls=2))
    outcome = await run.run(waves=1, stop="off")
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered", "missing"]
    assert outcome.decisions[0].kind == "stop"
    with pytest.raises(LimitReached):
        await answers_poll(*answering(a="1"), limits=Limits(calls=0)).run()


async def test_a_quorum_missed_for_a_limit_names_the_limit() -> None:
    run = answers_poll(*answering(a="1", b="1", c="2"), limits=Limits(calls=1))
    with pytest.raises(QuorumMissed, match=r"1 of 3 ballots count; the quorum is 2\. .*calls"):
        await run.run(waves=1, quorum=2)


async def test_the_winner_of_a_vote_below_the_quality_that_was_asked_for_is_marked() -> None:
    run = answers_poll(*answering(a="1", b="2"), constraints=Constraints(min_quality=0.99))
    outcome = await run.run()
    assert (outcome.answer, outcome.caveat) == ("Answer: 1", "below_quality")


@pytest.mark.parametrize(
    "cast",
    [
        Cast(voter="a", answer=Extracted(kind=AnswerKind.NUMBER, key="12", raw="12.0"), confidence=0.7),
        Cast(voter="b", contenders=("a", "c"), ranking=("c", "a"), approvals=("c",), reason="Clearer."),
        Cast.none("c", "It said nothing."),
    ],
)
def test_a_ballot_comes_back_from_the_event_that_it_was_emitted_as(cast: Cast) -> None:
    assert Cast.from_json(asdict(cast)) == cast
