"""The plan of a request: which method answers, what follows if it fails, and why.

What decides, in this order: the request itself, the first routing rule that matches, the router's score. Then
optimisation rules may change the plan. Money is US dollars, times are seconds, scores run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.engine.arms import Prediction, Utility
from orchestration.routing.engine.constraints import (
    LEVELS,
    MethodLevel,
    MethodOption,
    Obstacle,
    check_possible,
    obstacles,
    preferred,
)
from orchestration.routing.engine.learning import predictions
from orchestration.routing.engine.optimising import RuleObservation, observations
from orchestration.routing.engine.plans import (
    Attempt,
    Considered,
    DecidedBy,
    Knowledge,
    RoutePlan,
    WatchedRule,
)
from orchestration.routing.engine.request import AutoRequest
from orchestration.routing.engine.router import Choice, Exploration, choose
from orchestration.routing.engine.rules import (
    How,
    Remedy,
    RoutingRule,
    Situation,
    match,
)
from orchestration.strategies.engine.types import counted, dollars

UNIFORM = 0.02
"""The probability with which affordable methods are chosen at random, while there is money for exploring."""
AT_A_TIME = {"strategy/parallel": "max_parallel", "strategy/voting": "waves"}
"""The option of a strategy that says how many models are asked at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comparison:
    """The methods of a request with what is expected of each, and what stands in the way."""

    options: Mapping[str, MethodOption]
    expected: Mapping[str, Prediction]
    in_the_way: Mapping[str, tuple[Obstacle, ...]]
    utility: Utility

    def usable(self, ref: str) -> bool:
        return ref in self.options and not self.in_the_way[ref]

    def value(self, ref: str) -> float:
        return self.utility.expected(self.expected[ref])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decision:
    refs: tuple[str, ...]
    by: DecidedBy
    reason: str
    rule: str = ""
    choice: Choice | None = None
    propensities: Mapping[str, float] = field(default_factory=dict)


def plan(request: AutoRequest, situation: Situation, known: Knowledge, random: Random) -> RoutePlan:
    """Return the plan. Raises `InvalidRequest` where no method meets the request, with what would work."""
    dial = known.rules.dial if request.dial is None else request.dial
    compared = _comparison(request, situation, known, Utility.from_dial(dial))
    remarks: list[str] = []
    decision = _requested(request, compared) or _ruled(situation, known, compared, remarks, random)
    decision = decision or _scored(request, situation, known, compared, remarks, random)
    first = compared.options[decision.refs[0]]
    observed = tuple(
        observations(known.rules.optimisations, known.history, first.ref, first.arm.models, situation.load)
    )
    fired = tuple(each for each in observed if each.acts)
    without = _changed(first.ref, (), compared)
    decision = _optimised(decision, fired, compared, remarks)
    chain = tuple(_changed(each, fired, compared) for each in _chain(decision.refs, compared))
    if first.ref != decision.refs[0]:
        first = compared.options[decision.refs[0]]
    singles = _best(compared, MethodLevel.MODEL)
    limits = request.constraints
    return RoutePlan(
        method=first.ref,
        title=first.title,
        decided_by=decision.by,
        reason=decision.reason,
        chain=chain,
        considered=_considered(compared, decision),
        needed=max(limits.min_quality or 0.0, known.rules.fall_back_below),
        dial=dial,
        sentence=compared.utility.sentence,
        rule=decision.rule,
        explored=decision.choice is not None and decision.choice.explored,
        propensity=decision.propensities.get(first.ref, 1.0),
        extra_usd=decision.choice.extra_usd if decision.choice is not None else 0.0,
        remarks=tuple(remarks),
        fired=tuple(each.sentence for each in fired),
        watched=tuple(map(WatchedRule.seen, observed)),
        without=without,
        timeout_factor=_amount(fired, Remedy.RAISE_TIMEOUT, 1.0),
        reuse_minutes=_amount(fired, Remedy.REUSE_ANSWERS, 0.0),
        single=singles[0] if singles else "",
    )


def _comparison(
    request: AutoRequest, situation: Situation, known: Knowledge, utility: Utility
) -> _Comparison:
    arms = [each.arm for each in known.options]
    expected = predictions(known.state, situation.analysis.context, arms)
    pairs = list(zip(known.options, expected, strict=True))
    return _Comparison(
        options={option.ref: option for option, _ in pairs},
        expected={option.ref: each for option, each in pairs},
        in_the_way={option.ref: obstacles(option, each, request) for option, each in pairs},
        utility=utility,
    )


