"""What ended runs and ratings teach a team's router: increments of its rows, which many workers may add."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import reduce
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestra_site.web.alphabets import storable_text
from orchestration.llm.engine.types import FinishReason, Json, Usage
from orchestration.llm.services.panel import thaw
from orchestration.routing.engine.arms import (
    WEIGHTS,
    Result,
    ResultSource,
    RouterContext,
)
from orchestration.routing.engine.beside import cascade_beside
from orchestration.routing.engine.executing import attempt_step
from orchestration.routing.engine.learning import KEPT, Cell, Increment, Sums, increments, levels
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.routing.services.methods import CASCADE, LEAST_PANEL, cascade_options
from orchestration.runs.engine.types import StepStatus
from orchestration.runs.models import Call, Rating, Run, RunStatus, Step
from orchestration.strategies.engine.asking import ask_step, read_candidate
from orchestration.strategies.engine.belief.reading import answer_groups
from orchestration.strategies.engine.cascade import CascadeOptions
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.strategy import answers_always_asked
from orchestration.strategies.engine.types import Candidate, Request
from orchestration.strategies.services.profiles import stored_belief, stored_profiles

FAILED_WEIGHT = 0.5
"""What a failure counts, as a graded answer of no quality: it may be the provider's, not the method's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What one attempt of a run teaches of its method."""

    ref: str
    result: Result


def learn_from_runs(runs: Sequence[Run]) -> None:
    """Add ended runs; call it in the transaction that marks them as learned."""
    planned = [run for run in runs if "plan" in run.request and not run.request.get("reused")]
    ended, costs = _attempts(planned), _costs(planned)
    ratings: dict[UUID, list[int]] = defaultdict(list)
    for run_id, value in Rating.objects.filter(run__in=planned).values_list("run_id", "value"):
        ratings[run_id].append(value)
    for run in planned:
        context = stored_context(run)
        for lesson in _lessons(run, ended, costs):
            _add(run.team_id, increments(context, lesson.ref, lesson.result))
        answered = (run.outcome or {}).get("method")
        if run.status == RunStatus.SUCCEEDED and answered:
            row = RoutedAnswer.objects.create(
                run=run,
                ref=answered,
                kind=context.kind,
                task=context.task,
                length=context.length,
                difficulty=context.difficulty,
            )
            _rate(row, run, ratings[run.pk])


def learn_ratings(run: Run) -> None:
    """Count the ratings of a run as they are now; those of one that is not learned from yet come with it."""
    row = RoutedAnswer.objects.filter(run=run).first()
    if row is not None:
        _rate(row, run, list(Rating.objects.filter(run=run).values_list("value", flat=True)))


def _rate(row: RoutedAnswer, run: Run, values: Sequence[int]) -> None:
    """Add what is new in the ratings of an answer to the rows of its method, and of those beside it.

    What gave the same answer is as right. Where the answer was liked, what gave another one was wrong; where
    it was not, nothing is known of that.
    """
    weight = WEIGHTS[ResultSource.RATING]
    rated, liked = weight * len(values), weight * sum(value > 0 for value in values)
    change = Sums(judged=rated - row.rated, quality=liked - row.liked)
    if change == Sums():
        return
    changes = {row.ref: change}
    for ref, is_same in _rated_beside(run):
        changes[ref] = change if is_same else Sums(judged=liked - row.liked)
    blank = Result(quality=0.0, cost_usd=0.0, seconds=0.0, weight=0.0)
    for ref, added in changes.items():
        rows = increments(row.context, ref, blank)
        _add(run.team_id, (replace(each, added=added, kept=1.0) for each in rows))
    row.rated, row.liked = rated, liked
    row.save(update_fields=["rated", "liked"])


def _rated_beside(run: Run) -> Iterator[tuple[str, bool]]:
    """Yield the methods that a run's answer shows something of, and whether they gave the same answer.

    They are the models that its method asked in any case, and a cascade over all of them.
    """
    attempt, outcome = run.request["plan"]["chain"][0], run.outcome or {}
    if outcome.get("method") != attempt["ref"]:
        return
    answers = _first_answers(attempt, outcome)
    groups = answer_groups(read_candidate(_candidate(each), run.request["text"]) for each in answers.values())
    steps = [each["step"] for each in answers.values()]
    chosen = next((each for each in groups if outcome.get("chosen") in {steps[at] for at in each}), ())
    if not chosen or len(answers) < LEAST_PANEL:
        return
    names = list(answers)
    yield from ((f"model/{names[at]}", group == chosen) for group in groups for at in group)
    beside = _cascade_beside(run, attempt, answers)
    if beside is not None:
        yield f"strategy/{CASCADE}", names.index(attempt["models"][beside[0]]) in chosen


def learn_from_graded(team: UUID, graded: Iterable[tuple[RouterContext, str, Sums]]) -> None:
    """Add graded results of methods, each with the context of its question; call it in a transaction."""
    added: dict[Cell, list[Sums]] = defaultdict(list)
    for context, ref, sums in graded:
        for level in levels(context):
            added[Cell(ref=ref, level=level)].append(sums)
    _add(
        team,
        (
            Increment(cell=cell, added=reduce(Sums.plus, parts), kept=KEPT ** len(parts))
            for cell, parts in added.items()
        ),
    )


def stored_context(run: Run) -> RouterContext:
    """Return the context in which a run's method was chosen."""
    found = run.request["plan"]["analysis"]
    return RouterContext(
        kind=found["kind"],
        task=TaskType(found["task"]),
        length=found["length"],
        difficulty=found["difficulty"],
    )


