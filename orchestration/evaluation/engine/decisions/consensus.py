"""Whether more than half of several models agree on what was asked as critical."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.evaluation.engine.decisions.items import AN_EARLIER_ANSWER, RoutedItem
from orchestration.routing.engine.executing import MAJORITY
from orchestration.routing.engine.rules import Priority
from orchestration.strategies.engine.types import counted


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
