"""How Auto decided on the items of an evaluation: methods by task, fallbacks, consensus, optimisation rules.

Each function reads what the outcomes recorded and returns rows with the sentence that they amount to.
Qualities and agreements run from 0 to 1, money is US dollars.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.executing import MAJORITY
from orchestration.routing.engine.rules import Priority, Remedy
from orchestration.strategies.engine.types import counted, percent

AN_EARLIER_ANSWER = "an earlier answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutedItem:
    """An item with the route that its outcome recorded; `correct` is None without a verdict."""

    number: int
    task_type: str
    correct: bool | None
    cost_usd: Decimal | None
    route: Mapping[str, Json]

    @property
    def method(self) -> str:
        """The method that was chosen, in words."""
        return str(self.route["title"])

    @property
    def attempts(self) -> Sequence[Mapping[str, Json]]:
        """What was tried, in order: none where an earlier answer was used again."""
        found: Sequence[Mapping[str, Json]] = self.route["attempts"]
        return found

    @property
    def answered(self) -> Mapping[str, Json] | None:
        """The attempt whose answer is the final one."""
        ref = self.route.get("answered")
        return next((each for each in self.attempts if each["ref"] == ref), None)

    @property
    def fired(self) -> tuple[str, ...]:
        """The optimisation rules that acted, by name."""
        return tuple(dict.fromkeys(each["id"] for each in self.route["watched"] if each["acts"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareRight:
    """How many are right of those whose verdict is known."""

    right: int
    known: int

    @classmethod
    def counted(cls, verdicts: Iterable[bool | None]) -> ShareRight:
        """Count verdicts; None is not known."""
        known = [each for each in verdicts if each is not None]
        return cls(right=sum(known), known=len(known))

    @property
    def words(self) -> str:
        """The share in words."""
        return f"{self.right} of {self.known}" if self.known else "not known"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenMethod:
    """How often a method was chosen for a type of task, and what came of it; the cost is that of an item."""

    task_type: str
    method: str
    items: int
    right: ShareRight
    cost_usd: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The methods chosen, by type of task."""

    rows: tuple[ChosenMethod, ...]
    sentence: str


def selection(items: Sequence[RoutedItem]) -> Selection:
    """Return which method was chosen for which type of task, the most frequent ones first."""
    cells: dict[tuple[str, str], list[RoutedItem]] = defaultdict(list)
    for each in items:
        cells[each.task_type, each.method].append(each)
    rows = tuple(
        ChosenMethod(
            task_type=task,
            method=method,
            items=len(found),
            right=ShareRight.counted(each.correct for each in found),
            cost_usd=_mean_cost(found),
        )
        for (task, method), found in sorted(
            cells.items(), key=lambda pair: (pair[0][0], -len(pair[1]), pair[0])
        )
    )
    return Selection(rows=rows, sentence=_selection_words(rows))


def _mean_cost(items: Sequence[RoutedItem]) -> Decimal | None:
    costs = [each.cost_usd for each in items if each.cost_usd is not None]
    return sum(costs, Decimal(0)) / len(costs) if len(costs) == len(items) else None


def _selection_words(rows: Sequence[ChosenMethod]) -> str:
    methods, totals = dict.fromkeys(each.method for each in rows), Counter[str]()
    favourites: dict[str, ChosenMethod] = {}
    for each in rows:
        totals[each.task_type] += each.items
        favourites.setdefault(each.task_type, each)
    if len(methods) == 1:
        number = f"all {len(totals)} types of task" if len(totals) > 1 else "every item"
        return f"Auto chose {rows[0].method} for {number}."
    words = (
        f"{each.method} for {task} ({each.items} of {totals[task]})" for task, each in favourites.items()
    )
    return f"Auto chose {len(methods)} methods; by type of task most often {', '.join(words)}."


@dataclass(frozen=True, kw_only=True, slots=True)
class FallbackPath:
    """Items whose first answer would not do: why, what followed, and how often each of the two was right.

    `numbers` are those of the items.
    """

    first: str
    why: str
    then: str
    first_right: ShareRight
    final_right: ShareRight
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallbacks:
    """What became of first answers that would not do; `below` were estimated below the threshold."""

    below: int
    rows: tuple[FallbackPath, ...]
    sentence: str


