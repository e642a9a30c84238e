"""What Ask and Methods read: records, models with their profiles, the newest runs; presets as definitions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import fmean
from typing import ClassVar, NamedTuple

from django.db.models import Avg, Prefetch, QuerySet
from pydantic import ValidationError

from orchestra_site.accounts.models import Membership
from orchestration.expressions.changes import Change, Labels, differences
from orchestration.expressions.errors import DocumentFault
from orchestration.library.kinds import DefinitionKind, DefinitionReading
from orchestration.library.selectors import typical
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.runs.models import ENDED_BY_THEMSELVES, Rating, Run, RunStatus
from orchestration.runs.selectors.runs import with_line_columns
from orchestration.strategies.engine.preset import PresetDefinition, read_preset
from orchestration.strategies.engine.quality.agreement import JudgeAgreement, agreement_with_people
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import listed
from orchestration.strategies.models import JudgedAnswer, RubricVersion, SavedRubric

PresetReading = DefinitionReading[PresetDefinition, DocumentFault]
NEWEST = 500
"""Runs of a strategy that its record covers."""
NEWEST_RATINGS = 1_000
PRESET = "preset"
"""The kind of presets, and of the runs that are started with them."""
LABELS: Labels = {
    name: field.title for name, field in PresetDefinition.model_fields.items() if field.title is not None
}
RECENT = 5
"""Runs that Ask shows below its form."""
NEWEST_JUDGED = 2_000
"""Rated answers that the agreement of judges is computed from."""
TRYABLE = 25
"""Newest runs that a rubric can be tried out on."""


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


class EndedRun(NamedTuple):
    """The columns of a run that a record is computed from."""

    status: str
    started_at: datetime | None
    finished_at: datetime | None
    cost_usd: Decimal
    quality: float | None


def strategy_records(membership: Membership, strategies: Iterable[str]) -> dict[str, StrategyRecord]:
    """Return each strategy's record over its newest 500 runs: a query for each, and one for the ratings."""
    votes, records = _votes(membership, "strategy", "run__ref"), {}
    runs = Run.objects.visible_to(membership).filter(kind="strategy", status__in=ENDED_BY_THEMSELVES)
    columns = runs.order_by("-created_at", "-id").values_list(*EndedRun._fields)
    for name in strategies:
        ended = [EndedRun(*row) for row in columns.filter(ref=name)[: NEWEST + 1]]
        ratings = votes[name, True], votes[name, False]
        records[name] = strategy_record(ended[:NEWEST], ratings, more=len(ended) > NEWEST)
    return records


def strategy_record(ended: list[EndedRun], ratings: tuple[int, int], *, more: bool = False) -> StrategyRecord:
    """Return the record of runs that have ended."""
    won = [run for run in ended if run.status == RunStatus.SUCCEEDED]
    median_s, median_usd = typical((run.started_at, run.finished_at, run.cost_usd) for run in won)
    qualities = [run.quality for run in won if run.quality is not None]
    good, bad = ratings
    return StrategyRecord(
        runs=len(ended),
        more=more,
        success=len(won) / len(ended) if ended else None,
        median_s=median_s,
        median_usd=median_usd,
        quality=fmean(qualities) if qualities else None,
        good=good,
        bad=bad,
    )


