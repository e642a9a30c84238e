"""The early stop of a round: its reason as it is journaled and shown, and what it saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, Prompt, Usage, estimate_tokens
from orchestration.runs.engine.budget import price
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.types import Candidate, counted, dollars


class EarlyStopReason(StrEnum):
    """Why a round ended before every model had answered."""

    GOOD_ENOUGH = "good_enough"
    DEADLINE = "deadline"
    LIMIT = "limit"
    SETTLED = "settled"
    LIKELY = "likely"


MISSING = frozenset({EarlyStopReason.DEADLINE, EarlyStopReason.LIMIT})
"""Reasons for which a model without an answer counts as missing; for the others it was not needed."""
BETWEEN_WAVES = frozenset({EarlyStopReason.SETTLED, EarlyStopReason.LIKELY})
"""Reasons that are found between waves: the calls that are saved have not been started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """The early end of a round as it is journaled.

    `left_out` maps each model that is not asked (any more) to why; `unscored` answers came too late to be
    scored. `chosen` is the model whose answer was enough. `saved_usd` estimates what the `saved_calls` would
    have cost, empty without prices. `limit` names the limit that ended the round.
    """

    reason: EarlyStopReason
    because: str
    left_out: Mapping[str, str]
    unscored: Sequence[str] = ()
    chosen: str = ""
    saved_calls: int = 0
    saved_usd: str = ""
    limit: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Stop:
        """Return the stop that was journaled."""
        return cls(**{**stored, "reason": EarlyStopReason(stored["reason"])})

    @classmethod
    def at_limit(cls, limits: Mapping[str, LimitReached], others: Sequence[str]) -> Stop:
        """Return the stop because of limits that models ran into; `others` have not been asked yet."""
        first = next(iter(limits.values()))
        return cls(
            reason=EarlyStopReason.LIMIT,
            because=str(first),
            left_out=_texts(limits) | dict.fromkeys(others, str(first)),
            limit=first.limit,
        )

    @property
    def error(self) -> LimitReached | None:
        """The limit that was reached, if it was one."""
        return LimitReached(self.because, limit=self.limit) if self.limit else None

    @property
    def decision(self) -> Decision:
        """The stop as a decision."""
        return Decision(kind="stop", chosen=self.chosen, reason=self.sentence, options=tuple(self.left_out))

    @property
    def sentence(self) -> str:
        """Why the round ended, and what that saved."""
        if not self.saved_calls:
            return self.because
        ended = "started" if self.reason in BETWEEN_WAVES else "finished"
        saved = f"{counted(self.saved_calls, 'call')} not {ended}"
        if self.saved_usd:
            saved = f"{saved}, an estimated {dollars(Decimal(self.saved_usd))} saved"
        return f"{self.because} {saved}."

    def candidate(self, name: str) -> Candidate:
        """Return the candidate of a model that was left out."""
        return Candidate(
            model=name,
            step=ask_step(name),
            state="missing" if self.reason in MISSING else "cancelled",
            error=self.left_out[name],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StopRequest:
    """Why no other model need be asked, as a strategy finds it during a round.

    `why` is the error of each model that is left out, `chosen` the model whose answer was enough. From
    `prompt` and the `answers` that are there it is estimated what the calls not made or not finished would
    have cost. `limit` names the limit of the run, if it was one.
    """

    reason: EarlyStopReason
    because: str
    why: str
    prompt: Prompt
    answers: Sequence[Candidate]
    chosen: str = ""
    limit: str = ""

    def stop(
        self,
        unfinished: Mapping[str, ChatModel],
        *,
        unscored: Sequence[str],
        limits: Mapping[str, LimitReached],
        begun: AbstractSet[str],
    ) -> Stop | None:
        """Return the stop that leaves out `unfinished` models and those at `limits`; None for none at all."""
        left_out = dict.fromkeys(unfinished, self.why) | _texts(limits)
        if not (left_out or unscored):
            return None
        return Stop(
            reason=self.reason,
            because=self.because,
            left_out=left_out,
            unscored=unscored,
            chosen=self.chosen,
            saved_calls=len(unfinished),
            saved_usd=self._saved_usd(unfinished, begun),
            limit=self.limit,
        )

    def _saved_usd(self, models: Mapping[str, ChatModel], begun: AbstractSet[str]) -> str:
        """Return about what the models' calls would have cost; empty when one of them has no price.

        A call that had begun saves the answer that it did not write, another one its prompt, too.
        """
        lengths = [answer.usage.output_tokens for answer in self.answers]
        typical = round(sum(lengths) / len(lengths)) if lengths else None
        given = sum(estimate_tokens(message.content) for message in self.prompt.messages)
        costs = []
        for name, model in models.items():
            written = model.spec.max_output_tokens if typical is None else typical
            usage = Usage(input_tokens=0 if name in begun else given, output_tokens=written)
            costs.append(price(model.spec, usage))
        known = [cost for cost in costs if cost is not None]
        return format(sum(known, Decimal(0)), "f") if known and len(known) == len(costs) else ""


def _texts(limits: Mapping[str, LimitReached]) -> dict[str, str]:
    return {name: str(limit) for name, limit in limits.items()}
