"""How well a score sends the questions to a strong model that a weak one would get wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json

POINTS = 21
"""Points of a curve as it is shown: every 5 % of calls."""
RESAMPLES = 200
FIFTY, EIGHTY = 0.5, 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingPoint:
    """With this share of calls to the strong model: the mean result, and the share of the gap it recovers."""

    strong_calls: float
    result: float
    recovered: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingCurve:
    """The results of routing by a score, at every threshold, between those of the `weak` and `strong` model.

    `apgr` is the mean share of the gap that is recovered over all shares of calls to the strong model, with
    its interval of 95 %; it is 0.5 for a score that says nothing. `cpt50` and `cpt80` are the smallest shares
    of calls that recover 50 % and 80 %.
    """

    weak: float
    strong: float
    apgr: float
    apgr_ci95: tuple[float, float]
    cpt50: float
    cpt80: float
    curve: tuple[RoutingPoint, ...]

    def as_json(self) -> dict[str, Json]:
        """Return it as `evaluate --json` prints it."""
        shown: dict[str, Json] = {
            name: getattr(self, name) for name in ("apgr", "cpt50", "cpt80", "weak", "strong")
        }
        points = [[each.strong_calls, each.result, each.recovered] for each in self.curve]
        return {**shown, "apgr_ci95": list(self.apgr_ci95), "curve": points}


def routing_curve(
    scores: Sequence[float], weak: Sequence[float], strong: Sequence[float], *, seed: int = 0
) -> RoutingCurve:
    """Return the curve of routing the highest `scores` to the strong model.

    `weak` and `strong` are the results of the two models, by item. Items with equal scores are sent in a
    random order: between two thresholds the curve is a straight line. The area is that under the
    performance-gap-recovered curve (Ong et al., RouteLLM, arXiv 2406.18665, section 3.2), exact instead of
    over ten points; its interval is by the bootstrap over items. Raises `InvalidRequest` for models
    without a gap between them: then there is nothing to recover.
    """
    import numpy as np  # noqa: PLC0415  # loaded when something is measured, not at a start

    if not scores or not sum(strong) > sum(weak):
        raise InvalidRequest(
            "The strong model is not better than the weak one on these items: there is no gap to recover."
            " Name the weaker of the two first.",
            field="route",
        )
    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    ranked = np.asarray(scores, dtype=float)[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    base, gain = np.asarray(weak, dtype=float)[order], (np.asarray(strong) - np.asarray(weak))[order]

    def found(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls = np.append(0.0, np.cumsum(weights)[ends] / weights.sum())
        gained = np.append(0.0, np.cumsum(weights * gain)[ends])
        return calls, gained / gained[-1] if gained[-1] > 0 else calls

    number = len(ranked)
    calls, recovered = found(np.ones(number))
    draw = np.random.default_rng(seed)
    areas = [
        float(np.trapezoid(y, x))
        for x, y in (found(draw.multinomial(number, [1 / number] * number)) for _ in range(RESAMPLES))
    ]
    low, high = (float(each) for each in np.percentile(areas, [2.5, 97.5]))
    points = np.interp(np.linspace(0, 1, POINTS), calls, recovered).tolist()
    at_weak, gap = float(base.mean()), float(gain.mean())
    return RoutingCurve(
        weak=at_weak,
        strong=at_weak + gap,
        apgr=float(np.trapezoid(recovered, calls)),
        apgr_ci95=(low, high),
        cpt50=_calls_for(FIFTY, calls.tolist(), recovered.tolist()),
        cpt80=_calls_for(EIGHTY, calls.tolist(), recovered.tolist()),
        curve=tuple(_point(place, part, at_weak, gap) for place, part in enumerate(points)),
    )


def _point(place: int, recovered: float, weak: float, gap: float) -> RoutingPoint:
    share = place / (POINTS - 1)
    return RoutingPoint(strong_calls=share, result=weak + gap * recovered, recovered=recovered)


def _calls_for(part: float, calls: Sequence[float], recovered: Sequence[float]) -> float:
    """Return the smallest share of calls at which the curve, which ends at 1, reaches `part`."""
    place = next(each for each, reached in enumerate(recovered) if reached >= part)
    before, after = recovered[place - 1], recovered[place]
    start, end = calls[place - 1], calls[place]
    return start + (end - start) * (part - before) / (after - before)
