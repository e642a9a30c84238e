"""How a round of answers stands, and whether that is a reason to end it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.asking import Reply
from orchestration.engine.strategies.deciding import enough, overall
from orchestration.engine.strategies.parallel.options import ParallelOptions, Select
from orchestration.engine.strategies.parallel.stopping import Reason, Stop
from orchestration.engine.strategies.savings import Savings
from orchestration.engine.types import Candidate, Prompt

OUT_OF_TIME = "The time limit of the run passed. Raise it or use faster models."


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who was asked, has answered, is dealt with: all by step, models in the order of the panel."""

    models: Mapping[str, ChatModel]
    prompt: Prompt
    options: ParallelOptions
    needed: float
    begun: set[str] = field(default_factory=set)
    answers: dict[str, Reply] = field(default_factory=dict)
    ended: dict[str, Reply] = field(default_factory=dict)

    @property
    def answered(self) -> list[Candidate]:
        """The answers that are there, scored or not."""
        replies = (self.answers[step].candidate for step in self.models if step in self.answers)
        return [candidate for candidate in replies if candidate.state == "answered"]

    def deadline_in(self, now: float) -> float | None:
        """Return the seconds to the deadline option; None without one, or while too few have answered."""
        if self.options.deadline_s is None or len(self.answered) < self.options.at_least:
            return None
        return self.options.deadline_s - now

    def reason_to_stop(self, now: float, time_left: float | None) -> Stop | None:
        """Return why asking should end now, None when it has ended by itself or should go on."""
        if self.options.select is Select.FIRST_GOOD_ENOUGH and (good := self._good_enough()):
            best = max(good, key=overall)
            return self._stop(
                Reason.GOOD_ENOUGH,
                enough(best, self.needed),
                f"Stopped: {best.model} was already good enough.",
                chosen=best.step,
            )
        deadline_in = self.deadline_in(now)
        if deadline_in is not None and deadline_in <= 0:
            passed = f"The deadline of {self.options.deadline_s:g} s passed."
            return self._stop(Reason.DEADLINE, passed, f"No answer in time. {passed}")
        if time_left is not None and time_left <= 0:
            return self._stop(
                Reason.DEADLINE, OUT_OF_TIME, f"No answer in time. {OUT_OF_TIME}", limit="seconds"
            )
        limit = next(iter(self._limits.values()), None)
        if limit is not None and len(self.ended) == len(self.models):
            return self._stop(Reason.LIMIT, str(limit), "", limit=limit.limit)
        return None

    @property
    def _limits(self) -> dict[str, LimitReached]:
        return {step: reply.limit for step, reply in self.ended.items() if reply.limit is not None}

    def _good_enough(self) -> list[Candidate]:
        ended = (self.ended[step].candidate for step in self.models if step in self.ended)
        return [candidate for candidate in ended if overall(candidate) >= self.needed]

    def _stop(
        self, reason: Reason, because: str, why: str, *, chosen: str = "", limit: str = ""
    ) -> Stop | None:
        """Return a stop that leaves out whoever has not answered yet; None when that is nobody."""
        pending = {step: model for step, model in self.models.items() if step not in self.ended}
        unscored = [step for step in pending if step in self.answers]
        unfinished = {step: model for step, model in pending.items() if step not in self.answers}
        left_out = dict.fromkeys(unfinished, why) | {step: str(e) for step, e in self._limits.items()}
        if not (left_out or unscored):
            return None
        savings = Savings(prompt=self.prompt, answers=self.answered, begun=self.begun)
        return Stop(
            reason=reason,
            because=because,
            left_out=left_out,
            unscored=unscored,
            chosen=chosen,
            saved_calls=len(unfinished),
            saved_usd=savings.of(unfinished),
            limit=limit,
        )
