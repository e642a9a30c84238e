"""What a team's newest runs say of runs to come: how long answers are, and how much of a panel is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import FinishReason, Json, Purpose, plain
from orchestration.llm.services.panel import thaw
from orchestration.runs.models import ENDED_BY_THEMSELVES, Run
from orchestration.runs.selectors.run_state import recent_calls
from orchestration.strategies.engine.classification import TaskType, classify
from orchestration.strategies.engine.lengths import LIMITED, PastCall, allowance, expected_length
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.strategy import get_strategy
from orchestration.strategies.engine.types import Request
from orchestration.strategies.models import Observation

MOST_CALLS_READ = 1000
MOST_RUNS_READ = 50


def past_calls(membership: Membership, models: Sequence[str]) -> Mapping[str, Sequence[PastCall]]:
    """Return the calls of `models` in the team's newest runs, by model, the newest first.

    Those that ended in tool calls are left out: they say nothing on the length of answers.
    """
    calls = recent_calls(membership, models, runs=MOST_RUNS_READ).filter(
        purpose__in=LIMITED, latency_s__isnull=False
    )
    calls = calls.exclude(finish=FinishReason.TOOL_CALLS)
    columns = ("run_id", "model", "purpose", "output_tokens", "latency_s")
    rows = list(calls.order_by("-started_at", "-id").values_list(*columns)[:MOST_CALLS_READ])
    tasks = _tasks({run for run, *_ in rows})
    found: dict[str, list[PastCall]] = defaultdict(list)
    for run, model, purpose, tokens, seconds in rows:
        seen = PastCall(purpose=Purpose(purpose), tokens=tokens, task=tasks.get(run), seconds=seconds or 0.0)
        found[model].append(seen)
    return found


def _tasks(runs: set[Any]) -> Mapping[Any, TaskType]:
    """Return the type of task of those runs that were learned from."""
    known = Observation.objects.filter(run_id__in=runs).values_list("run_id", "task")
    return {run: TaskType(task) for run, task in known}


def with_allowances(
    membership: Membership, request: Request, panel: Sequence[dict[str, Json]], shares: int = 1
) -> Sequence[dict[str, Json]]:
    """Return the entries of a panel with what their models may write, in a run with a money limit.

    The limit is shared by so many requests. What is allowed is frozen with the run: it is part of its
    prompts, and history goes on.
    """
    limit = request.constraints.max_cost_usd
    if limit is None or not panel:
        return panel
    strategy = get_strategy(request.strategy)
    effort = strategy.effort(parse_options(strategy.Options, request.options), len(request.models))
    share = limit / max(1, shares) / max(1, effort.calls[1])
    task = classify(request.text, request.system).task
    past = past_calls(membership, [entry["spec"]["name"] for entry in panel])
    answers, allowed = len(request.models), []
    for entry in panel:
        spec = thaw(entry).spec
        seen = past.get(spec.name, ())
        lengths = {each: expected_length(spec, each, task, seen, answers=answers) for each in LIMITED}
        allowances: Json = plain({each: allowance(spec, lengths[each], share) for each in LIMITED})
        allowed.append({**entry, "spec": {**entry["spec"], "allowances": allowances}})
    return allowed


def calls_a_member(
    membership: Membership, strategy: str, options: Mapping[str, Json], task: TaskType
) -> Sequence[float]:
    """Return for the team's newest runs of a strategy how many calls they took for each member of the panel.

    Of those with the same options, and of these with the same type of task alone, where there are any.
    """
    runs = Run.objects.visible_to(membership).filter(
        kind="strategy", ref=strategy, status__in=ENDED_BY_THEMSELVES
    )
    columns = ("pk", "calls_started", "request__models", "request__options")
    rows = list(runs.order_by("-created_at", "-id").values_list(*columns)[:MOST_RUNS_READ])
    rows = [row for row in rows if row[3] == options] or rows
    shares = {run: calls / len(models) for run, calls, models, _ in rows if models}
    tasks = _tasks(set(shares))
    return [share for run, share in shares.items() if tasks.get(run) is task] or list(shares.values())
