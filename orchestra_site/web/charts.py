"""Charts as data that the browser draws; each stands beside its table, which has the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A chart: the id of its element, its title, what it shows in words, and its figure as JSON.

    `table` says where the same figures stand.
    """

    name: str
    title: str
    words: str
    figure: dict[str, Any]
    table: str = "The figures are in the table above."

    @property
    def data_id(self) -> str:
        """The id of the element that holds the figure."""
        return f"{self.name}-data"


def figure_of(
    traces: Sequence[Mapping[str, Any]], x: Mapping[str, Any], y: Mapping[str, Any]
) -> dict[str, Any]:
    """Return scatter traces with their axes as JSON, without Plotly's template: colours are the page's."""
    from plotly import graph_objects  # noqa: PLC0415  # takes a quarter of a second, on pages with charts alone

    figure = graph_objects.Figure([graph_objects.Scatter(**each) for each in traces])
    figure.update_layout(
        xaxis=x, yaxis=y, showlegend=True, template=None, margin={"l": 64, "r": 16, "t": 72, "b": 56}
    )
    found: dict[str, Any] = figure.to_plotly_json()
    return {"data": [dict(each) for each in found["data"]], "layout": found["layout"]}


def error_bars(values: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    """Return error bars of values, each with the low and the high end of its interval."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, _, high in values],
        "arrayminus": [value - low for value, low, _ in values],
    }
