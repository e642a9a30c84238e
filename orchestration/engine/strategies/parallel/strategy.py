"""The parallel strategy: gather, select, conclude."""

from __future__ import annotations

from typing import ClassVar

from orchestration.engine.context import RunContext
from orchestration.engine.groups import single_error
from orchestration.engine.strategies.asking import Trail, answer_prompt, ask_step, begin_phase
from orchestration.engine.strategies.deciding import (
    Appraiser,
    announce,
    nobody_answered,
    require_quality,
    settle,
)
from orchestration.engine.strategies.options import StrategyOptions, parse_options
from orchestration.engine.strategies.parallel.gathering import Gathering
from orchestration.engine.strategies.parallel.options import ParallelOptions
from orchestration.engine.strategies.parallel.selecting import SELECTIONS
from orchestration.engine.strategies.parallel.standing import Standing
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Decision, Outcome, Request


class Parallel:
    """Ask the whole panel at once."""

    name: ClassVar[str] = "parallel"
    title: ClassVar[str] = "Parallel"
    summary: ClassVar[str] = (
        "Asks all models at once, then takes the best answer, the first one that is good enough, or a"
        " synthesis of all."
    )
    in_turn: ClassVar[bool] = False
    Options: ClassVar[type[StrategyOptions]] = ParallelOptions

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with what the selection makes of the panel's answers."""
        options = parse_options(ParallelOptions, request.options)
        trail = Trail(context)
        gathering = Gathering(
            standing=Standing(
                models={ask_step(model): model for model in panel.members},
                prompt=answer_prompt(request, options),
                options=options,
                needed=max(options.threshold, request.constraints.min_quality or 0.0),
            ),
            trail=trail,
            appraiser=Appraiser.of(request, options, panel, trail),
        )
        with single_error():
            await begin_phase(context, "asking")
            await gathering.gather()
            return await _conclude(request, panel, gathering)


async def _conclude(request: Request, panel: Panel, gathering: Gathering) -> Outcome:
    stops = await _told(gathering)
    options, trail = gathering.standing.options, gathering.trail
    if not any(candidate.state == "answered" for candidate in gathering.candidates):
        limit = gathering.stop.error if gathering.stop is not None else None
        raise nobody_answered(gathering.candidates, limit)
    selected = await SELECTIONS[options.select](gathering, panel)
    combined = (selected.synthesis,) if selected.synthesis is not None else ()
    with trail.step("select"):
        chosen, selection = await settle(
            gathering.context, selected.choice, (*selected.candidates, *combined)
        )
    require_quality(request, chosen, options)
    return Outcome(
        answer=chosen.text,
        candidates=selected.candidates,
        chosen="" if chosen in combined else chosen.step,
        quality=chosen.quality,
        decisions=(*stops, selection),
        path=trail.in_order(),
        notes=(*_missing(gathering), *selected.notes),
    )


async def _told(gathering: Gathering) -> tuple[Decision, ...]:
    """Tell of the stop, if there was one."""
    if gathering.stop is None:
        return ()
    names = {step: model.spec.name for step, model in gathering.standing.models.items()}
    decision = gathering.stop.decision(names)
    await announce(gathering.context, decision, "stop")
    return (decision,)


def _missing(gathering: Gathering) -> tuple[str, ...]:
    """Say who is missing and what an early end saved."""
    if gathering.stop is None:
        return ()
    names = [candidate.model for candidate in gathering.candidates if candidate.state == "missing"]
    notes = (gathering.stop.sentence,)
    return (*notes, f"Missing: {listed(names)}.") if names else notes


STRATEGY = Parallel()
