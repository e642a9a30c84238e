"""What a plan is made of, for tests: methods, rules, requests and situations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.analysis import Analysis, analyse
from orchestration.routing.engine.arms import Arm, Expected
from orchestration.routing.engine.constraints import MethodLevel, MethodOption
from orchestration.routing.engine.planning import plan
from orchestration.routing.engine.plans import Knowledge, RoutePlan
from orchestration.routing.engine.request import parsed_auto
from orchestration.routing.engine.rules import RoutingRules, Situation, read_rules

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
"""A Monday."""
SUM = "What is 17% of 2,300?"


def a_method(
    ref: str, quality: float = 0.7, cost_usd: float = 0.001, seconds: float = 2.0, **fields: Json
) -> MethodOption:
    """Return a method: by its kind a single model, a pipeline, a session or a strategy over two models."""
    kind, _, name = ref.partition("/")
    levels = {each.value: each for each in MethodLevel}
    models = fields.pop("models", {"model": (name,), "strategy": ("ada", "bob")}.get(kind, ()))
    usual: dict[str, Json] = {"title": name, "agrees": name == "voting", "explains": kind != "pipeline"}
    usual |= {"offered": kind in {"model", "strategy"}, "level": levels[kind], "calls": max(1, len(models))}
    prior = Expected(quality=quality, cost_usd=cost_usd, seconds=seconds)
    return MethodOption(arm=Arm(ref=ref, models=models, prior=prior), **{**usual, **fields})


METHODS = (
    a_method("model/ada", 0.6, 0.0001, 1.0),
    a_method("model/bob", 0.75, 0.002, 4.0),
    a_method("strategy/voting", 0.8, 0.0025, 4.5),
    a_method("strategy/cascade", 0.79, 0.0008, 2.0),
    a_method("pipeline/letters", 0.7, 0.001, 5.0),
    a_method("session/board", 0.85, 0.05, 60.0),
)


def rules_of(*rules: Mapping[str, Json], **fields: Json) -> RoutingRules:
    """Return a rule set; it explores nothing unless told to."""
    document = {"name": "auto", "exploration_usd": 0, **fields, "rules": list(rules)}
    found, problems = read_rules(document)
    assert found is not None, problems
    return found


def a_situation(text: str = SUM, **fields: Json) -> Situation:
    """Return a request that comes on a Monday at noon."""
    analysis: Analysis = analyse(text)
    given = {"text": text, "analysis": analysis, "priority": parsed_auto({"text": "?"}).priority, "now": NOON}
    return Situation(**{**given, **fields})


def planned(
    rules: RoutingRules | None = None, knowledge: Mapping[str, Json] | None = None, **request: Json
) -> RoutePlan:
    """Return the plan of a request among the methods above, or others that `knowledge` has."""
    asked = parsed_auto({"text": SUM, **request})
    known = {"rules": rules or rules_of(), "options": METHODS, **(knowledge or {})}
    situation = a_situation(asked.text, priority=asked.priority, load=known.pop("load", {}))
    return plan(asked, situation, Knowledge(**known), Random(7))


def refs(found: RoutePlan) -> list[str]:
    """Return the methods of a chain, in order."""
    return [each.ref for each in found.chain]
