"""A plan at work: its methods one after the other, until one gives an answer that is good enough.

Times are seconds of run time, qualities run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from orchestration.llm.engine.errors import CodedError
from orchestration.llm.engine.types import Json, plain
from orchestration.routing.engine.constraints import MethodLevel
from orchestration.routing.engine.plans import Attempt
from orchestration.routing.engine.request import AutoRequest
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import ChildFailed, LimitReached
from orchestration.runs.engine.types import Decision, Outcome, PathStep, RunEvent
from orchestration.strategies.engine.asking import announce
from orchestration.strategies.engine.single_model import Basis, SingleModel, say_the_same
from orchestration.strategies.engine.types import Caveat, percent

MAJORITY = 0.5
"""The agreement that a required consensus has to exceed."""
NO_CONSENSUS = "no_consensus"
SINGLE_MODEL_STRATEGY = "sequential"
BASELINE = "baseline"
EXPLAIN = "Say in a few sentences how you came to your answer."
ROUTE, FALLBACK = "route", "fallback"
"""The kinds of decision for a method, and to go on to another one."""


class AutoEvent(StrEnum):
    """Names of the events that `auto` adds to a run's own."""

    METHOD_STARTED = "method_started"
    METHOD_ENDED = "method_ended"


class NoMethodAnswered(CodedError):
    """All methods of a plan failed; the code is that of the last failure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedMethod:
    """How an attempt went: `failure` is why there is no answer, `shortfall` why it is not good enough.

    `agreement` is how far several models agree, None where none were compared.
    """

    ref: str
    title: str
    level: str
    step: str
    seconds: float = 0.0
    quality: float | None = None
    failure: str = ""
    shortfall: str = ""
    code: str = ""
    agreement: float | None = None
    result: Mapping[str, Json] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """The answer, empty where there is none."""
        return str(self.result.get("answer") or "")

    @property
    def ok(self) -> bool:
        """Whether the answer is good enough."""
        return not (self.failure or self.shortfall)

    @property
    def row(self) -> dict[str, Json]:
        """The attempt as the outcome has it: of the result the answer alone."""
        own = {name: value for name, value in asdict(self).items() if name != "result"}
        return {**own, "ok": self.ok, "answer": self.answer}


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """What is executed: the request, the chain of a plan, the quality that an answer needs, and why.

    `single` is the model that is asked for comparison, if the request wants that.
    """

    request: AutoRequest
    chain: Sequence[Attempt]
    needed: float
    reason: str
    analysis_s: float = 0.0
    planning_s: float = 0.0
    single: str = ""
    fired: Sequence[str] = ()


def attempt_step(number: int) -> str:
    """Return the key of the step of an attempt, counted from 0."""
    return f"method/{number}"


async def execute_plan(work: Execution, context: RunContext) -> Outcome:
    """Try the methods in order; return the first answer that is good enough, else the best there is.

    Raises `NoMethodAnswered`, and `LimitReached` where that comes before any answer.
    """
    route = Decision(kind=ROUTE, chosen=work.chain[0].title, reason=work.reason)
    await announce(context, route, ROUTE)
    tried: list[TriedMethod] = []
    for number, attempt in enumerate(work.chain):
        if tried:
            why = tried[-1].failure or tried[-1].shortfall
            move = Decision(kind=FALLBACK, chosen=attempt.title, reason=why)
            await announce(context, move, f"{FALLBACK}/{number}")
        try:
            tried.append(await _try(attempt, number, work, context))
        except LimitReached as error:
            if not any(each.result for each in tried):
                raise
            tried.append(_limited(attempt, number, str(error)))
            break
        if tried[-1].ok:
            break
    best = _best(tried)
    if best is None:
        words = " ".join(f"{each.title}: {each.failure.rstrip('.')}." for each in tried)
        raise NoMethodAnswered(f"No method answered. {words}", code=tried[-1].code or "no_method_answered")
    return _outcome(work, tried, best, await _ask_single(work, best, context))


async def _try(attempt: Attempt, number: int, work: Execution, context: RunContext) -> TriedMethod:
    step = attempt_step(number)
    about = {"ref": attempt.ref, "title": attempt.title, "level": attempt.level, "number": number}
    await context.emit(RunEvent(kind=AutoEvent.METHOD_STARTED, step=step, data=about))
    kind, ref, payload, panel = child_request(attempt, work.request)
    failure, code = "", ""
    result: Mapping[str, Json] = {}
    try:
        result = await context.run_child(kind, ref, payload, panel=panel, step=step)
    except ChildFailed as error:
        failure, code = str(error), error.code
    timing = context.timing(step)
    tried = TriedMethod(
        ref=attempt.ref,
        title=attempt.title,
        level=attempt.level,
        step=step,
        seconds=timing.seconds if timing is not None else 0.0,
        quality=result.get("score"),
        failure=failure,
        code=code,
        agreement=_agreement(result),
        result=result,
    )
    if not failure:
        tried = replace(tried, shortfall=_shortfall(tried, work))
    ended = {**about, "ok": tried.ok, "quality": tried.quality, "detail": failure or tried.shortfall}
    await context.emit(RunEvent(kind=AutoEvent.METHOD_ENDED, step=step, data=ended))
    return tried


def child_request(
    attempt: Attempt, request: AutoRequest
) -> tuple[str, str, dict[str, Json], tuple[str, ...]]:
    """Return the kind, name, payload and panel of the child run that an attempt is."""
    kind, _, ref = attempt.ref.partition("/")
    if attempt.level == MethodLevel.MODEL:
        kind, ref = "strategy", SINGLE_MODEL_STRATEGY
    if kind != "strategy":
        return kind, ref, {"text": request.text}, ()
    limits = {"min_quality": request.constraints.min_quality} if request.constraints.min_quality else {}
    system = f"{request.system}\n{EXPLAIN}".strip() if request.require_explanation else request.system
    payload: dict[str, Json] = {"text": request.text, "system": system, "options": dict(attempt.options)}
    payload |= {"constraints": limits, "tools": request.tools, "tool_rounds": request.tool_rounds}
    return kind, ref, payload, attempt.models


def _shortfall(tried: TriedMethod, work: Execution) -> str:
    """Return why an answer is not good enough, empty for one that is."""
    if not tried.answer.strip():
        return "It gave no answer."
    if work.request.needs_consensus and (tried.agreement is None or tried.agreement <= MAJORITY):
        shown = "not known" if tried.agreement is None else percent(tried.agreement)
        return f"The agreement is {shown}; more than {percent(MAJORITY)} is required."
    if tried.quality is not None and tried.quality < work.needed:
        quality = percent(tried.quality, beside=work.needed)
        return f"The estimated quality {quality} is below {percent(work.needed)}."
    return ""


def _agreement(result: Mapping[str, Json]) -> float | None:
    """Return how far several models agree: the share of ballots, or the support in a session."""
    data = result.get("data") or {}
    found = (data.get("consensus") or {}).get("agreement", data.get("support"))
    return None if found is None else float(found)


def _limited(attempt: Attempt, number: int, why: str) -> TriedMethod:
    step = attempt_step(number)
    return TriedMethod(
        ref=attempt.ref,
        title=attempt.title,
        level=attempt.level,
        step=step,
        failure=why,
        code="limit_reached",
    )


def _best(tried: Sequence[TriedMethod]) -> TriedMethod | None:
    """Return the attempt whose answer is handed out: one that is good enough, else of the highest quality."""
    answered = [each for each in tried if each.answer.strip()]
    return max(answered, key=lambda each: (each.ok, each.quality or 0.0), default=None)


async def _ask_single(work: Execution, best: TriedMethod, context: RunContext) -> SingleModel | None:
    """Ask the best single model by itself for comparison, if that is wanted and it was not the method."""
    if not (work.request.baseline and work.single) or best.ref == f"model/{work.single}":
        return None
    payload = {"text": work.request.text, "system": work.request.system}
    try:
        found = await context.run_child(
            "strategy", SINGLE_MODEL_STRATEGY, payload, panel=(work.single,), step=BASELINE
        )
    except (ChildFailed, LimitReached) as error:
        return SingleModel(model=work.single, basis=Basis.ASKED, error=str(error))
    timing, answer = context.timing(BASELINE), str(found["answer"])
    costs = [each["cost_usd"] for each in found["data"]["candidates"]]
    agrees = say_the_same(work.request.text, answer, str(best.result["answer"]))
    return SingleModel(
        model=work.single,
        basis=Basis.ASKED,
        quality=best.quality if agrees else _believed(answer, work, best, found["score"]),
        cost_usd=None if None in costs else sum(map(float, costs)),
        seconds=None if timing is None else timing.seconds,
        agrees=agrees,
        answer=answer,
    )


def _believed(answer: str, work: Execution, best: TriedMethod, otherwise: float | None) -> float | None:
    """Return what is believed of an answer: the estimate of one in the run that says the same."""
    data = best.result.get("data") or {}
    said = [(each.get("text", ""), each.get("quality") or {}) for each in data.get("candidates", ())]
    judged = ((text, quality) for text, quality in said if text and quality.get("judged"))
    same = (q["overall"] for text, q in judged if say_the_same(work.request.text, answer, text))
    return next(same, otherwise)


def _outcome(
    work: Execution, tried: Sequence[TriedMethod], best: TriedMethod, asked: SingleModel | None
) -> Outcome:
    inner: Mapping[str, Json] = best.result.get("data") or {}
    path = _path(work, tried)
    caveat, words = _caveat(work, best)
    notes = [words] if caveat else []
    inside = [*inner.get("notes", ())][1 if inner.get("caveat") else 0 :]
    moves = [
        _decision(FALLBACK, after.title, before.failure or before.shortfall)
        for before, after in pairwise(tried)
    ]
    own = {
        "method": best.ref,
        "title": best.title,
        "attempts": [each.row for each in tried],
        "path": [each.row for each in path],
        "single": inner.get("single") if asked is None else asked,
        "notes": [*notes, *inside],
        "decisions": [*inner.get("decisions", ()), *moves, _decision(ROUTE, best.title, work.reason)],
    }
    kept = {name: inner[name] for name in ("candidates", "consensus", "quality", "chosen") if name in inner}
    return Outcome(
        answer=best.answer,
        output=best.result.get("output"),
        score=best.quality,
        path=path,
        data=plain({"candidates": [], **kept, **own}),
        caveat=caveat,
    )


def _decision(kind: str, chosen: str, reason: str) -> dict[str, Json]:
    found: dict[str, Json] = plain(Decision(kind=kind, chosen=chosen, reason=reason))
    return found


def _caveat(work: Execution, best: TriedMethod) -> tuple[str, str]:
    """Return the code of what an answer falls short of, and words; both empty for nothing."""
    least = work.request.constraints.min_quality
    if work.request.needs_consensus and best.shortfall.startswith("The agreement"):
        return NO_CONSENSUS, best.shortfall
    if least is not None and best.quality is None:
        return Caveat.QUALITY_UNKNOWN, "Nothing judged the quality that the request asks for."
    if least is not None and best.quality is not None and best.quality < least:
        shown = percent(best.quality, beside=least)
        return Caveat.BELOW_QUALITY, f"The estimated quality {shown} is below the {percent(least)} asked for."
    return "", ""


def _path(work: Execution, tried: Sequence[TriedMethod]) -> tuple[PathStep, ...]:
    """Return the stretches: analysis, optimisation, execution, and each fallback."""
    rules = f"{len(work.fired)} rules acted" if work.fired else "no rule acted"
    steps = [
        PathStep(step="analysis", started_s=0.0, seconds=work.analysis_s, ok=True),
        PathStep(step="optimisation", started_s=0.0, seconds=work.planning_s, ok=True, detail=rules),
    ]
    started = 0.0
    for number, each in enumerate(tried):
        detail = f"{each.title}. {each.failure or each.shortfall}".strip()
        name = "fallback" if number else "execution"
        steps.append(PathStep(step=name, started_s=started, seconds=each.seconds, ok=each.ok, detail=detail))
        started += each.seconds
    return tuple(steps)