def fallbacks(items: Sequence[RoutedItem]) -> Fallbacks:
    """Return the items whose first answer would not do, by first method, reason, and what followed."""
    paths: dict[tuple[str, str, str], list[RoutedItem]] = defaultdict(list)
    tried = [each for each in items if each.attempts]
    below = [each for each in tried if _is_below(each)]
    for each in tried:
        first, *rest = each.attempts
        if not first["ok"]:
            then = ", ".join(one["title"] for one in rest) or "nothing: no method was left"
            paths[first["title"], _why(each), then].append(each)
    rows = tuple(
        FallbackPath(
            first=first,
            why=why,
            then=then,
            first_right=ShareRight.counted(each.attempts[0]["correct"] for each in found),
            final_right=ShareRight.counted(each.correct for each in found),
            numbers=tuple(each.number for each in found),
        )
        for (first, why, then), found in sorted(paths.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    )
    return Fallbacks(below=len(below), rows=rows, sentence=_fallback_words(tried, below))


def _is_below(item: RoutedItem) -> bool:
    first = item.attempts[0]
    return first["quality"] is not None and first["quality"] < item.route["needed"]


def _why(item: RoutedItem) -> str:
    """Return why the first answer would not do."""
    first = item.attempts[0]
    if first["failure"]:
        return "failed"
    if _is_below(item):
        return f"below {percent(item.route['needed'])}"
    is_agreed = first["agreement"] is not None and first["agreement"] > MAJORITY
    return "no consensus" if item.route["needs_consensus"] and not is_agreed else "no answer"


def _fallback_words(tried: Sequence[RoutedItem], below: Sequence[RoutedItem]) -> str:
    thresholds = {each.route["needed"] for each in tried}
    threshold = percent(min(thresholds)) if len(thresholds) == 1 else "the threshold of its request"
    if not tried:
        return "Nothing was asked, so that no answer had to be good enough."
    if not below:
        known = [each.attempts[0]["quality"] for each in tried if each.attempts[0]["quality"] is not None]
        lowest = f"; the lowest estimate is {percent(min(known))}" if known else ""
        unknown = f" {len(tried) - len(known)} had no estimate, and stand." if len(known) < len(tried) else ""
        return f"No first answer was estimated below {threshold}{lowest}.{unknown}"
    moved = sum(len(each.attempts) > 1 for each in below)
    first = ShareRight.counted(each.attempts[0]["correct"] for each in below)
    final = ShareRight.counted(each.correct for each in below)
    return (
        f"{len(below)} of {counted(len(tried), 'first answer')} were estimated below {threshold};"
        f" Auto went on to another method for {moved}."
        f" Right: {first.words} first answers, {final.words} final ones."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalAnswers:
    """Critical requests that a method answered: how many of them, and in how many more than half agreed."""

    method: str
    items: int
    agreed: int
    least: float | None
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NoConsensus:
    """A critical request that was answered, or not, without consensus, and why."""

    number: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalRequests:
    """The critical requests: by the method that answered, and those without consensus."""

    items: int
    agreed: int
    rows: tuple[CriticalAnswers, ...]
    exceptions: tuple[NoConsensus, ...]
    sentence: str


def critical_requests(items: Sequence[RoutedItem]) -> CriticalRequests:
    """Return how many critical requests were answered by a consensus of more than half."""
    asked = [each for each in items if each.route["priority"] == Priority.CRITICAL]
    missing = tuple(
        NoConsensus(number=each.number, why=why) for each in asked if (why := _no_consensus(each))
    )
    without = {each.number for each in missing}
    by_method: dict[str, list[RoutedItem]] = defaultdict(list)
    for each in asked:
        by_method[_answering(each)].append(each)
    rows = tuple(
        CriticalAnswers(
            method=method,
            items=len(found),
            agreed=sum(each.number not in without for each in found),
            least=min((known for each in found if (known := _agreement(each)) is not None), default=None),
            number=found[0].number,
        )
        for method, found in by_method.items()
    )
    agreed = len(asked) - len(missing)
    return CriticalRequests(
        items=len(asked),
        agreed=agreed,
        rows=rows,
        exceptions=missing,
        sentence=_critical_words(len(asked), agreed),
    )


def _answering(item: RoutedItem) -> str:
    if item.route.get("reused"):
        return AN_EARLIER_ANSWER
    return str(item.answered["title"]) if item.answered is not None else "no method"


def _agreement(item: RoutedItem) -> float | None:
    found: float | None = item.answered["agreement"] if item.answered is not None else None
    return found


def _no_consensus(item: RoutedItem) -> str:
    """Return why there is no consensus behind an answer, empty where there is one.

    An earlier answer is used again only where its request needed consensus, too.
    """
    if item.route.get("reused"):
        return ""
    if item.answered is None:
        return f"No method answered. {' '.join(each['failure'] for each in item.attempts)}".strip()
    agreement = _agreement(item)
    return "" if agreement is not None and agreement > MAJORITY else str(item.answered["shortfall"])


def _critical_words(number: int, agreed: int) -> str:
    if not number:
        return "No request was critical. Give rows of the dataset, or the configuration, that priority."
    each, behind = counted(number, "critical request"), "by a consensus of more than half of several models"
    if agreed == number:
        return f"{each}, {'all ' if number > 1 else ''}answered {behind}."
    return f"{each}: {agreed} answered {behind}, {number - agreed} without one."


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
