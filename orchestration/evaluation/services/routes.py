"""How Auto came to its method for an item, as the item's outcome keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from orchestration.evaluation.engine.scorers import ItemScorer, ScorerKind, verdict
from orchestration.evaluation.models import DatasetItem, ItemOutcome
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.executing import attempt_step
from orchestration.routing.engine.request import PLANNED
from orchestration.runs.models import Step

OF_PLAN = (
    "method",
    "title",
    "decided_by",
    "rule",
    "reason",
    "needed",
    "watched",
    "without",
    "timeout_factor",
)


def route_of_outcome(child: Mapping[str, Json], item: DatasetItem, scorer: ItemScorer) -> dict[str, Json]:
    """Return what the outcome of a child says: its attempts, each scored by itself unless a judge scores."""
    data = child["data"]
    attempts = [
        {name: value for name, value in each.items() if name != "answer"}
        | {"correct": _is_right(each["answer"], item, scorer)}
        for each in data["attempts"]
    ]
    answered: dict[str, Json] = {"answered": data["method"], "reused": data.get("reused", "")}
    return {"attempts": attempts, **answered}


def _is_right(answer: str, item: DatasetItem, scorer: ItemScorer) -> bool | None:
    if scorer.kind is ScorerKind.JUDGE or not answer.strip():
        return None if answer.strip() else False
    return verdict(scorer, answer, item.reference, item.prompt).correct


def add_plans(rows: Iterable[ItemOutcome], run: UUID, steps: Mapping[int, str]) -> None:
    """Add to the routes of outcomes what was planned; `steps` has the step of each configuration.

    Of a child that failed the attempts are those that its journal has.
    """
    routed = [row for row in rows if row.route is not None]
    plans = _results(run, [f"{steps[row.configuration]}/{PLANNED}" for row in routed]) if routed else {}
    for row in routed:
        step = steps[row.configuration]
        planned = plans.get(f"{step}/{PLANNED}")
        if planned is None or row.route is None:
            row.route = None
            continue
        plan = (planned.result or {})[PLANNED]
        own = {name: plan[name] for name in OF_PLAN} | {"first": plan["chain"][0]}
        if row.failed:
            keys = [f"{step}/{attempt_step(number)}" for number in range(len(plan["chain"]))]
            ended = _results(run, keys)
            tried = [
                (link, ended[key]) for link, key in zip(plan["chain"], keys, strict=True) if key in ended
            ]
            own["attempts"] = [_failed(link, step) for link, step in tried]
        row.route = {**row.route, **own}


def _results(run: UUID, keys: Sequence[str]) -> Mapping[str, Step]:
    return {step.key: step for step in Step.objects.filter(run_id=run, key__in=keys)}


def _failed(link: Mapping[str, Json], step: Step) -> dict[str, Json]:
    """Return an attempt without an answer."""
    why = (step.error or {}).get("message", "It gave no answer.")
    known = {"ref": link["ref"], "title": link["title"], "failure": why, "shortfall": ""}
    return {**known, "quality": None, "agreement": None, "ok": False, "correct": False}
