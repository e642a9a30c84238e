"""The expert strategy: classify, rank, ask the best, fall back down the ranking."""

from __future__ import annotations

from typing import ClassVar

from orchestration.engine.context import RunContext
from orchestration.engine.strategies.asking import Trail
from orchestration.engine.strategies.expert.options import ExpertOptions
from orchestration.engine.strategies.expert.route import find_route
from orchestration.engine.strategies.options import StrategyOptions, parse_options
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.searching import Search, execute
from orchestration.engine.types import Outcome, Request

IN_THE_RANKING = "in the ranking"


class Expert:
    """Ask who is best at this kind of task."""

    name: ClassVar[str] = "expert"
    title: ClassVar[str] = "Expert"
    summary: ClassVar[str] = (
        "Finds out what kind of task the question is, asks the models that have done best at it, and falls"
        " back on the next ones after errors and low quality."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = ExpertOptions

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with the best expert's answer that is good enough, or with the best there is."""
        options = parse_options(ExpertOptions, request.options)
        trail = Trail(context)
        route = await find_route(request, options, panel, trail)
        members = {model.spec.name: model for model in panel.members}
        ranked = Panel(members=tuple(members[name] for name in route.order), helpers=panel.helpers)
        search = Search.of(request, options, ranked, trail)
        search.at_first, search.order = options.ask, IN_THE_RANKING
        return await execute(search, route.decisions)


STRATEGY = Expert()
