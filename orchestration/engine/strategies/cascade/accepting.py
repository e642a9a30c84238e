"""Whether a level's answers will do, and if not, why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.engine.consensus.grouping import group_answers
from orchestration.engine.strategies.asking import final_answer
from orchestration.engine.strategies.cascade.options import CascadeOptions
from orchestration.engine.strategies.deciding import best_of, overall
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Candidate

FEWEST_ALIKE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What is decided after a level: the step that is accepted, empty for none, and why."""

    accepted: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What answers have to clear. `needed` and `least` (asked for by the request) are estimated qualities."""

    question: str
    options: CascadeOptions
    least: float

    @property
    def needed(self) -> float:
        """The estimated quality that is enough; without a score's say, only the least."""
        return max(self.options.needed, self.least) if self.options.by_score else self.least

    def judge(self, level: Sequence[Candidate], earlier: Sequence[Candidate]) -> Verdict:
        """Decide on a level's scored answers, given those of the levels before it."""
        there = [candidate for candidate in level if candidate.state == "answered"]
        if not there:
            return Verdict(accepted="", reason=f"{listed([c.model for c in level])} gave no answer.")
        before = [candidate for candidate in earlier if candidate.state == "answered"]
        alike = agreeing(self.question, [*before, *there])
        if self.options.by_agreement and not alike:
            number = len(before) + len(there)
            said = "the only answer" if number == 1 else f"{number} answers, no majority that agrees"
            return Verdict(accepted="", reason=f"{listed([c.model for c in there])}: {said}.")
        best = best_of(alike if self.options.by_agreement else there)
        chosen = next(candidate for candidate in (*before, *there) if candidate.step == best.step)
        return self._by_score(chosen, alike)

    def _by_score(self, chosen: Candidate, alike: Sequence[Candidate]) -> Verdict:
        score = f"estimated quality {overall(chosen):.2f}"
        if overall(chosen) < self.needed:
            return Verdict(accepted="", reason=f"{chosen.model}: {score} is below {self.needed:.2f}.")
        reasons = [f"{score}, {self.needed:.2f} needed"] if self.needed else []
        if self.options.by_agreement:
            reasons.insert(0, f"{listed([candidate.model for candidate in alike])} agree")
        return Verdict(accepted=chosen.step, reason=f"{chosen.model} is accepted: {'; '.join(reasons)}.")


def agreeing(question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those who say the same, where they are more than half of all, and at least two."""
    groups = group_answers([final_answer(each, question) for each in candidates])
    largest = max((group.members for group in groups), key=len, default=())
    if len(largest) < FEWEST_ALIKE or 2 * len(largest) <= len(candidates):
        return []
    return [candidates[place] for place in largest]


def at_the_top(level: Sequence[Candidate]) -> Verdict:
    """Accept the best answer of the last level: there is nobody dearer to ask."""
    best = best_of(level)
    reason = f"There is no dearer model to ask. {best.reason}"
    if len(level) == 1:
        [last] = level
        reason = f"{last.model} is the dearest, so it decides; its estimated quality is {overall(last):.2f}."
    return Verdict(accepted=best.step, reason=reason)
