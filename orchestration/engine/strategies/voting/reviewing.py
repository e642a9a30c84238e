"""The review ballot: each model ranks the answers of the others without knowing whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.context.records import step_key
from orchestration.engine.errors import LimitReached, ModelError
from orchestration.engine.model import ChatModel
from orchestration.engine.quality.judging.blocks import label
from orchestration.engine.strategies.asking import begin_phase
from orchestration.engine.strategies.savings import Savings
from orchestration.engine.strategies.voting.answering import Answering
from orchestration.engine.strategies.voting.ballots import Ballots, Vote
from orchestration.engine.strategies.voting.casting import Cast
from orchestration.engine.strategies.voting.options import BallotKind
from orchestration.engine.strategies.voting.reading import Review, read_review
from orchestration.engine.strategies.voting.review_prompt import review_prompt
from orchestration.engine.strategies.voting.stopping import Stop, reason_to_stop
from orchestration.engine.strategies.voting.waves import Waves
from orchestration.engine.types import Candidate, Prompt

NOBODY_ELSE = "There was no other answer to rank."
NO_RANKING = "No ranking can be read in what it wrote."
NO_APPROVAL = "It ranked the answers, but did not say of which it approves."


async def vote_by_review(vote: Vote) -> Ballots:
    """Have the panel answer at once, then rank in waves; whoever gave no answer has no vote."""
    candidates, stop = await Answering(vote=vote).run(0)
    return await review_answers(vote, candidates, stop)


async def review_answers(vote: Vote, candidates: tuple[Candidate, ...], first: Stop | None) -> Ballots:
    """Have the panel rank the answers that are there; `first` is why some were not asked for one."""
    contenders = [candidate for candidate in candidates if candidate.state == "answered"]
    reviewing = Reviewing(vote=vote, contenders=contenders)
    second = await reviewing.run(candidates) if contenders else None
    return Ballots(
        kind=BallotKind.REVIEW,
        candidates=candidates,
        casts=tuple(reviewing.casts.values()),
        stops=tuple(stop for stop in (first, second) if stop is not None),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewing:
    """The reviews of one vote, each of the answers of others in an order of its own."""

    vote: Vote
    contenders: Sequence[Candidate]
    casts: dict[str, Cast] = field(default_factory=dict)
    orders: dict[str, Sequence[str]] = field(default_factory=dict)
    written: list[Candidate] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """The models whose answers are ranked, in panel order."""
        return tuple(candidate.model for candidate in self.contenders)

    async def run(self, candidates: Sequence[Candidate]) -> Stop | None:
        """Collect the ballots; return why some were not asked for."""
        context = self.vote.context
        await begin_phase(context, "reviewing")
        for silent in (candidate for candidate in candidates if candidate.model not in self.names):
            await self._keep(self._none(silent.model, f"It gave no answer: {silent.error}"))
        self.orders.update(await self._orders())
        size, enough = self.vote.options.waves, self._enough
        waves = Waves(context=context, step="stop", size=size, ask=self._ask, enough=enough)
        members = self.vote.panel.members
        _, stop = await waves.run([model for model in members if model.spec.name in self.names])
        return stop

    async def _orders(self) -> Mapping[str, Sequence[str]]:
        """Return in which order each reviewer sees whose answers: drawn at random, and journaled."""
        drawn: dict[str, Sequence[str]] = {}
        for reviewer in self.names:
            others = [name for name in self.names if name != reviewer]
            self.vote.context.random.shuffle(others)
            drawn[reviewer] = others
        return await self.vote.context.decide("review/orders", drawn)

    async def _ask(self, model: ChatModel) -> Cast | LimitReached:
        try:
            cast = await self._cast(model)
        except ModelError as error:
            cast = self._none(model.spec.name, f"It could not review: {error}")
        except LimitReached as limit:
            return limit
        await self._keep(cast)
        return cast

    async def _keep(self, cast: Cast) -> None:
        self.casts[cast.voter] = cast
        await self.vote.tell(cast)

    async def _cast(self, model: ChatModel) -> Cast:
        name, trail = model.spec.name, self.vote.trail
        if not self.orders[name]:
            return self._none(name, NOBODY_ELSE)
        step = step_key("review", name)
        with trail.step(step, name):
            completion = await trail.context.ask(model, self._prompt(model), step)
        self.written.append(Candidate(model=name, step=step, usage=completion.usage))
        whose = {label(place): model for place, model in enumerate(self.orders[name])}
        return self._read(name, read_review(completion.text, tuple(whose)), whose)

    def _prompt(self, model: ChatModel) -> Prompt:
        texts = {candidate.model: candidate.text for candidate in self.contenders}
        shown = [texts[name] for name in self.orders[model.spec.name]]
        return review_prompt(model.spec, self.vote.request, shown, self.vote.options.rule)

    def _read(self, voter: str, review: Review | None, whose: Mapping[str, str]) -> Cast:
        if review is None:
            return self._none(voter, NO_RANKING)
        if review.approved is None and self.vote.options.rule is RuleName.APPROVAL:
            return self._none(voter, NO_APPROVAL)
        return Cast(
            voter=voter,
            contenders=self.names,
            ranking=tuple(whose[each] for each in review.ranking),
            approvals=tuple(whose[each] for each in review.approved or ()),
            confidence=review.confidence,
            reason=review.reason,
        )

    def _none(self, voter: str, why: str) -> Cast:
        return Cast.none(voter, why, contenders=self.names)

    def _enough(self, left: Sequence[ChatModel]) -> Stop | None:
        why = reason_to_stop(self.vote.options, self.vote.count(self.casts.values()))
        if why is None:
            return None
        savings = Savings(prompt=self._prompt(left[0]), answers=self.written)
        return why.leaving_out(left, savings)
