"""The cascade strategy: ask level after level, from cheap to expensive, until an answer is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Message, ModelSpec
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import read_candidate
from orchestration.strategies.engine.deciding import Selection, estimated, overall, select_best
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, parse_options
from orchestration.strategies.engine.profiles import Profile
from orchestration.strategies.engine.quality.prompts import DATA_ONLY, blocks
from orchestration.strategies.engine.rounds import Round, candidates
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.single_model import longer_than_usual, predicted_cost
from orchestration.strategies.engine.types import (
    AS_SHARE,
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    dollars,
    dollars_apart,
    is_usable,
    listed,
    percent,
)

ACCEPT = "accept"
DRAFT_TASK = """You are given a question and draft answers to it, which may be wrong.
Answer the question yourself. Use what is right in the drafts and leave what is not; do not mention them.
"""
POINT, PER_THOUSAND = 0.01, 1_000
"""A point of quality, and the requests that its price is quoted for."""
LEAST_PRICE = 1e-6
"""The gain for which a model is asked that costs nothing."""


class Order(StrEnum):
    """In what order models are asked."""

    WORTH = "worth"
    PRICE = "price"
    PANEL = "panel"


class Preset(StrEnum):
    """How readily a cascade accepts an answer."""

    QUALITY = "quality"
    BALANCED = "balanced"
    ECONOMY = "economy"


DIALS: Mapping[Preset, float] = {Preset.QUALITY: 0.05, Preset.BALANCED: 0.08, Preset.ECONOMY: 0.1}
"""The least gain in the probability of a right answer for which the most expensive model is asked.

