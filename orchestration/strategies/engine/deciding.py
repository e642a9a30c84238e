"""Selecting the candidate that is the answer, and the errors when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestration.llm.engine.errors import EngineError
from orchestration.runs.engine.errors import LimitReached
from orchestration.strategies.engine.errors import AllModelsFailed, NoUsableAnswer
from orchestration.strategies.engine.quality.checks import DECLINES, FILTERED
from orchestration.strategies.engine.rounds import Stop
from orchestration.strategies.engine.types import (
    Candidate,
    Caveat,
    StrategyOutcome,
    answered_candidates,
    listed,
    percent,
)

ON_THE_PANEL = "on the panel"
LEAST_USABLE = 0.1
"""Estimated quality below which an answer is not used beside others: empty, refused or cut off."""


def overall(candidate: Candidate) -> float:
    """Return the estimate that the candidate is acceptable, 0 where there is none."""
    return candidate.quality.overall if candidate.quality is not None else 0.0


def good_enough(candidate: Candidate, needed: float) -> str:
    """Return the sentence that the candidate is good enough."""
    quality = percent(overall(candidate), beside=needed)
    return f"{candidate.model} is good enough: {estimated(candidate, quality)}, {percent(needed)} needed."


def estimated(candidate: Candidate, quality: str = "") -> str:
    """Return the words for a candidate's quality, as `quality` if that is given."""
    if candidate.quality is not None and not candidate.quality.judged:
        return f"not judged, {quality or percent(overall(candidate))} assumed"
    return f"estimated quality {quality or percent(overall(candidate))}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The step of the chosen candidate and why it was chosen, as it is journaled."""

    step: str
    reason: str


def select_best(candidates: Sequence[Candidate], order: str = ON_THE_PANEL) -> Selection:
    """Return the answered candidate of the highest quality; a tie goes to the first in `order`."""
    answers = answered_candidates(candidates)
    top = max(overall(candidate) for candidate in answers)
    equals = [candidate for candidate in answers if overall(candidate) == top]
    best = equals[0]
    is_judged = best.quality is not None and best.quality.judged
    reason = f"{best.model} has the highest estimated quality, {percent(top)}."
    if not is_judged:
        reason = f"{best.model} was not judged; more speaks against the other answers."
    if len(answers) == 1:
        quality = f"its estimated quality is {percent(top)}" if is_judged else "it was not judged"
        reason = f"{best.model} gave the only answer; {quality}."
    elif len(equals) > 1:
        names = listed([candidate.model for candidate in equals])
        tie = f"tie at an estimated quality of {percent(top)}" if is_judged else "were not judged"
        reason = f"{names} {tie}; {best.model} comes first {order}."
    return Selection(step=best.step, reason=reason)


def no_answer_error(candidates: Sequence[Candidate], stop: Stop | None) -> EngineError:
    """Return the error of a run without an answer that can be used; `stop` ended its round early."""
    answers = answered_candidates(candidates)
    failed = {each.model: each.error for each in candidates if each.state == "failed"}
    if answers:
        reasons = {each.model: each.quality.evidence[0] for each in answers if each.quality is not None}
        declined = all(reason.startswith((DECLINES, FILTERED)) for reason in reasons.values())
        limits = [] if stop is None else [stop.because]
        return NoUsableAnswer(reasons, failed=failed, declined=declined, limits=limits)
    if stop is not None and stop.limit and not failed:
        return LimitReached(stop.because, limit=stop.limit)
    return AllModelsFailed({candidate.model: candidate.error for candidate in candidates})


def with_caveat(outcome: StrategyOutcome, least: float | None, *, may_judge: bool) -> StrategyOutcome:
    """Return the outcome, marked where its answer is not shown to have the quality `least` that is asked for.

    `may_judge` is True where a judge could have been named, and was not.
    """
    quality = outcome.quality
    is_judged = quality is not None and quality.judged
    found = quality.overall if quality is not None else 0.0
    if not least or (is_judged and found >= least):
        return outcome
    asked = percent(least)
    caveat = Caveat.QUALITY_UNKNOWN
    note = f"The answer was not judged: nothing shows that it has the quality of {asked} that was asked for."
    if is_judged:
        caveat = Caveat.BELOW_QUALITY
        note = f"Quality {percent(found, beside=least)}, below the {asked} that was asked for."
    advice = "Name a judge." if may_judge else "Add stronger models, or ask for less."
    return replace(outcome, caveat=caveat, notes=(f"{note} {advice}", *outcome.notes))