def _requested(request: AutoRequest, compared: _Comparison) -> _Decision | None:
    """Return the decision where the request names its method. Raises `InvalidRequest` if it cannot be."""
    if not request.method:
        return None
    if request.method not in compared.options:
        raise InvalidRequest(f"There is no method “{request.method[:80]}” in this team.", field="method")
    if found := compared.in_the_way[request.method]:
        title = compared.options[request.method].title
        words = "; it ".join(each.words for each in found)
        raise InvalidRequest(f"{title} {words}, which this request rules out.", field=found[0].field)
    title = compared.options[request.method].title
    return _Decision(refs=(request.method,), by=DecidedBy.REQUEST, reason=f"The request asks for {title}.")


def _ruled(
    situation: Situation, known: Knowledge, compared: _Comparison, remarks: list[str], random: Random
) -> _Decision | None:
    """Return the decision of the first rule that matches and has a method that can be used."""
    for rule in known.rules.rules:
        found = match(rule, situation)
        if not found.matches:
            continue
        targets = [each for each in rule.use if compared.usable(each.method)]
        unusable = [each.method for each in rule.use if each not in targets]
        remarks.extend(f"Rule {rule.id}: {_why_not(ref, compared)}." for ref in unusable)
        if targets:
            weights = [each.weight for each in targets]
            refs = [each.method for each in targets]
            reason = f"Rule “{rule.note or rule.id}” matches: {found.words}."
            return _by_rule(rule, refs, weights, reason, random)
        remarks.append(f"Rule {rule.id} matches, but none of its methods can be used; the next one decides.")
    return None


def _by_rule(
    rule: RoutingRule, refs: Sequence[str], weights: Sequence[float], reason: str, random: Random
) -> _Decision:
    chances = dict.fromkeys(refs, 0.0)
    if rule.how is How.BALANCE:
        place = random.choices(range(len(refs)), weights=weights)[0]
        for ref, weight in zip(refs, weights, strict=True):
            chances[ref] += weight / sum(weights)
        reason = f"{reason} It balances the load: {chances[refs[place]]:.0%} go this way."
        refs = [refs[place]]
    else:
        chances[refs[0]] = 1.0
    return _Decision(
        refs=tuple(dict.fromkeys(refs)), by=DecidedBy.RULE, reason=reason, rule=rule.id, propensities=chances
    )


def _why_not(ref: str, compared: _Comparison) -> str:
    if ref not in compared.options:
        return f"{ref} is not there, or cannot answer a question"
    return f"{compared.options[ref].title} {'; '.join(each.words for each in compared.in_the_way[ref])}"


def _scored(
    request: AutoRequest,
    situation: Situation,
    known: Knowledge,
    compared: _Comparison,
    remarks: list[str],
    random: Random,
) -> _Decision:
    """Return the decision of the router between all methods that may be chosen by themselves."""
    known_ones = [each for each in compared.options.values() if each.offered]
    check_possible(known_ones, [compared.in_the_way[each.ref] for each in known_ones])
    offered, words = preferred([each for each in known_ones if compared.usable(each.ref)], request)
    if words:
        remarks.append(words)
    money = known.remaining_usd
    choice = choose(
        known.state,
        situation.analysis.context,
        [each.arm for each in offered],
        compared.utility,
        explore=Exploration(remaining_usd=money, uniform=UNIFORM),
        random=random,
    )
    reason = _why(choice, compared, len(offered))
    chances = {each.prediction.ref: each.propensity for each in choice.ranking}
    refs = (choice.chosen,)
    return _Decision(refs=refs, by=DecidedBy.SCORE, reason=reason, choice=choice, propensities=chances)


def _why(choice: Choice, compared: _Comparison, number: int) -> str:
    """Return why the router chose a method, in sentences."""
    title, found = compared.options[choice.chosen].title, compared.expected[choice.chosen]
    best = compared.options[choice.ranking[0].prediction.ref].title
    first = (
        f"{title} is tried to learn more; so far {best} looks better."
        if choice.explored
        else f"{title} is expected to be worth most of {counted(number, 'method')}."
    )
    known = (
        f"from {found.evidence:,.0f} judged results with questions of this kind"
        if found.evidence >= 1
        else "by its models; nothing has been learned yet for this kind of question"
    )
    cost = dollars(Decimal(str(found.cost_usd)))
    return f"{first} Expected: quality {found.quality:.0%}, {cost}, {found.seconds:.1f} s, {known}."