def _attempts(runs: Sequence[Run]) -> Mapping[tuple[UUID, str], Step]:
    """Return the ended attempts by run and step."""
    keys = {attempt_step(number) for run in runs for number in range(len(run.request["plan"]["chain"]))}
    found = Step.objects.filter(run__in=runs, key__in=keys, kind="child")
    return {(step.run_id, step.key): step for step in found}


def _costs(runs: Sequence[Run]) -> Mapping[tuple[UUID, str], Decimal]:
    """Return what the calls of each attempt cost, in US dollars."""
    found: dict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    calls = Call.objects.filter(run__in=runs, cost_usd__isnull=False, step__startswith="method/").order_by()
    for run_id, step, cost in calls.values_list("run_id", "step", "cost_usd"):
        found[run_id, "/".join(step.split("/")[:2])] += cost or Decimal(0)
    return found


def _lessons(
    run: Run, ended: Mapping[tuple[UUID, str], Step], costs: Mapping[tuple[UUID, str], Decimal]
) -> Iterable[Lesson]:
    """Yield what the attempts teach of their methods, and the first one of its models, too.

    One that follows another teaches no quality: it sees those questions alone with which the first failed.
    """
    for number, attempt in enumerate(run.request["plan"]["chain"]):
        step = ended.get((run.pk, attempt_step(number)))
        if step is None or step.status == StepStatus.CANCELLED:
            continue
        quality = (step.result or {}).get("score") if step.status == StepStatus.DONE else 0.0
        weight = FAILED_WEIGHT if step.status == StepStatus.FAILED else WEIGHTS[ResultSource.POSTERIOR]
        result = Result(
            quality=min(max(quality or 0.0, 0.0), 1.0),
            cost_usd=float(costs.get((run.pk, step.key), 0)),
            seconds=max(0.0, step.seconds),
            weight=weight if quality is not None and not number else 0.0,
        )
        yield Lesson(ref=attempt["ref"], result=result)
        if not number and step.status == StepStatus.DONE:
            outcome = (step.result or {}).get("data") or {}
            yield from _lessons_of_models(attempt, outcome)
            beside = _cascade_beside(run, attempt, _first_answers(attempt, outcome))
            if beside is not None:
                yield Lesson(ref=f"strategy/{CASCADE}", result=beside[1])


