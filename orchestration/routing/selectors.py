"""Rule sets as definitions of the library, and what a plan reads: learned sums, past runs, load."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.db.models import Count, F, QuerySet

from orchestra_site.accounts.models import Membership
from orchestration.expressions.changes import Change, Labels, differences, moves
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.fields import NAME
from orchestration.library.kinds import ContainedDefinition, DefinitionKind, DefinitionReading
from orchestration.library.selectors import published_versions
from orchestration.llm.engine.errors import CircuitOpen, InvalidRequest, ModelTimeout, RateLimited
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.routing.engine.drift import Observed, drifts
from orchestration.routing.engine.learning import MOST_CELLS, RouterState
from orchestration.routing.engine.optimising import PastRun
from orchestration.routing.engine.rules import RoutingRules, read_rules
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.runs.kinds import get_kind, kind_titles
from orchestration.runs.models import ENDED_BY_THEMSELVES, Call, CallStatus, Run

KIND = "auto"
"""The kind of runs that choose their method, and of the rule sets that they go by."""
USUAL_RULES = "auto"
"""The rule set that goes without saying."""
RulesReading = DefinitionReading[RoutingRules, DocumentFault]
NEWEST_RATED = 1_000
"""Rated answers in which it is looked for methods that got worse."""
MOST_HISTORY = 500
"""Runs that optimisation rules look at, of all methods together."""
REFUSALS = frozenset({RateLimited("").code, ModelTimeout("").code, CircuitOpen("", retry_in_s=0.0).code})
"""Codes of calls that end because a model has too much to do."""
LABELS: Labels = {"methods": ("may no longer be chosen by itself", "may be chosen by itself")}
DAY = timedelta(days=1)
LISTS = ("rules", "optimisations")
PastCallRow = tuple[str, int, str]
"""The model of a call, the number of the attempt, the code of the error."""


class RuleSets(DefinitionKind[RoutingRules]):
    """Rule sets as saved definitions."""

    name = KIND
    noun = "rule set"
    plural = "rule sets"
    namespace = "routing"
    page = "routing:rules"
    fresh: ClassVar = {"dial": 0.5, "rules": []}
    gallery_folder = Path(__file__).parent / "gallery"

    def check(self, written: Json, known: Mapping[str, RoutingRules], *, name: str = "") -> RulesReading:  # noqa: ARG002  # none contains another
        """Check a rule set; whether its methods are there is checked when a request comes."""
        rules, found = read_rules(written)
        if name and rules is not None and rules.name != name:
            message = f"This rule set is called “{rules.name}”; here it is “{name}”."
            found = (DocumentFault("name", message), *found)
        return DefinitionReading(document=written, definition=rules, problems=found)

    def stored(self, document: Json) -> RoutingRules | None:
        """Return a stored rule set, None for one that cannot be read any more."""
        return read_rules(document)[0]

    def changes(self, old: RoutingRules, new: RoutingRules) -> Sequence[Change]:
        """Return what differs, the set's own fields first."""
        blank = dict.fromkeys(LISTS)
        one, other = ({**each.model_dump(mode="json"), **blank} for each in (old, new))
        found = [
            Change(path=each.path, message=f"Rule set: {each.message}")
            for each in differences(one, other, LABELS)
        ]
        for name in LISTS:
            before, after = ({each.id: each for each in getattr(rules, name)} for rules in (old, new))
            what = "Rule" if name == "rules" else "Optimisation"
            for id, message in moves(list(before), list(after), what):
                found.append(Change(path=f"{name}.{id}", message=message))
            for id in (each for each in after if each in before):
                pair = (before[id].model_dump(mode="json"), after[id].model_dump(mode="json"))
                for each in differences(*pair, LABELS):
                    message = f"{what} {id}: {each.message}"
                    found.append(Change(path=f"{name}.{id}.{each.path}", message=message))
        return found

    def contained(self, definition: RoutingRules) -> Iterable[ContainedDefinition]:
        """Return the pipelines and line-ups that rules name."""
        refs = [target.method for rule in definition.rules for target in rule.use] + list(definition.methods)
        pairs = (ref.partition("/") for ref in dict.fromkeys(refs))
        return [
            ContainedDefinition(kind=kind, name=name)
            for kind, _, name in pairs
            if kind not in {"model", "strategy"}
        ]

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what asks a question, a text or under `text`, by the newest version."""
        text = value.get("text") if isinstance(value, dict) else value
        return {"ref": name, "text": text}


RULES = RuleSets()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenRules:
    """A rule set that is in force, and the number of its version, None for one that comes with Orchestra."""

    rules: RoutingRules
    version: int | None


def rules_in_force(membership: Membership, name: str = USUAL_RULES) -> ChosenRules:
    """Return the newest version of a rule set, else the one of the gallery. Raises `InvalidRequest`."""
    if not NAME.fullmatch(name):
        raise InvalidRequest("The name of a rule set has small letters, digits, - and _.", field="ref")
    newest = published_versions(membership, KIND).filter(definition__name=name).order_by("-number").first()
    rules = RULES.published(newest)
    if rules is not None and newest is not None:
        return ChosenRules(rules=rules, version=newest.number)
    if newest is not None or name not in RULES.gallery:
        raise InvalidRequest(f"There is no published rule set “{name[:40]}” in this team.", field="ref")
    found = RULES.stored(RULES.gallery[name].document)
    if found is None:
        raise InvalidRequest(f"The rule set “{name}” cannot be read.", field="ref")
    return ChosenRules(rules=found, version=None)


def router_state(membership: Membership) -> RouterState:
    """Return what the team's router has learned, the newest rows of each method and level."""
    rows = RouterCell.objects.visible_to(membership).order_by("-id")[:MOST_CELLS]
    return RouterState(cells={row.cell: row.sums for row in rows})


