"""The run kind `strategy`: a request checked whole and frozen, then handed to the strategy it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from uuid import UUID

from pydantic import ValidationError

from orchestra_site.accounts.models import Membership
from orchestra_site.web.threads import in_database_thread
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import off_loop
from orchestration.library.selectors import typical
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, plain
from orchestration.llm.services.credentials import frozen_secrets
from orchestration.llm.services.panel import FrozenModel, ModelStack, PanelRole, thaw
from orchestration.llm.services.resources import resources
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import CheckedRequest, FrozenRun, RunKind, Startable, panel_entry
from orchestration.runs.models import Run, RunStatus
from orchestration.strategies.engine.asking import READ_AT_ONCE
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.options import helper_models, named_helpers
from orchestration.strategies.engine.preset import LARGEST_PANEL
from orchestration.strategies.engine.single_model import single_model
from orchestration.strategies.engine.strategy import Panel, all_strategies, get_strategy, validate_options
from orchestration.strategies.engine.types import Constraints, Request, invalid_request
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services import profiles
from orchestration.strategies.services.estimates import with_allowances
from orchestration.strategies.services.profiles import (
    own_coefficients,
    profiled_entry,
    stored_belief,
    stored_profiles,
)
from orchestration.strategies.services.rubrics import freeze_rubric, keep_judgements
from orchestration.tools.services.registry import freeze_tools

USUAL_STRATEGY = "parallel"
"""That whose answers' lengths a run of another kind reckons with."""
NAME = "strategy"
LONGEST_PROMPT = 200_000
LONGEST_TIMEOUT_S = 3_600.0
"""To which a rule may raise the time limit of a call."""
NEWEST_RUNS = 200
"""Runs, of all strategies together, that typical cost and time are computed from."""


