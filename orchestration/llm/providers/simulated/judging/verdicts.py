"""Scores and rankings of others' answers, as JSON.

Where the judge can solve the question it compares final answers; where it cannot, it goes by what the
engine's checks see on the surface, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.llm.providers.simulated.attempt import Asked, attempt
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.judging.agreement import agree, final_of
from orchestration.llm.providers.simulated.judging.blocks import Case
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.scoring import Dimension, ExaminedAnswer, Finding

_SOUND = {
    Dimension.COHERENCE: 9,
    Dimension.RELEVANCE: 9,
    Dimension.COMPLETENESS: 9,
    Dimension.ACCURACY: 9,
    Dimension.FLUENCY: 9,
}
_UNKNOWN = _SOUND | {
    Dimension.COHERENCE: 7,
    Dimension.RELEVANCE: 7,
    Dimension.COMPLETENESS: 7,
    Dimension.ACCURACY: 5,
}
_MISSED = _SOUND | {Dimension.COHERENCE: 7, Dimension.COMPLETENESS: 6, Dimension.ACCURACY: 1}
_NO_RESULT = _SOUND | {
    Dimension.COHERENCE: 7,
    Dimension.RELEVANCE: 5,
    Dimension.COMPLETENESS: 2,
    Dimension.ACCURACY: 2,
}
_SAID = 40
_RIGHT_FROM = 5


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of one answer: scores from 0 to 10 and why."""

    scores: Mapping[Dimension, int]
    reason: str

    @property
    def total(self) -> int:
        """The sum that a ranking goes by."""
        return sum(self.scores.values())


def own_answer(profile: SimulatedProfile, case: Case, drawn: str) -> str | None:
    """Return what the judge itself takes for right, None when the question is out of its reach."""
    made = attempt(profile, Asked(question=case.question, instructions=case.instructions, draw=drawn))
    return made.answer if made else None


def opinions(profile: SimulatedProfile, case: Case, drawn: str) -> dict[str, Opinion]:
    """Judge each answer of a case."""
    own = own_answer(profile, case, drawn)
    return {label: _opinion(profile, case, own, text) for label, text in case.answers.items()}


def verdicts(profile: SimulatedProfile, case: Case, drawn: str) -> str:
    """Write the verdicts as JSON."""
    return json.dumps(
        {
            "verdicts": [
                {
                    "id": label,
                    **{side.value: score for side, score in found.scores.items()},
                    "reason": found.reason,
                }
                for label, found in opinions(profile, case, drawn).items()
            ]
        },
        ensure_ascii=False,
    )


def ranking(profile: SimulatedProfile, case: Case, drawn: str) -> str:
    """Write a ranking, best first, and what may be right, as JSON; equals keep the order they came in."""
    found = opinions(profile, case, drawn)
    ordered = sorted(found, key=lambda label: -found[label].total)
    approved = [label for label in ordered if found[label].scores[Dimension.ACCURACY] >= _RIGHT_FROM]
    told = {"ranking": ordered, "approved": approved, "reason": found[ordered[0]].reason}
    return json.dumps(told, ensure_ascii=False)


def _opinion(profile: SimulatedProfile, case: Case, own: str | None, text: str) -> Opinion:
    findings = examine(ExaminedAnswer(question=case.question, instructions=case.instructions, text=text))
    base, reason = _compared(own, text)
    seen = " ".join(finding.evidence for finding in findings)
    return Opinion(_capped(base, findings), f"Simulated judge {profile.name}: {reason} {seen}".strip())


def _compared(own: str | None, text: str) -> tuple[Mapping[Dimension, int], str]:
    if own is None:
        return _UNKNOWN, "the question is out of my reach, so I go by the surface only."
    final = final_of(text)
    if final is None:
        return _NO_RESULT, f"I get {_short(own)}, and this states no result that I can read."
    if agree(own, final):
        return _SOUND, f"I get {_short(own)}, too."
    return _MISSED, f"I get {_short(own)}, not {_short(final)}."


def _short(answer: str) -> str:
    return answer if len(answer) <= _SAID else f"{answer[:_SAID]}…"


def _capped(base: Mapping[Dimension, int], findings: tuple[Finding, ...]) -> Mapping[Dimension, int]:
    """Lower each score to what the findings allow."""
    bounds = {
        side: min([1.0, *(finding.bounds[side] for finding in findings if side in finding.bounds)])
        for side in base
    }
    return {side: min(score, round(10 * bounds[side])) for side, score in base.items()}
