"""The auto ballot: once the answers are there, they decide whether they are counted or reviewed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from orchestration.engine.consensus.answers import AnswerKind, Extracted
from orchestration.engine.strategies.deciding import announce, overall
from orchestration.engine.strategies.voting.answering import Answering
from orchestration.engine.strategies.voting.ballots import Ballots, Vote
from orchestration.engine.strategies.voting.casting import Cast
from orchestration.engine.strategies.voting.comparing import comparable, countable, readable
from orchestration.engine.strategies.voting.options import FEWEST_TO_TELL_APART, BallotKind
from orchestration.engine.strategies.voting.reviewing import review_answers
from orchestration.engine.strategies.wording import counted
from orchestration.engine.types import Candidate, Decision, FinishReason, Json

STEP = "ballot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What is voted with, and why; what of it is journaled."""

    kind: BallotKind
    reason: str

    @property
    def decision(self) -> Decision:
        """The fit as a decision."""
        return Decision(kind=STEP, chosen=self.kind.value, reason=self.reason)

    @classmethod
    def of(cls, decision: Mapping[str, Json]) -> Fit | None:
        """Return the fit that was told as this decision, None where it was about something else."""
        if decision["kind"] != STEP:
            return None
        return cls(kind=BallotKind(decision["chosen"]), reason=decision["reason"])


async def vote_as_fits(vote: Vote) -> Ballots:
    """Have the panel answer; then count answers that can be compared, or have the same panel review them.

    What is voted with is journaled before any ballot is told or a review asked for.
    """
    answering = Answering(vote=vote)
    candidates, stop = await answering.run(vote.options.waves)
    stops = () if stop is None else (stop,)
    written = [candidate for candidate in candidates if candidate.state == "answered"]
    if not written:
        return Ballots(kind=BallotKind.ANSWERS, candidates=candidates, casts=(), stops=stops)
    casts = [answering.casts[name] for name in vote.names if name in answering.casts]
    fit = await _journaled(vote, fit_of(casts, len(written), vote.options.quorum))
    fitted = vote.with_ballot(fit.kind)
    if fit.kind is BallotKind.REVIEW:
        return replace(await review_answers(fitted, candidates, stop), chosen=fit.decision)
    ballots = as_written(casts, written, vote.options.quorum)
    for cast in ballots:
        await fitted.tell(cast)
    return Ballots(
        kind=fit.kind,
        candidates=candidates,
        casts=tuple(ballots),
        stops=stops,
        chosen=fit.decision,
    )


async def _journaled(vote: Vote, fit: Fit) -> Fit:
    """Journal and tell what is voted with; what an earlier life of the run had chosen stands."""
    stored = await vote.context.decide(STEP, asdict(fit))
    kept = Fit(kind=BallotKind(stored["kind"]), reason=stored["reason"])
    await announce(vote.context, kept.decision, STEP)
    return kept


def fit_of(casts: Sequence[Cast], answers: int, quorum: int) -> Fit:
    """Return what to vote with, once there are so many `answers`, read as `casts`."""
    alike = comparable(casts)
    if countable(casts, answers, quorum):
        give = f"{alike} of {counted(answers, 'answer')} {'gives' if alike == 1 else 'give'}"
        why = f"{give} a result that can be compared, so equal results count together."
        return Fit(kind=BallotKind.ANSWERS, reason=why)
    if answers < FEWEST_TO_TELL_APART:
        return Fit(kind=BallotKind.ANSWERS, reason=_ALONE if answers == 1 else _TWO)
    why_not = f"Only {alike} of {answers} answers can be compared"
    if not alike:
        why_not = "The answers are in each model's own words and cannot be counted"
    elif 2 * alike > answers:
        why_not = f"Only {counted(readable(casts), 'answer')} can be counted and the quorum is {quorum}"
    return Fit(kind=BallotKind.REVIEW, reason=f"{why_not}, so each model reviews the others'.")


def as_written(casts: Sequence[Cast], written: Sequence[Candidate], quorum: int) -> Sequence[Cast]:
    """Return the ballots to count; where too few are read, a whole text stands for itself.

    That is so only where there are too few answers for a review. Nothing stands for a text that was cut off.
    """
    if readable(casts) >= quorum or len(written) >= FEWEST_TO_TELL_APART:
        return casts
    whole = {c.model: c for c in written if c.text.strip() and c.finish is not FinishReason.LENGTH}
    return [_whole(whole[cast.voter]) if cast.voter in whole and cast.abstained else cast for cast in casts]


def _whole(candidate: Candidate) -> Cast:
    """Return a vote for the whole text, named after its writer; only the same, word for word, is equal."""
    key = hashlib.sha256(" ".join(candidate.text.split()).encode()).hexdigest()
    answer = Extracted(kind=AnswerKind.TEXT, key=key, raw=candidate.model)
    return Cast(voter=candidate.model, answer=answer, confidence=overall(candidate))


_ALONE = "There is only one answer: nothing to compare it with, and nobody else's to review."
_TWO = "Of two answers a review decides nothing: each model could only rank the other's first."
