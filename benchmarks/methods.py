"""Strategies that ask several times, beside voting and single models, over simulated models.

`python -m benchmarks.methods [--questions N] [--strategy NAME] [--json]`. Recorded answers cannot measure
them: a recording has one answer of each model, and nothing of what one says once it has seen others'.
Simulated models solve small tasks with a known skill. Samples of one are independent, which those of real
models are not; in a debate and in a mixture each keeps to what it works out itself where somebody else says
the same, else follows a majority; as a critic it compares with its own result, and as an author it works the
question out once more. So the table shows what the strategies do with such models and what they cost, not how
real ones gain.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import count
from math import sqrt

from orchestration.evaluation.engine.running import NO_TIME, CallLog
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.simulated.catalog import CATALOG, model_spec
from orchestration.llm.providers.simulated.model import SimulatedModel
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.claim import ClaimState, Dependencies, ReplayState
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import Request
from tests.support.questions import Asked, questions, same_answer, stated_answer

SMALL, LARGE = ("sim-swift", "sim-scout", "sim-sage"), ("sim-sage", "sim-scholar", "sim-oracle")
Row = tuple[Sequence[str], str, Mapping[str, Json]]


def rows(panel: Sequence[str]) -> list[Row]:
    """Return what is measured with a panel: its models, how they are asked, the options."""
    alone: list[Row] = [((name,), "sequential", {}) for name in panel]
    return [
        *alone,
        (panel, "voting", {}),
        (panel, "debate", {}),
        (panel, "debate", {"rounds": 4}),
        (panel, "mixture", {}),
        (panel, "mixture", {"aggregator": panel[0]}),
        (panel, "refine", {"critic": panel[-1]}),
        (panel[:1], "refine", {}),
        (panel, "self_consistency", {}),
        (panel[:1], "self_consistency", {}),
        (panel[:1], "self_consistency", {"samples": 15}),
        (panel[-1:], "self_consistency", {}),
    ]


@dataclass(frozen=True, kw_only=True)
class MethodFigures:
    """How often a strategy is right, in percent with its standard error, and what it takes for a question."""

    strategy: str
    options: Mapping[str, Json]
    panel: Sequence[str]
    right: float
    error: float
    cost_per_1k_usd: float
    calls: float


def panel_of(names: Sequence[str]) -> Panel:
    """Return simulated models that need no time and have no record: what is believed of them is by tier."""
    profiles = {profile.name: profile for profile in CATALOG}
    models = [SimulatedModel(model_spec(profiles[name]), profiles[name], seed=1, pace=0) for name in names]
    belief = belief_of_team([model.spec for model in models], {})
    return Panel(members=tuple(map(Metered, models)), belief=belief)


async def asked_once(
    asked: Asked, strategy: str, options: Mapping[str, Json], names: Sequence[str], seed: int
) -> tuple[bool, Decimal, int]:
    """Return whether the answer is right, what it cost in US dollars, and the calls started."""
    log, numbers = CallLog(), count(1)
    dependencies = Dependencies(
        log=log,
        clock=lambda: 0.0,
        wall_clock=lambda: NO_TIME,
        new_id=lambda: f"call-{next(numbers)}",
        child=lambda *_: (_ for _ in ()).throw(NotImplementedError),
    )
    claim = ClaimState(dependencies=dependencies, limits=Limits(), replay=ReplayState(), seed=seed)
    request = Request(text=asked.question, options=options)
    right = False
    try:
        outcome = await answer(get_strategy(strategy), request, panel_of(names), RunContext(claim))
        said = stated_answer(outcome.answer)
        right = said is not None and same_answer(asked.expected, said)
    except EngineError:
        pass
    cost = sum((ended.cost_usd or Decimal(0) for ended in log.ended.values()), Decimal(0))
    return right, cost, len(log.started)


def measure(number: int, only: str = "") -> list[MethodFigures]:
    """Return the figures of each row over so many questions, of one strategy if that is named."""
    asked, found = questions(7, number), []
    wanted = [row for row in (*rows(SMALL), *rows(LARGE)) if only in {"", row[1]}]
    for names, strategy, options in wanted:
        results = [
            asyncio.run(asked_once(one, strategy, options, names, seed)) for seed, one in enumerate(asked)
        ]
        share = sum(right for right, _, _ in results) / number
        found.append(
            MethodFigures(
                strategy=strategy,
                options=options,
                panel=names,
                right=100 * share,
                error=100 * sqrt(share * (1 - share) / number),
                cost_per_1k_usd=float(1000 * sum(cost for _, cost, _ in results) / number),
                calls=sum(calls for _, _, calls in results) / number,
            )
        )
    return found


def show(measured: Sequence[MethodFigures]) -> None:
    """Print the table."""
    print(f"{'strategy':<34} {'panel':<26} {'right %':>8} {'+-':>5} {'$/1k':>8} {'calls':>6}")
    for row in measured:
        name = " ".join([row.strategy, *(f"{key}={value}" for key, value in row.options.items())])
        panel = ", ".join(each.removeprefix("sim-") for each in row.panel)
        cost = f"{row.cost_per_1k_usd:>8.3f}"
        print(f"{name:<34} {panel:<26} {row.right:>8.1f} {row.error:>5.1f} {cost} {row.calls:>6.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--strategy", default="")
    parser.add_argument("--json", action="store_true")
    arguments, _ = parser.parse_known_args()
    figures = measure(arguments.questions, arguments.strategy)
    if arguments.json:
        print(json.dumps([asdict(row) for row in figures], indent=2))
    else:
        show(figures)