Where answers are as long as usual; `python -m benchmarks.stopping` measures what comes of them.
"""


class CascadeChoices(StrategyOptions):
    """Options of the cascade alone."""

    preset: Preset = Field(
        default=Preset.BALANCED,
        title="Preset",
        description="What a better answer may cost: the most expensive model is asked where it is expected to"
        " add so much to the probability of a right answer, a cheaper one for less in proportion to its"
        " price, and any for more where the answers so far are longer than usual. quality: 5 points,"
        " balanced: 8, economy: 10.",
    )
    point_usd: float | None = Field(
        default=None,
        gt=0,
        le=1_000,
        title="Price of a point",
        description="US dollars per 1,000 requests that a point of quality is worth: a model is asked where"
        " it is expected to add more than it costs. Empty: what the preset says.",
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Threshold",
        description="Estimated quality at which an answer is accepted, and below which it is not. Empty: what"
        " the preset says.",
        json_schema_extra=AS_SHARE,
    )
    width: int = Field(
        default=2,
        ge=1,
        le=10,
        title="First level",
        description="How many of the cheapest models are asked at once to begin with; others follow one at a"
        " time. At least one does: of two models one is asked first.",
    )
    order: Order = Field(
        default=Order.WORTH,
        title="Order",
        description="worth: cheapest first, then the model that is expected to add most for its price. price:"
        " from cheap to expensive. panel: as chosen. Where a model has no price, as on the panel.",
    )
    draft: bool = Field(
        default=False,
        title="Show drafts",
        description="Whether a more expensive model is shown the answers so far, marked as data. It may learn"
        " from them; its agreement with them then proves nothing and does not count.",
    )


class CascadeOptions(AnswerOptions, JudgedOptions, CascadeChoices):
    """Options of a cascade."""

    main = ("preset", "width")


def places(
    specs: Sequence[ModelSpec],
    options: CascadeOptions,
    request: Request,
    profiles: Mapping[str, Sequence[Profile]],
) -> Sequence[int]:
    """Return the places of the models by the price of an answer, or as they are.

    They stay as they are where one has no price, and where the panel's order is asked for.
    """
    costs = [predicted_cost(spec, request, profiles) for spec in specs]
    known = [cost for cost in costs if cost is not None]
    if options.order is not Order.PANEL and len(known) == len(costs):
        return sorted(range(len(specs)), key=known.__getitem__)
    return range(len(specs))


def first_width(options: CascadeOptions, panel: int) -> int:
    """Return how many models of a panel of so many the first level has."""
    return max(1, min(options.width, panel - 1))


def least_gains(
    specs: Sequence[ModelSpec],
    request: Request,
    options: CascadeOptions,
    profiles: Mapping[str, Sequence[Profile]],
    longer: float = 1.0,
) -> Mapping[str, float]:
    """Return the gain in the probability of a right answer for which each model is asked.

    Where a point of quality has no price of its own, or a member has none, it is a share of what the preset
    says for the most expensive; without prices it is the same for all. Answers that are `longer` than usual
    by a factor cost more.
    """
    usual, here = (
        {spec.name: predicted_cost(spec, request, profiles, factor) for spec in specs}
        for factor in (1.0, longer)
    )
    highest = max((float(cost) for cost in usual.values() if cost is not None), default=0.0)
    if None in usual.values() or not highest:
        return dict.fromkeys(usual, DIALS[options.preset])
    if options.point_usd is not None:
        factor = POINT * PER_THOUSAND / options.point_usd
    else:
        factor = DIALS[options.preset] / highest
    return {name: max(LEAST_PRICE, factor * float(cost or 0)) for name, cost in here.items()}


def savings_sentence(
    last: str, candidates: Sequence[Candidate], predicted: Decimal | None, *, drafted: bool
) -> str:
    """Return what the answers cost and what the last, most expensive model alone would have cost.

    Empty without prices. What it did cost counts where it answered the plain question, else what is
    `predicted`, in US dollars. Judges are not counted: that model alone would have had none.
    """
    asked = answered_candidates(candidates)
    if any(candidate.cost_usd is None for candidate in asked):
        return ""
    paid = sum((candidate.cost_usd or Decimal(0) for candidate in asked), Decimal(0))
    own = [candidate.cost_usd for candidate in asked if candidate.model == last and not drafted]
    alone = own[0] if own else predicted
    if alone is None:
        return ""
    about = "" if own else "about "
    costs = f"The answers cost {dollars(paid)}; {last} alone {about}{dollars(alone)}"
    if paid <= alone:
        return f"{costs}: {about}{dollars_apart(alone, paid)} saved."
    return f"{costs}: {about}{dollars_apart(paid, alone)} more was spent, nothing saved."


def points(share: float) -> str:
    """Return a difference of probabilities in words."""
    return f"{round(100 * share, 1):g} points"


@dataclass(kw_only=True, slots=True)
class _CascadeRun(StrategyRun):
    """The state of one run: `accepted` once an answer is, `stop` when a limit of the run was reached."""

    options: CascadeOptions
    candidates: list[Candidate] = field(default_factory=list)
    accepted: Selection | None = None

    @property
    def ordered(self) -> list[ChatModel]:
        """The members from cheap to expensive, or as on the panel."""
        panel = self.panel
        order = places(panel.specs, self.options, self.request, panel.profiles)
        return [panel.members[place] for place in order]

    @property
    def longer(self) -> float:
        """By what factor the answers so far are longer than is usual for their models."""
        return longer_than_usual(self.request, self.answers, self.panel.specs, self.panel.profiles)

    @property
    def answers(self) -> list[Candidate]:
        """The answers so far."""
        return answered_candidates(self.candidates)

    async def run(self) -> StrategyOutcome:
        """Return the accepted answer, else the best one."""
        await self.timer.begin("asking")
        await self._ask_levels()
        self.require_answers(self.candidates)
        selection = self.accepted or select_best(self.answers)
        self.notes += self._remarks()
        return await self.conclude(selection, self.candidates)

    async def _ask_levels(self) -> None:
        """Ask the first models together, then one after the other; what is decided after each is journaled.

        There is always one after the first, which decides where their answers are not accepted.
        """
        left, number = self.ordered, 1
        width = first_width(self.options, len(left))
        level, left = left[:width], left[width:]
        while True:
            asked = await self._ask_level(level, self.answers if self.options.draft else [])
            latest = await self._score(number, asked)
            decided, following = await self._decide(number, latest, left)
            if decided.step:
                self.accepted = decided
            if decided.step or self.stop is not None or not left:
                return
            await self._escalate(number, latest, decided, following)
            level = [model for model in left if model.spec.name == following]
            left = [model for model in left if model.spec.name != following]
            number += 1

    async def _ask_level(
        self, level: Sequence[ChatModel], drafts: Sequence[Candidate]
    ) -> tuple[Candidate, ...]:
        """Ask a level; drafts are shown anonymous and marked as data."""
        texts = [draft.text for draft in drafts]
        system = Message(role="system", content=f"{DRAFT_TASK}{DATA_ONLY}")

        async def ask(model: ChatModel) -> Candidate:
            prompt = self.prompt
            if texts:
                marked = Message(role="user", content=blocks(model.spec, self.request, texts))
                prompt = replace(prompt, messages=(system, marked))
            return await ask_member(model, prompt, self.timer, request=self.request)

        ended = await Round(level, ask, self.context).run()
        self.stop = ended.stop
        return candidates(ended)

    async def _score(self, number: int, asked: Sequence[Candidate]) -> Sequence[Candidate]:
        """Score a level's answers, and those before it again: how far all agree has changed.

        No judge is asked twice for an answer, and answers that were shown drafts are not compared with them.
        """
        earlier = [] if self.options.draft else self.answers
        judged = bool(self.scorer.judges)
        anew, beside = (asked, earlier) if judged else ([*earlier, *asked], [])
        scored = await self.scorer.score(anew, f"judge/level {number}", beside=beside)
        found = {candidate.step: candidate for candidate in scored}
        self.candidates = [found.get(each.step, each) for each in (*self.candidates, *asked)]
        return [found[each.step] for each in asked]

    async def _decide(
        self, number: int, level: Sequence[Candidate], left: Sequence[ChatModel]
    ) -> tuple[Selection, str]:
        """Decide on the answers so far, of which the most expensive wins a tie; no step accepts none.

        Return with it who of those `left` is asked next. Where a level was shown earlier answers it is alone.
        """
        answers = answered_candidates(level)
        if not self.options.draft:
            answers += [each for each in self.answers if each not in answers]
        named = [model.spec.name for model in left]
        following = next(iter(named), "")
        found = Selection(step="", reason=f"{listed([each.model for each in level])} gave no answer.")
        if answers:
            best = select_best(answers).step
            chosen = next(candidate for candidate in answers if candidate.step == best)
            gains = self._gains(chosen, answers, named)
            prices = self._least_gains(self.longer)
            most = max(named, key=lambda name: gains[name] / prices[name], default="")
            if self.options.order is Order.WORTH:
                following = most
            if answered_candidates(level):
                found = self._judge(chosen, most, gains.get(most, 0.0), prices.get(most, 0.0))
        decided = {"accepted": found.step, "reason": found.reason, "next": following}
        stored = await self.context.decide(f"{ACCEPT}/{number}", decided)
        # runs that began with an earlier version have no "next": they went on by price
        return Selection(step=stored["accepted"], reason=stored["reason"]), stored.get(
            "next", "".join(named[:1])
        )

    def _judge(self, chosen: Candidate, most: str, gain: float, needed_gain: float) -> Selection:
        """Accept an answer that reaches the threshold, or to which no model left adds enough for its price.

        `most` is the model that adds most for its price, empty where nobody is left. None is accepted below
        the quality that the request asks for.
        """
        threshold = self.options.threshold
        if not most:
            quality = f"{estimated(chosen)}, the highest"
            return Selection(
                step=chosen.step, reason=f"{chosen.model} is accepted: {quality}; nobody is left."
            )
        needed = max(threshold or 0.0, self.least)
        score = estimated(chosen, percent(overall(chosen), beside=needed))
        if overall(chosen) < needed:
            return Selection(step="", reason=f"{chosen.model}: {score}, below {percent(needed)}.")
        if threshold is not None:
            reason = f"{chosen.model} is accepted: {score}, {percent(needed)} needed."
            return Selection(step=chosen.step, reason=reason)
        added = f"{score}; asking {most} would add {points(gain)}"
        wanted = f"the {points(needed_gain)} that its price asks for"
        usual = points(self._least_gains(1.0)[most])
        wanted += f" ({usual} for an answer of usual length)" if usual != points(needed_gain) else ""
        if gain > needed_gain:
            return Selection(step="", reason=f"{chosen.model}: {added}, more than {wanted}.")
        reason = f"{chosen.model} is accepted: {added}, no more than {wanted}."
        return Selection(step=chosen.step, reason=reason)

    def _least_gains(self, longer: float) -> Mapping[str, float]:
        return least_gains(self.panel.specs, self.request, self.options, self.panel.profiles, longer)

    def _gains(
        self, chosen: Candidate, answers: Sequence[Candidate], left: Sequence[str]
    ) -> Mapping[str, float]:
        """Return by how much each model is expected to raise the probability of a right answer."""
        question, belief = self.question, self.panel.belief
        usable = [each for each in answers if is_usable(each)]
        posterior = belief.after(question, [read_candidate(each, self.request.text) for each in usable])
        mine = posterior.of(usable.index(chosen)) if chosen in usable else None
        if mine is None:
            return {name: max(0.0, belief.before(question, name) - overall(chosen)) for name in left}
        known = posterior.with_right(mine, overall(chosen))
        return {name: belief.worth(known, question, name) for name in left}

    async def _escalate(
        self, number: int, level: Sequence[Candidate], decided: Selection, following: str
    ) -> None:
        """Emit why a level was not accepted and which model is asked next."""
        decision = Decision(
            kind="escalate",
            chosen=following,
            reason=decided.reason,
            options=tuple(candidate.model for candidate in level),
            scores={each.model: overall(each) for each in level if each.quality is not None},
        )
        await self.announce(decision, f"{ACCEPT}/{number}")

    def _remarks(self) -> list[str]:
        notes = []
        if self.stop is not None:
            notes.append(f"The cascade ended early. {self.stop.because}")
        elif self.accepted is None:
            notes.append(f"{self.candidates[-1].model} gave no answer: this is the best of the others.")
        seen, members = {candidate.model for candidate in self.candidates}, self.ordered
        unasked = [model.spec.name for model in members if model.spec.name not in seen]
        if unasked and self.stop is None:
            notes.append(f"Not needed: {listed(unasked)}.")
        drafted = self.options.draft and len(self.decisions) > 0
        last = members[-1].spec
        predicted = predicted_cost(last, self.request, self.panel.profiles, self.longer)
        saved = savings_sentence(last.name, self.candidates, predicted, drafted=drafted)
        return [*notes, saved] if saved else notes


class Cascade(PanelStrategy):
    """Ask cheap models first, more expensive ones where that is not enough."""

    name: ClassVar[str] = "cascade"
    title: ClassVar[str] = "Cascade"
    summary: ClassVar[str] = (
        "Asks the cheapest models first and more expensive ones only where they are expected to improve the"
        " answer by more than they cost; says what that saved against asking the most expensive."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[AnswerOptions]] = CascadeOptions
    Run: ClassVar[type[StrategyRun]] = _CascadeRun
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
        profiles: Mapping[str, Sequence[Profile]],
    ) -> Sequence[ModelSpec]:
        """Return the models from cheap to expensive, or as on the panel."""
        given = parse_options(CascadeOptions, options.model_dump())
        return [panel[place] for place in places(panel, given, request, profiles)]

    def moment(self, key: str) -> str:
        """Return what is decided at `accept/<level>`."""
        head, _, number = key.partition("/")
        return f"Level {number} decided" if head == ACCEPT else ""


STRATEGY = Cascade()
