"""Voting by review: each model ranks the others' answers blind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Capability, Purpose
from orchestration.runs.engine.budget import Limits
from orchestration.strategies.engine.consensus.ballots import RuleName
from orchestration.strategies.engine.errors import QuorumMissed
from orchestration.strategies.engine.types import Request, StrategyEvent
from orchestration.strategies.engine.voting.reviewing import Review, read_review, review_prompt
from orchestration.strategies.engine.voting.strategy import WITHOUT_A_VOTE
from tests.support.clock import SkippingLoop
from tests.support.judges import answers_in
from tests.support.models import FailingModel, ScriptedModel, spec_named
from tests.support.votes import poll, reviewer

LOOP_FACTORY = SkippingLoop
TEXTS = ("best", "good", "fair")


def three(**more: object) -> list[ScriptedModel]:
    return [reviewer(name, *TEXTS, **more) for name in TEXTS]  # type: ignore[arg-type]


async def test_nobody_is_shown_their_own_answer_or_whose_the_others_are() -> None:
    members = three()
    await poll(*members).run(ballot="review")
    for model in members:
        [seen] = [prompt for prompt in model.count.prompts if prompt.purpose is Purpose.RANK]
        assert sorted(answers_in(seen)) == sorted(text for text in TEXTS if text != model.spec.name)


@pytest.mark.parametrize("rule", ["plurality", "majority", "borda"])
async def test_rankings_decide(rule: str) -> None:
    run = poll(*three())
    outcome = await run.run(ballot="review", rule=rule)
    assert outcome.chosen == "ask/best"
    assert outcome.consensus is not None
    assert outcome.consensus.agreement == pytest.approx(2 / 3)
    assert outcome.consensus.dissenters == ("best",)
    ballots = {event.data["voter"]: event.data["ranking"] for event in run.emitted(StrategyEvent.BALLOT_CAST)}
    assert ballots == {"best": ["good", "fair"], "good": ["best", "fair"], "fair": ["best", "good"]}


async def test_approval_counts_what_reviewers_approve_of() -> None:
    outcome = await poll(*three(approves=["good"])).run(ballot="review", rule="approval")
    assert outcome.chosen == "ask/good"


async def test_a_review_without_the_approvals_that_the_rule_needs_is_an_abstention() -> None:
    run = poll(*three())
    outcome = await run.run(ballot="review", rule="approval")
    assert (outcome.consensus, outcome.notes) == (None, (WITHOUT_A_VOTE,))
    cast = [event.data for event in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert all("did not say of which it approves" in ballot["reason"] for ballot in cast)


async def test_an_unreadable_or_failed_review_abstains() -> None:
    mute = ScriptedModel("mute", ["mute", "They are all very good."])
    down = ScriptedModel("down", ["down", ProviderUnavailable("503")])
    run = poll(*three(), mute, down)
    outcome = await run.run(ballot="review")
    reasons = {
        e.data["voter"]: e.data["reason"]
        for e in run.emitted(StrategyEvent.BALLOT_CAST)
        if e.data["abstained"]
    }
    assert reasons == {
        "mute": "No ranking can be read in what it wrote.",
        "down": "It could not review: 503",
    }
    assert outcome.chosen == "ask/best"


async def test_who_gave_no_answer_has_no_vote() -> None:
    failing = FailingModel("down", ProviderUnavailable("503"))
    run = poll(*three(), failing)
    await run.run(ballot="review")
    assert failing.count.started == 1
    assert [e.data["reason"] for e in run.emitted(StrategyEvent.BALLOT_CAST) if e.data["abstained"]] == [
        "It gave no answer: 503"
    ]


async def test_a_refusal_is_not_reviewed_and_its_model_abstains() -> None:
    declining = ScriptedModel("shy", ["I cannot help with that."])
    run = poll(*three(), declining)
    await run.run(ballot="review")
    assert declining.count.started == 1
    assert [e.data["reason"] for e in run.emitted(StrategyEvent.BALLOT_CAST) if e.data["abstained"]] == [
        "It gave no usable answer: The model declines to answer: “I cannot help”."
    ]
    assert all("shy" not in e.data["contenders"] for e in run.emitted(StrategyEvent.BALLOT_CAST))


async def test_a_single_answer_has_nobody_to_rank_it() -> None:
    run = poll(reviewer("alone", "alone"), FailingModel("down", ProviderUnavailable("503")))
    outcome = await run.run(ballot="review")
    assert (outcome.answer, outcome.consensus, outcome.notes) == ("alone", None, (WITHOUT_A_VOTE,))
    with pytest.raises(QuorumMissed, match="There was no other answer to rank"):
        await run.run(ballot="review", quorum=2)


async def test_reviews_in_waves_end_once_the_winner_is_certain() -> None:
    members = [reviewer(name, "best", "b", "c", "d", "e") for name in ("b", "c", "d", "best", "e")]
    run = poll(*members)
    outcome = await run.run(ballot="review", rule="majority", waves=3)
    assert sum(run.calls.values()) == 8
    assert outcome.chosen == "ask/best"
    assert "2 calls not started" in outcome.notes[0]


async def test_a_limit_ends_the_reviews_and_those_that_are_there_count() -> None:
    run = poll(*three(), limits=Limits(calls=5))
    outcome = await run.run(ballot="review", rule="borda", waves=1, stop="off")
    assert outcome.chosen == "ask/best"
    assert outcome.decisions[0].options == ("fair",)


async def test_a_review_that_leaves_the_winner_open_is_followed_by_the_next() -> None:
    run = poll(*three())
    await run.run(ballot="review", waves=1)
    assert sum(run.calls.values()) == 6


def test_a_model_that_can_is_held_to_a_schema() -> None:
    able = replace(spec_named("able"), capabilities=frozenset({Capability.JSON_SCHEMA}))
    schema = review_prompt(able, Request(text="?"), ["x", "y"], RuleName.APPROVAL).response_schema
    assert schema is not None
    assert schema["required"] == ["ranking", "approved", "confidence", "reason"]
    assert schema["properties"]["ranking"]["items"]["enum"] == ["A", "B"]
    assert review_prompt(spec_named("not"), Request(text="?"), ["x"], RuleName.BORDA).response_schema is None


LABELS = ("A", "B", "C")


@pytest.mark.parametrize(
    ("text", "ranking"),
    [
        ('{"ranking": ["B", "A", "C"], "reason": "B is right."}', ("B", "A", "C")),
        ('First {"ranking": ["A"]}, no: ```json\n{"ranking": ["c", "Answer B"]}\n```', ("C", "B")),
        ('{"ranking": [{"id": "B"}, {"id": "A"}]}', ("B", "A")),
        ('{"ranking": ["B", "B", "Z", 7, "A"]}', ("B", "A")),
        ("My ranking: B > A > C", ("B", "A", "C")),
    ],
)
def test_rankings_are_read_however_they_are_wrapped(text: str, ranking: tuple[str, ...]) -> None:
    review = read_review(text, LABELS)
    assert review is not None
    assert review.ranking == ranking


@pytest.mark.parametrize(
    "text", ["", "I like them all.", '{"ranking": "B"}', '{"ranking": ["Z"]}', '{"order": ["A"]}', "[1, 2]"]
)
def test_what_ranks_nothing_is_no_review(text: str) -> None:
    assert read_review(text, LABELS) is None


def test_confidence_and_approvals_are_read_with_bounds() -> None:
    text = '{"ranking": ["A"], "approved": ["A", "Q"], "confidence": 7, "reason": "  so   it is "}'
    assert read_review(text, LABELS) == Review(
        ranking=("A",), approved=("A",), confidence=1.0, reason="so it is"
    )
    huge = '{"ranking": ["A"], "confidence": 1' + "0" * 400 + "}"
    assert read_review(huge, LABELS) == Review(ranking=("A",), confidence=1.0)
    assert read_review('{"ranking": ["A"], "confidence": true}', LABELS) == Review(ranking=("A",))
