"""Going up a cascade's levels until an answer is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.asking import Reply, Trail, ask_member, ask_step, not_asked
from orchestration.engine.strategies.cascade.accepting import Bar, Verdict, at_the_top
from orchestration.engine.strategies.cascade.drafting import with_drafts
from orchestration.engine.strategies.cascade.levels import Level
from orchestration.engine.strategies.deciding import Appraiser, announce, overall
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate, Decision, Prompt

CUT_OFF = "Cancelled before the run went on."


@dataclass(frozen=True, kw_only=True, slots=True)
class Halt:
    """A limit that ended the climb, as it is journaled: whom it left out on which level (from 1)."""

    level: int
    left_out: Mapping[str, str]
    message: str
    limit: str

    @property
    def error(self) -> LimitReached:
        """The limit as an error."""
        return LimitReached(self.message, limit=self.limit)


@dataclass(kw_only=True, slots=True)
class Climb:
    """How far it has come. `accepted` is set once an answer will do, `halt` when a limit was in the way."""

    levels: Sequence[Level]
    prompt: Prompt
    bar: Bar
    trail: Trail
    appraiser: Appraiser
    candidates: list[Candidate] = field(default_factory=list)
    moves: list[Decision] = field(default_factory=list)
    accepted: Verdict | None = None
    halt: Halt | None = None

    async def go(self) -> None:
        """Ask level after level; what is decided after each is journaled."""
        for number, level in enumerate(self.levels, start=1):
            replies = await self._ask(level, number)
            await self._keep_limit(replies, number)
            scored = await self._score([reply.candidate for reply in replies], number)
            verdict = await self._decide(number, scored)
            self.candidates += scored
            if verdict.accepted:
                self.accepted = verdict
            if verdict.accepted or self.halt is not None:
                return
            await self._tell(number, scored, verdict)

    @property
    def answers(self) -> list[Candidate]:
        """The answers that are there."""
        return [candidate for candidate in self.candidates if candidate.state == "answered"]

    async def _ask(self, level: Level, number: int) -> list[Reply]:
        """Ask a level at once; whom an earlier life of the run had no means to ask is left out again."""
        met = self.trail.context.recall("stop")
        earlier = Halt(**met) if met is not None and met["level"] == number else None
        self.halt = earlier
        left_out = earlier.left_out if earlier is not None else {}
        drafts = self.answers if self.bar.options.draft else []
        async with asyncio.TaskGroup() as group:
            tasks = {
                ask_step(model): group.create_task(self._ask_one(model, drafts))
                for model in level
                if ask_step(model) not in left_out
            }
        return [self._reply(model, tasks.get(ask_step(model)), left_out) for model in level]

    async def _ask_one(self, model: ChatModel, drafts: Sequence[Candidate]) -> Reply:
        prompt = with_drafts(self.prompt, self.appraiser.request, drafts, model)
        return await ask_member(model, prompt, self.trail)

    def _reply(
        self, model: ChatModel, task: asyncio.Task[Reply] | None, left_out: Mapping[str, str]
    ) -> Reply:
        step = ask_step(model)
        if task is None:
            return Reply(candidate=not_asked(model, left_out[step]))
        if task.cancelled():  # in an earlier life: in this one nobody is cancelled but with the run
            cut = Candidate(model=model.spec.name, step=step, state="cancelled", error=CUT_OFF)
            return Reply(candidate=cut)
        return task.result()

    async def _keep_limit(self, replies: Sequence[Reply], number: int) -> None:
        """Journal the limit that a level met, once."""
        met = {reply.candidate.step: reply.limit for reply in replies if reply.limit is not None}
        if self.halt is not None or not met:
            return
        first = next(iter(met.values()))
        left_out = {step: str(limit) for step, limit in met.items()}
        halt = Halt(level=number, left_out=left_out, message=str(first), limit=first.limit)
        self.halt = Halt(**await self.trail.context.decide("stop", asdict(halt)))

    @property
    def independent(self) -> list[Candidate]:
        """The answers so far that the next level can agree with: none, if it is shown them."""
        return [] if self.bar.options.draft else self.answers

    async def _score(self, level: Sequence[Candidate], number: int) -> tuple[Candidate, ...]:
        step = f"judge/level {number}"
        return await self.appraiser.score(level, step, beside=self.independent)

    async def _decide(self, number: int, level: Sequence[Candidate]) -> Verdict:
        verdict = self.bar.judge(level, self.independent)
        there = [candidate for candidate in level if candidate.state == "answered"]
        if not verdict.accepted and there and number == len(self.levels):
            verdict = at_the_top(there)
        return Verdict(**await self.trail.context.decide(f"accept/{number}", asdict(verdict)))

    async def _tell(self, number: int, level: Sequence[Candidate], verdict: Verdict) -> None:
        """Tell why a level did not do and who is asked next, if anybody is."""
        if number == len(self.levels):
            return
        following = [model.spec.name for model in self.levels[number]]
        decision = Decision(
            kind="escalate",
            chosen=listed(following),
            reason=verdict.reason,
            options=tuple(candidate.model for candidate in level),
            scores={each.model: overall(each) for each in level if each.quality is not None},
        )
        self.moves.append(decision)
        await announce(self.trail.context, decision, f"accept/{number}")
