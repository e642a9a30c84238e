"""Evaluate strategies on recorded answers: from a request to a report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from orchestration.evaluation.engine.running import (
    EvaluationRun,
    run_all,
    training_examples,
    without_scored,
)
from orchestration.evaluation.engine.scoring import (
    Measured,
    StrategyFigures,
    baseline,
    baseline_results,
    compared,
    score,
    summarise,
)
from orchestration.evaluation.services.arguments import (
    NamedConfiguration,
    configurations,
    panel_named,
    panels_beside,
    unknown_model,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.resilience.attempts import Retrying, RetryPolicy
from orchestration.llm.engine.types import Json, ModelSpec
from orchestration.llm.providers.recorded.loading import Labelled, load_recordings
from orchestration.llm.providers.recorded.model import Pace, RecordedModel
from orchestration.llm.providers.recorded.recording import Item, Recording
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.belief.fitting import FEWEST_EXAMPLES, read_examples
from orchestration.strategies.engine.belief.fitting import fit as fit_belief
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.options import StrategyOptions, helper_models, parse_options
from orchestration.strategies.engine.strategy import Panel, Strategy, TrainingExample
from orchestration.strategies.engine.types import counted

Progress = Callable[[str, int, int], None]
"""Called after each item with the configuration, the number of items done, and of all items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRequest:
    """What to evaluate: files, models or names of panels, strategies (see `configurations`), options."""

    data: tuple[Path, ...]
    panel: tuple[str, ...]
    strategies: tuple[str, ...]
    options: tuple[str, ...] = ()
    fit: tuple[Path, ...] = ()
    limit: int | None = None
    seed: int = 0
    failure_rate: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The items to score, and how many were left out because a model's answer or a label is missing."""

    items: tuple[Item, ...]
    missing_model: int
    unlabelled: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateConfiguration:
    """A strategy with its options, learned ones included, its panel and the models that the options name."""

    label: str
    strategy: Strategy
    options: StrategyOptions
    panel: tuple[ModelSpec, ...]
    helpers: tuple[ModelSpec, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The result of an evaluation."""

    data: tuple[str, ...]
    panel: tuple[str, ...]
    chosen: Chosen
    fitted_items: int
    seed: int
    results: tuple[StrategyFigures, ...]
    notes: tuple[str, ...]

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


def evaluate(request: EvaluationRequest, progress: Progress = lambda *_: None) -> Report:
    """Run every strategy on the same items and score the results.

    Raises `InvalidRequest` for what cannot be evaluated, before anything is run.
    """
    if request.limit is not None and request.limit < 1:
        raise InvalidRequest("At least one item must be scored.", field="limit")
    if not 0 <= request.failure_rate <= 1:
        raise InvalidRequest("The share of attempts that fail lies between 0 and 1.", field="failure-rate")
    named = configurations(request.strategies, request.options)
    data = load_recordings(request.data)
    panel = panel_named(request.panel, data.recording.models, panels_beside(request.data))
    fit = load_recordings(request.fit) if request.fit else Labelled(recording=Recording(()), labels={})
    kept = without_scored(fit.recording.items, data.recording.items)
    training = training_examples(kept, fit.labels)
    specs = {name: data.recording.spec(name) for name in data.recording.models}
    belief = fit_belief(read_examples(_by_panel(training, panel)), shipped_belief(), seed=request.seed)
    candidates = [_configure(each, panel, specs) for each in named]
    helpers = tuple(dict.fromkeys(spec.name for each in candidates for spec in each.helpers))
    chosen = _choose_items(data, panel, helpers, limit=request.limit, seed=request.seed)
    labels = [data.labels[item.key] for item in chosen.items]
    found = [_figures(each, data, belief, chosen, request, progress) for each in candidates]
    return Report(
        data=tuple(map(str, request.data)),
        panel=panel,
        chosen=chosen,
        fitted_items=len(training),
        seed=request.seed,
        results=compared(found, baseline_results(labels, panel)),
        notes=tuple(_notes(fitted=len(training), left_out=len(fit.recording.items) - len(kept))),
    )


def _configure(
    named: NamedConfiguration,
    panel: Sequence[str],
    known: Mapping[str, ModelSpec],
) -> CandidateConfiguration:
    """Check the options of a strategy. Raises `InvalidRequest`, `InvalidOptions`."""
    members, strategy = tuple(known[name] for name in panel), named.strategy
    options = parse_options(strategy.Options, named.options)
    helpers = helper_models(options)
    for name in helpers:
        if name not in known:
            raise InvalidRequest(unknown_model(name, tuple(known)), field="option")
    return CandidateConfiguration(
        label=named.label,
        strategy=strategy,
        options=options,
        panel=members,
        helpers=tuple(known[name] for name in helpers),
    )


def _choose_items(
    data: Labelled, panel: Sequence[str], helpers: Sequence[str], *, limit: int | None, seed: int
) -> Chosen:
    """Return the items that have an answer of every model and a label of every panel member.

    Beyond `limit`, a sample drawn by `seed`, in the data's order. Raises `InvalidRequest` if none is left.
    """
    items, labels = data.recording.items, data.labels
    whole = [item for item in items if all(map(item.has_answer, (*panel, *helpers)))]
    graded = [item for item in whole if all(labels[item.key].correct(name) is not None for name in panel)]
    missing, unlabelled = len(items) - len(whole), len(whole) - len(graded)
    if not graded:
        raise InvalidRequest(
            f"No item can be scored: in {missing:,} the text of a model of the panel is missing, in"
            f" {unlabelled:,} no label says whether its answer is right. Choose another panel or data.",
            field="panel",
        )
    if limit is not None and limit < len(graded):
        drawn = Random(seed).sample(range(len(graded)), limit)  # noqa: S311  # repeatable on purpose
        graded = [graded[place] for place in sorted(drawn)]
    return Chosen(items=tuple(graded), missing_model=missing, unlabelled=unlabelled)


def _figures(
    configuration: CandidateConfiguration,
    data: Labelled,
    belief: Belief,
    chosen: Chosen,
    request: EvaluationRequest,
    progress: Progress,
) -> StrategyFigures:
    """Run one strategy on every item, and only then read the labels."""
    name, items = configuration.label, chosen.items
    pace = Pace(failure_rate=request.failure_rate, seed=request.seed)
    run = EvaluationRun(
        strategy=configuration.strategy,
        options=configuration.options,
        panel_for=panel_factory(configuration.panel, configuration.helpers, pace, belief),
        seed=request.seed,
    )
    results = asyncio.run(run_all(run, items, lambda done, of: progress(name, done, of)))
    labels = [data.labels[item.key] for item in items]
    scores = [score(*each) for each in zip(results, items, labels, strict=True)]
    base = baseline(labels, [spec.name for spec in configuration.panel])
    measured = Measured(
        label=name,
        strategy=configuration.strategy.name,
        options=configuration.options.model_dump(mode="json"),
        results=results,
        scores=scores,
    )
    return summarise(measured, base, seed=request.seed)


def panel_factory(
    members: Sequence[ModelSpec],
    helpers: Sequence[ModelSpec],
    pace: Pace,
    belief: Belief,
) -> Callable[[Item], Panel]:
    """Return a function that makes the panel for an item: models that have the answers to that item only.

    They are metered and retried as in a run, but without waiting between attempts.
    """

    def panel_for(item: Item) -> Panel:
        recording = Recording([item])

        def model(spec: ModelSpec) -> ChatModel:
            jitter = Random(f"{pace.seed}/{spec.name}/{item.key}")  # noqa: S311  # repeatable, guards nothing
            metered = Metered(RecordedModel(spec, recording, pace=pace))
            return Retrying(
                metered,
                RetryPolicy(),
                sleep=lambda _: asyncio.sleep(0),
                random=jitter,
                time_left=lambda: None,
            )

        return Panel(
            members=tuple(map(model, members)),
            helpers={spec.name: model(spec) for spec in helpers},
            belief=belief,
        )

    return panel_for


def _by_panel(examples: Sequence[TrainingExample], panel: Sequence[str]) -> list[TrainingExample]:
    """Return the examples with the answers of the panel alone, in its order."""
    return [
        replace(each, answers={name: each.answers[name] for name in panel if name in each.answers})
        for each in examples
    ]


def _notes(*, fitted: int, left_out: int) -> Iterator[str]:
    if left_out:
        yield f"{left_out} items of --fit ask what a scored item asks: they are left out."
    if 0 < fitted < FEWEST_EXAMPLES:
        yield (
            f"{counted(fitted, 'item')} of --fit: too few to learn how far to trust agreement, which takes"
            f" {FEWEST_EXAMPLES}. Only how often each model is right is learned; the rest is as shipped."
        )
