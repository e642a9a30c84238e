"""The methods that a request may be answered by, and what stands in the way of the others.

Limits are hard: a method that is expected to exceed one is not chosen. Money is US dollars, time seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Json, ModelSpec
from orchestration.routing.engine.arms import Arm, Prediction
from orchestration.routing.engine.request import AutoRequest
from orchestration.strategies.engine.types import listed


class MethodLevel(StrEnum):
    """What a method is, from the most to the least that takes part in an answer."""

    SESSION = "session"
    PIPELINE = "pipeline"
    STRATEGY = "strategy"
    MODEL = "model"


LEVELS = tuple(MethodLevel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Why a method cannot be used: the field of the request that stands in the way, and words.

    `excess` is how far it is beyond a limit, as a share of that, and `shown` the limit with which it could be
    used; None and empty for other fields.
    """

    field: str
    words: str
    excess: float | None = None
    shown: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodOption:
    """A method that could answer, with the options of a strategy that are not its usual ones.

    `calls` are the fewest that it makes, None where that is not known. `agrees` says that it shows how far
    several models agree, `explains` that its models can be asked to give reasons. One that is `offered` may
    be chosen without a rule. `lacks` is what a request needs and none of its models can do.
    """

    arm: Arm
    title: str
    level: MethodLevel
    options: Mapping[str, Json] = field(default_factory=dict)
    calls: int | None = None
    agrees: bool = False
    explains: bool = False
    offered: bool = True
    lacks: Obstacle | None = None

    @property
    def ref(self) -> str:
        """The kind of the method and its name."""
        return self.arm.ref


def obstacles(option: MethodOption, expected: Prediction, request: AutoRequest) -> tuple[Obstacle, ...]:
    """Return all that stands in the way of a method."""
    lacks = () if option.lacks is None else (option.lacks,)
    return (*_limits(option, expected, request), *_demands(option, request), *lacks)


def inability(specs: Sequence[ModelSpec], tokens: int, *, tools: bool) -> Obstacle | None:
    """Return what none of the models can do that a request of so many `tokens` needs, None for nothing."""
    widest = max((spec.context_window for spec in specs), default=tokens)
    if widest < tokens:
        words = f"reads at most {widest:,} tokens, and this request has about {tokens:,}"
        return Obstacle(field="text", words=words)
    if tools and specs and not any(Capability.TOOLS in spec.capabilities for spec in specs):
        return Obstacle(field="tools", words="asks no model that can call tools")
    return None


def _limits(option: MethodOption, expected: Prediction, request: AutoRequest) -> Iterator[Obstacle]:
    limits = request.constraints
    if limits.max_cost_usd is not None and expected.cost_usd > limits.max_cost_usd:
        shown, excess = f"${expected.cost_usd:.6f}", expected.cost_usd / float(limits.max_cost_usd) - 1
        words = f"is expected to cost {shown}"
        yield Obstacle(field="max_cost_usd", words=words, excess=excess, shown=shown)
    if limits.max_latency_s is not None and expected.seconds > limits.max_latency_s:
        shown, excess = f"{expected.seconds:.1f} s", expected.seconds / limits.max_latency_s - 1
        words = f"is expected to take {shown}"
        yield Obstacle(field="max_latency_s", words=words, excess=excess, shown=shown)
    if limits.min_quality is not None and expected.quality < limits.min_quality:
        shown, excess = f"{expected.quality:.1%}", 1 - expected.quality / limits.min_quality
        words = f"is expected to have a quality of {shown}"
        yield Obstacle(field="min_quality", words=words, excess=excess, shown=shown)
    if limits.max_calls is not None and (option.calls or 0) > limits.max_calls:
        shown, excess = f"{option.calls} calls", (option.calls or 0) / limits.max_calls - 1
        yield Obstacle(field="max_calls", words=f"makes at least {shown}", excess=excess, shown=shown)


def _demands(option: MethodOption, request: AutoRequest) -> Iterator[Obstacle]:
    models = option.arm.models
    excluded = [name for name in request.excluded if name in models]
    if excluded:
        yield Obstacle(field="excluded", words=f"asks {listed(excluded)}")
    missing = [name for name in request.required if name not in models]
    if missing:
        yield Obstacle(field="required", words=f"does not ask {listed(missing)}")
    if request.needs_consensus and not option.agrees:
        field = "require_consensus" if request.require_consensus else "priority"
        yield Obstacle(field=field, words="shows no agreement of several models")
    if request.require_explanation and not option.explains:
        yield Obstacle(field="require_explanation", words="answers in its own form, without an explanation")


WORDS = {
    "text": "the length of the request",
    "tools": "the choice of tools",
    "max_cost_usd": "the cost limit",
    "max_latency_s": "the time limit",
    "min_quality": "the least quality",
    "max_calls": "the limit on calls",
    "excluded": "the list of excluded models",
    "required": "the list of required models",
    "require_consensus": "the required consensus",
    "priority": "the critical priority, which requires consensus,",
    "require_explanation": "the required explanation",
}


def check_possible(options: Sequence[MethodOption], found: Sequence[Sequence[Obstacle]]) -> None:
    """Raise `InvalidRequest` where no method can be used: which field is in the way, and what would work."""
    if any(not each for each in found):
        return
    if not options:
        raise InvalidRequest("There is no model to ask yet. Connect one under Models.", field="models")
    option, in_the_way = min(zip(options, found, strict=True), key=lambda pair: _distance(pair[1]))
    names = listed(list(dict.fromkeys(WORDS[each.field] for each in in_the_way)))
    verb = "stands" if len({each.field for each in in_the_way}) == 1 else "stand"
    needed = [each.shown for each in in_the_way if each.shown]
    remedy = (
        f"With {listed(needed)} it could be used."
        if len(needed) == len(in_the_way)
        else "Without that it could be used."
    )
    nearest_words = listed([each.words for each in in_the_way])
    message = f"No method meets this request: {names} {verb} in the way."
    raise InvalidRequest(
        f"{message} The nearest is {option.title}, which {nearest_words}. {remedy}", field=in_the_way[0].field
    )


def _distance(in_the_way: Sequence[Obstacle]) -> tuple[int, bool, float]:
    """Return how far a method is from what is asked: how much is in the way, and by how much limits miss."""
    excesses = [each.excess for each in in_the_way if each.excess is not None]
    return len(in_the_way), len(excesses) < len(in_the_way), sum(excesses)


def preferred(options: Sequence[MethodOption], request: AutoRequest) -> tuple[list[MethodOption], str]:
    """Return those that ask a preferred model, else all of them, and in words which was the case."""
    if not request.preferred:
        return list(options), ""
    wanted = set(request.preferred)
    found = [each for each in options if wanted & set(each.arm.models)]
    if not found:
        return list(options), f"No method that can be used asks {listed(sorted(wanted))}."
    return found, f"Only methods that ask {listed(sorted(wanted))} were compared."
