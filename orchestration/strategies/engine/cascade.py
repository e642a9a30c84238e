"""The cascade strategy: ask level after level, from cheap to expensive, until an answer is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import FinishReason, Message, ModelSpec
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits, read_text
from orchestration.strategies.engine.deciding import Selection, estimated, overall, select_best
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.levels import (
    DIALS,
    CascadeOptions,
    Level,
    first_width,
    levels,
    places,
    price_shares,
    savings_sentence,
)
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import StrategyOptions, parse_options
from orchestration.strategies.engine.profiles import Profile
from orchestration.strategies.engine.quality.prompts import DATA_ONLY, blocks
from orchestration.strategies.engine.rounds import RoundPlan, ask_round, candidates
from orchestration.strategies.engine.running import StrategyRun
from orchestration.strategies.engine.strategy import Panel, Strategy
from orchestration.strategies.engine.types import (
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    is_usable,
    listed,
    percent,
)

ACCEPT = "accept"
DRAFT_TASK = """You are given a question and draft answers to it, which may be wrong.
Answer the question yourself. Use what is right in the drafts and leave what is not; do not mention them.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """What is decided after a level: the step that is accepted, empty for none, and why."""

    accepted: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceRule:
    """What makes an answer acceptable: a `threshold`, else that no further model is worth its price.

    It is never accepted below `least`, the quality that the request asks for. `shares` are prices of models,
    as shares of the highest.
    """

    belief: Belief
    request: Request
    dial: float
    threshold: float | None
    least: float
    shares: Mapping[str, float]

    def judge(self, answers: Sequence[Candidate], left: Sequence[str]) -> Acceptance:
        """Decide on the scored answers so far; `left` are the models that can still be asked."""
        step = select_best(answers).step
        chosen = next(candidate for candidate in answers if candidate.step == step)
        if not left:
            quality = f"{estimated(chosen)}, the highest"
            return Acceptance(accepted=step, reason=f"{chosen.model} is accepted: {quality}; nobody is left.")
        needed = max(self.threshold or 0.0, self.least)
        score = estimated(chosen, percent(overall(chosen), beside=needed))
        if overall(chosen) < needed:
            return Acceptance(accepted="", reason=f"{chosen.model}: {score}, below {percent(needed)}.")
        if self.threshold is not None:
            reason = f"{chosen.model} is accepted: {score}, {percent(needed)} needed."
            return Acceptance(accepted=step, reason=reason)
        gains = self._gains(chosen, answers, left)
        most = max(left, key=lambda name: gains[name] - self.dial * self.shares[name])
        asked = self.dial * self.shares[most]
        added = f"{score}; asking {most} would add {points(gains[most])}"
        wanted = f"the {points(asked)} that its price asks for"
        if gains[most] > asked:
            return Acceptance(accepted="", reason=f"{chosen.model}: {added}, more than {wanted}.")
        reason = f"{chosen.model} is accepted: {added}, no more than {wanted}."
        return Acceptance(accepted=step, reason=reason)

    def _gains(
        self, chosen: Candidate, answers: Sequence[Candidate], left: Sequence[str]
    ) -> Mapping[str, float]:
        """Return by how much each model is expected to raise the probability of a right answer."""
        question = question_traits(self.request.text, self.request.system)
        usable = [each for each in answers if is_usable(each)]
        read = [
            read_text(each.model, each.text, self.request.text, cut_off=each.finish is FinishReason.LENGTH)
            for each in usable
        ]
        posterior = self.belief.after(question, read)
        mine = posterior.of(usable.index(chosen)) if chosen in usable else None
        if mine is None:
            return {name: max(0.0, self.belief.before(question, name) - overall(chosen)) for name in left}
        known = posterior.with_right(mine, overall(chosen))
        return {name: self.belief.worth(known, question, name) for name in left}


def points(share: float) -> str:
    """Return a difference of probabilities in words."""
    return f"{round(100 * share, 1):g} points"


