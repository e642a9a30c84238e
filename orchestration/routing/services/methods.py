"""The methods that a team could answer a question by, with what is expected of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, Json, ModelSpec
from orchestration.llm.services.panel import model_spec, thaw
from orchestration.routing.engine.analysis import Analysis
from orchestration.routing.engine.arms import Arm, Utility
from orchestration.routing.engine.constraints import MethodLevel, MethodOption, inability
from orchestration.routing.engine.predicting import ModelOutlook, PanelWork, expected_of, expected_of_steps
from orchestration.routing.engine.request import AutoRequest
from orchestration.routing.engine.rules import RoutingRules
from orchestration.routing.selectors import KIND
from orchestration.runs.kinds import all_kinds
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.profiles import Profile, answer_cost, profile_for
from orchestration.strategies.engine.strategy import Strategy, all_strategies, answers_always_asked
from orchestration.strategies.engine.types import Request
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.profiles import model_profiles, stored_profiles
from orchestration.strategies.services.strategy_runs import NAME

MODEL = "model"
AGREEING = frozenset({"voting", "debate"})
"""Strategies whose outcome says how far several models agree."""
AGREEING_KINDS = frozenset({"session"})
LEVEL_OF_KIND = {"session": MethodLevel.SESSION, "pipeline": MethodLevel.PIPELINE}
"""What a run of a kind is in the chain of fallbacks; all others count as strategies."""
CASCADE = "cascade"
USUAL_CALLS = {MethodLevel.SESSION: 12, MethodLevel.PIPELINE: 3, MethodLevel.STRATEGY: 3}
"""Calls that are expected of what has not run yet."""
LEAST_PANEL = 2
ROOM = 1.1
"""How many times the tokens of a question the window of a model has at least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamModels:
    """The models that a team can ask: specs, profiles and outlooks for a question by name, and the panel."""

    specs: Mapping[str, ModelSpec]
    profiles: Mapping[str, Sequence[Profile]]
    outlooks: Mapping[str, ModelOutlook]
    panel: tuple[str, ...]


def team_models(membership: Membership, request: AutoRequest, analysis: Analysis) -> TeamModels:
    """Return the team's models with what is expected of each for a question; three queries."""
    rows = list(models_with_profiles(membership))
    specs = {row.name: model_spec(row) for row in rows}
    profiles = {row.name: model_profiles(row, specs[row.name]) for row in rows}
    return _known_models(specs, profiles, default_panel(rows), request, analysis)


def frozen_models(
    panel: Iterable[Mapping[str, Json]], request: AutoRequest, analysis: Analysis
) -> TeamModels:
    """Return the models that a run was frozen with, as `team_models` does; `request` names its panel."""
    entries = {entry["spec"]["name"]: entry for entry in panel}
    specs = {name: thaw(entry).spec for name, entry in entries.items()}
    profiles = {name: stored_profiles(entry) for name, entry in entries.items()}
    return _known_models(specs, profiles, (), request, analysis)


def _known_models(
    specs: Mapping[str, ModelSpec],
    profiles: Mapping[str, Sequence[Profile]],
    usual: Sequence[str],
    request: AutoRequest,
    analysis: Analysis,
) -> TeamModels:
    belief = belief_of_team(specs.values(), profiles)
    outlooks = {
        name: _outlook(spec, profiles[name], belief, request, analysis) for name, spec in specs.items()
    }
    for field in ("models", "required", "preferred"):
        for name in (each for each in getattr(request, field) if each not in specs):
            missing = f"There is no model {name!r} in this team, or it is switched off. See Models."
            raise InvalidRequest(missing, field=field)
    wanted = dict.fromkeys((*(request.models or usual), *request.required))
    panel = [name for name in wanted if name in specs and name not in request.excluded]
    fitting = [name for name in panel if specs[name].context_window >= ROOM * analysis.tokens]
    return TeamModels(specs=specs, profiles=profiles, outlooks=outlooks, panel=tuple(fitting or panel))


def _outlook(
    spec: ModelSpec, profiles: Sequence[Profile], belief: Belief, request: AutoRequest, analysis: Analysis
) -> ModelOutlook:
    profile = profile_for(spec, analysis.task, profiles)
    right = belief.expected(question_traits(request.text, request.system), spec.name) * profile.success
    cost = answer_cost(spec, analysis.task, analysis.tokens + TOKENS_PER_MESSAGE, profiles)
    usd = None if cost is None else float(cost)
    return ModelOutlook(name=spec.name, right=right, cost_usd=usd, seconds=profile.seconds)