def _lessons_of_models(attempt: Mapping[str, Json], outcome: Mapping[str, Json]) -> Iterable[Lesson]:
    """Yield what the answers of several models teach of each by itself, by what the run believed of them."""
    for each in _asked_in_any_case(attempt, outcome):
        quality = each["quality"] or {}
        if quality.get("judged"):
            result = Result(
                quality=quality["overall"],
                cost_usd=float(each["cost_usd"] or 0),
                seconds=each["latency_s"] or 0.0,
                weight=WEIGHTS[ResultSource.POSTERIOR],
            )
            yield Lesson(ref=f"model/{each['model']}", result=result)


def _asked_in_any_case(
    attempt: Mapping[str, Json], outcome: Mapping[str, Json]
) -> Sequence[Mapping[str, Json]]:
    """Return the answers of a strategy whose models were asked whatever others answered."""
    kind, _, name = attempt["ref"].partition("/")
    if kind != "strategy":
        return ()
    asked = answers_always_asked(name, attempt["options"], len(attempt["models"]))
    return list(outcome.get("candidates", ()))[:asked]


def _first_answers(
    attempt: Mapping[str, Json], outcome: Mapping[str, Json]
) -> Mapping[str, Mapping[str, Json]]:
    """Return the first usable answer of each of these models, by its name."""
    return {
        each["model"]: each
        for each in _asked_in_any_case(attempt, outcome)
        if each["step"] == ask_step(each["model"]) and (each["quality"] or {}).get("usable")
    }


def _cascade_beside(
    run: Run, attempt: Mapping[str, Json], answers: Mapping[str, Mapping[str, Json]]
) -> tuple[int, Result] | None:
    """Return what the answers of a whole panel, each given by itself, show of a cascade over it."""
    entries, names = {entry["spec"]["name"]: entry for entry in run.panel}, attempt["models"]
    is_cascade = attempt["ref"] == f"strategy/{CASCADE}"
    if (
        is_cascade
        or len(names) < LEAST_PANEL
        or not all(each in answers and each in entries for each in names)
    ):
        return None
    panel = [entries[each] for each in names]
    return cascade_beside(
        Request(text=run.request["text"], system=run.request["system"]),
        [_candidate(answers[each]) for each in names],
        [thaw(entry).spec for entry in panel],
        {each: stored_profiles(entries[each]) for each in names},
        stored_belief(panel),
        CascadeOptions(**cascade_options(run.request["plan"]["dial"])),
    )


def _candidate(stored: Mapping[str, Json]) -> Candidate:
    """Return an answer as an outcome stores it, without its quality."""
    cost, finish = stored["cost_usd"], stored["finish"]
    return Candidate(
        model=stored["model"],
        step=stored["step"],
        text=stored["text"],
        latency_s=stored["latency_s"],
        cost_usd=None if cost is None else Decimal(cost),
        usage=Usage(**stored["usage"]),
        finish=None if finish is None else FinishReason(finish),
    )


def _add(team: Any, changes: Iterable[Increment]) -> None:  # noqa: ANN401  # the id of a team
    """Add increments to a team's rows, each with one update that no other can come between."""
    wanted = sorted(changes, key=lambda change: (change.cell.ref, change.cell.level))
    blank = [RouterCell(team_id=team, ref=each.cell.ref, level=each.cell.level) for each in wanted]
    RouterCell.objects.bulk_create(blank, ignore_conflicts=True)
    for each in wanted:
        rows = RouterCell.objects.filter(team_id=team, ref=each.cell.ref, level=each.cell.level)
        rows.update(
            **{
                name: F(name) * each.kept + getattr(each.added, name)
                for name in (field.name for field in fields(Sums))
            }
        )


@transaction.atomic
def reset_router(*, membership: Membership, ref: str = "") -> int:
    """Forget what was learned of a method, or of all; return of how many rows. It is audited."""
    rows = RouterCell.objects.visible_to(membership)
    if ref:
        rows = rows.filter(pk__in=[pk for pk, name in rows.values_list("pk", "ref") if name == ref])
    count, _ = rows.delete()
    record_change(
        membership=membership,
        action=AuditAction.ROUTER_RESET,
        subject=storable_text(ref) or "all methods",
        before={"rows": count},
    )
    return count
