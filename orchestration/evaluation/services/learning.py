"""What evaluations teach: how often each model is right with a kind of question, and how good methods are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from uuid import UUID

from django.db import transaction

from orchestration.evaluation.models import DatasetItem, ItemOutcome
from orchestration.evaluation.selectors import rule_set
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.routing.engine.analysis import analyse
from orchestration.routing.engine.arms import WEIGHTS, ResultSource, RouterContext
from orchestration.routing.engine.learning import Sums
from orchestration.routing.services.learning import learn_from_graded
from orchestration.routing.services.methods import CASCADE, LEAST_PANEL
from orchestration.runs.models import Run
from orchestration.runs.services.queueing import queue_task
from orchestration.strategies.engine.classification import task_called
from orchestration.strategies.engine.strategy import all_strategies, answers_always_asked
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.services.profiles import FIT_COEFFICIENTS, learn_graded

WEIGHT = WEIGHTS[ResultSource.EVALUATION]


def learn_from_evaluations(runs: Sequence[Run]) -> None:
    """Add the graded answers of evaluations to the profiles of their models, and to what Auto has learned.

    A model that answered an item under several configurations counts once, with the share that was right.
    Call it in the transaction that marks the runs as learned.
    """
    for run in runs:
        ids = {entry["spec"]["name"]: UUID(entry["model"]) for entry in run.panel if "model" in entry}
        contexts: dict[int, RouterContext] = {}
        graded = (each for each in _graded(run) if each[1] in ids)
        answers = [(_context(item, contexts), name, right) for item, name, right in graded]
        learn_graded([((ids[name], seen.task, seen.kind), right) for seen, name, right in answers])
        models = [
            (seen, f"model/{name}", Sums(judged=WEIGHT, quality=WEIGHT * right))
            for seen, name, right in answers
        ]
        methods = [(_context(item, contexts), ref, added) for item, ref, added in _graded_methods(run)]
        learn_from_graded(run.team_id, [*models, *methods])
    for team in {run.team_id for run in runs}:
        transaction.on_commit(partial(queue_task, FIT_COEFFICIENTS, team))


def sampled_answers(run: Run) -> Iterator[tuple[DatasetItem, Sequence[Mapping[str, Json]]]]:
    """Yield the items of an evaluation with the answers that say how good their models are."""
    first = {
        place: number
        for place, each in enumerate(run.request["configurations"])
        if (number := answers_always_asked(each["strategy"], each["options"], len(each["models"])))
    }
    rows = ItemOutcome.objects.filter(run=run, configuration__in=first).order_by(
        "item__number", "configuration"
    )
    for row in rows.select_related("item").defer("answer", "reason").iterator():
        yield row.item, row.answers[: first[row.configuration]]


def _context(item: DatasetItem, known: dict[int, RouterContext]) -> RouterContext:
    """Return the context in which Auto chooses for an item; a type of task that it has stands."""
    if item.pk not in known:
        found = analyse(item.prompt).context
        known[item.pk] = replace(found, task=task_called(item.task_type) or found.task)
    return known[item.pk]


def _graded(run: Run) -> Iterator[tuple[DatasetItem, str, float]]:
    """Yield the items with each model whose answers were graded, and the share of these that was right."""
    found: dict[tuple[int, str], list[bool]] = defaultdict(list)
    items: dict[int, DatasetItem] = {}
    for item, answers in sampled_answers(run):
        items[item.pk] = item
        for each in answers:
            if each["correct"] is not None:
                found[item.pk, each["model"]].append(each["correct"])
    for (item_id, name), right in found.items():
        yield items[item_id], name, fmean(right)


def _graded_methods(run: Run) -> Iterator[tuple[DatasetItem, str, Sums]]:
    """Yield the items with each method that Auto may choose and that answered them as Auto would have it.

    That is a strategy with its usual options over the team's usual panel, or what Auto chose first itself;
    where this was not good enough it counts for how it did, not for what followed.
    """
    models = LanguageModel.objects.filter(team=run.team, enabled=True, provider__enabled=True)
    usual = {*default_panel(list(models.select_related("provider")))}
    refs = {
        place: ref
        for place, each in enumerate(run.request["configurations"])
        if (ref := _method(each, usual)) is not None
    }
    rows = ItemOutcome.objects.filter(run=run, configuration__in=refs).select_related("item")
    for row in rows.defer("answer", "reason", "answers").iterator():
        ref, right, whole = refs[row.configuration], row.correct, True
        if not ref:
            attempts = (row.route or {}).get("attempts") or [{"ref": "", "correct": None}]
            ref, right, whole = attempts[0]["ref"], attempts[0]["correct"], len(attempts) == 1
        if not ref or right is None or (row.route or {}).get("reused"):
            continue
        added = Sums(judged=WEIGHT, quality=WEIGHT * right)
        if whole and row.cost_usd is not None and row.seconds is not None:
            added = replace(added, counted=1.0, cost_usd=float(row.cost_usd), seconds=row.seconds)
        yield row.item, ref, added


def _method(configuration: Mapping[str, Json], usual: set[str]) -> str | None:
    """Return the method of Auto that a configuration is, empty for Auto itself, None for any other.

    A cascade goes on by the dial under Auto, not by its usual options; models by themselves are learned of by
    their answers.
    """
    name, models = configuration["strategy"], configuration["models"]
    if rule_set(name) is not None:
        return ""
    strategy = all_strategies().get(name)
    if strategy is None or name == CASCADE or {*models} != usual or len(models) < LEAST_PANEL:
        return None
    options = strategy.Options().model_dump(mode="json")
    is_usual = all(options.get(field) == value for field, value in configuration["options"].items())
    return f"strategy/{name}" if is_usual else None
