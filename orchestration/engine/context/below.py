"""A part of a run with step keys of its own: what runs in it cannot clash with what ran before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from orchestration.engine.context.protocol import Budget, Question, RunContext, Timing, Value
from orchestration.engine.events import Event
from orchestration.engine.model import ChatModel
from orchestration.engine.types import Completion, Json, Prompt


@dataclass(frozen=True, slots=True)
class Below:
    """The run `whole` as seen by a part of it, every step of which is named below `part`."""

    whole: RunContext
    part: str

    def key(self, step: str) -> str:
        """Return a step's key in the whole run."""
        return f"{self.part}/{step}" if step else ""

    async def ask(self, model: ChatModel, prompt: Prompt, step: str) -> Completion:
        """Ask `model`, as the whole run does."""
        return await self.whole.ask(model, prompt, self.key(step))

    async def ask_human(self, question: Question, step: str) -> Json:
        """Wait for a person's answer."""
        return await self.whole.ask_human(question, self.key(step))

    async def run_child(
        self, kind: str, ref: str, payload: Mapping[str, Json], step: str, *, panel: Sequence[str] = ()
    ) -> Json:
        """Run another kind inline."""
        return await self.whole.run_child(kind, ref, payload, self.key(step), panel=panel)

    async def decide(self, step: str, value: Value) -> Value:
        """Journal a choice."""
        return await self.whole.decide(self.key(step), value)

    def recall(self, step: str) -> Json:
        """Return what was decided before a crash."""
        return self.whole.recall(self.key(step))

    async def emit(self, event: Event) -> None:
        """Tell whoever watches, with the steps as the whole run knows them."""
        named = {"step": self.key(event.data["step"])} if "step" in event.data else {}
        await self.whole.emit(replace(event, step=self.key(event.step), data={**event.data, **named}))

    def now(self) -> float:
        """Seconds since the run first started."""
        return self.whole.now()

    def timing(self, step: str) -> Timing | None:
        """Return when an ended step of this part began and how long it took."""
        return self.whole.timing(self.key(step))

    def time_left(self) -> float | None:
        """Seconds to the deadline, None without one."""
        return self.whole.time_left()

    @property
    def random(self) -> Random:
        """The whole run's randomness."""
        return self.whole.random

    @property
    def budget(self) -> Budget:
        """What the whole run may still spend."""
        return self.whole.budget

    @property
    def cancelled(self) -> bool:
        """True once a person cancelled the run."""
        return self.whole.cancelled
