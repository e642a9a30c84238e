"""One model after the other until an answer is acceptable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import Field

from orchestration.engine.context import RunContext
from orchestration.engine.errors import ContextWindowExceeded, LimitReached
from orchestration.engine.groups import single_error
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.asking import (
    Reply,
    Trail,
    answer_prompt,
    ask_member,
    ask_step,
    begin_phase,
    not_asked,
)
from orchestration.engine.strategies.deciding import (
    Appraiser,
    Choice,
    announce,
    best_of,
    enough,
    nobody_answered,
    overall,
    require_quality,
    settle,
)
from orchestration.engine.strategies.options import (
    AnswerOptions,
    JudgedOptions,
    StrategyOptions,
    parse_options,
)
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate, Decision, Outcome, Request

TOO_LONG = ContextWindowExceeded().code


class SequentialChoices(StrategyOptions):
    """What is the sequential strategy's own."""

    threshold: float = Field(
        default=0.6,
        ge=0.1,
        le=0.99,
        title="Good enough",
        description="Estimated quality (0 to 1) at which an answer is taken and no further model is asked.",
    )


class SequentialOptions(AnswerOptions, JudgedOptions, SequentialChoices):
    """What can be set."""


@dataclass(kw_only=True, slots=True)
class Search:
    """How far the search for an acceptable answer has come."""

    request: Request
    options: SequentialOptions
    panel: Panel
    trail: Trail
    appraiser: Appraiser
    candidates: list[Candidate] = field(default_factory=list)
    moves: list[Decision] = field(default_factory=list)
    acceptable: Candidate | None = None
    limit: LimitReached | None = None
    window: int = 0

    @property
    def needed(self) -> float:
        """The estimated quality at which the search ends."""
        return max(self.options.threshold, self.request.constraints.min_quality or 0.0)

    async def go(self) -> None:
        """Ask model after model until an answer is acceptable, a limit is reached or none is left."""
        for place, model in enumerate(self.panel.members):
            if model.spec.context_window <= self.window:
                self.candidates.append(not_asked(model, _too_small(model, self.window)))
                continue
            reply = await self._ask(model)
            self.limit = reply.limit
            [candidate] = await self.appraiser.score([reply.candidate], f"judge/{model.spec.name}")
            self.candidates.append(candidate)
            if self.limit is not None:
                return
            if overall(candidate) >= self.needed:
                self.acceptable = candidate
                return
            if reply.code == TOO_LONG:
                self.window = model.spec.context_window
            await self._explain(candidate, self.panel.members[place + 1 :])

    async def _ask(self, model: ChatModel) -> Reply:
        """Ask one model; where an earlier life of the run met a limit, that stands."""
        context = self.trail.context
        met = context.recall("stop")
        if met is None or met["step"] != ask_step(model):
            reply = await ask_member(model, answer_prompt(self.request, self.options), self.trail)
            if reply.limit is None:
                return reply
            met = {"step": ask_step(model), "message": str(reply.limit), "limit": reply.limit.limit}
        met = await context.decide("stop", met)
        limit = LimitReached(met["message"], limit=met["limit"])
        return Reply(candidate=not_asked(model, met["message"]), limit=limit)

    async def _explain(self, candidate: Candidate, rest: Sequence[ChatModel]) -> None:
        """Tell why the search moves on to the next model, if there is one."""
        following = [model.spec.name for model in rest if model.spec.context_window > self.window]
        if not following:
            return
        decision = Decision(
            kind="move_on",
            chosen=following[0],
            reason=f"{candidate.model}: {self._why_not(candidate)}",
            options=tuple(following),
            scores={} if candidate.quality is None else {candidate.model: candidate.quality.overall},
        )
        self.moves.append(decision)
        await announce(self.trail.context, decision, candidate.step)

    def _why_not(self, candidate: Candidate) -> str:
        if candidate.quality is None:
            return candidate.error
        evidence = candidate.quality.evidence[0]
        return f"estimated quality {candidate.quality.overall:.2f} is below {self.needed:.2f}. {evidence}"


def _too_small(model: ChatModel, window: int) -> str:
    size = f"{model.spec.context_window:,}"
    return f"Not asked: its context window of {size} tokens is no larger than the {window:,} that did not do."


class Sequential:
    """Ask in order of the panel and fail over."""

    name: ClassVar[str] = "sequential"
    title: ClassVar[str] = "Sequential"
    summary: ClassVar[str] = (
        "Asks one model after the other, in the order of the panel, until an answer is good enough; moves on"
        " after errors, refusals, cut-off answers and low quality."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = SequentialOptions

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with the first acceptable answer, or with the best there is."""
        options = parse_options(SequentialOptions, request.options)
        trail = Trail(context)
        appraiser = Appraiser.of(request, options, panel, trail)
        search = Search(request=request, options=options, panel=panel, trail=trail, appraiser=appraiser)
        await begin_phase(context, "asking")
        with single_error():
            await search.go()
        there = [candidate for candidate in search.candidates if candidate.state == "answered"]
        if not there:
            raise nobody_answered(search.candidates, search.limit)
        with search.trail.step("select"):
            chosen, selection = await settle(context, _choice(search), there)
        require_quality(request, chosen, options)
        return Outcome(
            answer=chosen.text,
            candidates=tuple(search.candidates),
            chosen=chosen.step,
            quality=chosen.quality,
            decisions=(*search.moves, selection),
            path=search.trail.in_order(),
            notes=_notes(search),
        )


def _choice(search: Search) -> Choice:
    if search.acceptable is None:
        return best_of(search.candidates)
    found = search.acceptable
    return Choice(step=found.step, reason=enough(found, search.needed))


def _notes(search: Search) -> tuple[str, ...]:
    notes = []
    if search.acceptable is None:
        notes.append(f"No answer reached the quality of {search.needed:.2f}: this is the best there was.")
    if search.limit is not None:
        notes.append(f"The search ended early. {search.limit}")
    spared = [model.spec.name for model in search.panel.members[len(search.candidates) :]]
    if spared and search.limit is None:
        notes.append(f"Not needed: {listed(spared)}.")
    return tuple(notes)


STRATEGY = Sequential()
