"""Which optimisation rules acted on the items of an evaluation, and what that changed in their plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.evaluation.engine.decisions.items import AN_EARLIER_ANSWER, RoutedItem
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import Remedy


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleReport:
    """An optimisation rule: what it measured beside its limit, how often it acted, and what that changed.

    `number` is that of an item that it changed, else on which it acted, None without any. `why_not` says why
    it did not act.
    """

    id: str
    signal: str
    limit: str
    remedy: str
    measured: str
    fired: int
    items: int
    changed: int
    number: int | None
    effect: str
    why_not: str


def rule_reports(items: Sequence[RoutedItem]) -> tuple[RuleReport, ...]:
    """Return a report of each rule in force, those that acted first."""
    seen: dict[str, list[tuple[RoutedItem, Mapping[str, Json]]]] = defaultdict(list)
    for item in items:
        for watched in item.route["watched"]:
            seen[watched["id"]].append((item, watched))
    return tuple(sorted(map(_report, seen.values()), key=lambda each: (not each.fired, each.id)))


def _report(seen: Sequence[tuple[RoutedItem, Mapping[str, Json]]]) -> RuleReport:
    acting = [pair for pair in seen if pair[1]["acts"]]
    changing = [pair for pair in acting if effect(pair[1], pair[0].route)]
    most = max(seen, key=lambda pair: pair[1]["runs"])
    item, watched = next(iter([*changing, *acting, most]))
    remedy = f"{watched['remedy']}: {watched['to']}" if watched["to"] else str(watched["remedy"])
    return RuleReport(
        id=watched["id"],
        signal=watched["signal"],
        limit=watched["limit"],
        remedy=remedy,
        measured=watched["observed"],
        fired=len({each.number for each, _ in acting}),
        items=len({each.number for each, _ in seen}),
        changed=len({each.number for each, _ in changing}),
        number=item.number if acting else None,
        effect=effect(watched, item.route) if acting else "",
        why_not="" if acting else watched["why_not"],
    )


def effect(watched: Mapping[str, Json], route: Mapping[str, Json]) -> str:
    """Return what a rule that acted changed in a plan, empty where its remedy could not be applied."""
    first, without, remedy = route["first"], route["without"], watched["remedy"]
    if remedy == Remedy.REUSE_ANSWERS:
        return f"{AN_EARLIER_ANSWER} was used again" if route.get("reused") else ""
    if remedy == Remedy.RAISE_TIMEOUT:
        return f"time limits × {route['timeout_factor']:g}" if route["timeout_factor"] > 1 else ""
    if remedy == Remedy.SWITCH_METHOD:
        return f"{without['title']} → {first['title']}" if first["ref"] != without["ref"] else ""
    if remedy == Remedy.OTHER_MODELS:
        before, after = (", ".join(each["models"]) for each in (without, first))
        return f"{before} → {after}" if before != after else ""
    changed = {
        name: value for name, value in first["options"].items() if value != without["options"].get(name)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items())
