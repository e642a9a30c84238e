"""How the answer comes out of the candidates: one function for each way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from orchestration.engine.strategies.asking import begin_phase
from orchestration.engine.strategies.deciding import Choice, best_of, overall
from orchestration.engine.strategies.parallel.gathering import Gathering
from orchestration.engine.strategies.parallel.options import Select
from orchestration.engine.strategies.parallel.synthesis import STEP, aggregate_prompt, synthesise
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import counted
from orchestration.engine.types import Candidate

LEAST_FIT = 0.1
"""Estimated quality below which an answer is not shown to the aggregator: empty, refused or cut off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selected:
    """What a selection came to: candidates with their scores, the choice, the synthesis if there is one."""

    candidates: tuple[Candidate, ...]
    choice: Choice
    synthesis: Candidate | None = None
    notes: tuple[str, ...] = ()


async def best(gathering: Gathering, _panel: Panel) -> Selected:
    """Choose the answer of the highest quality."""
    candidates = await gathering.appraiser.score(gathering.candidates, "judge")
    return Selected(candidates=candidates, choice=best_of(candidates))


async def first_good_enough(gathering: Gathering, _panel: Panel) -> Selected:
    """Choose the answer that ended the asking, else the best one."""
    stop, candidates = gathering.stop, gathering.candidates
    if stop is not None and stop.chosen:
        return Selected(candidates=candidates, choice=Choice(step=stop.chosen, reason=stop.because))
    choice, needed = best_of(candidates), gathering.standing.needed
    if max(overall(candidate) for candidate in candidates) >= needed:
        return Selected(candidates=candidates, choice=choice)
    note = f"No answer reached the quality of {needed:.2f}: this is the best there was."
    return Selected(candidates=candidates, choice=choice, notes=(note,))


async def synthesis(gathering: Gathering, panel: Panel) -> Selected:
    """Have the aggregator combine the answers that are fit to be used; without it, choose the best one."""
    judges, options = gathering.appraiser, gathering.standing.options
    candidates = await judges.by_checks_alone().score(gathering.candidates, "checks")
    fit = [candidate for candidate in candidates if overall(candidate) >= LEAST_FIT]
    if len(fit) < 2:  # noqa: PLR2004
        note = f"There was nothing to combine: {counted(len(fit), 'answer')} fit to be used."
        return await _instead(gathering, note)
    aggregator = panel.named(options.aggregator or panel.members[0].spec.name)
    await begin_phase(gathering.context, "synthesising")
    prompt = aggregate_prompt(aggregator, judges.request, fit, options)
    written = await synthesise(aggregator, prompt, gathering.trail)
    if isinstance(written, str):
        return await _instead(gathering, written)
    [scored] = await judges.score([written], "judge")
    reason = (
        f"{written.model} combined {counted(len(fit), 'answer')}; estimated quality {overall(scored):.2f}."
    )
    return Selected(candidates=candidates, choice=Choice(step=STEP, reason=reason), synthesis=scored)


async def _instead(gathering: Gathering, why: str) -> Selected:
    candidates = await gathering.appraiser.score(gathering.candidates, "judge")
    return Selected(candidates=candidates, choice=best_of(candidates), notes=(why,))


SELECTIONS: Mapping[Select, Callable[[Gathering, Panel], Awaitable[Selected]]] = {
    Select.BEST: best,
    Select.FIRST_GOOD_ENOUGH: first_good_enough,
    Select.SYNTHESIS: synthesis,
}
