"""Charts of what evaluations came to, as data that the browser draws; each stands beside its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.evaluation.selectors import ConfigurationResult, EvaluationResults
from orchestration.llm.engine.types import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A chart: the id of its element, its title, what it shows in words, and its figure as JSON."""

    name: str
    title: str
    words: str
    figure: dict[str, Json]

    @property
    def data_id(self) -> str:
        """The id of the element that holds the figure."""
        return f"{self.name}-data"


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
    from plotly import graph_objects  # noqa: PLC0415  # takes a quarter of a second, on this page alone

    points = [(x, each.figures.accuracy) for x, each in known]
    front = sorted(points[place] for place in pareto(points))
    best = graph_objects.Scatter(
        x=[x for x, _ in front],
        y=[y for _, y in front],
        mode="lines+markers",
        marker={"size": 18, "symbol": "circle-open"},
        name="None is better in both",
    )
    figure = graph_objects.Figure([best, *(_point(graph_objects, x, each) for x, each in known)])
    figure.update_layout(
        xaxis={"title": axis, "rangemode": "tozero"}, yaxis={"title": "Right", "tickformat": ".0%"}
    )
    names = ", ".join(known[place][1].label for place in pareto(points))
    words = f"Further left and further up is better. In a ring, as none is better in both: {names}."
    return Chart(name=name, title=title, words=words, figure=_plain(figure))


def _point(graph_objects: Any, x: float, each: ConfigurationResult) -> Any:  # noqa: ANN401  # it has no types
    """Return a configuration as a point with its interval."""
    share, (low, high) = each.figures.accuracy, each.figures.accuracy_ci95
    bars = {"type": "data", "symmetric": False, "array": [high - share], "arrayminus": [share - low]}
    return graph_objects.Scatter(
        x=[x], y=[share], mode="markers", marker={"size": 9}, name=each.label, error_y=bars
    )


def _reliability(shown: Sequence[ConfigurationResult]) -> Chart | None:
    """Return the share of right answers for each tenth of the estimated quality."""
    judged = [each for each in shown if each.figures.reliability]
    if not judged:
        return None
    from plotly import graph_objects  # noqa: PLC0415  # as above

    lines = [
        graph_objects.Scatter(
            x=[one.estimate for one in each.figures.reliability],
            y=[one.right for one in each.figures.reliability],
            mode="lines+markers",
            name=each.label,
        )
        for each in judged
    ]
    perfect = graph_objects.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="As estimated", line={"dash": "dot"}
    )
    figure = graph_objects.Figure([perfect, *lines])
    axis = {"range": [0, 1.03], "tickformat": ".0%"}
    figure.update_layout(xaxis={"title": "Estimated quality", **axis}, yaxis={"title": "Right", **axis})
    words = "On the dotted line an estimate holds: of answers with an estimate of 80 %, 80 % are right."
    return Chart(
        name="chart-quality",
        title="Can the estimated quality be trusted?",
        words=words,
        figure=_plain(figure),
    )


def _plain(figure: Any) -> dict[str, Json]:  # noqa: ANN401  # the library has no types
    """Return a figure as JSON without Plotly's own template: colours are those of the page."""
    figure.update_layout(showlegend=True, template=None, margin={"l": 64, "r": 16, "t": 72, "b": 56})
    found: dict[str, Json] = figure.to_plotly_json()
    return {"data": [dict(each) for each in found["data"]], "layout": found["layout"]}
