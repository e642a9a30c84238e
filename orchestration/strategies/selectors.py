"""What Ask and Methods read: records of strategies, models with their profiles, the newest runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from statistics import fmean, median

from django.db.models import Avg, Prefetch, QuerySet

from orchestra_site.accounts.models import Membership
from orchestration.llm.models import LanguageModel
from orchestration.runs.models import ENDED_BY_THEMSELVES, Rating, Run, RunStatus
from orchestration.runs.selectors.runs import with_line_columns
from orchestration.strategies.engine.quality.agreement import (
    JudgeAgreement,
    RatedAnswer,
    agreement_with_people,
)
from orchestration.strategies.models import JudgedAnswer, RubricVersion, SavedRubric

NEWEST = 500
"""Runs of a strategy that its record covers."""
NEWEST_RATINGS = 1_000
RECENT = 5
"""Runs that Ask shows below its form."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyRecord:
    """Figures of a strategy's newest runs; cancelled ones do not count.

    `success` is a fraction; a run without a usable answer is none. Medians are over runs that succeeded, in
    seconds and US dollars; a figure without evidence is None. `more` says that there are older runs.
    """

    runs: int
    more: bool
    success: float | None
    median_s: float | None
    median_usd: Decimal | None
    quality: float | None
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class EndedRun:
    """The columns of a run that a record is computed from."""

    status: str
    started_at: datetime | None
    finished_at: datetime | None
    cost_usd: Decimal
    quality: float | None


def strategy_records(membership: Membership, strategies: Iterable[str]) -> dict[str, StrategyRecord]:
    """Return each strategy's record over the team's newest 500 runs with it.

    One query for each strategy, and one for the ratings.
    """
    ratings, records = _ratings(membership), {}
    runs = Run.objects.visible_to(membership).filter(kind="strategy", status__in=ENDED_BY_THEMSELVES)
    columns = runs.order_by("-created_at", "-id").values_list(*(column.name for column in fields(EndedRun)))
    for name in strategies:
        ended = [EndedRun(*row) for row in columns.filter(ref=name)[: NEWEST + 1]]
        records[name] = strategy_record(ended[:NEWEST], ratings.get(name, (0, 0)), more=len(ended) > NEWEST)
    return records


def strategy_record(ended: list[EndedRun], ratings: tuple[int, int], *, more: bool = False) -> StrategyRecord:
    """Return the record of runs that have ended."""
    won = [run for run in ended if run.status == RunStatus.SUCCEEDED]
    seconds = [
        (run.finished_at - run.started_at).total_seconds()
        for run in won
        if run.finished_at is not None and run.started_at is not None
    ]
    qualities = [run.quality for run in won if run.quality is not None]
    good, bad = ratings
    return StrategyRecord(
        runs=len(ended),
        more=more,
        success=len(won) / len(ended) if ended else None,
        median_s=median(seconds) if seconds else None,
        median_usd=median(run.cost_usd for run in won) if won else None,
        quality=fmean(qualities) if qualities else None,
        good=good,
        bad=bad,
    )


def _ratings(membership: Membership) -> Mapping[str, tuple[int, int]]:
    """Count good and bad among the team's newest ratings, by strategy."""
    rated = Rating.objects.filter(run__team_id=membership.team_id, run__kind="strategy").order_by("-at")
    counts: dict[str, tuple[int, int]] = {}
    for ref, value in rated.values_list("run__ref", "value")[:NEWEST_RATINGS]:
        good, bad = counts.get(ref, (0, 0))
        counts[ref] = (good + 1, bad) if value > 0 else (good, bad + 1)
    return counts


def models_with_profiles(membership: Membership) -> QuerySet[LanguageModel]:
    """Return the team's usable models by name, with prices and profiles."""
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    found: QuerySet[LanguageModel] = usable.select_related("provider").defer("provider__secret")
    return found.prefetch_related("prices", "profiles").order_by("name")


def recent_runs(membership: Membership) -> list[Run]:
    """Return the team's newest runs with the columns of a line."""
    newest = Run.objects.visible_to(membership).order_by("-created_at", "-id")
    return list(with_line_columns(newest)[:RECENT])


NEWEST_JUDGED = 2_000
"""Rated answers that the agreement of judges is computed from."""
TRYABLE = 25
"""Newest runs that a rubric can be tried out on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeRecord:
    """How far a judge agrees with the team's ratings, by a rubric in some of its versions."""

    judge: str
    rubric: str
    versions: tuple[int, ...]
    agreement: JudgeAgreement


def judge_records(membership: Membership) -> tuple[JudgeRecord, ...]:
    """Return how far each judge agrees with the team's ratings, by rubric, over the newest judged answers.

    A judge whose answers nobody has rated yet is listed, too.
    """
    judged = JudgedAnswer.objects.filter(run__team_id=membership.team_id)
    columns = judged.annotate(mean=Avg("run__ratings__value")).order_by("-run__created_at", "-id")
    groups: dict[tuple[str, str], list[tuple[int, float, float | None]]] = defaultdict(list)
    for judge, rubric, version, score, mean in columns.values_list(
        "judge", "rubric", "version", "score", "mean"
    )[:NEWEST_JUDGED]:
        groups[judge, rubric].append((version, score, mean))
    return tuple(
        JudgeRecord(
            judge=judge,
            rubric=rubric,
            versions=tuple(sorted({version for version, *_ in rows})),
            agreement=agreement_with_people(
                [
                    RatedAnswer(score=score, liked=(mean + 1) / 2)
                    for _, score, mean in rows
                    if mean is not None
                ]
            ),
        )
        for (judge, rubric), rows in sorted(groups.items())
    )


def team_rubrics(membership: Membership) -> QuerySet[SavedRubric]:
    """Return the team's rubrics by name, with their versions and who wrote them."""
    found: QuerySet[SavedRubric] = SavedRubric.objects.visible_to(membership)
    versions = RubricVersion.objects.select_related("author")
    return found.prefetch_related(Prefetch("versions", queryset=versions)).order_by("name")


def rubric_names(membership: Membership) -> list[str]:
    """Return the names of the team's rubrics."""
    return list(SavedRubric.objects.visible_to(membership).values_list("name", flat=True))


def tryable_runs(membership: Membership) -> QuerySet[Run]:
    """Return the team's runs of strategies that have answers, the newest first."""
    found: QuerySet[Run] = Run.objects.visible_to(membership)
    return found.filter(kind="strategy", status=RunStatus.SUCCEEDED).order_by("-created_at", "-id")
