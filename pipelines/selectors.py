"""What is known of a team's pipelines: what a draft says and lacks, published versions, figures of runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from pathlib import Path
from statistics import median
from typing import Literal

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from pydantic import ValidationError

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run, RunStatus
from orchestration.tools.services.registry import team_tools
from pipelines.engine.definition import Pipeline, Problem, pipeline_from, problem_at
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.readings import contained
from pipelines.engine.upgrades import UnsupportedVersion, Upgrade, upgraded
from pipelines.engine.validation import document_problems
from pipelines.models import PublishedVersion, SavedPipeline, Trigger

KIND = "pipeline"
"""The kind of runs of pipelines."""
GALLERY = Path(__file__).parent / "gallery"
KEPT_PARSED, LONGEST_NUMBER = 200, 9
NEWEST_RUNS, SHOWN_RUNS = 100, 10
"""Runs of a pipeline that its figures cover, and those that are shown one by one."""


@cache
def processor_specs() -> Mapping[str, ProcessorSpec]:
    """Return the processors as validation sees them, by name."""
    return {name: processor.spec for name, processor in PROCESSORS.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftReading:
    """What a written definition says, as far as it can be read, and all that is wrong with it.

    `document` is in the newest schema version, `upgrades` are what was changed for that. `position` is the
    character at which the text could not be read.
    """

    document: Json = None
    pipeline: Pipeline | None = None
    upgrades: Sequence[Upgrade] = ()
    problems: Sequence[Problem] = ()
    position: int | None = None


def read_draft(
    text: str, known: Mapping[str, Pipeline], *, name: str = "", syntax: Literal["yaml", "json"] = "yaml"
) -> DraftReading:
    """Read a definition and check it; `known` are the pipelines that it may contain.

    With a `name`, another one in the text is a problem.
    """
    try:
        written = read_document(text, syntax)
    except ExpressionError as error:
        return DraftReading(problems=(problem_at(str(error)),), position=error.position)
    return check_document(written, known, name=name)


def check_document(written: Json, known: Mapping[str, Pipeline], *, name: str = "") -> DraftReading:
    """Check a definition that was read from its text, as `read_draft` does.

    The pipelines of a team bring its tools, too.
    """
    try:
        document, upgrades = upgraded(written)
    except UnsupportedVersion as error:
        return DraftReading(problems=(problem_at(str(error), "schema_version"),))
    pipeline, found = document_problems(document, processor_specs(), known)
    if name and pipeline is not None and pipeline.name != name:
        found = (problem_at(f"This pipeline is called “{name}”; its page can rename it.", "name"), *found)
    if pipeline is not None and isinstance(known, TeamPipelines):
        found = (*found, *_unknown_tools(pipeline, known))
    return DraftReading(document=document, pipeline=pipeline, upgrades=upgrades, problems=found)


def _unknown_tools(pipeline: Pipeline, known: TeamPipelines) -> Iterator[Problem]:
    for stage in pipeline.stages:
        processor = PROCESSORS.get(stage.processor)
        try:
            names = processor.uses(processor.Options.model_validate(stage.options)).tools if processor else ()
        except ValidationError:  # a problem of its own
            continue
        for name in names:
            if name not in known.tools:
                message = f"There is no tool called “{name}”. The page Tools lists those of the team."
                where = {"path": f"stages.{stage.id}.options.name", "field": "options.name"}
                yield Problem(message=message, stage=stage.id, **where)


def version_number(text: str) -> int:
    """Return the number of a version as a person writes it, 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else 0


@lru_cache(maxsize=KEPT_PARSED)
def published_pipeline(version: PublishedVersion) -> Pipeline | None:
    """Return what a version says, which never changes; None where this program cannot read it any more."""
    try:
        return pipeline_from(upgraded(version.document)[0])[0]
    except UnsupportedVersion:
        return None


class TeamPipelines(Mapping[str, Pipeline]):
    """The newest published versions of a team's pipelines by name, each read when it is needed."""

    def __init__(self, membership: Membership) -> None:
        rows = PublishedVersion.objects.filter(pipeline__team_id=membership.team_id)
        shown = rows.select_related("pipeline").only("number", "pipeline__name")
        ordered = shown.order_by("pipeline__name", "number")
        self._versions = {row.pipeline.name: row for row in ordered}
        self._team = membership.team_id

    @cached_property
    def tools(self) -> Collection[str]:
        """The names of the tools that the team's pipelines may call."""
        return team_tools(self._team).keys()

    def __getitem__(self, name: str) -> Pipeline:
        """Return the newest version of a pipeline."""
        found = published_pipeline(self._versions[name])
        if found is None:
            raise KeyError(name)
        return found.model_copy(update={"name": name})

    def __iter__(self) -> Iterator[str]:
        """Yield the names in alphabetical order."""
        return iter(self._versions)

    def __len__(self) -> int:
        """Return how many pipelines are published."""
        return len(self._versions)


