"""An evaluation as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from orchestration.engine.evaluation.report import StrategyFigures
from orchestration.engine.strategies.wording import dollars, listed
from orchestration.services.evaluation.evaluating import Report

COLUMNS = (
    ("strategy", "<14"),
    ("accuracy", ">9"),
    ("  95 % interval", "<17"),
    ("$ per 1,000", ">12"),
    ("calls", ">7"),
    ("escalated", ">11"),
    ("failed", ">8"),
    ("AUROC", ">8"),
    ("ECE", ">7"),
)


def report_text(report: Report) -> str:
    """Return the figures as a table, with what they stand on above and the baselines below."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    chosen = report.chosen
    yield f"{len(chosen.items):,} items of {listed(report.data)}, seed {report.seed}"
    if chosen.missing_model or chosen.unlabelled:
        missing, unlabelled = f"{chosen.missing_model:,}", f"{chosen.unlabelled:,}"
        yield f"left out: {missing} without an answer of every model, {unlabelled} without a label"
    if report.fitted_items:
        yield f"learned from {report.fitted_items:,} other items"
    yield f"panel: {listed(report.panel)}"
    yield ""
    yield _set(name for name, _ in COLUMNS)
    for result in report.results:
        yield _set(_row(result))
        yield from (f"  {failure}" for failure in result.failures)
    yield ""
    base = report.results[0].baseline
    yield (
        f"without a strategy: best single {_percent(base.best_single)}, random {_percent(base.random)},"
        f" plurality {_percent(base.plurality)}, oracle {_percent(base.oracle)}"
    )


def _row(result: StrategyFigures) -> tuple[str, ...]:
    low, high = result.accuracy_ci95
    cost = result.cost_per_1k_usd
    return (
        result.strategy,
        _percent(result.accuracy),
        f"  {_percent(low)} to {_percent(high)}",
        "unknown" if cost is None else dollars(Decimal(repr(cost))),
        f"{result.calls_per_item:.2f}",
        _percent(result.escalation_rate),
        _percent(result.failed_rate),
        _share(result.quality_auroc),
        _share(result.quality_ece),
    )


def _set(cells: Iterable[str]) -> str:
    return "".join(f"{cell:{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"


def _share(number: float | None) -> str:
    return "–" if number is None else f"{number:.3f}"
