"""What became of first answers that would not do: their quality is below a threshold, or there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.evaluation.engine.decisions.items import RoutedItem, ShareRight
from orchestration.routing.engine.executing import MAJORITY
from orchestration.strategies.engine.types import counted, percent


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
        alone = len(tried) - len(known)
        stood = "stands by itself" if alone == 1 else "stand by themselves"
        unknown = f" {alone} {stood}, neither judged nor compared: no threshold applies." if alone else ""
        return f"No first answer was estimated below {threshold}{lowest}.{unknown}"
    moved = sum(len(each.attempts) > 1 for each in below)
    first = ShareRight.counted(each.attempts[0]["correct"] for each in below)
    final = ShareRight.counted(each.correct for each in below)
    return (
        f"{len(below)} of {counted(len(tried), 'first answer')} were estimated below {threshold};"
        f" Auto went on to another method for {moved}."
        f" Right: {first.words} first answers, {final.words} final ones."
    )
