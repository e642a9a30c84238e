"""One model after the other until an answer is acceptable."""

from __future__ import annotations

from typing import ClassVar

from orchestration.engine.context import RunContext
from orchestration.engine.strategies.asking import Trail
from orchestration.engine.strategies.options import StrategyOptions, parse_options
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.searching import Search, SearchOptions, execute
from orchestration.engine.types import Outcome, Request


class SequentialOptions(SearchOptions):
    """What can be set."""


class Sequential:
    """Ask in order of the panel and fail over."""

    name: ClassVar[str] = "sequential"
    title: ClassVar[str] = "Sequential"
    summary: ClassVar[str] = (
        "Asks one model after the other, in the order of the panel, until an answer is good enough; moves on"
        " after errors, refusals, cut-off answers and low quality."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = SequentialOptions

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with the first acceptable answer, or with the best there is."""
        options = parse_options(SequentialOptions, request.options)
        return await execute(Search.of(request, options, panel, Trail(context)))


STRATEGY = Sequential()
