"""The debate: models answer, see the others' answers without names, and may change their minds, in rounds.

After Du, Li, Torralba, Tenenbaum and Mordatch, Improving Factuality and Reasoning in Language Models through
Multiagent Debate (arXiv 2305.14325): each model is shown its own answer as its turn and those of all others,
and asked for an updated one. Here a debate also ends early once all say the same, or nobody changed anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import read_candidate
from orchestration.strategies.engine.consensus.grouping import comparable_groups
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, parse_options
from orchestration.strategies.engine.rewriting import RewritingRun, say_the_same
from orchestration.strategies.engine.rounds import EarlyStopReason, Stop
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.types import (
    Candidate,
    StrategyOutcome,
    counted,
    is_usable,
    listed,
    total,
)
from orchestration.strategies.engine.voting.deciding import cast_answer
from orchestration.strategies.engine.voting.strategy import answer_vote, conclude_by_vote

DEBATE = "debate"
TASK = """\
You answered a question, and others answered it, too; you do not know who they are, and their order means
nothing. Compare their answers with yours and check the steps of each. Keep what you said where it holds, and
change it where they show that you were wrong; that several say the same proves nothing.
Then write your whole, updated answer to the question in your own words, without mentioning the others.
"""


class DebateChoices(StrategyOptions):
    """Options of the debate alone."""

    rounds: int = Field(
        default=2,
        ge=2,
        le=6,
        title="Rounds",
        description="How often each model answers at most; from the second round on it is shown what the"
        " others said. The debate ends sooner when all agree or nobody changes anything.",
    )


class DebateOptions(AnswerOptions, JudgedOptions, DebateChoices):
    """Options of a debate."""

    main = ("rounds", "judge")


@dataclass(kw_only=True, slots=True)
class _DebateRun(RewritingRun):
    """The state of one run."""

    options: DebateOptions

    async def run(self) -> StrategyOutcome:
        """Let the models answer, debate, and vote."""
        await self.timer.begin("asking")
        await self.answer_first()
        before: Sequence[Candidate] = ()
        for number in range(2, self.options.rounds + 1):
            if self.stop is not None or await self._is_over(number, before):
                break
            before = self.newest
            await self._debate(number)
        if self.stop is not None:
            self.notes.append(f"The debate ended early. {self.stop.because}")
        scored = await self.score_newest()
        casts = [cast_answer(each, self.request.text) for each in scored]
        return await conclude_by_vote(self, answer_vote(self, self.panel), casts, scored, scored)

    async def _is_over(self, number: int, before: Sequence[Candidate]) -> bool:
        """Return whether the round of this number is not needed; what is decided is journaled."""
        found: Json = None
        if because := self._because(before):
            left = self.options.rounds + 1 - number if len(self.usable) > 1 else 0
            cost = total(each.cost_usd for each in self.usable)
            stop = Stop(
                reason=EarlyStopReason.SETTLED,
                because=because,
                left_out={},
                saved_calls=left * len(self.usable),
                saved_usd=format(left * cost, "f") if left and cost is not None else "",
            )
            found = asdict(stop)
        stored = await self.context.decide(f"{DEBATE}/{number}", found)
        if stored is None:
            return False
        ended = Stop.from_json(stored)
        self.notes.append(ended.sentence)
        await self.announce(ended.decision, f"{DEBATE}/{number}")
        return True

    def _because(self, before: Sequence[Candidate]) -> str:
        """Return why there is nothing to debate (any more), empty where there is."""
        if len(self.usable) == 1:
            return "There is nothing to debate: only one model gave a usable answer."
        question = self.request.text
        groups = comparable_groups([read_candidate(each, question).answer for each in self.usable])
        if [len(group.members) for group in groups] == [len(self.usable)]:
            return f"All {len(self.usable)} models say the same."
        pairs = [(old, new) for old, new in zip(before, self.newest, strict=False) if is_usable(new)]
        if pairs and all(say_the_same(old, new, question) for old, new in pairs):
            return "No model changed its answer in the last round."
        return ""

    async def _debate(self, number: int) -> None:
        """Show each model what the others say, ask it for an updated answer, and emit what that changed."""
        before = self.newest
        await self.answer_anew(number, "round", TASK, own=True)
        pairs = [(old, new) for old, new in zip(before, self.newest, strict=True) if new is not old]
        changed = [new.model for old, new in pairs if not say_the_same(old, new, self.request.text)]
        readable = all(new.extracted is not None for _, new in pairs)
        words = f"{listed(changed)} changed the answer." if changed else "Nobody changed the answer."
        reason = words if readable else f"{counted(len(pairs), 'model')} wrote the answer again."
        decision = Decision(kind=DEBATE, chosen=f"Round {number}", reason=reason)
        await self.announce(decision, f"{DEBATE}/{number}")


class Debate(PanelStrategy):
    """Let models see each other's answers and change their minds."""

    name: ClassVar[str] = "debate"
    title: ClassVar[str] = "Debate"
    summary: ClassVar[str] = (
        "Models answer, see the others' answers without names and may change their minds, in rounds; once all"
        " agree or the rounds are over, their final answers are counted."
    )
    answer_alone: ClassVar[bool] = False
    answer_word: ClassVar[str] = "Round"
    counts_answers: ClassVar[bool] = True
    Options: ClassVar[type[AnswerOptions]] = DebateOptions
    Run: ClassVar[type[StrategyRun]] = _DebateRun
    labels: ClassVar[Mapping[str, str]] = {DEBATE: "Debated", "vote": "Vote"}
    moments: ClassVar[Mapping[str, str]] = {f"{DEBATE}/#": "Round # decided"}

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: one round of all at least, at most all rounds."""
        given = parse_options(DebateOptions, options.model_dump())
        again = (0, (given.rounds - 1) * panel if panel > 1 else 0)
        helping = judging(given, together=panel)
        return Effort(answers=(panel, panel), at_once=max(1, panel), again=again, helping=helping)


STRATEGY = Debate()
