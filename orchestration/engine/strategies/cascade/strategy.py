"""The cascade strategy: climb from cheap to dear until an answer is accepted."""

from __future__ import annotations

from typing import ClassVar

from orchestration.engine.context import RunContext
from orchestration.engine.groups import single_error
from orchestration.engine.strategies.asking import Trail, answer_prompt, begin_phase
from orchestration.engine.strategies.cascade.accepting import Bar
from orchestration.engine.strategies.cascade.climbing import Climb
from orchestration.engine.strategies.cascade.levels import levels_of
from orchestration.engine.strategies.cascade.options import CascadeOptions
from orchestration.engine.strategies.cascade.saving import against_the_dearest
from orchestration.engine.strategies.deciding import (
    Appraiser,
    Choice,
    best_of,
    nobody_answered,
    require_quality,
    settle,
)
from orchestration.engine.strategies.options import StrategyOptions, parse_options
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import listed
from orchestration.engine.types import Outcome, Request


class Cascade:
    """Ask cheap models first, dearer ones where that is not enough."""

    name: ClassVar[str] = "cascade"
    title: ClassVar[str] = "Cascade"
    summary: ClassVar[str] = (
        "Asks the cheapest models first and dearer ones only where their answers are not good enough or do"
        " not agree; says what that saved against asking the dearest."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = CascadeOptions

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with the first accepted answer, or with the last level's."""
        options = parse_options(CascadeOptions, request.options)
        trail = Trail(context)
        least = request.constraints.min_quality or 0.0
        climb = Climb(
            levels=levels_of(panel.members, options, request.system + request.text),
            prompt=answer_prompt(request, options),
            bar=Bar(question=request.text, options=options, least=least),
            trail=trail,
            appraiser=Appraiser.of(request, options, panel, trail),
        )
        await begin_phase(context, "asking")
        with single_error():
            await climb.go()
        return await _conclude(climb, options)


async def _conclude(climb: Climb, options: CascadeOptions) -> Outcome:
    there, request = climb.answers, climb.appraiser.request
    if not there:
        raise nobody_answered(climb.candidates, climb.halt.error if climb.halt is not None else None)
    with climb.trail.step("select"):
        chosen, selection = await settle(climb.trail.context, _choice(climb), there)
    require_quality(request, chosen, options)
    return Outcome(
        answer=chosen.text,
        candidates=tuple(climb.candidates),
        chosen=chosen.step,
        quality=chosen.quality,
        decisions=(*climb.moves, selection),
        path=climb.trail.in_order(),
        notes=_notes(climb, options),
    )


def _choice(climb: Climb) -> Choice:
    if climb.accepted is not None:
        return Choice(step=climb.accepted.accepted, reason=climb.accepted.reason)
    return best_of(climb.answers)


def _notes(climb: Climb, options: CascadeOptions) -> tuple[str, ...]:
    notes = []
    if climb.halt is not None:
        notes.append(f"The cascade ended early. {climb.halt.message}")
    elif climb.accepted is None:
        notes.append("The dearest model gave no answer: this is the best of the cheaper ones.")
    seen = {candidate.model for candidate in climb.candidates}
    members = [model for level in climb.levels for model in level]
    spared = [model.spec.name for model in members if model.spec.name not in seen]
    if spared and climb.halt is None:
        notes.append(f"Not needed: {listed(spared)}.")
    drafted = options.draft and len(climb.moves) > 0
    saved = against_the_dearest(members[-1], climb.candidates, climb.appraiser.request, drafted=drafted)
    return (*notes, saved) if saved else tuple(notes)


STRATEGY = Cascade()
