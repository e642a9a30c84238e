"""An evaluation from its request to its report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.engine.evaluation.baselines import baseline
from orchestration.engine.evaluation.playing import play_all
from orchestration.engine.evaluation.report import Result, summarise
from orchestration.engine.evaluation.scoring import score
from orchestration.engine.evaluation.trial import Trial
from orchestration.engine.strategies.strategy import get_strategy
from orchestration.engine.types import Json
from orchestration.providers.recorded.loading import Labelled, load_recordings
from orchestration.providers.recorded.model import Pace
from orchestration.services.evaluation.choosing import Chosen, choose_items
from orchestration.services.evaluation.entrants import Entrant, check_numbers, enter
from orchestration.services.evaluation.lessons import Lessons, lessons_for
from orchestration.services.evaluation.options import options_for
from orchestration.services.evaluation.panels import panel_named, panels_beside
from orchestration.wiring.evaluation import panels_of

Told = Callable[[str, int, int], None]
"""Told the strategy, how many items are done, and of how many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRequest:
    """What to evaluate: files, models or names of panels, strategies, options as `k=v`."""

    data: tuple[Path, ...]
    panel: tuple[str, ...]
    strategies: tuple[str, ...]
    options: tuple[str, ...] = ()
    fit: tuple[Path, ...] = ()
    limit: int | None = None
    seed: int = 0
    failure_rate: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What `evaluate` prints."""

    data: tuple[str, ...]
    panel: tuple[str, ...]
    chosen: Chosen
    fitted_items: int
    seed: int
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints."""
        return {
            "data": list(self.data),
            "panel": list(self.panel),
            "items": len(self.chosen.items),
            "skipped": {"missing_model": self.chosen.missing_model, "unlabelled": self.chosen.unlabelled},
            "fitted_items": self.fitted_items,
            "seed": self.seed,
            "results": [result.as_json() for result in self.results],
            "notes": list(self.notes),
        }


def evaluate(request: EvaluationRequest, told: Told = lambda *_: None) -> Report:
    """Play every strategy on the same items and score it.

    Raises `InvalidRequest` for what cannot be evaluated, before anything is played.
    """
    check_numbers(limit=request.limit, failure_rate=request.failure_rate)
    strategies = [get_strategy(name) for name in dict.fromkeys(request.strategies)]
    given = options_for(strategies, request.options)
    data = load_recordings(request.data)
    panel = panel_named(request.panel, data.recording.models, panels_beside(request.data))
    lessons = lessons_for(request.fit, data.recording.items)
    specs = {name: data.recording.spec(name) for name in data.recording.models}
    members = [specs[name] for name in panel]
    entrants = [enter(each, given[each.name], members, lessons.lessons, specs) for each in strategies]
    helpers = tuple(dict.fromkeys(spec.name for entrant in entrants for spec in entrant.helpers))
    chosen = choose_items(data, panel, helpers, limit=request.limit, seed=request.seed)
    arena = Arena(data=data, panel=panel, chosen=chosen, request=request)
    return Report(
        data=tuple(map(str, request.data)),
        panel=panel,
        chosen=chosen,
        fitted_items=len(lessons.lessons),
        seed=request.seed,
        results=tuple(arena.result(entrant, told) for entrant in entrants),
        notes=_notes(entrants, lessons),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Arena:
    """What all strategies of an evaluation meet: the same items, the same models, the same seed."""

    data: Labelled
    panel: Sequence[str]
    chosen: Chosen
    request: EvaluationRequest

    def result(self, entrant: Entrant, told: Told) -> Result:
        """Play one strategy on every item; only then look at the labels."""
        seed, labels = self.request.seed, self.data.labels
        pace = Pace(failure_rate=self.request.failure_rate, seed=seed)
        name = entrant.strategy.name
        trial = Trial(
            strategy=entrant.strategy,
            options=entrant.options,
            panel_for=panels_of(entrant.panel, entrant.helpers, pace),
            seed=seed,
        )
        items = self.chosen.items
        played = asyncio.run(play_all(trial, items, lambda done, of: told(name, done, of)))
        scores = [score(p, item, labels[item.key]) for p, item in zip(played, items, strict=True)]
        base = baseline([labels[item.key] for item in items], self.panel)
        return summarise(name, entrant.options.model_dump(mode="json"), played, scores, base)


def _notes(entrants: Sequence[Entrant], lessons: Lessons) -> tuple[str, ...]:
    notes = []
    if lessons.left_out:
        notes.append(f"{lessons.left_out} items of --fit ask what a scored item asks: nothing learned them.")
    unmoved = [entrant.strategy.name for entrant in entrants if not entrant.learns]
    if lessons.lessons and unmoved:
        notes.append(f"--fit changes nothing for {', '.join(unmoved)}: there is nothing to learn in it.")
    return tuple(notes)