class StrategyKind(RunKind):
    """Runs of one strategy over a panel of models."""

    name = NAME
    title = "Strategy"

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a request (text, strategy, models, options, constraints, tools); freeze it with its panel."""
        request, helpers = checked_request(payload)
        panel = _frozen_panel(membership, request, helpers)
        stored = request.model_dump(mode="json")
        if rubric := named_rubric(request.options):
            stored["rubric"] = freeze_rubric(membership, rubric)
        if request.tools:
            stored["tools"] = dict(freeze_tools(membership.team_id, request.tools))
        return CheckedRequest(ref=request.strategy, prompt=request.text, request=stored, panel=panel)

    def check_child(
        self, parent: FrozenRun, ref: str, payload: Mapping[str, Json], panel: Sequence[str]
    ) -> FrozenRun:
        """Freeze a child run over models and tools of its parent; models that options name are helpers."""
        request, helpers = checked_request({**payload, "strategy": ref, "models": tuple(panel)})
        missing = next((name for name in request.tools if name not in parent.request.get("tools", ())), None)
        if missing is not None:
            raise InvalidRequest(f"The run may not use a tool called {missing[:120]!r}.", field="tools")
        entries = [panel_entry(parent.panel, name, role=PanelRole.MEMBER) for name in request.models]
        entries += [panel_entry(parent.panel, name, role=PanelRole.HELPER) for name in helpers]
        stored = request.model_dump(mode="json")
        if rubric := named_rubric(request.options):
            frozen = parent.request.get("rubrics", {}).get(rubric)
            if frozen is None:
                words = f"This run was not started with a rubric called “{rubric}”."
                raise InvalidRequest(words, field="options.rubric")
            stored["rubric"] = frozen
        return replace(parent, kind=NAME, ref=ref, request=stored, panel=entries)

    def freeze_child(self, membership: Membership, ref: str, payload: Mapping[str, Json]) -> CheckedRequest:
        """Return the rubric that the options name, if they name one. Raises `InvalidRequest`."""
        options = payload.get("options")
        rubric = named_rubric(options) if isinstance(options, dict) else ""
        found = {"rubrics": {rubric: freeze_rubric(membership, rubric)}} if rubric else {}
        return CheckedRequest(ref=ref, prompt="", request=found)

    def named_models(self, ref: str, payload: Mapping[str, Json]) -> Sequence[str]:
        """Return the models that the options name, such as judges, whatever else is wrong with these."""
        strategy, given = all_strategies().get(ref), payload.get("options")
        return named_helpers(strategy.Options, given) if strategy and isinstance(given, dict) else ()

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Run the strategy over the live panel. Raises `EngineError`."""
        panel = await live_panel(run, context)
        request = parse_request(run.request)
        found = await answer(get_strategy(run.ref), request, panel, context)
        compare = partial(single_model, request, panel, found)
        single = await off_loop(len(found.answer) + len(request.text), compare, at_most=READ_AT_ONCE)
        return Outcome(
            answer=found.answer,
            output=found.answer,
            score=found.quality.overall if found.quality and found.quality.judged else None,
            path=found.path,
            data={**plain(found), "single": plain(single)},
            caveat=found.caveat or "",
        )

    def choices(self, membership: Membership) -> Sequence[Startable]:
        """Return every strategy, with its typical cost and time in the team's newest runs."""
        ended = Run.objects.visible_to(membership).filter(kind=NAME, status=RunStatus.SUCCEEDED)
        columns = ("ref", "started_at", "finished_at", "cost_usd")
        newest: dict[str, list[tuple[datetime | None, datetime | None, Decimal]]] = defaultdict(list)
        for ref, *took in ended.order_by("-created_at", "-id").values_list(*columns)[:NEWEST_RUNS]:
            newest[ref].append(tuple(took))
        return [
            Startable(
                ref=name,
                title=strategy.title,
                summary=strategy.summary,
                schema=request_schema(name),
                cost_usd=cost,
                seconds=seconds,
            )
            for name, strategy in all_strategies().items()
            for seconds, cost in [typical(newest[name])]
        ]

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the titles of all strategies, the same for all teams."""
        return {name: strategy.title for name, strategy in all_strategies().items()}

    def learn(self, runs: Sequence[Run]) -> None:
        """Add ended runs to the profiles of their models, and keep what judges said of their answers."""
        profiles.learn_from_runs(runs)
        keep_judgements(runs)

    def learn_rating(self, run: Run) -> None:
        """Count the ratings of an answer in the profile of its model."""
        profiles.learn_ratings(run)


@cache
def request_schema(strategy: str) -> Mapping[str, Json]:
    """Return the JSON Schema of a request to a strategy, its options included."""
    schema = Request.model_json_schema()
    options = get_strategy(strategy).Options.model_json_schema()
    schema.setdefault("$defs", {}).update(options.pop("$defs", {}))
    schema["properties"] |= {"options": options, "strategy": {"const": strategy}}
    return schema


def parse_request(payload: Mapping[str, Json]) -> Request:
    """Return a payload as a request. Raises `InvalidRequest` with the field at fault."""
    try:
        return Request.model_validate(payload)
    except ValidationError as error:
        raise invalid_request(error) from None


def checked_request(payload: Mapping[str, Json]) -> tuple[Request, tuple[str, ...]]:
    """Return a payload as a request with all its options, and the models that these name.

    Raises `InvalidRequest` unless there is something to ask, not over-long, with options that fit the panel.
    """
    request = parse_request(payload)
    if not request.text.strip():
        raise InvalidRequest("Write what you want to ask.", field="text")
    for name, text in (("text", request.text), ("system", request.system)):
        if len(text) > LONGEST_PROMPT:
            most = f"at most {LONGEST_PROMPT:,} can be sent. Shorten it."
            raise InvalidRequest(f"This has {len(text):,} characters; {most}", field=name)
    try:
        parse_schema(request.response_schema or {})
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="response_schema") from None
    options = validate_options(request.strategy, request.options)
    if request.models:
        get_strategy(request.strategy).check(options, request.models)
    checked = options.model_dump(mode="json")
    if named_rubric(checked) and not any(checked.get(each) for each in ("judge", "second_judge")):
        idle = "Name a judge, or leave the rubric empty: nobody would score by it."
        raise InvalidRequest(idle, field="options.rubric")
    return request.model_copy(update={"options": checked, "rubric": None}), helper_models(options)


def named_rubric(options: Mapping[str, Json]) -> str:
    """Return the name of the rubric among a strategy's options, empty for none."""
    name = options.get("rubric")
    return name if isinstance(name, str) else ""