def _votes(membership: Membership, kind: str, *columns: str) -> Counter[tuple[Json, ...]]:
    """Count the team's newest ratings of runs of a kind, by these columns and whether they are good."""
    rated = Rating.objects.filter(run__team_id=membership.team_id, run__kind=kind).order_by("-at")
    rows = rated.values_list(*columns, "value")[:NEWEST_RATINGS]
    return Counter((*key, value > 0) for *key, value in rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class PresetRecord:
    """The record of a preset over all versions, and of each by number, newest first, drafts last as None."""

    whole: StrategyRecord
    versions: Mapping[int | None, StrategyRecord]


def preset_records(membership: Membership) -> Mapping[str, PresetRecord]:
    """Return the records of presets by name, over the newest 500 ended runs: a query, one for ratings."""
    mine = Run.objects.visible_to(membership).filter(kind=PRESET)
    columns = ("ref", "request__version", *EndedRun._fields)
    ended = mine.filter(status__in=ENDED_BY_THEMSELVES).order_by("-created_at", "-id")
    runs: dict[str, dict[int | None, list[EndedRun]]] = defaultdict(lambda: defaultdict(list))
    for ref, version, *rest in ended.values_list(*columns)[:NEWEST]:
        runs[ref][version].append(EndedRun(*rest))
    votes = _votes(membership, PRESET, "run__ref", "run__request__version")
    return {ref: _preset_record(ref, versions, votes) for ref, versions in runs.items()}


def _preset_record(
    ref: str, versions: Mapping[int | None, list[EndedRun]], votes: Mapping[tuple[Json, ...], int]
) -> PresetRecord:
    rated = {each: (votes[ref, each, True], votes[ref, each, False]) for each in versions}
    whole = [run for runs in versions.values() for run in runs]
    ratings = (sum(good for good, _ in rated.values()), sum(bad for _, bad in rated.values()))
    newest_first = sorted(versions, key=lambda each: -(each or 0))
    return PresetRecord(
        whole=strategy_record(whole, ratings),
        versions={each: strategy_record(versions[each], rated[each]) for each in newest_first},
    )


def strategy_name(run: Run) -> str:
    """Return the name of the strategy of a run, also of one that was started with a preset."""
    return str(run.request.get("strategy") or run.ref)


def models_with_profiles(membership: Membership) -> QuerySet[LanguageModel]:
    """Return the team's usable models by name, with prices and profiles."""
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    found: QuerySet[LanguageModel] = usable.select_related("provider").defer("provider__secret")
    return found.prefetch_related("prices", "profiles").order_by("name")


def recent_runs(membership: Membership) -> list[Run]:
    """Return the team's newest runs with the columns of a line."""
    newest = Run.objects.visible_to(membership).order_by("-created_at", "-id")
    return list(with_line_columns(newest)[:RECENT])


class Presets(DefinitionKind[PresetDefinition]):
    """Presets as saved definitions."""

    name = PRESET
    noun = "preset"
    plural = "presets"
    namespace = "strategies:presets"
    page = "strategies:presets:preset"
    fresh: ClassVar = {"strategy": "voting", "models": [], "options": {}}

    def check(self, written: Json, known: Mapping[str, PresetDefinition], *, name: str = "") -> PresetReading:  # noqa: ARG002  # none contains another
        """Check a preset; whether its models are there is checked when a run starts."""
        preset, found = read_preset(written)
        if name and preset is not None and preset.name != name:
            message = f"This preset is called “{name}”; its page can rename it."
            found = (DocumentFault("name", message), *found)
        return DefinitionReading(document=written, definition=preset, problems=found)

    def stored(self, document: Json) -> PresetDefinition | None:
        """Return a stored preset, None for one that cannot be read any more."""
        try:
            return PresetDefinition.model_validate(document)
        except ValidationError:
            return None

    def changes(self, old: PresetDefinition, new: PresetDefinition) -> Sequence[Change]:
        """Return what differs."""
        one, other = map(_in_words, (old, new))
        return list(differences(one, other, LABELS))

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what starts a run of the newest version, about a question as text or under `text`."""
        text = value.get("text") if isinstance(value, dict) else value
        return {"ref": name, "version": "latest", "text": text}


def _in_words(preset: PresetDefinition) -> dict[str, Json]:
    """Return the fields of a preset as people compare them: a panel that is reordered differs, too."""
    strategy = all_strategies().get(preset.strategy)
    return {
        **preset.model_dump(mode="json"),
        "strategy": strategy.title if strategy is not None else preset.strategy,
        "models": listed(preset.models),
        "tools": listed(preset.tools),
    }


PRESETS = Presets()


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeRecord:
    """How far a judge agrees with the team's ratings, by a rubric in some of its versions."""

    judge: str
    rubric: str
    versions: tuple[int, ...]
    agreement: JudgeAgreement


def judge_records(membership: Membership) -> tuple[JudgeRecord, ...]:
    """Return each judge's agreement with the newest ratings, by rubric, also where there are none yet."""
    judged = JudgedAnswer.objects.filter(run__team_id=membership.team_id)
    columns = judged.annotate(mean=Avg("run__ratings__value")).order_by("-run__created_at", "-id")
    rows = columns.values_list("judge", "rubric", "version", "score", "mean")
    versions: dict[tuple[str, str], set[int]] = defaultdict(set)
    rated: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for judge, rubric, version, score, mean in rows[:NEWEST_JUDGED]:
        versions[judge, rubric].add(version)
        if mean is not None:
            rated[judge, rubric].append((score, (mean + 1) / 2))
    return tuple(
        JudgeRecord(
            judge=judge,
            rubric=rubric,
            versions=tuple(sorted(numbers)),
            agreement=agreement_with_people(rated[judge, rubric]),
        )
        for (judge, rubric), numbers in sorted(versions.items())
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
