"""Panels of recorded models for evaluations: one for each item, which knows nothing but that item."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from orchestration.engine.context.metering import Metered
from orchestration.engine.evaluation.items import Item
from orchestration.engine.model import ChatModel
from orchestration.engine.resilience.attempts import Retrying, RetryPolicy
from orchestration.engine.strategies.strategy import Panel
from orchestration.engine.types import ModelSpec
from orchestration.providers.recorded.model import Pace, RecordedModel
from orchestration.providers.recorded.recording import Recording


def panels_of(
    members: Sequence[ModelSpec], helpers: Sequence[ModelSpec], pace: Pace
) -> Callable[[Item], Panel]:
    """Return what makes the panel for an item; its models are metered and retried like any others.

    Waits between attempts take no time: nobody is there whom they would spare.
    """

    def panel_for(item: Item) -> Panel:
        recording = Recording([item])

        def model(spec: ModelSpec) -> ChatModel:
            jitter = Random(f"{pace.seed}/{spec.name}/{item.key}")  # noqa: S311  # repeatable, guards nothing
            metered = Metered(RecordedModel(spec, recording, pace=pace))
            return Retrying(metered, RetryPolicy(), sleep=_no_wait, random=jitter, time_left=lambda: None)

        return Panel(members=tuple(map(model, members)), helpers={spec.name: model(spec) for spec in helpers})

    return panel_for


async def _no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)