def _optimised(
    decision: _Decision, fired: Sequence[RuleObservation], compared: _Comparison, remarks: list[str]
) -> _Decision:
    """Return the decision after rules that switch the method."""
    for each in fired:
        if each.rule.remedy is not Remedy.SWITCH_METHOD:
            continue
        current = decision.refs[0]
        others = [ref for ref in compared.options if compared.usable(ref) and compared.options[ref].offered]
        ranked = sorted((ref for ref in others if ref != current), key=compared.value, reverse=True)
        wanted = each.rule.to or (ranked[0] if ranked else "")
        if not compared.usable(wanted) or wanted == current:
            remarks.append(
                f"{each.rule.id} would switch the method, but {wanted or 'no other one'} cannot be used."
            )
            continue
        title = compared.options[wanted].title
        reason = f"{title} instead of {compared.options[current].title}: {each.sentence} {decision.reason}"
        refs = (wanted, *(ref for ref in decision.refs if ref != wanted))
        return replace(decision, refs=refs, by=DecidedBy.OPTIMISATION, reason=reason, choice=None)
    return decision


def _chain(refs: Sequence[str], compared: _Comparison) -> Iterator[str]:
    """Yield the methods in the order in which they are tried: the chosen ones, then the best of lower levels.

    After a single model the next best one follows.
    """
    yield from refs
    lowest = LEVELS.index(compared.options[refs[-1]].level)
    below = LEVELS[lowest + 1 :] or (MethodLevel.MODEL,)
    for level in below:
        rest = [ref for ref in _best(compared, level) if ref not in refs]
        yield from rest[:1]


def _best(compared: _Comparison, level: MethodLevel) -> list[str]:
    """Return the methods of a level that can be used without a rule, the best first."""
    found = [
        ref
        for ref, option in compared.options.items()
        if option.level is level and option.offered and compared.usable(ref)
    ]
    return sorted(found, key=compared.value, reverse=True)


def _changed(ref: str, fired: Sequence[RuleObservation], compared: _Comparison) -> Attempt:
    """Return a link of the chain with what optimisation rules change in its models and options."""
    option = compared.options[ref]
    models, options = list(option.arm.models), dict(option.options)
    for each in fired:
        if each.rule.remedy is Remedy.OTHER_MODELS:
            models = _replaced(models, each, compared)
        if each.rule.remedy is Remedy.REDUCE_PARALLELISM and ref in AT_A_TIME:
            options[AT_A_TIME[ref]] = max(1, int(each.amount))
    is_same = tuple(models) == option.arm.models or option.level is not MethodLevel.MODEL
    title = option.title if is_same else f"{models[0]} alone"
    return Attempt(ref=ref, title=title, level=option.level, models=tuple(models), options=options)


def _replaced(models: Sequence[str], fired: RuleObservation, compared: _Comparison) -> list[str]:
    """Return the models with another in the place of the one that is to be spared, or without it."""
    spared = fired.model or models[0]
    singles = [compared.options[ref].arm.models[0] for ref in _best(compared, MethodLevel.MODEL)]
    others = [name for name in singles if name not in models]
    instead = fired.rule.to if fired.rule.to in singles else next(iter(others), "")
    found = dict.fromkeys(instead if name == spared else name for name in models)
    return [name for name in found if name] or list(models)


def _amount(fired: Sequence[RuleObservation], remedy: Remedy, usual: float) -> float:
    return max((each.amount for each in fired if each.rule.remedy is remedy), default=usual)


def _considered(compared: _Comparison, decision: _Decision) -> tuple[Considered, ...]:
    """Return all methods, those that can be used first, each group the best first."""
    rows = [
        Considered(
            ref=ref,
            title=option.title,
            level=option.level,
            models=option.arm.models,
            quality=expected.quality,
            deviation=expected.deviation,
            cost_usd=expected.cost_usd,
            seconds=expected.seconds,
            utility=compared.utility.expected(expected),
            evidence=expected.evidence,
            offered=option.offered,
            propensity=decision.propensities.get(ref, 0.0),
            obstacle="; ".join(each.words for each in compared.in_the_way[ref]),
        )
        for ref, option in compared.options.items()
        for expected in [compared.expected[ref]]
    ]
    return tuple(sorted(rows, key=lambda each: (bool(each.obstacle), not each.offered, -each.utility)))
