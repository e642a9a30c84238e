"""Voting with the usual ballot: the answers that came decide whether they are counted or reviewed."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json, Purpose
from orchestration.runs.engine.budget import Limits
from orchestration.strategies.engine.errors import (
    AllModelsFailed,
    NoUsableAnswer,
    QuorumMissed,
    VoteUndecided,
)
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.engine.voting.strategy import WITHOUT_A_VOTE
from tests.support.clock import SkippingLoop
from tests.support.judges import answers_in, by_text
from tests.support.models import FailingModel, ScriptedModel, truncated
from tests.support.votes import answering, answers_poll, how, kinds, mixed, poll, reviewer

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
POEMS = {
    "soft": "Soft rain on the roof,\na drop for every window\nand none for the cat.",
    "hard": "Clouds burst, gutters sing;\nwho forgot the umbrella\nlearns to love puddles.",
    "dull": "It is raining now.\nIt was raining before, too.\nIt will rain again.",
}


def poets(*names: str) -> list[ScriptedModel]:
    """Return models that write a poem each and prefer poems in this order."""
    return [reviewer(name, *POEMS.values(), says=POEMS[name]) for name in names or POEMS]


async def test_texts_that_nobody_could_count_are_reviewed_by_the_same_panel() -> None:
    run = poll(*poets())
    outcome = await run.run()
    assert (outcome.chosen, outcome.answer) == ("ask/soft", POEMS["soft"])
    assert how(outcome) == (
        "review: The answers are in each model's own words and cannot be counted, so each model reviews"
        " the others'."
    )
    assert kinds(run) == {"review"}
    assert run.calls == dict.fromkeys(POEMS, 2)


async def test_nobody_reviews_their_own_answer_and_none_is_asked_for_again() -> None:
    members = poets()
    await poll(*members).run()
    for model in members:
        asked, seen = model.count.prompts
        assert (asked.purpose, seen.purpose) == (Purpose.ANSWER, Purpose.RANK)
        assert sorted(answers_in(seen)) == sorted(t for n, t in POEMS.items() if n != model.spec.name)


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ({"a": "12", "b": "7", "c": "12.0"}, {}),
        ({"a": "1", "b": "2", "c": "3"}, {}),
        ({"a": "12", "b": "12", "c": ""}, {"quorum": 2}),
        ({"a": "12", "b": "12", "c": "12", "d": "7", "e": "7"}, {"waves": 1}),
        ({"a": "12", "b": "7", "c": "12", "d": "7", "e": "7"}, {"waves": 2}),
        ({"a": "1", "b": "1", "c": "2"}, {"rule": "majority"}),
        ({"a": "1", "b": "1", "c": "2"}, {"rule": "weighted", "weights": "c=2.5"}),
        ({"a": "1", "b": "2", "c": "2", "d": "1"}, {"tie": "confidence"}),
    ],
)
async def test_answers_that_can_be_compared_are_counted_as_if_that_had_been_asked_for(
    said: dict[str, str], options: dict[str, Json]
) -> None:
    fitted, counted = poll(*answering(**said)), answers_poll(*answering(**said))
    found, wanted = await fitted.run(**options), await counted.run(**options)
    assert found.decisions[0].chosen == "answers"
    assert found.decisions[1:] == wanted.decisions
    assert (found.answer, found.consensus, found.candidates) == (
        wanted.answer,
        wanted.consensus,
        wanted.candidates,
    )
    assert fitted.calls == counted.calls
    assert [e.data for e in fitted.emitted(StrategyEvent.VOTE_TALLIED)] == [
        e.data for e in counted.emitted(StrategyEvent.VOTE_TALLIED)
    ]


@pytest.mark.parametrize(
    ("said", "quorum", "kind", "words"),
    [
        (
            {"a": "1", "b": "1", "c": "2"},
            1,
            "answers",
            "3 of 3 answers give a result that can be",
        ),
        ({"a": "1", "b": "2", "c": ""}, 1, "answers", "2 of 3 answers give a result"),
        ({"a": "1", "b": "", "c": ""}, 1, "review", "Only 1 of 3 answers can be compared, so each model"),
        ({"a": "1", "b": "1", "c": ""}, 3, "review", "Only 2 answers can be counted and the quorum is 3"),
        ({"a": "1", "b": "1", "c": "", "d": ""}, 1, "review", "Only 2 of 4 answers can be compared"),
    ],
)
async def test_more_than_half_have_to_be_comparable_and_enough_for_the_quorum(
    said: dict[str, str], quorum: int, kind: str, words: str
) -> None:
    run = poll(*mixed(**said))
    outcome = await run.run(quorum=quorum)
    assert kinds(run) == {kind}
    assert words in how(outcome)


async def test_the_same_short_words_are_counted_and_others_reviewed() -> None:
    same = poll(
        *(reviewer(name, says=says) for name, says in zip("abc", ["Paris", "paris.", "Rome"], strict=True))
    )
    assert (await same.run()).chosen == "ask/a"
    assert kinds(same) == {"answers"}
    own = poll(
        *(
            reviewer(name, "Oslo", "Rome", "Bern", says=says)
            for name, says in zip("abc", ["Rome", "Oslo", "Bern"], strict=True)
        )
    )
    assert (await own.run()).answer == "Oslo"
    assert kinds(own) == {"review"}


@pytest.mark.parametrize("rule", ["borda", "approval"])
async def test_a_rule_that_counts_rankings_has_short_answers_reviewed_at_once(rule: str) -> None:
    texts = ("Answer: 1", "Answer: 2", "Answer: 3")
    run = poll(
        *(
            reviewer(name, *texts, says=text, approves=texts[:1])
            for name, text in zip("abc", texts, strict=True)
        )
    )
    outcome = await run.run(rule=rule, waves=1)
    assert outcome.chosen == "ask/a"
    assert kinds(run) == {"review"}
    assert "ballot" not in run.log.steps


@pytest.mark.parametrize("rule", ["plurality", "majority", "weighted"])
async def test_the_rules_of_a_count_work_on_reviews(rule: str) -> None:
    outcome = await poll(*poets()).run(rule=rule)
    assert outcome.consensus is not None
    assert (outcome.chosen, outcome.consensus.rule) == ("ask/soft", rule)


async def test_a_judge_decides_between_texts() -> None:
    judge = ScriptedModel(
        "judge", by_text(**{poem: float(7 + (name == "dull")) for name, poem in POEMS.items()})
    )
    outcome = await poll(*poets(), helpers=[judge]).run(rule="judge", judge="judge")
    assert outcome.chosen == "ask/dull"


async def test_where_no_review_can_be_read_the_best_answer_is_taken_and_said_to_be_no_votes() -> None:
    outcome = await poll(*(ScriptedModel(name, [poem]) for name, poem in POEMS.items())).run()
    assert (outcome.answer, outcome.consensus) == (POEMS["soft"], None)
    assert [decision.kind for decision in outcome.decisions] == ["ballot", "select"]
    assert outcome.notes == (WITHOUT_A_VOTE,)


async def test_a_quorum_that_was_asked_for_is_not_done_without() -> None:
    run = poll(*(ScriptedModel(name, [poem]) for name, poem in POEMS.items()))
    with pytest.raises(
        QuorumMissed, match=r"No ranking can be read .* ask by parallel, which takes the best"
    ):
        await run.run(quorum=2)


async def test_reviews_that_fail_are_told_in_words() -> None:
    run = poll(*(ScriptedModel(name, [poem, DOWN]) for name, poem in POEMS.items()))
    with pytest.raises(QuorumMissed, match="soft abstained: It could not review: 503"):
        await run.run(quorum=2)


async def test_texts_that_do_not_agree_unanimously_are_no_result() -> None:
    with pytest.raises(VoteUndecided, match="backed by all ballots that count"):
        await poll(
            *(reviewer(n, *order, says=POEMS[n]) for n, order in zip(POEMS, _disagreeing(), strict=True))
        ).run(rule="unanimous")


def _disagreeing() -> list[list[str]]:
    texts = list(POEMS.values())
    return [[texts[1]], [texts[2]], [texts[0]]]


async def test_a_panel_of_one_counts_its_answer_or_takes_it_as_it_is_written() -> None:
    short = poll(*answering(a="12"))
    assert (await short.run()).answer == "Answer: 12"
    long = poll(*poets("soft"))
    outcome = await long.run()
    assert (outcome.answer, long.calls) == (POEMS["soft"], {"soft": 1})
    assert how(outcome).startswith("answers: There is only one answer")
    [cast] = long.emitted(StrategyEvent.BALLOT_CAST)
    assert cast.data["answer"]["raw"] == "soft"


async def test_two_texts_are_a_tie_that_the_tie_rule_decides() -> None:
    run = poll(*poets("dull", "soft"))
    outcome = await run.run()
    assert outcome.chosen == "ask/dull"
    assert sum(run.calls.values()) == 2
    assert outcome.decisions[-2].reason == "“dull” and “soft” are tied; “dull” is first in order."
    judge = ScriptedModel("judge", by_text(**{POEMS["dull"]: 2, POEMS["soft"]: 3}))
    judged = await poll(*poets("dull", "soft"), helpers=[judge]).run(tie="judge", judge="judge")
    assert judged.chosen == "ask/soft"


async def test_texts_that_only_begin_alike_are_two() -> None:
    start = "Rain is water that falls from clouds once its drops have become too heavy to float in the air. "
    run = poll(*(reviewer(name, says=f"{start}Says {name}, at length.") for name in "ab"))
    outcome = await run.run()
    assert outcome.consensus is not None
    assert outcome.consensus.dissenters == ("b",)


async def test_of_two_answers_the_one_that_can_be_read_wins() -> None:
    outcome = await poll(*answering(a="", b="12"), FailingModel("c", DOWN)).run()
    assert outcome.chosen == "ask/b"


async def test_the_only_text_of_a_panel_that_failed_is_taken() -> None:
    outcome = await poll(FailingModel("a", DOWN), *poets("soft")).run()
    assert outcome.chosen == "ask/soft"
    with pytest.raises(QuorumMissed, match="Add models that can answer, lower the quorum, or ask by another"):
        await poll(FailingModel("a", DOWN), *poets("soft")).run(quorum=2)


@pytest.mark.parametrize("text", ["", truncated("soft rain on")])
async def test_nothing_and_what_was_cut_off_stand_for_nothing(text: object) -> None:
    with pytest.raises(NoUsableAnswer):
        await poll(ScriptedModel("a", [text])).run()  # type: ignore[list-item]


async def test_whole_code_that_was_cut_off_in_its_explanation_is_an_answer() -> None:
    cut = truncated("```python\ndef add(a, b):\n    return a + b\n```\nIt adds the two numb")
    run = poll(ScriptedModel("a", [cut]))
    run.question = "Write a function that adds two numbers."
    outcome = await run.run()
    assert outcome.answer == cut.text
    assert [event.data["abstained"] for event in run.emitted(StrategyEvent.BALLOT_CAST)] == [False]


async def test_models_that_all_fail_are_named() -> None:
    with pytest.raises(AllModelsFailed, match="a: 503; b: 503"):
        await poll(FailingModel("a", DOWN), FailingModel("b", DOWN)).run()


async def test_a_limit_met_while_asking_leaves_no_reviews_and_says_so() -> None:
    run = poll(*poets(), limits=Limits(calls=3))
    with pytest.raises(QuorumMissed, match="calls"):
        await run.run(quorum=2)
    early = poll(*answering(a="1", b="1", c="2"), limits=Limits(calls=2))
    outcome = await early.run(waves=1, stop="off")
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered", "missing"]
    assert [decision.kind for decision in outcome.decisions][:2] == ["ballot", "stop"]