def containing(membership: Membership, name: str) -> list[str]:
    """Return the names of the pipelines whose newest version or draft contains one, in order."""
    known = TeamPipelines(membership)
    found = {other for other in known if other != name and _contains(known.get(other), name)}
    drafts = SavedPipeline.objects.visible_to(membership).filter(draft__contains=name).exclude(name=name)
    found |= {row.name for row in drafts if _contains(read_draft(row.draft, {}).pipeline, name)}
    return sorted(found)


def _contains(pipeline: Pipeline | None, name: str) -> bool:
    return pipeline is not None and any(each.value == name for each in contained(pipeline, processor_specs()))


def team_pipelines(membership: Membership) -> QuerySet[SavedPipeline]:
    """Return the team's pipelines by name, with the newest version as `newest` and `published_at`.

    `started_by` counts the triggers that are on.
    """
    versions = PublishedVersion.objects.filter(pipeline=OuterRef("pk")).order_by("-number")
    found: QuerySet[SavedPipeline] = SavedPipeline.objects.visible_to(membership)
    newest, published_at = (Subquery(versions.values(each)[:1]) for each in ("number", "published_at"))
    on = Trigger.objects.filter(pipeline=OuterRef("pk"), is_on=True).order_by().values("pipeline")
    triggers = Coalesce(Subquery(on.annotate(count=Count("pk")).values("count")), 0)
    rows = found.annotate(newest=newest, published_at=published_at, started_by=triggers)
    rows = rows.defer("draft", "sample")
    return rows.select_related("draft_saved_by").order_by("name")


@dataclass(frozen=True, kw_only=True, slots=True)
class GalleryEntry:
    """A pipeline that comes with Orchestra, as it is written."""

    name: str
    title: str
    description: str
    text: str


@cache
def gallery() -> Sequence[GalleryEntry]:
    """Return the pipelines that come with Orchestra, by title."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(GALLERY.glob("*.yaml"))]
    documents = [read_document(text, "yaml") for text in texts]
    entries = [
        GalleryEntry(
            name=each["name"], title=each["title"], description=each.get("description", ""), text=text
        )
        for each, text in zip(documents, texts, strict=True)
    ]
    return sorted(entries, key=lambda entry: entry.title)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFigures:
    """Figures of a pipeline's newest runs that are over; cancelled ones do not count.

    `success` is a fraction, medians are of those that succeeded, in seconds and US dollars; None without
    evidence. `newest` are the last runs of any status, the newest first.
    """

    runs: int = 0
    success: float | None = None
    median_s: float | None = None
    median_usd: Decimal | None = None
    newest: Sequence[Run] = ()


def run_figures(membership: Membership, names: Sequence[str]) -> Mapping[str, RunFigures]:
    """Return the figures of pipelines by name, with two queries, which read no older runs than they show."""
    runs = Run.objects.visible_to(membership).filter(kind=KIND)
    of_one = runs.filter(ref=OuterRef("name")).order_by("-created_at", "-id").values("created_at")
    rows = SavedPipeline.objects.visible_to(membership).filter(name__in=names)
    oldest = dict(rows.values_list("name", Subquery(of_one[NEWEST_RUNS - 1 : NEWEST_RUNS])))
    wanted = Q(ref__in=[name for name, moment in oldest.items() if moment is None])
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
    seconds = [
        (run.finished_at - run.started_at).total_seconds()
        for run in won
        if run.finished_at and run.started_at
    ]
    return RunFigures(
        runs=len(runs),
        success=len(won) / ended if ended else None,
        median_s=median(seconds) if seconds else None,
        median_usd=median(run.cost_usd for run in won) if won else None,
        newest=runs[:SHOWN_RUNS],
    )


def runs_by_version(membership: Membership, name: str) -> Mapping[int | None, Sequence[Run]]:
    """Return the newest runs of a pipeline by the number of the version they used, None for drafts."""
    runs = Run.objects.visible_to(membership).filter(kind=KIND, ref=name).order_by("-created_at", "-id")
    columns = ("status", "caveat", "error_code", "created_at")
    found: dict[int | None, list[Run]] = defaultdict(list)
    for run in runs.annotate(version=F("request__version")).only(*columns)[:NEWEST_RUNS]:
        found[run.version].append(run)
    return found
