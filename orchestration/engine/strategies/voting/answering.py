"""The answers ballot: the panel answers, and each final answer is a vote for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.asking import (
    answer_prompt,
    ask_member,
    ask_step,
    begin_phase,
    final_answer,
)
from orchestration.engine.strategies.deciding import Appraiser, overall
from orchestration.engine.strategies.savings import Savings
from orchestration.engine.strategies.voting.ballots import CUT_OFF, Ballots, Vote
from orchestration.engine.strategies.voting.casting import CUT_SHORT, UNREADABLE, Cast
from orchestration.engine.strategies.voting.comparing import countable
from orchestration.engine.strategies.voting.options import BallotKind
from orchestration.engine.strategies.voting.stopping import Stop, reason_to_stop
from orchestration.engine.strategies.voting.waves import Waves
from orchestration.engine.types import Candidate, FinishReason, Prompt


async def vote_with_answers(vote: Vote) -> Ballots:
    """Ask in waves, and stop once the answers that are there decide the vote."""
    answering = Answering(vote=vote)
    candidates, stop = await answering.run(vote.options.waves)
    return Ballots(
        kind=BallotKind.ANSWERS,
        candidates=candidates,
        casts=tuple(answering.casts.values()),
        stops=() if stop is None else (stop,),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """The panel's answers as they come, each read as the ballot that it would be.

    Only where answers are what is voted with are these ballots told; where that is still open, asking ends
    early only once no answer to come can make it a review.
    """

    vote: Vote
    casts: dict[str, Cast] = field(default_factory=dict)
    written: list[Candidate] = field(default_factory=list)

    async def run(self, size: int) -> tuple[tuple[Candidate, ...], Stop | None]:
        """Return what came of each model, in panel order, and why some were not asked."""
        step = "stop" if self._kind is BallotKind.ANSWERS else "stop/answers"
        await begin_phase(self.vote.context, "asking")
        waves = Waves(context=self.vote.context, step=step, size=size, ask=self._ask, enough=self._enough)
        said, stop = await waves.run(self.vote.panel.members)
        return tuple(_candidate(model, said, stop) for model in self.vote.panel.members), stop

    @property
    def _kind(self) -> BallotKind:
        return self.vote.options.ballot

    @property
    def _prompt(self) -> Prompt:
        return answer_prompt(self.vote.request, self.vote.options)

    async def _ask(self, model: ChatModel) -> Candidate | LimitReached:
        reply = await ask_member(model, self._prompt, self.vote.trail)
        if reply.limit is not None:
            return reply.limit
        [candidate] = await checks(self.vote).by_checks_alone().score([reply.candidate], "checks")
        if candidate.state == "answered":
            self.written.append(candidate)
        cast = _cast(candidate, self.vote.request.text)
        self.casts[cast.voter] = cast
        if self._kind is BallotKind.ANSWERS:
            await self.vote.tell(cast)
        return candidate

    def _enough(self, left: Sequence[ChatModel]) -> Stop | None:
        casts, most = self.casts.values(), len(self.written) + len(left)
        if self._kind is BallotKind.AUTO and not countable(casts, most, self.vote.options.quorum):
            return None
        why = reason_to_stop(self.vote.options, self.vote.count(casts))
        if why is None:
            return None
        return why.leaving_out(left, Savings(prompt=self._prompt, answers=self.written))


def checks(vote: Vote) -> Appraiser:
    """Return who scores answers by the built-in checks alone."""
    return Appraiser(request=vote.request, judges=(), families=vote.panel.families, trail=vote.trail)


def _cast(candidate: Candidate, question: str) -> Cast:
    if candidate.state != "answered":
        return Cast.none(candidate.model, candidate.error)
    answer = final_answer(candidate, question)
    if answer is None:
        cut_short = candidate.finish is FinishReason.LENGTH
        return Cast.none(candidate.model, CUT_SHORT if cut_short else UNREADABLE)
    return Cast(voter=candidate.model, answer=answer, confidence=overall(candidate))


def _candidate(model: ChatModel, said: Mapping[str, Candidate], stop: Stop | None) -> Candidate:
    name = model.spec.name
    if name in said:
        return said[name]
    if stop is None or name not in stop.left_out:
        return Candidate(model=name, step=ask_step(model), state="cancelled", error=CUT_OFF)
    left_out = Candidate(model=name, step=ask_step(model), state="cancelled", error=stop.left_out[name])
    return replace(left_out, state="missing") if stop.limit else left_out
