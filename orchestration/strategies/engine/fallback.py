"""Falling back on another strategy or model where an answer is not good enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from orchestration.llm.engine.types import Purpose
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import announce
from orchestration.strategies.engine.deciding import with_caveat
from orchestration.strategies.engine.effort import Help
from orchestration.strategies.engine.errors import (
    AllModelsFailed,
    NoUsableAnswer,
    QuorumMissed,
    VoteUndecided,
)
from orchestration.strategies.engine.options import (
    AnswerOptions,
    JudgeOptions,
    ModelName,
    StrategyOptions,
    parse_options,
)
from orchestration.strategies.engine.strategy import Panel, Strategy, all_strategies, get_strategy
from orchestration.strategies.engine.types import AS_SHARE, Request, StrategyOutcome, percent

FALLBACK = "fallback"
SINGLE_MODEL_STRATEGY = "sequential"
"""The strategy that asks a fallback model by itself, where no fallback strategy is named."""
FALLBACK_ERRORS = (AllModelsFailed, NoUsableAnswer, QuorumMissed, VoteUndecided)


def fallback_names() -> list[str]:
    """Return the strategies that options may name as a fallback."""
    return [name for name, strategy in all_strategies().items() if strategy.may_be_fallback]


def _checked_name(name: str) -> str:
    *others, last = map(repr, names := fallback_names())
    if name not in names:
        raise PydanticCustomError("enum", "Input should be " + f"{', '.join(others)} or {last}")
    return name


FallbackName = Annotated[
    str,
    AfterValidator(_checked_name),
    Field(json_schema_extra=lambda schema: schema.update(enum=fallback_names())),
]
"""The name of a strategy that may be a fallback; looked up when it is validated or shown."""


class FallbackOptions(StrategyOptions):
    """Options of strategies that may fall back."""

    fallback: FallbackName | None = Field(
        default=None,
        title="Fallback strategy",
        description="Is run with the same panel where the estimated quality stays below the limit or no model"
        " answers; the better answer is used. Empty: none.",
    )
    fallback_model: ModelName | None = Field(
        default=None,
        title="Fallback model",
        description="Is asked in that case: by itself, or as one more on the panel of the fallback strategy.",
    )
    fallback_below: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Fall back below",
        description="Estimated quality below which the fallback is run. Without a fallback it has no effect.",
        json_schema_extra=AS_SHARE,
    )


class JudgedOptions(FallbackOptions, JudgeOptions):
    """Options of strategies that score answers and may fall back by the score."""


def fallback_help(options: StrategyOptions) -> tuple[Help, ...]:
    """Return the call of the fallback model that the options name: one, or none where it is not needed."""
    if not isinstance(options, FallbackOptions) or options.fallback_model is None:
        return ()
    return (Help(model=options.fallback_model, purpose=Purpose.ANSWER, calls=(0, 1)),)


async def answer(strategy: Strategy, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
    """Run `strategy`, and the fallback that its options name where its answer is not good enough.

    The better of the two answers is the outcome, marked where it is not shown to have the quality that is
    asked for. Raises what the strategy raises, if there is no fallback.
    """
    options = parse_options(strategy.Options, request.options)
    if isinstance(options, FallbackOptions) and (options.fallback or options.fallback_model):
        found = await _with_fallback(strategy, options, request, panel, context)
    else:
        found = await strategy.run(request, panel, context)
    may_judge = isinstance(options, JudgeOptions) and options.judge is None
    return with_caveat(found, request.constraints.min_quality, may_judge=may_judge)


async def _with_fallback(
    strategy: Strategy, options: FallbackOptions, request: Request, panel: Panel, context: RunContext
) -> StrategyOutcome:
    first: StrategyOutcome | None = None
    needed = max(options.fallback_below, request.constraints.min_quality or 0.0)
    extra = panel.each_named(options.fallback_model)
    following = get_strategy(options.fallback or SINGLE_MODEL_STRATEGY)
    named = [following.title] if options.fallback else []
    words = " with ".join([*named, *(model.spec.name for model in extra)])
    try:
        first = await strategy.run(request, panel, context)
        if first.quality is None or first.quality.overall >= needed:
            return first
        quality = percent(first.quality.overall, beside=needed)
        reason = f"Estimated quality {quality} is below {percent(needed)}."
    except FALLBACK_ERRORS as error:
        reason = str(error)
    move = Decision(kind=FALLBACK, chosen=words, reason=await context.decide(FALLBACK, reason))
    await announce(context, move, FALLBACK)
    same = panel.members if options.fallback else ()
    known = {model.spec.name for model in same}
    joined = replace(panel, members=(*same, *(each for each in extra if each.spec.name not in known)))
    try:
        second = await _run_fallback(following, options, request, joined, context.scoped(FALLBACK))
    except (*FALLBACK_ERRORS, LimitReached) as error:
        if first is None:
            raise
        note = f"It fell back on {words}, without success: {error} This is the first answer."
        return replace(first, decisions=(*first.decisions, move), notes=(*first.notes, note))
    return _better(first, second, move)


async def _run_fallback(
    strategy: Strategy, options: FallbackOptions, request: Request, panel: Panel, part: RunContext
) -> StrategyOutcome:
    """Return the outcome of the fallback, with options that it shares and steps named as in the whole run."""
    shared = (AnswerOptions.model_fields | JudgeOptions.model_fields).keys() & strategy.Options.model_fields
    given = options.model_dump(mode="json", exclude_unset=True, include=set(shared))
    found = await strategy.run(request.model_copy(update={"options": given}), panel, part)
    return replace(
        found,
        chosen=part.key(found.chosen),
        candidates=tuple(replace(each, step=part.key(each.step)) for each in found.candidates),
        path=tuple(replace(each, step=part.key(each.step)) for each in found.path),
    )


def _better(first: StrategyOutcome | None, second: StrategyOutcome, move: Decision) -> StrategyOutcome:
    """Return the outcome of the higher estimate (the second if equal), with the steps of both."""
    before, which = first or StrategyOutcome(answer=""), ""
    estimates = [each.quality.overall if each.quality is not None else 0.0 for each in (before, second)]
    kept = before if estimates[0] > estimates[1] else second
    if first is not None:
        which = "; its answer is used" if kept is second else "; the first answer is better and is kept"
    return replace(
        kept,
        candidates=(*before.candidates, *second.candidates),
        decisions=(*before.decisions, move, *second.decisions),
        path=(*before.path, *second.path),
        notes=(f"It fell back on {move.chosen}{which}. {move.reason}", *kept.notes),
    )
