"""Charts of what evaluations came to, as data that the browser draws; each stands beside its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestra_site.web.charts import Chart, error_bars, figure_of
from orchestration.evaluation.selectors import ConfigurationResult, EvaluationResults


def figures_of_results(results: EvaluationResults) -> list[Chart]:
    """Return accuracy against cost and against time, and how far estimates of quality hold."""
    shown = results.configurations
    if not shown:
        return []
    cost = [(each.figures.cost_per_1k_usd, each) for each in shown]
    time = [(each.figures.median_s, each) for each in shown]
    charts = [
        _trade("chart-cost", "Accuracy against cost", "US dollars per 1,000 items", cost),
        _trade("chart-time", "Accuracy against time", "Median seconds of an item", time),
        _reliability(shown),
    ]
    return [chart for chart in charts if chart is not None]


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the points that none beats in both: less of the first, more of the second."""
    return [
        place
        for place, (x, y) in enumerate(points)
        if not any((a <= x and b >= y) and (a < x or b > y) for a, b in points)
    ]


def _trade(
    name: str, title: str, axis: str, priced: Sequence[tuple[float | None, ConfigurationResult]]
) -> Chart | None:
    """Return a point for each configuration with its interval, and the line of those that none beats."""
    known = [(x, each) for x, each in priced if x is not None]
    if not known:
        return None
    points = [(x, each.figures.accuracy) for x, each in known]
    front = sorted(points[place] for place in pareto(points))
    best = {
        "x": [x for x, _ in front],
        "y": [y for _, y in front],
        "mode": "lines+markers",
        "marker": {"size": 18, "symbol": "circle-open"},
        "name": "None is better in both",
    }
    figure = figure_of(
        [best, *(_point(x, each) for x, each in known)],
        {"title": axis, "rangemode": "tozero"},
        {"title": "Right", "tickformat": ".0%"},
    )
    names = ", ".join(known[place][1].label for place in pareto(points))
    words = f"Further left and further up is better. In a ring, as none is better in both: {names}."
    return Chart(name=name, title=title, words=words, figure=figure)


def _point(x: float, each: ConfigurationResult) -> dict[str, Any]:
    """Return a configuration as a point with its interval."""
    share, (low, high) = each.figures.accuracy, each.figures.accuracy_ci95
    marks = {"mode": "markers", "marker": {"size": 9}, "name": each.label}
    return {"x": [x], "y": [share], **marks, "error_y": error_bars([(share, low, high)])}


def _reliability(shown: Sequence[ConfigurationResult]) -> Chart | None:
    """Return the share of right answers for each tenth of the estimated quality."""
    judged = [each for each in shown if each.figures.reliability]
    if not judged:
        return None
    lines = [
        {
            "x": [one.estimate for one in each.figures.reliability],
            "y": [one.right for one in each.figures.reliability],
            "mode": "lines+markers",
            "name": each.label,
        }
        for each in judged
    ]
    perfect = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "As estimated", "line": {"dash": "dot"}}
    axis = {"range": [0, 1.03], "tickformat": ".0%"}
    return Chart(
        name="chart-quality",
        title="Can the estimated quality be trusted?",
        words="On the dotted line an estimate holds: of answers with an estimate of 80 %, 80 % are right.",
        figure=figure_of(
            [perfect, *lines], {"title": "Estimated quality", **axis}, {"title": "Right", **axis}
        ),
        table="The figures are in the table below.",
    )
