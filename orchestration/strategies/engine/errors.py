"""Errors of strategies: the branch of `EngineError` for runs without an acceptable answer.

EngineError                        of llm
├── AllModelsFailed                fatal for the run: no model answered; carries each model's reason
├── NoUsableAnswer                 fatal for the run: all declined, were empty or were cut off
├── QuorumMissed                   fatal for the run: too few ballots of a vote count
├── VoteUndecided                  fatal for the run: the vote has no winner under its rule
└── InvalidRequest                 the user's fault: what is wrong, at which field
    └── InvalidOptions             options that do not fit: several faults at once
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.llm.engine.errors import EngineError, InvalidRequest


class AllModelsFailed(EngineError):
    """No model answered. `reasons` maps each model to a sentence."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        listed = "; ".join(f"{model}: {reason}" for model, reason in reasons.items())
        super().__init__(f"No model could answer. {listed}" if listed else "No model could answer.")
        self.reasons = dict(reasons)


class NoUsableAnswer(EngineError):
    """Every answer is a refusal, empty, or cut off: `reasons` maps each model to a sentence.

    `failed` has the errors of models that gave none; `declined` is True where all are refusals; `limits` say
    why no other model was asked.
    """

    def __init__(
        self, reasons: Mapping[str, str], *, failed: Mapping[str, str], declined: bool, limits: Sequence[str]
    ) -> None:
        number = {1: "The model", 2: "Both models"}.get(len(reasons), f"All {len(reasons)} models")
        first = f"{number} declined." if declined else f"{number} gave no usable answer."
        if failed and len(reasons) > 1:
            first = first.replace("models", "models that answered", 1)
        listed = [f"{model}: {reason}" for model, reason in {**reasons, **failed}.items()]
        super().__init__(" ".join([first, *listed, *limits]))


class QuorumMissed(EngineError):
    """Too few ballots of a vote count."""


class VoteUndecided(EngineError):
    """The vote has no winner under its rule."""


class InvalidOptions(InvalidRequest):
    """Options that do not fit the strategy: `errors` has each fault."""

    def __init__(self, errors: tuple[InvalidRequest, ...]) -> None:
        super().__init__(" ".join(map(str, errors)), field=errors[0].field, errors=errors)
