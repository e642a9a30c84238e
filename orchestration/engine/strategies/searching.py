"""Asking models of a panel in its order until an answer is acceptable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field

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
    ON_THE_PANEL,
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
from orchestration.engine.strategies.options import AnswerOptions, JudgedOptions, StrategyOptions
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate, Decision, Json, Outcome, Request

TOO_LONG = ContextWindowExceeded().code


class SearchChoices(StrategyOptions):
    """What every search can be told."""

    threshold: float = Field(
        default=0.6,
        ge=0.1,
        le=0.99,
        title="Good enough",
        description="Estimated quality (0 to 1) at which an answer is taken and no further model is asked.",
    )


class SearchOptions(AnswerOptions, JudgedOptions, SearchChoices):
    """What can be set for a search."""


@dataclass(kw_only=True, slots=True)
class Search:
    """How far the search for an acceptable answer has come.

    `at_first` models are asked at once, the others one by one; `order` says where a tie's winner comes first.
    """

    request: Request
    options: SearchOptions
    panel: Panel
    trail: Trail
    appraiser: Appraiser
    at_first: int = 1
    order: str = ON_THE_PANEL
    candidates: list[Candidate] = field(default_factory=list)
    moves: list[Decision] = field(default_factory=list)
    acceptable: Choice | None = None
    limit: LimitReached | None = None
    window: int = 0

    @classmethod
    def of(cls, request: Request, options: SearchOptions, panel: Panel, trail: Trail) -> Search:
        """Return a search that has not begun."""
        appraiser = Appraiser.of(request, options, panel, trail)
        return cls(request=request, options=options, panel=panel, trail=trail, appraiser=appraiser)

    @property
    def needed(self) -> float:
        """The estimated quality at which the search ends."""
        return max(self.options.threshold, self.request.constraints.min_quality or 0.0)

    async def go(self) -> None:
        """Ask until an answer is acceptable, a limit is reached or nobody is left."""
        members = self.panel.members
        waves = [members[: self.at_first], *((model,) for model in members[self.at_first :])]
        for wave in waves:
            fitting = [model for model in wave if model.spec.context_window > self.window]
            self.candidates += [not_asked(m, _too_small(m, self.window)) for m in wave if m not in fitting]
            if not fitting:
                continue
            tried = await self._try(fitting)
            if self.acceptable is not None or self.limit is not None:
                return
            await self._explain(tried, members[len(self.candidates) :])

    async def _try(self, wave: Sequence[ChatModel]) -> tuple[Candidate, ...]:
        """Ask models at once and look at what they say."""
        replies = await self._ask(wave)
        step = f"judge/{wave[0].spec.name}" if len(wave) == 1 else "judge"
        candidates = await self.appraiser.score([reply.candidate for reply in replies], step)
        self.candidates += candidates
        if max(map(overall, candidates)) >= self.needed:
            self.acceptable = self._accepted(candidates)
        windows = (m.spec.context_window for m, r in zip(wave, replies, strict=True) if r.code == TOO_LONG)
        self.window = max(self.window, *windows, 0)
        return candidates

    def _accepted(self, candidates: Sequence[Candidate]) -> Choice:
        if len(candidates) > 1:
            return best_of(candidates, self.order)
        return Choice(step=candidates[0].step, reason=enough(candidates[0], self.needed))

    async def _ask(self, wave: Sequence[ChatModel]) -> list[Reply]:
        """Ask models at once; where an earlier life of the run met a limit, that stands."""
        met = self.trail.context.recall("stop") or {"steps": ()}
        prompt = answer_prompt(self.request, self.options)
        async with asyncio.TaskGroup() as group:
            asked = {
                ask_step(model): group.create_task(ask_member(model, prompt, self.trail))
                for model in wave
                if ask_step(model) not in met["steps"]
            }
        replies = {step: task.result() for step, task in asked.items()}
        if len(replies) < len(wave) or any(reply.limit is not None for reply in replies.values()):
            met = await self._stop(met, replies)
        return [
            Reply(candidate=not_asked(model, met["message"]))
            if ask_step(model) in met["steps"]
            else replies[ask_step(model)]
            for model in wave
        ]

    async def _stop(self, met: Json, replies: dict[str, Reply]) -> Json:
        """Journal the limit that was met and the steps that it ended."""
        limits = {step: reply.limit for step, reply in replies.items() if reply.limit is not None}
        first = next(iter(limits.values()), None)
        if first is not None:
            met = {"steps": list(limits), "message": str(first), "limit": first.limit}
        met = await self.trail.context.decide("stop", met)
        self.limit = LimitReached(met["message"], limit=met["limit"])
        return met

    async def _explain(self, tried: Sequence[Candidate], rest: Sequence[ChatModel]) -> None:
        """Tell why the search moves on to the next model, if there is one."""
        following = [model.spec.name for model in rest if model.spec.context_window > self.window]
        if not following:
            return
        decision = Decision(
            kind="move_on",
            chosen=following[0],
            reason=" ".join(f"{candidate.model}: {self._why_not(candidate)}" for candidate in tried),
            options=tuple(following),
            scores={c.model: c.quality.overall for c in tried if c.quality is not None},
        )
        self.moves.append(decision)
        await announce(self.trail.context, decision, tried[-1].step)

    def _why_not(self, candidate: Candidate) -> str:
        if candidate.quality is None:
            return candidate.error
        evidence = candidate.quality.evidence[0]
        return f"estimated quality {candidate.quality.overall:.2f} is below {self.needed:.2f}. {evidence}"


async def execute(search: Search, decided: Sequence[Decision] = ()) -> Outcome:
    """Search and return the acceptable answer, or the best there is; `decided` is what led to the search.

    Raises `AllModelsFailed`, `QualityTooLow`, `LimitReached`.
    """
    await begin_phase(search.trail.context, "asking")
    with single_error():
        await search.go()
    there = [candidate for candidate in search.candidates if candidate.state == "answered"]
    if not there:
        raise nobody_answered(search.candidates, search.limit)
    with search.trail.step("select"):
        choice = search.acceptable or best_of(search.candidates, search.order)
        chosen, selection = await settle(search.trail.context, choice, there)
    require_quality(search.request, chosen, search.options)
    return Outcome(
        answer=chosen.text,
        candidates=tuple(search.candidates),
        chosen=chosen.step,
        quality=chosen.quality,
        decisions=(*decided, *search.moves, selection),
        path=search.trail.in_order(),
        notes=_notes(search),
    )


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


def _too_small(model: ChatModel, window: int) -> str:
    size = f"{model.spec.context_window:,}"
    return f"Not asked: its context window of {size} tokens is no larger than the {window:,} that did not do."
