"""The cascade strategy: ask level after level, from cheap to expensive, until an answer is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Message, ModelSpec
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import (
    StepTimer,
    announce,
    answer_prompt,
    begin_phase,
    final_answer,
)
from orchestration.strategies.engine.consensus.grouping import group_answers
from orchestration.strategies.engine.deciding import (
    Scorer,
    Selection,
    conclude,
    estimated,
    no_answer_error,
    overall,
    select_best,
)
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.levels import (
    Accept,
    CascadeOptions,
    Level,
    first_width,
    levels,
    places,
    savings_sentence,
)
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import StrategyOptions, parse_options
from orchestration.strategies.engine.profiles import Profile
from orchestration.strategies.engine.quality.prompts import DATA_ONLY, blocks
from orchestration.strategies.engine.rounds import RoundPlan, ask_round, candidates, single_error
from orchestration.strategies.engine.stopping import Stop
from orchestration.strategies.engine.strategy import Panel, Strategy
from orchestration.strategies.engine.types import (
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    listed,
    percent,
)

FEWEST_ALIKE = 2
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
    """What makes an answer acceptable; `needed` and `least` (what the request asks for) are qualities."""

    question: str
    options: CascadeOptions
    least: float

    @property
    def needed(self) -> float:
        """The estimated quality that is enough; where the score does not decide, only the least."""
        by_score = self.options.accept is not Accept.AGREEMENT
        return max(self.options.needed, self.least) if by_score else self.least

    def judge(self, level: Sequence[Candidate], earlier: Sequence[Candidate]) -> Acceptance:
        """Decide on a level's scored answers, given the answers of the levels before it."""
        answers = answered_candidates(level)
        if not answers:
            return Acceptance(accepted="", reason=f"{listed([c.model for c in level])} gave no answer.")
        alike = agreeing(self.question, [*earlier, *answers])
        if self.options.by_agreement and not alike:
            number = len(earlier) + len(answers)
            said = "the only answer" if number == 1 else f"{number} answers, no majority that agrees"
            return Acceptance(accepted="", reason=f"{listed([c.model for c in answers])}: {said}.")
        best = select_best(alike if self.options.by_agreement else answers)
        chosen = next(candidate for candidate in (*earlier, *answers) if candidate.step == best.step)
        return self._by_score(chosen, alike)

    def _by_score(self, chosen: Candidate, alike: Sequence[Candidate]) -> Acceptance:
        score = estimated(chosen, percent(overall(chosen), beside=self.needed))
        if overall(chosen) < self.needed:
            return Acceptance(accepted="", reason=f"{chosen.model}: {score}, below {percent(self.needed)}.")
        reasons = [f"{score}, {percent(self.needed)} needed"] if self.needed else []
        if self.options.by_agreement:
            reasons.insert(0, f"{listed([candidate.model for candidate in alike])} agree")
        return Acceptance(accepted=chosen.step, reason=f"{chosen.model} is accepted: {'; '.join(reasons)}.")


def agreeing(question: str, answers: Sequence[Candidate]) -> list[Candidate]:
    """Return those who say the same, where they are more than half of all, and at least two."""
    groups = group_answers([final_answer(each, question) for each in answers])
    largest = max((group.members for group in groups), key=len, default=())
    if len(largest) < FEWEST_ALIKE or 2 * len(largest) <= len(answers):
        return []
    return [answers[place] for place in largest]


def at_last_level(last: Candidate) -> Acceptance:
    """Accept the answer of the most expensive model."""
    is_judged = last.quality is not None and last.quality.judged
    quality = f"its estimated quality is {percent(overall(last))}" if is_judged else "it was not judged"
    reason = f"{last.model} is the most expensive, so it decides; {quality}."
    return Acceptance(accepted=last.step, reason=reason)


