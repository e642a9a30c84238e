"""What the page of the router shows of regret: a sentence, and a chart beside its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_site.web.charts import Chart, error_bars, figure_of
from orchestration.routing.engine.off_policy import FEWEST_DECISIONS
from orchestration.routing.engine.regret import Regret
from orchestration.strategies.engine.types import counted

FEWEST_SHOWN = 2
"""Batches that make a line."""


def regret_context(found: Regret, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return the regret as the page shows it; `titles` are those of methods."""
    best = titles.get(found.best, found.best)
    charts = [_chart(found, best)] if len(found.batches) >= FEWEST_SHOWN else []
    return {"regret": found, "regret_words": _words(found, best), "charts": charts}


def _words(found: Regret, best: str) -> str:
    """Return the regret in a sentence; where there is too little to measure it by, how to get more."""
    if found.regret is None:
        known = f"{counted(found.measured, 'judged answer')} of {found.judged:,}" if found.judged else "none"
        return (
            "It cannot be measured yet. That takes the result of another method for the same question, or a"
            f" chance that it was chosen, in at least {FEWEST_DECISIONS} judged answers, and in half of those"
            f" where it was not chosen for certain; so far in {known}. Tick “Ask one model, too”"
            " on Ask, or allow some money for exploring in the rules. Ratings make it more certain."
        )
    mean, low, high = found.regret.mean, found.regret.low, found.regret.high
    rests = (
        f"{found.measured:,} of {found.judged:,} judged answers, {counted(found.compared, 'method')} compared"
    )
    interval = f"95 % interval {low:.1f} to {high:.1f}"
    if mean < 0:
        gained = f"Choosing by question was worth {-mean:.1f} points more than always choosing {best}"
        return f"{gained}, the best single method in hindsight (regret {mean:.1f}, {interval}; {rests})."
    lost = f"Choosing by question was worth {mean:.1f} points less than always choosing {best}"
    return f"{lost}, the best single method in hindsight ({interval}; {rests})."


def _chart(found: Regret, best: str) -> Chart:
    """Return the regret of each fifty runs with its interval."""
    values = [(each.regret.mean, each.regret.low, each.regret.high) for each in found.batches]
    moments = [each.until.isoformat() for each in found.batches]
    line = {
        "x": moments,
        "y": [mean for mean, _, _ in values],
        "mode": "lines+markers",
        "name": "Regret of 50 runs",
        "error_y": error_bars(values),
    }
    ends = [moments[0], moments[-1]]
    nothing = {"x": ends, "y": [0, 0], "mode": "lines", "name": f"Always {best}", "line": {"dash": "dot"}}
    return Chart(
        name="chart-regret",
        title="Regret over time",
        words=f"Below the dotted line choosing by question is worth more than always choosing {best}.",
        figure=figure_of([nothing, line], {"title": "Until"}, {"title": "Points", "zeroline": False}),
    )
