"""What a judge or a person decides: the vote itself, or a tie."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.context import Question
from orchestration.engine.context.records import step_key
from orchestration.engine.errors import LimitReached, ModelError
from orchestration.engine.quality.judging.blocks import label
from orchestration.engine.strategies.asking import begin_phase
from orchestration.engine.strategies.deciding import overall
from orchestration.engine.strategies.voting.ballots import Vote
from orchestration.engine.strategies.voting.casting import Cast
from orchestration.engine.strategies.voting.counting import Contender
from orchestration.engine.strategies.voting.reading import read_review
from orchestration.engine.strategies.voting.review_prompt import review_prompt
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate

ONLY_ONE = "There was only one to choose from."
LEAST_FIT = 0.1
"""Estimated quality below which an answer does not speak for others: empty, refused or cut off."""


def spokesman(contender: Contender, candidates: Sequence[Candidate]) -> Candidate:
    """Return the first answer on the panel that stands for `contender`, one that is fit if there is one."""
    behind = [candidate for candidate in candidates if candidate.model in contender.models]
    fit = [candidate for candidate in behind if overall(candidate) >= LEAST_FIT]
    return (fit or behind)[0]


async def ask_judge(
    vote: Vote, judge: str, contenders: Sequence[Contender], candidates: Sequence[Candidate]
) -> Cast:
    """Have `judge` choose among `contenders`, blind and in an order drawn at random and journaled."""
    if len(contenders) == 1:
        return Cast(voter=judge, choice=contenders[0].label, reason=ONLY_ONE)
    context, model = vote.context, vote.panel.named(judge)
    await begin_phase(context, "judging")
    texts = {each.label: spokesman(each, candidates).text for each in contenders}
    drawn = list(texts)
    context.random.shuffle(drawn)
    order = await context.decide("judge/order", drawn)
    prompt = review_prompt(model.spec, vote.request, [texts[name] for name in order], RuleName.JUDGE)
    step = step_key("judge", judge)
    try:
        with vote.trail.step(step, judge):
            completion = await context.ask(model, prompt, step)
    except (ModelError, LimitReached) as error:
        return Cast.none(judge, f"It could not judge: {error}")
    named = {label(place): name for place, name in enumerate(order)}
    review = read_review(completion.text, tuple(named))
    if review is None:
        return Cast.none(judge, "No choice can be read in what it wrote.")
    return Cast(
        voter=judge, choice=named[review.ranking[0]], confidence=review.confidence, reason=review.reason
    )


async def ask_person(vote: Vote, contenders: Sequence[Contender]) -> str:
    """Have a person choose among tied `contenders`; the run waits. Return what was answered."""
    tied = listed([f"“{each.label}” ({listed(each.models)})" for each in contenders])
    question = Question(
        text=f"The vote is tied between {tied}. Which answer is to be taken?",
        schema={"type": "string", "enum": [each.label for each in contenders]},
    )
    answer = await vote.context.ask_human(question, "tie")
    return str(answer)