@dataclass(kw_only=True, slots=True)
class _CascadeRun:
    """The state of one run: `accepted` once an answer is, `stop` when a limit of the run was reached."""

    request: Request
    options: CascadeOptions
    levels: Sequence[Level]
    timer: StepTimer
    scorer: Scorer
    candidates: list[Candidate] = field(default_factory=list)
    moves: list[Decision] = field(default_factory=list)
    accepted: Acceptance | None = None
    stop: Stop | None = None

    @property
    def answers(self) -> list[Candidate]:
        """The answers so far."""
        return answered_candidates(self.candidates)

    async def run(self) -> None:
        """Ask level after level; what is decided after each is journaled."""
        for number, level in enumerate(self.levels, start=1):
            shown = self.answers if self.options.draft else []
            independent = [] if self.options.draft else self.answers
            asked = await self._ask(level, shown)
            scored = await self.scorer.score(asked, f"judge/level {number}", beside=independent)
            decided = await self._decide(number, scored, independent)
            self.candidates += scored
            if decided.accepted:
                self.accepted = decided
            if decided.accepted or self.stop is not None:
                return
            if number < len(self.levels):
                await self._escalate(number, scored, decided)

    async def _ask(self, level: Level, drafts: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Ask a level; drafts are shown anonymous and marked as data."""
        texts = [draft.text for draft in drafts]
        system = Message(role="system", content=f"{DRAFT_TASK}{DATA_ONLY}")

        async def ask(model: ChatModel) -> Candidate:
            prompt = answer_prompt(self.request, self.options)
            if texts:
                marked = Message(role="user", content=blocks(model.spec, self.request, texts))
                prompt = replace(prompt, messages=(system, marked))
            return await ask_member(model, prompt, self.timer, request=self.request)

        ended = await ask_round(level, ask, RoundPlan(), context=self.timer.context)
        self.stop = ended.stop
        return candidates(ended)

    async def _decide(
        self, number: int, level: Sequence[Candidate], earlier: Sequence[Candidate]
    ) -> Acceptance:
        least = self.request.constraints.min_quality or 0.0
        rule = AcceptanceRule(question=self.request.text, options=self.options, least=least)
        decided = rule.judge(level, earlier)
        answers = answered_candidates(level)
        if not decided.accepted and answers and number == len(self.levels):
            decided = at_last_level(answers[-1])
        return Acceptance(**await self.timer.context.decide(f"{ACCEPT}/{number}", asdict(decided)))

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
        self.moves.append(decision)
        await announce(self.timer.context, decision, f"{ACCEPT}/{number}")

    async def conclude(self) -> StrategyOutcome:
        """Return the accepted answer, else the best one."""
        if not self.answers:
            raise no_answer_error(self.candidates, self.stop)
        selection = select_best(self.answers)
        if self.accepted is not None:
            selection = Selection(step=self.accepted.accepted, reason=self.accepted.reason)
        found = await conclude(self.timer, selection, self.candidates, self.stop)
        return replace(found, decisions=(*self.moves, *found.decisions), notes=tuple(self._notes()))

    def _notes(self) -> list[str]:
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
        drafted = self.options.draft and len(self.moves) > 0
        saved = savings_sentence(members[-1], self.candidates, self.request, drafted=drafted)
        return [*notes, saved] if saved else notes


class Cascade(Strategy):
    """Ask cheap models first, more expensive ones where that is not enough."""

    name: ClassVar[str] = "cascade"
    title: ClassVar[str] = "Cascade"
    summary: ClassVar[str] = (
        "Asks the cheapest models first and more expensive ones only where their answers are not good enough"
        " or do not agree; says what that saved against asking the most expensive."
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
        options = parse_options(CascadeOptions, request.options)
        timer = StepTimer(context)
        run = _CascadeRun(
            request=request,
            options=options,
            levels=levels(panel.members, options, request.system + request.text),
            timer=timer,
            scorer=Scorer.judged_by(options, request, panel, timer),
        )
        await begin_phase(context, "asking")
        with single_error():
            await run.run()
        return await run.conclude()


STRATEGY = Cascade()
