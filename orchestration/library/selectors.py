"""What is known of a team's definitions: the newest versions, and figures of their runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from orchestra_site.accounts.models import Membership
from orchestration.library.models import PublishedVersion, SavedDefinition, Trigger
from orchestration.llm.engine.types import Json
from orchestration.runs.kinds import SavedTitles
from orchestration.runs.models import Run, RunStatus

LONGEST_NUMBER = 9
NEWEST_RUNS, SHOWN_RUNS = 100, 10
"""Runs of a definition that its figures cover, and those that are shown one by one."""


def version_number(text: str) -> int:
    """Return the number of a version as a person writes it, 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else 0


def saved_definitions(membership: Membership, kind: str) -> QuerySet[SavedDefinition]:
    """Return the team's definitions of a kind."""
    found: QuerySet[SavedDefinition] = SavedDefinition.objects.visible_to(membership).filter(kind=kind)
    return found


def saved_titles(membership: Membership, kind: str) -> SavedTitles:
    """Return the names and titles of the team's definitions of a kind."""
    return saved_definitions(membership, kind).values_list("name", "title")


def published_versions(membership: Membership, kind: str) -> QuerySet[PublishedVersion]:
    """Return all versions of the team's definitions of a kind, the oldest first."""
    rows = PublishedVersion.objects.filter(definition__team_id=membership.team_id, definition__kind=kind)
    return rows.order_by("definition__name", "number")


def listed_definitions(membership: Membership, kind: str) -> QuerySet[SavedDefinition]:
    """Return the team's definitions by name, with the newest version as `newest` and `published_at`.

    `started_by` counts the triggers that are on.
    """
    versions = PublishedVersion.objects.filter(definition=OuterRef("pk")).order_by("-number")
    newest, published_at = (Subquery(versions.values(each)[:1]) for each in ("number", "published_at"))
    on = Trigger.objects.filter(definition=OuterRef("pk"), is_on=True).order_by().values("definition")
    triggers = Coalesce(Subquery(on.annotate(count=Count("pk")).values("count")), 0)
    rows = saved_definitions(membership, kind)
    rows = rows.annotate(newest=newest, published_at=published_at, started_by=triggers)
    return rows.defer("draft", "sample").select_related("draft_saved_by").order_by("name")


def newest_documents(membership: Membership, kind: str) -> Mapping[str, Json]:
    """Return the newest version of each of the team's definitions by name, None where none is published."""
    versions = PublishedVersion.objects.filter(definition=OuterRef("pk")).order_by("-number")
    rows = saved_definitions(membership, kind).annotate(document=Subquery(versions.values("document")[:1]))
    return dict(rows.values_list("name", "document"))


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFigures:
    """Figures of a definition's newest runs that are over; cancelled ones do not count.

    `success` is a fraction, medians are of those that succeeded, in seconds and US dollars; None without
    evidence. `newest` are the last runs of any status, the newest first.
    """

    runs: int = 0
    success: float | None = None
    median_s: float | None = None
    median_usd: Decimal | None = None
    newest: Sequence[Run] = ()


def run_figures(membership: Membership, kind: str, names: Sequence[str]) -> Mapping[str, RunFigures]:
    """Return the figures of definitions by name, with two queries that read no older runs than they show."""
    runs = Run.objects.visible_to(membership).filter(kind=kind)
    of_one = runs.filter(ref=OuterRef("name")).order_by("-created_at", "-id").values("created_at")
    rows = saved_definitions(membership, kind).filter(name__in=names)
    oldest = dict(rows.values_list("name", Subquery(of_one[NEWEST_RUNS - 1 : NEWEST_RUNS])))
    wanted = Q(ref__in=[name for name, moment in oldest.items() if moment is None])
    for name in (each for each in names if each not in oldest):  # the few of the gallery that are not saved
        newest = runs.filter(ref=name).order_by("-created_at", "-id").values("pk")[:NEWEST_RUNS]
        wanted |= Q(pk__in=Subquery(newest))
    for name, moment in oldest.items():
        wanted |= Q(ref=name, created_at__gte=moment) if moment is not None else Q()
    columns = ("status", "caveat", "error_code", "ref", "cost_usd", "created_at", "started_at", "finished_at")
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs.filter(wanted).only(*columns).order_by("-created_at", "-id"):
        found[run.ref].append(run)
    return {name: _figures(found.get(name, [])[:NEWEST_RUNS]) for name in names}


def _figures(runs: Sequence[Run]) -> RunFigures:
    """Return the figures of runs, the newest first."""
    won = [run for run in runs if run.status == RunStatus.SUCCEEDED]
    ended = len(won) + sum(run.status == RunStatus.FAILED for run in runs)
    median_s, median_usd = typical((run.started_at, run.finished_at, run.cost_usd) for run in won)
    return RunFigures(
        runs=len(runs),
        success=len(won) / ended if ended else None,
        median_s=median_s,
        median_usd=median_usd,
        newest=runs[:SHOWN_RUNS],
    )


def typical(
    runs: Iterable[tuple[datetime | None, datetime | None, Decimal]],
) -> tuple[float | None, Decimal | None]:
    """Return the median seconds and US dollars of runs by when they started and ended, and what they cost."""
    known = list(runs)
    seconds = [
        (end - start).total_seconds() for start, end, _ in known if start is not None and end is not None
    ]
    return median(seconds) if seconds else None, median(cost for *_, cost in known) if known else None


def runs_by_version(membership: Membership, row: SavedDefinition) -> Mapping[int | None, Sequence[Run]]:
    """Return the newest runs of a definition by the number of the version they used, None for drafts."""
    runs = Run.objects.visible_to(membership).filter(kind=row.kind, ref=row.name)
    columns = ("status", "caveat", "error_code", "created_at")
    found: dict[int | None, list[Run]] = defaultdict(list)
    newest = runs.annotate(version=F("request__version")).only(*columns).order_by("-created_at", "-id")
    for run in newest[:NEWEST_RUNS]:
        found[run.version].append(run)
    return found