@dataclass(kw_only=True, slots=True)
class _CascadeRun(StrategyRun):
    """The state of one run: `accepted` once an answer is, `stop` when a limit of the run was reached."""

    options: CascadeOptions
    candidates: list[Candidate] = field(default_factory=list)
    accepted: Acceptance | None = None

    @property
    def levels(self) -> Sequence[Level]:
        """The models in the order in which they are asked."""
        return levels(self.panel.members, self.options, self.request.system + self.request.text)

    @property
    def rule(self) -> AcceptanceRule:
        """What makes an answer acceptable."""
        return AcceptanceRule(
            belief=self.panel.belief,
            request=self.request,
            dial=DIALS[self.options.preset],
            threshold=self.options.threshold,
            least=self.least,
            shares=price_shares(self.panel.members, self.request.system + self.request.text),
        )

    @property
    def answers(self) -> list[Candidate]:
        """The answers so far."""
        return answered_candidates(self.candidates)

    async def run(self) -> StrategyOutcome:
        """Return the accepted answer, else the best one."""
        await self.begin("asking")
        await self._ask_levels()
        self.require_answers(self.candidates)
        selection = select_best(self.answers)
        if self.accepted is not None:
            selection = Selection(step=self.accepted.accepted, reason=self.accepted.reason)
        self.notes += self._remarks()
        return await self.conclude(selection, self.candidates)

    async def _ask_levels(self) -> None:
        """Ask level after level; what is decided after each is journaled."""
        for number, level in enumerate(self.levels, start=1):
            asked = await self._ask_level(level, self.answers if self.options.draft else [])
            latest = await self._score(number, asked)
            decided = await self._decide(number, latest)
            if decided.accepted:
                self.accepted = decided
            if decided.accepted or self.stop is not None:
                return
            if number < len(self.levels):
                await self._escalate(number, latest, decided)

    async def _ask_level(self, level: Level, drafts: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Ask a level; drafts are shown anonymous and marked as data."""
        texts = [draft.text for draft in drafts]
        system = Message(role="system", content=f"{DRAFT_TASK}{DATA_ONLY}")

        async def ask(model: ChatModel) -> Candidate:
            prompt = self.prompt
            if texts:
                marked = Message(role="user", content=blocks(model.spec, self.request, texts))
                prompt = replace(prompt, messages=(system, marked))
            return await ask_member(model, prompt, self.timer, request=self.request)

        ended = await ask_round(level, ask, RoundPlan(), context=self.context)
        self.stop = ended.stop
        return candidates(ended)

    async def _score(self, number: int, asked: Sequence[Candidate]) -> Sequence[Candidate]:
        """Score a level's answers, and those before it again: how far all agree has changed.

        No judge is asked twice for an answer, and answers that were shown drafts are not compared with them.
        """
        earlier = [] if self.options.draft else self.answers
        judged = bool(self.scorer.assessor.judges)
        anew, beside = (asked, earlier) if judged else ([*earlier, *asked], [])
        scored = await self.scorer.score(anew, f"judge/level {number}", beside=beside)
        found = {candidate.step: candidate for candidate in scored}
        self.candidates = [found.get(each.step, each) for each in (*self.candidates, *asked)]
        return [found[each.step] for each in asked]

    async def _decide(self, number: int, level: Sequence[Candidate]) -> Acceptance:
        """Decide on the answers so far, of which the most expensive wins a tie.

        Where a level was shown earlier answers it is alone.
        """
        answers = answered_candidates(level)
        if not self.options.draft:
            answers += [each for each in self.answers if each not in answers]
        left = [model.spec.name for further in self.levels[number:] for model in further]
        decided = Acceptance(accepted="", reason=f"{listed([each.model for each in level])} gave no answer.")
        if answered_candidates(level):
            decided = self.rule.judge(answers, left)
        return Acceptance(**await self.context.decide(f"{ACCEPT}/{number}", asdict(decided)))

    async def _escalate(self, number: int, level: Sequence[Candidate], decided: Acceptance) -> None:
        """Emit why a level was not accepted and which models are asked next."""
        following = [model.spec.name for model in self.levels[number]]
        decision = Decision(
            kind="escalate",
            chosen=listed(following),
            reason=decided.reason,
            options=tuple(candidate.model for candidate in level),
            scores={each.model: overall(each) for each in level if each.quality is not None},
        )
        await self.decide(decision, f"{ACCEPT}/{number}")

    def _remarks(self) -> list[str]:
        notes = []
        if self.stop is not None:
            notes.append(f"The cascade ended early. {self.stop.because}")
        elif self.accepted is None:
            notes.append("The most expensive model gave no answer: this is the best of the cheaper ones.")
        seen = {candidate.model for candidate in self.candidates}
        members = [model for level in self.levels for model in level]
        unasked = [model.spec.name for model in members if model.spec.name not in seen]
        if unasked and self.stop is None:
            notes.append(f"Not needed: {listed(unasked)}.")
        drafted = self.options.draft and len(self.decisions) > 0
        saved = savings_sentence(members[-1], self.candidates, self.request, drafted=drafted)
        return [*notes, saved] if saved else notes


class Cascade(Strategy):
    """Ask cheap models first, more expensive ones where that is not enough."""

    name: ClassVar[str] = "cascade"
    title: ClassVar[str] = "Cascade"
    summary: ClassVar[str] = (
        "Asks the cheapest models first and more expensive ones only where they are expected to improve the"
        " answer by more than they cost; says what that saved against asking the most expensive."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = CascadeOptions
    labels: ClassVar[Mapping[str, str]] = {"escalate": "Escalated"}
    escalations: ClassVar[frozenset[str]] = frozenset({"escalate"})

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: the first level at once, then one more model at a time."""
        width = min(panel, first_width(parse_options(CascadeOptions, options.model_dump()), panel))
        judges = judging(options, together=width, singly=(0, panel - width))
        return Effort(answers=(width, panel), at_once=1, helping=judges)

    def order(
        self,
        panel: Sequence[ModelSpec],
        options: StrategyOptions,
        request: Request,
        profiles: Mapping[str, Sequence[Profile]],  # noqa: ARG002
    ) -> Sequence[ModelSpec]:
        """Return the models from cheap to expensive, or as on the panel."""
        given = parse_options(CascadeOptions, options.model_dump())
        return [panel[place] for place in places(panel, given, request.system + request.text)]

    def moment(self, key: str) -> str:
        """Return what is decided at `accept/<level>`."""
        head, _, number = key.partition("/")
        return f"Level {number} decided" if head == ACCEPT else ""

    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
        """Answer `request` with the first accepted answer, or with the last level's."""
        return await _CascadeRun.begun(CascadeOptions, request, panel, context).answer()


STRATEGY = Cascade()
