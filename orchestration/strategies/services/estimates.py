"""The estimate of a request before it is sent, from prices and from what the team's newest runs took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import (
    TOKENS_PER_MESSAGE,
    FinishReason,
    Json,
    Purpose,
    estimate_tokens,
    plain,
)
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import model_spec, thaw
from orchestration.runs.models import ENDED_BY_THEMSELVES, Run
from orchestration.runs.selectors.run_state import recent_calls
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import TaskType, classify
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.estimating import Draft, Estimate, add_up, narrowed, reach
from orchestration.strategies.engine.fallback import fallback_help
from orchestration.strategies.engine.lengths import LIMITED, PastCall, allowance, expected_length
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.strategy import get_strategy
from orchestration.strategies.engine.types import Request
from orchestration.strategies.models import Observation
from orchestration.strategies.services.profiles import model_profiles

MOST_CALLS_READ = 1000
MOST_RUNS_READ = 50


def past_calls(membership: Membership, models: Sequence[str]) -> Mapping[str, Sequence[PastCall]]:
    """Return the newest calls of `models` by model; those that ended in tool calls say nothing of lengths."""
    calls = recent_calls(membership, models, runs=MOST_RUNS_READ).exclude(finish=FinishReason.TOOL_CALLS)
    calls = calls.filter(purpose__in=LIMITED, latency_s__isnull=False)
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
    membership: Membership, request: Request, panel: Sequence[dict[str, Json]], shares: int
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
    runs = Run.objects.visible_to(membership).filter(kind="strategy", ref=strategy)
    ended = runs.filter(status__in=ENDED_BY_THEMSELVES).order_by("-created_at", "-id")
    columns = ("pk", "calls_started", "request__models", "request__options")
    rows = list(ended.values_list(*columns)[:MOST_RUNS_READ])
    rows = [row for row in rows if row[3] == options] or rows
    shares = {run: calls / len(models) for run, calls, models, _ in rows if models}
    tasks = _tasks(set(shares))
    return [share for run, share in shares.items() if tasks.get(run) is task] or list(shares.values())


def estimate_request(
    *, membership: Membership, request: Request, models: Iterable[LanguageModel]
) -> Estimate:
    """Estimate a request from prices and from recent answers of its models.

    `models` are those that the team can use, with prices and profiles. The request may still be incomplete:
    unknown models are left out, invalid options count as the defaults.
    """
    rows = {model.name: model for model in models}
    known = {name: model_spec(model) for name, model in rows.items()}
    strategy = get_strategy(request.strategy)
    try:
        options = parse_options(strategy.Options, request.options)
    except InvalidOptions:
        options = strategy.Options()
    asked = [name for name in request.models if name in known]
    profiles = {name: model_profiles(rows[name], known[name]) for name in asked}
    panel = strategy.order([known[name] for name in asked], options, request, profiles)
    effort = strategy.effort(options, len(panel))
    first = best = ""
    if panel:
        traits = question_traits(request.text, request.system)
        first, best = panel[0].name, belief_of_team(panel, profiles).best(traits, asked)
    named = [
        replace(each, model=each.model or (best if each.is_best else first))
        for each in (*effort.helping, *fallback_help(options))
    ]
    effort = replace(effort, helping=tuple(each for each in named if each.model in known))
    names = {*asked, *(each.model for each in effort.helping)}
    draft = _draft(membership, request, names, answers=len(panel))
    whole = add_up(draft, effort, panel, known)
    if not whole.is_known:
        return whole
    chosen: Mapping[str, Json] = options.model_dump(mode="json")
    calls = calls_a_member(membership, request.strategy, chosen, draft.task)
    return narrowed(whole, reach(effort, calls, len(panel)))


def estimate_verdict(
    membership: Membership, request: Request, judge: str, models: Mapping[str, LanguageModel]
) -> Estimate:
    """Estimate the call by which a judge scores one answer to a request; `models` are those of the team."""
    specs = [model_spec(models[name]) for name in request.models if name in models]
    draft = _draft(membership, request, {judge, *(spec.name for spec in specs)}, answers=1)
    written = [draft.call(spec, Purpose.ANSWER).tokens for spec in specs] or [(0, 0)]
    read = (min(low for low, _ in written), max(high for _, high in written))
    return replace(draft, read=read).call(model_spec(models[judge]), Purpose.JUDGE, answers=1)


def _draft(membership: Membership, request: Request, names: Iterable[str], answers: int) -> Draft:
    """Return what calls of a request are estimated by, with past calls of the models of these names."""
    task = classify(request.text, request.system).task
    words = estimate_tokens(request.text) + estimate_tokens(request.system) + TOKENS_PER_MESSAGE
    return Draft(task=task, words=words, past=past_calls(membership, sorted(names)), answers=answers)
