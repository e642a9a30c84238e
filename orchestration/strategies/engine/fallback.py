"""Going on to another strategy or model where an answer is not good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import announce
from orchestration.strategies.engine.errors import AllModelsFailed, QualityTooLow, QuorumMissed, VoteUndecided
from orchestration.strategies.engine.options import (
    AnswerOptions,
    JudgeOptions,
    ModelName,
    StrategyOptions,
    parse_options,
)
from orchestration.strategies.engine.strategy import Panel, Strategy, all_strategies, get_strategy
from orchestration.strategies.engine.types import Request, StrategyOutcome

PART = "fallback"
ALONE = "sequential"
"""How a fallback model without a fallback strategy is asked: by itself."""
NOT_ENOUGH = (AllModelsFailed, QualityTooLow, QuorumMissed, VoteUndecided)


def fallback_names() -> list[str]:
    """Return the strategies that options may name as a fallback."""
    return [name for name, strategy in all_strategies().items() if strategy.may_be_fallback]


def _known(name: str) -> str:
    *others, last = map(repr, names := fallback_names())
    if name not in names:
        raise PydanticCustomError("enum", "Input should be " + f"{', '.join(others)} or {last}")
    return name


def _with_choices(schema: dict[str, Any]) -> None:
    schema["enum"] = fallback_names()


FallbackName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_with_choices)]
"""The name of a strategy that may be a fallback; looked up when it is validated or shown."""


class FallbackOptions(StrategyOptions):
    """Options of strategies after which a fallback may go on."""

    fallback: FallbackName | None = Field(
        default=None,
        title="Fallback strategy",
        description="Goes on with the same panel where the estimated quality stays below the limit or nobody"
        " answers; the better answer is taken. Empty: none.",
    )
    fallback_model: ModelName | None = Field(
        default=None,
        title="Fallback model",
        description="Is asked then: by itself, or as one more on the panel of the fallback strategy.",
    )
    fallback_below: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Fall back below",
        description="Estimated quality (0 to 1) below which the fallback goes on. Without a fallback it has"
        " no effect.",
    )


class JudgedOptions(FallbackOptions, JudgeOptions):
    """Options of strategies that score answers, and so know when to fall back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FallbackPlan:
    """The fallback: a strategy with its panel and request; `words` name it."""

    strategy: Strategy
    request: Request
    panel: Panel
    words: str


async def answer(strategy: Strategy, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
    """Run `strategy`, and the fallback that its options name where its answer is not good enough.

    The better of the two answers is the outcome. Raises what the strategy raises, if nothing follows it.
    """
    options = parse_options(strategy.Options, request.options)
    plan = _plan(options, request, panel)
    if plan is None or not isinstance(options, FallbackOptions):
        return await strategy.run(request, panel, context)
    first: StrategyOutcome | None = None
    try:
        first = await strategy.run(request, panel, context)
        reason = _too_low(first, options.fallback_below)
    except NOT_ENOUGH as error:
        reason = str(error)
    if first is not None and not reason:
        return first
    move = Decision(kind=PART, chosen=plan.words, reason=await context.decide(PART, reason))
    await announce(context, move, PART)
    return await _go_on(first, plan, move, context)


def _plan(options: StrategyOptions, request: Request, panel: Panel) -> FallbackPlan | None:
    if not isinstance(options, FallbackOptions) or not (options.fallback or options.fallback_model):
        return None
    extra = panel.each_named(options.fallback_model)
    there = panel.members if options.fallback else ()
    known = {model.spec.name for model in there}
    members = (*there, *(model for model in extra if model.spec.name not in known))
    following = get_strategy(options.fallback or ALONE)
    named = [following.title] if options.fallback else []
    return FallbackPlan(
        strategy=following,
        request=request.model_copy(update={"options": _carried(options, following.Options)}),
        panel=replace(panel, members=members),
        words=" with ".join([*named, *(model.spec.name for model in extra)]),
    )


def _carried(options: StrategyOptions, schema: type[StrategyOptions]) -> Mapping[str, Json]:
    """Return the options that both strategies share: how to ask, and which judges."""
    shared = (AnswerOptions.model_fields | JudgedOptions.model_fields).keys() - FallbackOptions.model_fields
    given = options.model_dump(mode="json", exclude_unset=True)
    return {name: given[name] for name in given if name in shared and name in schema.model_fields}


def _too_low(outcome: StrategyOutcome, needed: float) -> str:
    if outcome.quality is None or outcome.quality.overall >= needed:
        return ""
    return f"Estimated quality {outcome.quality.overall:.2f} is below {needed:.2f}."


async def _go_on(
    first: StrategyOutcome | None, plan: FallbackPlan, move: Decision, context: RunContext
) -> StrategyOutcome:
    part = context.scoped(PART)
    try:
        second = _renamed(await plan.strategy.run(plan.request, plan.panel, part), part)
    except (*NOT_ENOUGH, LimitReached) as error:
        if first is None:
            raise
        note = f"It went on to {plan.words}, in vain: {error} This is the answer from before."
        return replace(first, decisions=(*first.decisions, move), notes=(*first.notes, note))
    if first is None:
        note = f"It went on to {plan.words}. {move.reason}"
        return replace(second, decisions=(move, *second.decisions), notes=(note, *second.notes))
    return _better(first, second, plan, move)


def _better(
    first: StrategyOutcome, second: StrategyOutcome, plan: FallbackPlan, move: Decision
) -> StrategyOutcome:
    """Return the outcome of the higher estimate, the later one where they are level, with all of both."""
    kept = first if _estimate(first) > _estimate(second) else second
    which = "its answer is taken" if kept is second else "the answer from before is better and stays"
    note = f"It went on to {plan.words}; {which}. {move.reason}"
    return replace(
        kept,
        candidates=(*first.candidates, *second.candidates),
        decisions=(*first.decisions, move, *second.decisions),
        path=(*first.path, *second.path),
        notes=(note, *kept.notes),
    )


def _estimate(outcome: StrategyOutcome) -> float:
    return outcome.quality.overall if outcome.quality is not None else 0.0


def _renamed(outcome: StrategyOutcome, part: RunContext) -> StrategyOutcome:
    """Return the part's outcome with its steps as the whole run knows them."""
    return replace(
        outcome,
        chosen=part.key(outcome.chosen),
        candidates=tuple(replace(each, step=part.key(each.step)) for each in outcome.candidates),
        path=tuple(replace(each, step=part.key(each.step)) for each in outcome.path),
    )
