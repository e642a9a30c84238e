"""What evaluations teach about models: how often each is right with a type of task and a kind of question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from uuid import UUID

from django.db import transaction

from orchestration.evaluation.models import DatasetItem, ItemOutcome
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.queueing import queue_task
from orchestration.strategies.engine.belief.reading import QuestionTraits, question_traits
from orchestration.strategies.engine.classification import task_called
from orchestration.strategies.engine.strategy import answers_always_asked
from orchestration.strategies.services.profiles import FIT_COEFFICIENTS, Profiled, learn_graded


def learn_from_evaluations(runs: Sequence[Run]) -> None:
    """Add the graded answers of evaluations to the profiles of their models.

    A model that answered an item under several configurations counts once, with the share that was right.
    Call it in the transaction that marks the runs as learned.
    """
    for run in runs:
        learn_graded(list(_graded(run)))
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


def _graded(run: Run) -> Iterator[tuple[Profiled, float]]:
    ids = {entry["spec"]["name"]: UUID(entry["model"]) for entry in run.panel if "model" in entry}
    found: dict[tuple[str, int], list[bool]] = defaultdict(list)
    asked: dict[int, QuestionTraits] = {}
    for item, answers in sampled_answers(run):
        if item.pk not in asked:
            traits = question_traits(item.prompt)
            asked[item.pk] = replace(traits, task=task_called(item.task_type) or traits.task)
        for each in answers:
            if each["correct"] is not None:
                found[each["model"], item.pk].append(each["correct"])
    for (model, item_id), right in found.items():
        if model in ids:
            traits = asked[item_id]
            yield (ids[model], traits.task, traits.kind), fmean(right)
