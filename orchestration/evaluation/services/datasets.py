"""Datasets are imported whole, made of runs that people liked, and removed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.evaluation.engine.reading import (
    LONGEST_TEXT,
    MOST_ROWS,
    DatasetRow,
    RowProblem,
    read_rows,
)
from orchestration.evaluation.models import Dataset, DatasetItem, ItemOutcome
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.providers.recorded.recording import same_words
from orchestration.runs.models import Run, RunStatus
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.consensus.answers import AnswerKind
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.services.strategy_runs import NAME as STRATEGY

MOST_DATASETS = 500
BATCH = 500
USUAL_RATED = 200


class BadRows(InvalidRequest):
    """Some rows of a file cannot be used; `good` says how many can."""

    def __init__(self, problems: Sequence[RowProblem], good: int) -> None:
        number = f"{len(problems):,} row{'s' if len(problems) > 1 else ''}"
        super().__init__(f"{number} cannot be used. Nothing was imported.", field="file")
        self.problems = problems
        self.good = good


def import_dataset(
    *, membership: Membership, name: str, raw: bytes, source: str = "", partial: bool = False
) -> tuple[Dataset, Sequence[str]]:
    """Store the rows of a file, and return the dataset with what is worth knowing of it.

    Raises `BadRows` where rows are bad, unless it is `partial`: then the good ones are stored; and
    `InvalidRequest` for a file that cannot be read.
    """
    found = read_rows(raw)
    if found.problems and not partial:
        raise BadRows(found.problems, len(found.rows))
    if not found.rows:
        raise (
            BadRows(found.problems, 0)
            if found.problems
            else InvalidRequest("The file has no rows.", field="file")
        )
    left_out = [f"{len(found.problems):,} bad rows were left out."] if found.problems else []
    return _stored(membership, name, source, found.rows), [*left_out, *found.notes]


def dataset_from_ratings(
    *, membership: Membership, name: str, most: int = USUAL_RATED
) -> tuple[Dataset, Sequence[str]]:
    """Make a dataset of the newest questions whose answers members liked: what was liked is the reference.

    A short final answer is taken out of its text. Raises `InvalidRequest` where nobody has liked any.
    """
    asked: set[str] = set()
    rows: list[DatasetRow] = []
    for run in liked_runs(membership).order_by("-created_at", "-id")[:MOST_ROWS].iterator():
        words = same_words(run.prompt)
        if words in asked or max(len(run.prompt), len(run.answer)) > LONGEST_TEXT or len(rows) >= most:
            continue
        asked.add(words)
        final = extract_answer(run.answer, question=run.prompt)
        is_short = final is not None and final.kind is not AnswerKind.TEXT
        rows.append(
            DatasetRow(
                number=len(rows) + 1,
                prompt=run.prompt,
                reference=final.raw if final is not None and is_short else run.answer,
                key=str(run.pk),
            )
        )
    if not rows:
        raise InvalidRequest("Nobody has rated an answer as good yet. Rate some on the pages of their runs.")
    return _stored(membership, name, "rated runs", rows), ()


def liked_runs(membership: Membership) -> QuerySet[Run]:
    """Return the team's runs of strategies that more members rated as good than as bad."""
    ended = Run.objects.visible_to(membership).filter(kind=STRATEGY, status=RunStatus.SUCCEEDED)
    liked: QuerySet[Run] = ended.annotate(liked=Sum("ratings__value")).filter(liked__gt=0)
    return liked.exclude(answer="")


@transaction.atomic
def _stored(membership: Membership, name: str, source: str, rows: Sequence[DatasetRow]) -> Dataset:
    if Dataset.objects.visible_to(membership).filter(removed_at=None).count() >= MOST_DATASETS:
        raise InvalidRequest(f"A team has at most {MOST_DATASETS} datasets. Remove some first.")
    dataset: Dataset = Dataset.objects.create(
        team=membership.team,
        name=name.strip(),
        source=source[:200],
        size=len(rows),
        created_by=membership.user,
    )
    items = [
        DatasetItem(
            dataset=dataset,
            number=number,
            key=row.key,
            prompt=row.prompt,
            reference=row.reference,
            task_type=row.task_type or classify(row.prompt).task.value,
            scorer=row.scorer,
            priority=row.priority,
        )
        for number, row in enumerate(rows, 1)
    ]
    DatasetItem.objects.bulk_create(items, batch_size=BATCH)
    after = {"items": len(rows), "source": dataset.source or "a file"}
    record_change(membership=membership, action=AuditAction.DATASET_ADDED, subject=dataset.name, after=after)
    return dataset


@transaction.atomic
def remove_dataset(*, membership: Membership, dataset: Dataset) -> None:
    """Remove a dataset; one that evaluations have used is only taken out of the lists."""
    found = Dataset.objects.visible_to(membership).select_for_update().get(pk=dataset.pk)
    if found.removed_at is not None:
        return
    if is_used(membership, found):
        found.removed_at = timezone.now()
        found.save(update_fields=["removed_at"])
    else:
        found.delete()
    before = {"items": found.size}
    record_change(
        membership=membership, action=AuditAction.DATASET_REMOVED, subject=found.name, before=before
    )


def is_used(membership: Membership, dataset: Dataset) -> bool:
    """Return whether an evaluation has run on it, or is about to."""
    named = Run.objects.visible_to(membership).filter(kind="evaluation", ref=str(dataset.pk))
    return named.exists() or ItemOutcome.objects.filter(item__dataset=dataset).exists()
