"""The estimate of a request from prices and from the team's newest runs, before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, Json, ModelSpec, Purpose, estimate_tokens
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import model_spec
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.effort import Help
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.estimating import Draft, Estimate, add_up, narrowed, reach
from orchestration.strategies.engine.fallback import fallback_help
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.strategy import get_strategy
from orchestration.strategies.engine.types import Request
from orchestration.strategies.services.histories import calls_a_member, past_calls
from orchestration.strategies.services.profiles import model_profiles


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
    best = ""
    if panel:
        traits = question_traits(request.text, request.system)
        best = belief_of_team(panel, profiles).best(traits, asked)
    effort = replace(effort, helping=_helping([*effort.helping, *fallback_help(options)], panel, best, known))
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


def _helping(
    helping: Sequence[Help], panel: Sequence[ModelSpec], best: str, known: Mapping[str, ModelSpec]
) -> tuple[Help, ...]:
    """Return the help of known models, each by its name; without one it is the first or best of the panel."""
    first = panel[0].name if panel else ""
    named = [replace(each, model=each.model or (best if each.is_best else first)) for each in helping]
    return tuple(each for each in named if each.model in known)
