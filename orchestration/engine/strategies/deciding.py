"""From scored candidates to the one that is the answer, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace

from orchestration.engine.context import RunContext
from orchestration.engine.errors import AllModelsFailed, EngineError, LimitReached, QualityTooLow
from orchestration.engine.events import EventKind, RunEvent
from orchestration.engine.model import ChatModel
from orchestration.engine.quality import assess
from orchestration.engine.strategies.asking import Trail, begin_phase
from orchestration.engine.strategies.options import JudgedOptions
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate, Decision, Json, Request

ON_THE_PANEL = "on the panel"


@dataclass(frozen=True, kw_only=True, slots=True)
class Appraiser:
    """Scores candidates on behalf of one strategy run; where it `compares`, agreement between them counts."""

    request: Request
    judges: tuple[ChatModel, ...]
    families: Mapping[str, str]
    trail: Trail
    compares: bool = True

    @classmethod
    def of(cls, request: Request, options: JudgedOptions, panel: Panel, trail: Trail) -> Appraiser:
        """Return the one that works with the judges that the options name."""
        judges = panel.each_named(options.judge, options.second_judge)
        return cls(request=request, judges=judges, families=panel.families, trail=trail)

    def by_checks_alone(self) -> Appraiser:
        """Return one that asks no judge and does not hold dissent against anybody."""
        return replace(self, judges=(), compares=False)

    async def score(
        self, candidates: Sequence[Candidate], step: str, *, beside: Sequence[Candidate] = ()
    ) -> tuple[Candidate, ...]:
        """Return the candidates with their quality; `step` names the judging in the path.

        Answers `beside` them are not scored, but agreement with them counts.
        """
        timed = self.trail.step(step, listed([judge.spec.name for judge in self.judges]))
        if self.judges:
            await begin_phase(self.trail.context, "judging")
        with timed if self.judges else nullcontext():
            qualities = await assess(
                self.request,
                candidates,
                self.judges,
                self.trail.context,
                families=self.families,
                compared=(*beside, *candidates) if self.compares else (),
            )
        return tuple(replace(c, quality=qualities.get(c.step)) for c in candidates)


def overall(candidate: Candidate) -> float:
    """Return the estimate that the candidate is acceptable, 0 where there is none."""
    return candidate.quality.overall if candidate.quality is not None else 0.0


def enough(candidate: Candidate, needed: float) -> str:
    """Return in words that the candidate is good enough."""
    return (
        f"{candidate.model} is good enough: estimated quality {overall(candidate):.2f}, {needed:.2f} needed."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The step that was chosen and why; what of a selection is journaled."""

    step: str
    reason: str


def best_of(candidates: Sequence[Candidate], order: str = ON_THE_PANEL) -> Choice:
    """Return the answered candidate of the highest quality; a tie goes to the first in `order`."""
    there = [candidate for candidate in candidates if candidate.state == "answered"]
    top = max(overall(candidate) for candidate in there)
    equals = [candidate for candidate in there if overall(candidate) == top]
    reason = f"{equals[0].model} has the highest estimated quality, {top:.2f}."
    if len(there) == 1:
        reason = f"{equals[0].model} gave the only answer; its estimated quality is {top:.2f}."
    elif len(equals) > 1:
        names = listed([candidate.model for candidate in equals])
        first = f"{equals[0].model} comes first {order}"
        reason = f"{names} tie at an estimated quality of {top:.2f}; {first}."
    return Choice(step=equals[0].step, reason=reason)


async def settle(
    context: RunContext, choice: Choice, candidates: Sequence[Candidate]
) -> tuple[Candidate, Decision]:
    """Journal the choice of a candidate and tell it; what an earlier life of the run had chosen stands."""
    kept = Choice(**await context.decide("select", asdict(choice)))
    chosen = next(candidate for candidate in candidates if candidate.step == kept.step)
    decision = Decision(
        kind="select",
        chosen=chosen.model,
        reason=kept.reason,
        options=tuple(candidate.model for candidate in candidates),
        scores={c.model: c.quality.overall for c in candidates if c.quality is not None},
    )
    await announce(context, decision, "select")
    return chosen, decision


async def announce(context: RunContext, decision: Decision, step: str) -> None:
    """Tell whoever watches of a decision."""
    data: dict[str, Json] = asdict(decision)
    await context.emit(RunEvent(kind=EventKind.DECISION_MADE, step=step, data=data))


def nobody_answered(candidates: Sequence[Candidate], limit: LimitReached | None) -> EngineError:
    """Return what a run without a single answer fails with."""
    if limit is not None and not any(candidate.state == "failed" for candidate in candidates):
        return limit
    return AllModelsFailed({candidate.model: candidate.error for candidate in candidates})


def require_quality(request: Request, candidate: Candidate, options: JudgedOptions) -> None:
    """Refuse an answer below the quality that the request asks for. Raises `QualityTooLow`."""
    least = request.constraints.min_quality
    if least is None or overall(candidate) >= least:
        return
    advice = "Add stronger models, or ask for less."
    if options.judge is None:
        advice = f"Without a judge the estimate rests on checks alone: name a judge. {advice}"
    raise QualityTooLow(
        f"The best answer, from {candidate.model}, reaches an estimated quality of {overall(candidate):.2f};"
        f" {least:.2f} was asked for. {advice}"
    )