def team_methods(
    membership: Membership,
    request: AutoRequest,
    rules: RoutingRules,
    models: TeamModels,
    analysis: Analysis,
    frozen: Collection[str] | None = None,
) -> list[MethodOption]:
    """Return all methods: single models, strategies over the panel, and what other kinds can start.

    Of the last a child has those alone that its parent was `frozen` with.
    """
    outlooks = [models.outlooks[name] for name in models.panel]
    others = () if frozen is not None and not frozen else _other_kinds(membership, rules, outlooks)
    return [
        *_single_models(request, models, analysis.tokens),
        *_strategies(request, models, analysis.tokens, rules.dial if request.dial is None else request.dial),
        *(each for each in others if frozen is None or each.ref in frozen),
    ]


def _single_models(request: AutoRequest, models: TeamModels, tokens: int) -> Iterator[MethodOption]:
    """Yield each model by itself; one beside the panel is used where a rule or the request names it."""
    wanted = {*models.panel, *request.preferred}
    for name, outlook in models.outlooks.items():
        arm = Arm(ref=f"{MODEL}/{name}", models=(name,), prior=outlook.expected)
        yield MethodOption(
            arm=arm,
            title=f"{name} alone",
            level=MethodLevel.MODEL,
            calls=1,
            explains=True,
            offered=name in wanted,
            lacks=inability([models.specs[name]], tokens, tools=bool(request.tools)),
        )


def _strategies(request: AutoRequest, models: TeamModels, tokens: int, dial: float) -> Iterator[MethodOption]:
    """Yield each strategy over the panel, where it can do with that.

    Options are the usual ones, but a cascade goes on by the price of a point that the dial says.
    """
    own = {CASCADE: cascade_options(dial)}
    if len(models.panel) < LEAST_PANEL:
        return
    for name, strategy in all_strategies().items():
        try:
            option = _strategy(strategy, request, models, own.get(name, {}))
        except InvalidRequest:  # its usual options do not fit this panel
            continue
        specs = [models.specs[each] for each in models.panel]
        yield replace(option, lacks=inability(specs, tokens, tools=bool(request.tools)))


def cascade_options(dial: float) -> Mapping[str, Json]:
    """Return the options of a cascade at a dial between cheap and best."""
    return {"point_usd": round(Utility.from_dial(dial).point_per_thousand, 4)}


def _strategy(
    strategy: Strategy, request: AutoRequest, models: TeamModels, own: Mapping[str, Json]
) -> MethodOption:
    options, panel, name = strategy.Options(**own), models.panel, strategy.name
    strategy.check(options, panel)
    effort = strategy.effort(options, len(panel))
    asked = Request(text=request.text, system=request.system, strategy=name, models=panel)
    ordered = strategy.order([models.specs[each] for each in panel], options, asked, models.profiles)
    outlooks = [models.outlooks[spec.name] for spec in ordered]
    few, most = effort.answers
    helpers = [models.outlooks.get(each.model, outlooks[0]) for each in effort.helping if each.calls[0]]
    first = tuple(outlooks[: max(1, few)])
    work = PanelWork(
        first=first,
        rounds=max(1.0, (few + sum(effort.again) / 2) / len(first)),
        rest=tuple(outlooks[max(1, few) : most]),
        reviews=effort.reviews[0] > 0,
        helpers=tuple(helpers),
    )
    return MethodOption(
        arm=Arm(
            ref=f"{NAME}/{name}", models=panel, prior=expected_of(work), shows=_shown(name, own, outlooks)
        ),
        title=strategy.title,
        level=MethodLevel.STRATEGY,
        options=own,
        calls=effort.calls[0],
        agrees=name in AGREEING,
        explains=True,
    )


def _shown(name: str, options: Mapping[str, Json], ordered: Sequence[ModelOutlook]) -> tuple[str, ...]:
    """Return the methods that a result of a strategy teaches of, too; see `learning` for what it teaches."""
    asked = answers_always_asked(name, options, len(ordered))
    models = tuple(f"{MODEL}/{each.name}" for each in ordered[:asked])
    return (*models, f"{NAME}/{CASCADE}") if asked >= len(ordered) and name != CASCADE else models


def _other_kinds(
    membership: Membership, rules: RoutingRules, panel: Sequence[ModelOutlook]
) -> Iterator[MethodOption]:
    """Yield what other kinds can answer a question with; those that the rule set lists need no rule."""
    for kind in all_kinds():
        if kind.name in {NAME, KIND}:
            continue
        level = LEVEL_OF_KIND.get(kind.name, MethodLevel.STRATEGY)
        for choice in kind.choices(membership):
            if "text" not in choice.schema.get("properties", {}):
                continue
            ref = f"{kind.name}/{choice.ref}"
            cost = None if choice.cost_usd is None else float(choice.cost_usd)
            prior = expected_of_steps(USUAL_CALLS[level], panel, cost, choice.seconds)
            yield MethodOption(
                arm=Arm(ref=ref, models=(), prior=prior),
                title=choice.title,
                level=level,
                agrees=kind.name in AGREEING_KINDS,
                explains=level is MethodLevel.SESSION,
                offered=ref in rules.methods,
            )