def _frozen_panel(
    membership: Membership, request: Request, helpers: Sequence[str]
) -> Sequence[dict[str, Json]]:
    """Return the panel as a run keeps it. Raises `InvalidRequest` naming what is missing."""
    if not request.models:
        raise InvalidRequest("Choose at least one model.", field="models")
    if len(request.models) > LARGEST_PANEL:
        raise InvalidRequest(f"A panel has at most {LARGEST_PANEL} models.", field="models")
    if len(set(request.models)) < len(request.models):
        raise InvalidRequest("A model is in the panel twice.", field="models")
    members = [(name, PanelRole.MEMBER, "models") for name in request.models]
    helping = [(name, PanelRole.HELPER, "options") for name in dict.fromkeys(helpers)]
    return _frozen_entries(membership, request, [*members, *helping])


def shared_panel(
    membership: Membership, named: Mapping[str, str], constraints: Constraints, text: str, shares: int
) -> Sequence[Mapping[str, Json]]:
    """Return models as a run of another kind keeps them: each by name, with the field that names it.

    A limit on the cost is shared equally by so many questions. Raises `InvalidRequest` for a model that is
    not there, or has no price where there is a limit on the cost.
    """
    members = [(name, PanelRole.MEMBER, field) for name, field in named.items()]
    one = Request(text=text, strategy=USUAL_STRATEGY, models=tuple(named), constraints=constraints)
    return _frozen_entries(membership, one, members, shares)


def _frozen_entries(
    membership: Membership, request: Request, named: Sequence[tuple[str, PanelRole, str]], shares: int = 1
) -> Sequence[dict[str, Json]]:
    """Return models as a run keeps them: each by name and role, and the field that names it."""
    found = models_with_profiles(membership).filter(name__in={name for name, *_ in named})
    rows = {model.name: model for model in found}
    panel, own = [], own_coefficients(membership.team_id)
    for name, role, field in named:
        if name not in rows:
            missing = f"There is no model {name!r} in this team, or it is switched off. See Models."
            raise InvalidRequest(missing, field=field)
        panel.append(profiled_entry(rows[name], role, own))
    unpriced = [entry["spec"]["name"] for entry in panel if entry["spec"]["prices"] is None]
    if request.constraints.max_cost_usd is not None and unpriced:
        raise InvalidRequest(
            f"A cost limit needs prices, and none is set for {', '.join(unpriced)}."
            " Set a price under Models, or leave the limit empty.",
            field="max_cost_usd",
        )
    return with_allowances(membership, request, panel, shares)


async def live_models(run: FrozenRun, context: RunContext) -> Mapping[str, ChatModel]:
    """Return the run's models by name; one whose provider was deleted fails with a reason when asked."""
    providers = {UUID(entry["provider"]): entry["base_url"] for entry in run.panel}
    stack = ModelStack(
        secrets=await in_database_thread(frozen_secrets, run.team, providers),
        shared=resources(),
        scope=str(run.team),
        seed=run.seed,
        time_left=context.time_left,
        meter=Metered,
        run=run.run,
    )
    models = [with_timeout(thaw(entry), context.timeout_factor) for entry in run.panel]
    return {frozen.spec.name: stack.live(frozen) for frozen in models}


def with_timeout(frozen: FrozenModel, factor: float) -> FrozenModel:
    """Return a model with the time limit of its calls so many times as long, up to an hour."""
    longest = max(frozen.timeout_s, LONGEST_TIMEOUT_S)
    return replace(frozen, timeout_s=min(longest, factor * frozen.timeout_s))


async def live_panel(run: FrozenRun, context: RunContext) -> Panel:
    """Return the run's panel: members in order, helpers by name. Raises `InvalidRequest`."""
    models = await live_models(run, context)
    roles = [(entry["spec"]["name"], entry["role"]) for entry in run.panel]
    return Panel(
        members=tuple(models[name] for name, role in roles if role == PanelRole.MEMBER),
        helpers={name: models[name] for name, role in roles if role == PanelRole.HELPER},
        profiles={entry["spec"]["name"]: stored_profiles(entry) for entry in run.panel},
        belief=stored_belief(run.panel),
    )
