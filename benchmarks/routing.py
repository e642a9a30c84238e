"""How well the router chooses, on recorded answers: replayed streams, and curves of strong against weak.

`python -m benchmarks.routing [--data FOLDER] [--seeds N] [--draws N] [--json] [--plot FILE]
[--only streams|curves] [--recompute]`. Nothing is asked. Streams compare `auto` (cold start, learning only
from what it chose) with the model that would have been best in hindsight, with routing by type of task, and
with chance. `--plot` writes the regret as SVG. What code in a question comes to counts only with
`--recompute`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import accumulate
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.recorded_answers import DATA, folder_or_exit
from benchmarks.routing_curves import CurveFigures, curves
from benchmarks.routing_plot import Line, regret_plot
from benchmarks.routing_streams import DRAWS, Played, Player, Traffic, hindsight, shares, traffic
from orchestration.routing.engine.arms import Utility
from orchestration.routing.engine.planning import UNIFORM
from orchestration.routing.engine.router import Exploration

PANELS = ("weak5", "cheap5", "mid5", "top5", "ladder", "mmlu11")
DIALS = (0.2, 0.5, 0.8)
SEEDS = 4
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26}
"""Quantiles of Student's distribution for a 95 % interval over so many seeds."""
PLOTTED = 50


@dataclass(frozen=True, kw_only=True)
class StreamFigures:
    """One panel and dial: gains in points of utility a request, with the half width of their 95 % interval.

    `gains` are those of each stream, `late` that in the second half; `regret` is the mean regret against the
    best model after each 50th of the stream.
    """

    panel: str
    dial: float
    best: str
    gain: float
    gain_error: float
    gains: Sequence[float]
    late: float
    late_error: float
    over_task: float
    over_random: float
    chosen: str
    regret: Sequence[float]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half width of its 95 % interval."""
    if len(values) == 1:
        return values[0], 0.0
    return fmean(values), STUDENT.get(len(values), 2.0) * stdev(values) / sqrt(len(values))


def play(stream: Traffic, dial: float, seed: int, draws: int) -> dict[str, Played]:
    """Play one stream with each policy."""
    utility = replace(Utility.from_dial(dial), per_second=0.0)
    explore = Exploration(remaining_usd=1.0, uniform=UNIFORM)
    return {
        policy: Player(traffic=stream, utility=utility, explore=explore, seed=seed, policy=policy).play(draws)
        for policy in ("auto", "task", "random")
    }


def stream_figures(
    folder: Path, panel: str, *, seeds: int, draws: int, recompute: bool
) -> list[StreamFigures]:
    """Return the figures of a panel at each dial."""
    stream = traffic(folder, panel, recompute=recompute)
    found = []
    for dial in DIALS:
        runs = [play(stream, dial, seed, draws) for seed in range(seeds)]
        best = [hindsight(run["auto"], stream.models) for run in runs]
        lead = [
            [mine - other for mine, other in zip(run["auto"].chosen, singly, strict=True)]
            for run, (_, singly) in zip(runs, best, strict=True)
        ]
        gains = [100 * fmean(each) for each in lead]
        gain, gain_error = interval(gains)
        late, late_error = interval([100 * fmean(each[draws // 2 :]) for each in lead])
        sums = [list(accumulate(each)) for each in lead]
        ends = [max(1, draws * number // PLOTTED) - 1 for number in range(1, PLOTTED + 1)]
        found.append(
            StreamFigures(
                panel=panel,
                dial=dial,
                best=max((name for name, _ in best), key=[name for name, _ in best].count),
                gain=gain,
                gain_error=gain_error,
                gains=gains,
                late=late,
                late_error=late_error,
                over_task=100 * fmean(fmean(r["auto"].chosen) - fmean(r["task"].chosen) for r in runs),
                over_random=100 * fmean(fmean(r["auto"].chosen) - fmean(r["random"].chosen) for r in runs),
                chosen=shares(runs[0]["auto"].picks),
                regret=[round(-fmean(each[end] for each in sums), 2) for end in ends],
            )
        )
    return found


def show(streams: Sequence[StreamFigures], found: Sequence[CurveFigures]) -> None:
    """Print the figures as tables."""
    if streams:
        heads = f"{'panel':<8}{'dial':>5}{'gain':>7}{'+-':>6}{'late':>7}{'+-':>6}{'task':>7}{'random':>8}"
        print(f"{heads}  best, chosen")
    for row in streams:
        print(
            f"{row.panel:<8}{row.dial:>5}{row.gain:>+7.2f}{row.gain_error:>6.2f}{row.late:>+7.2f}"
            f"{row.late_error:>6.2f}{row.over_task:>+7.2f}{row.over_random:>+8.2f}  {row.best}; {row.chosen}"
        )
    if streams:
        for dial in (None, *DIALS):
            rows = [row.gains for row in streams if dial in {None, row.dial}]
            mean, error = interval([fmean(each) for each in zip(*rows, strict=True)])
            print(f"{'all panels':<10} {dial or 'all dials'}: gain {mean:+.2f} +- {error:.2f}")
    if found:
        heads = f"{'questions':<16}{'number':>7}{'predicted by':>24}{'APGR':>8}{'low':>7}{'high':>7}"
        print(f"{heads}{'splits':>14}{'must':>6}")
    for curve in found:
        print(
            f"{curve.name:<16}{curve.questions:>7}{curve.by:>24}{curve.apgr:>8.3f}{curve.low:>7.3f}"
            f"{curve.high:>7.3f}{f'{curve.least:.3f}-{curve.most:.3f}':>14}{curve.must:>6.2f}"
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--panels", nargs="+", default=PANELS)
    parser.add_argument("--only", choices=("streams", "curves"))
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path)
    given, _ = parser.parse_known_args()
    folder = folder_or_exit(given.data)
    streams: list[StreamFigures] = []
    if given.only != "curves":
        measure = partial(
            stream_figures, folder, seeds=given.seeds, draws=given.draws, recompute=given.recompute
        )
        with ProcessPoolExecutor(2) as pool:
            streams = [row for rows in pool.map(measure, given.panels) for row in rows]
    found = curves(folder) if given.only != "streams" else []
    if given.plot is not None:
        lines = [Line(panel=row.panel, dial=row.dial, regret=row.regret) for row in streams]
        given.plot.write_text(regret_plot(lines, draws=given.draws), encoding="utf-8")
    if given.json:
        rows = [asdict(row) for row in streams], [asdict(row) for row in found]
        print(json.dumps({"streams": rows[0], "curves": rows[1]}, indent=2))
    else:
        show(streams, found)


if __name__ == "__main__":
    main()