def usable_names(membership: Membership) -> Sequence[str]:
    """Return the names of the models that the team can ask, with one query."""
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    return list(usable.order_by("name").values_list("name", flat=True))


def method_titles(membership: Membership, models: Sequence[str]) -> Mapping[str, str]:
    """Return the titles of what can be named as a method, by reference, with one query."""
    found = {
        f"{kind}/{ref}": f"{get_kind(kind).title}: {title}"
        for kind, titles in kind_titles(membership).items()
        if kind != KIND
        for ref, title in titles.items()
    }
    return found | {f"model/{name}": f"Model: {name}" for name in models}


def model_load(membership: Membership) -> Mapping[str, float]:
    """Return the share of its allowed calls at the same time that each model has now, 0 for the others."""
    running = Call.objects.filter(run__team_id=membership.team_id, status=CallStatus.RUNNING).order_by()
    counts = dict(running.values_list("model").annotate(count=Count("pk")))
    if not counts:
        return {}
    most = LanguageModel.objects.visible_to(membership).filter(name__in=counts)
    return {name: counts[name] / allowed for name, allowed in most.values_list("name", "max_concurrency")}


def with_methods(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return runs with what `planned_method` reads of their requests, and without these."""
    found = runs.annotate(planned=F("request__plan__method"), asked=F("request__models"))
    return found.defer("request", "panel", "outcome", "output", "answer", "error")


def planned_method(run: Any) -> str:  # noqa: ANN401  # a run of `with_methods`
    """Return the method that a run of any kind is of, as a reference."""
    if run.kind == KIND:
        return str(run.planned or "")
    models: Sequence[str] = run.asked or ()
    if run.kind == "strategy" and run.ref == "sequential" and len(models) == 1:
        return f"model/{models[0]}"
    return f"{run.kind}/{run.ref}"


def past_runs(membership: Membership, now: datetime, minutes: int) -> list[PastRun]:
    """Return how the team's newest runs of so many minutes went, of all kinds, the newest first."""
    runs = Run.objects.visible_to(membership).filter(status__in=ENDED_BY_THEMSELVES)
    runs = runs.filter(created_at__gte=now - timedelta(minutes=minutes), started_at__isnull=False)
    newest = list(with_methods(runs).order_by("-created_at", "-id")[:MOST_HISTORY])
    calls = calls_by_run(newest)
    return [past_run_of(run, now, calls.get(run.pk, ())) for run in newest]


def calls_by_run(runs: Sequence[Run]) -> Mapping[Any, Sequence[PastCallRow]]:
    """Return the calls of runs, by the id of the run."""
    found: dict[Any, list[PastCallRow]] = defaultdict(list)
    rows = Call.objects.filter(run__in=[run.pk for run in runs]).order_by()
    for run_id, model, attempt, code in rows.values_list("run_id", "model", "attempt", "error_code"):
        found[run_id].append((model, attempt, code))
    return found


def past_run_of(run: Run, now: datetime, calls: Sequence[PastCallRow]) -> PastRun:
    """Return how a run went."""
    return PastRun(
        method=planned_method(run),
        age_s=(now - run.created_at).total_seconds(),
        seconds=run.working_seconds(now) or 0.0,
        quality=run.quality,
        cost_usd=float(run.cost_usd),
        calls=len(calls),
        repeated=sum(attempt > 1 for _, attempt, _ in calls),
        asked=Counter(model for model, *_ in calls),
        refused=Counter(model for model, _, code in calls if code in REFUSALS),
    )


def spent_exploring(membership: Membership, now: datetime) -> float:
    """Return the US dollars that exploring was expected to cost more in the runs of the last day."""
    runs = Run.objects.visible_to(membership).filter(kind=KIND, created_at__gte=now - DAY)
    extra = runs.filter(request__plan__explored=True).values_list("request__plan__extra_usd", flat=True)
    return float(sum(float(each or 0.0) for each in extra))


def drifted_methods(membership: Membership) -> Mapping[str, tuple[datetime, float]]:
    """Return the methods whose rated answers got worse than was expected: since when, and by how much."""
    rated = RoutedAnswer.objects.filter(run__team_id=membership.team_id, rated__gt=0).order_by(
        "-run__created_at", "-pk"
    )
    columns = ("ref", "liked", "rated", "run__created_at", "run__request__plan__considered")
    rows = list(rated.values_list(*columns)[:NEWEST_RATED])[::-1]
    seen = [
        (at, Observed(ref=ref, expected=each["quality"], quality=liked / weight))
        for ref, liked, weight, at, considered in rows
        for each in considered
        if each["ref"] == ref
    ]
    found = drifts(observed for _, observed in seen)
    return {each.ref: (seen[each.since][0], each.shortfall) for each in found}


def auto_runs(membership: Membership, most: int) -> list[Run]:
    """Return the team's newest runs that chose their method and are over."""
    runs = Run.objects.visible_to(membership).filter(kind=KIND, status__in=ENDED_BY_THEMSELVES)
    found = runs.annotate(planned=F("request__plan__method"), asked=F("request__models"))
    return list(found.defer("panel", "outcome", "output", "answer").order_by("-created_at", "-id")[:most])
