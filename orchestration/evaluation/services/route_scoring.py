"""Routing between two recorded models by a score of each question, measured without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from pathlib import Path
from random import Random

from orchestration.evaluation.engine.apgr import RoutingCurve, routing_curve
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.recorded.loading import Labelled, load_recordings
from orchestration.llm.providers.recorded.recording import AnswerLabel, Item, ItemKey

Scores = Callable[[Sequence[Item], Sequence[Item], int], Sequence[float]]
"""Returns a score for each item, after learning from others, with a seed: the higher, the more it needs the
strong model."""


def by_length(items: Sequence[Item], _fitted: Sequence[Item], _seed: int) -> Sequence[float]:
    """Return the length of each question in characters."""
    return [float(len(item.prompt)) for item in items]


def at_random(items: Sequence[Item], _fitted: Sequence[Item], seed: int) -> Sequence[float]:
    """Return a number drawn by the seed and the item."""
    return [Random(f"{seed}/{item.key}").random() for item in items]  # noqa: S311  # repeatable on purpose


ROUTERS: dict[str, Scores] = {"length": by_length, "random": at_random}
"""What scores questions, by its name. A learned router adds itself here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteRequest:
    """What to measure: files, the weak and the strong model, names of `ROUTERS`, a file of scores."""

    data: tuple[Path, ...]
    weak: str
    strong: str
    routers: tuple[str, ...]
    scores: Path | None = None
    fit: tuple[Path, ...] = ()
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RouterFigures:
    """What routing by one score comes to; `cost_per_1k_usd` is that with half of the calls to each model."""

    router: str
    found: RoutingCurve
    cost_per_1k_usd: float | None

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints for a router."""
        half = next(each for each in self.found.curve if each.strong_calls >= 1 / 2)
        return {
            "label": f"route {self.router}",
            "strategy": "route",
            "options": {"router": self.router},
            "accuracy": half.result,
            "cost_per_1k_usd": self.cost_per_1k_usd,
            "calls_per_item": 1.0,
            "routing": self.found.as_json(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteReport:
    """The result of measuring routers."""

    data: tuple[str, ...]
    panel: tuple[str, str]
    items: int
    seed: int
    results: tuple[RouterFigures, ...]

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints."""
        return {
            "data": list(self.data),
            "panel": list(self.panel),
            "items": self.items,
            "seed": self.seed,
            "results": [each.as_json() for each in self.results],
        }


def evaluate_routers(request: RouteRequest) -> RouteReport:
    """Measure every router on the same items. Raises `InvalidRequest`.

    Only labels of the two models are needed, no texts: whether an answer is right, or else its score.
    """
    data = load_recordings(request.data)
    fitted = load_recordings(request.fit).recording.items if request.fit else ()
    both = {item.key for item in data.recording.items} & {item.key for item in fitted}
    if both:
        raise InvalidRequest(
            f"{len(both):,} of the items to learn from are scored as well ({min(both)}, ...).", field="fit"
        )
    items, weak, strong = _results(data, request)
    named: dict[str, Sequence[float]] = {}
    for name in request.routers:
        if name not in ROUTERS:
            raise InvalidRequest(
                f"There is no router {name!r}. There are: {', '.join(sorted(ROUTERS))}.", field="router"
            )
        named[name] = ROUTERS[name](items, fitted, request.seed)
    if request.scores is not None:
        named[request.scores.name] = _scores_in(request.scores, items)
    cost = _cost(items, (request.weak, request.strong))
    return RouteReport(
        data=tuple(map(str, request.data)),
        panel=(request.weak, request.strong),
        items=len(items),
        seed=request.seed,
        results=tuple(
            RouterFigures(
                router=name,
                found=routing_curve(scores, weak, strong, seed=request.seed),
                cost_per_1k_usd=cost,
            )
            for name, scores in named.items()
        ),
    )


def _results(data: Labelled, request: RouteRequest) -> tuple[list[Item], list[float], list[float]]:
    """Return the items that both models are labelled for, and the results of each."""
    found = []
    for item in data.recording.items:
        answers = data.labels[item.key].answers
        pair = [_result(answers.get(name)) for name in (request.weak, request.strong)]
        if pair[0] is not None and pair[1] is not None:
            found.append((item, pair[0], pair[1]))
    if not found:
        known = sorted({name for label in data.labels.values() for name in label.answers})
        raise InvalidRequest(
            f"No item has a label of both {request.weak!r} and {request.strong!r}."
            f" The data has {', '.join(known[:12])}.",
            field="route",
        )
    items, weak, strong = zip(*found, strict=True)
    return list(items), list(weak), list(strong)


def _result(label: AnswerLabel | None) -> float | None:
    """Return 1 for a right answer and 0 for a wrong one, else the score that was given."""
    if label is None:
        return None
    return label.score if label.correct is None else float(label.correct)


def _cost(items: Sequence[Item], models: Sequence[str]) -> float | None:
    """Return the US dollars for 1,000 items with half of the calls to each model, None where unknown."""
    costs = [
        answer.cost_usd
        for item in items
        for model in models
        if (answer := item.answers.get(model)) is not None and answer.cost_usd is not None
    ]
    if len(costs) < len(items) * len(models):
        return None
    return float(sum(costs, Decimal(0)) * 1000 / len(costs))


def _scores_in(path: Path, items: Sequence[Item]) -> Sequence[float]:
    """Return the scores that a JSON object in a file has by the item's key. Raises `InvalidRequest`."""
    try:
        given: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{path} cannot be read: {error}", field="scores") from None
    known: Mapping[str, Json] = given if isinstance(given, dict) else {}
    return [_number(known, item.key) for item in items]


def _number(known: Mapping[str, Json], key: ItemKey) -> float:
    score = known.get(str(key))
    if isinstance(score, bool) or not isinstance(score, int | float) or not isfinite(score):
        raise InvalidRequest(
            f'The scores are one JSON object, {{"{key}": 0.7, ...}}; that of {key} is missing or no number.',
            field="scores",
        )
    return float(score)
