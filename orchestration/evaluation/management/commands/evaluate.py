"""Measure strategies on recorded answers of real models."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from orchestra_site.web.logs import printable
from orchestration.evaluation.engine.scoring import StrategyFigures
from orchestration.evaluation.services.evaluating import EvaluationRequest, Report, evaluate
from orchestration.evaluation.services.route_scoring import (
    ROUTERS,
    RouteReport,
    RouteRequest,
    evaluate_routers,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.types import dollars, listed

BAD_ARGUMENTS = 2
PAIR = 2
STEPS = 200
"""Updates of the progress line for each strategy."""
COLUMNS = (
    ("strategy", ""),
    ("accuracy", ">9"),
    ("  95 % interval", "<17"),
    ("$ per 1,000", ">12"),
    ("calls", ">7"),
    ("escalated", ">11"),
    ("failed", ">8"),
    ("AUROC", ">8"),
    ("ECE", ">7"),
)


class Command(BaseCommand):
    """`manage.py evaluate`: exit 0 evaluated, 2 bad arguments."""

    help = "Run strategies on recorded answers and print how often they are right, at what cost."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the data, the panel and the strategies."""
        files: dict[str, Json] = {
            "nargs": "+",
            "action": "extend",
            "type": Path,
            "default": [],
            "metavar": "FILE",
        }
        parser.add_argument(
            "--data", required=True, help="recordings to score on: JSON lines, plain or gzip", **files
        )
        parser.add_argument("--fit", help="recordings to learn from; none of their items is scored", **files)
        parser.add_argument(
            "--panel",
            metavar="NAME,...",
            help="models in order, or panels of panels.json beside the data",
        )
        parser.add_argument(
            "--strategy",
            action="append",
            default=[],
            metavar="NAME[:OPTION=VALUE,...],...",
            help="what to compare; a strategy may come again with other options",
        )
        parser.add_argument(
            "--route", metavar="WEAK,STRONG", help="measure routers between two models instead of strategies"
        )
        parser.add_argument(
            "--router", default="random,length", metavar="NAME,...", help=f"of {', '.join(sorted(ROUTERS))}"
        )
        parser.add_argument(
            "--scores", type=Path, metavar="FILE", help="a JSON object with a score of each item, as a router"
        )
        parser.add_argument(
            "--option",
            action="append",
            default=[],
            metavar="[STRATEGY.]NAME=VALUE",
            help="an option of the strategies",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="score a sample of N items only")
        parser.add_argument(
            "--seed", type=int, default=0, metavar="N", help="of the sample and of every run (0)"
        )
        parser.add_argument(
            "--failure-rate", type=float, default=0.0, metavar="P", help="let this share of attempts fail (0)"
        )
        parser.add_argument("--progress", action="store_true", help="show progress even without a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **given: Json) -> None:
        """Evaluate and print."""
        try:
            report = self._routes(given) if given["route"] else self._strategies(given)
        except InvalidRequest as error:
            explained = f"{error.field}: {error}" if error.field else str(error)
            raise CommandError(explained, returncode=BAD_ARGUMENTS) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing is kept of an evaluation.") from None
        if given["json"]:
            self.stdout.write(printable(json.dumps(report.as_json(), indent=2, ensure_ascii=False)))
        else:
            lines = _lines(report) if isinstance(report, Report) else _route_lines(report)
            self.stdout.write(printable("\n".join(lines)))

    def _strategies(self, given: dict[str, Json]) -> Report:
        lacking = [name for name in ("panel", "strategy") if not given[name]]
        if lacking:
            raise InvalidRequest(f"Say --{lacking[0]}, or --route to measure routers.", field=lacking[0])
        shown = given["progress"] or sys.stderr.isatty()
        request = EvaluationRequest(
            data=tuple(given["data"]),
            panel=_names(given["panel"]),
            strategies=tuple(given["strategy"]),
            options=tuple(given["option"]),
            fit=tuple(given["fit"]),
            limit=given["limit"],
            seed=given["seed"],
            failure_rate=given["failure_rate"],
        )
        report = evaluate(request, self._show_progress) if shown else evaluate(request)
        for note in report.notes:
            self.stderr.write(printable(note))
        return report

    def _routes(self, given: dict[str, Json]) -> RouteReport:
        pair = _names(given["route"])
        if len(pair) != PAIR:
            raise InvalidRequest("Name the weak and the strong model: --route WEAK,STRONG.", field="route")
        return evaluate_routers(
            RouteRequest(
                data=tuple(given["data"]),
                weak=pair[0],
                strong=pair[1],
                routers=_names(given["router"]),
                scores=given["scores"],
                fit=tuple(given["fit"]),
                seed=given["seed"],
            )
        )

    def _show_progress(self, strategy: str, done: int, of: int) -> None:
        if done == of or done % max(1, of // STEPS) == 0:
            self.stderr.write(f"\r{strategy}: {done:,} of {of:,} items", ending="\n" if done == of else "")
            self.stderr.flush()


def _names(listed: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in listed.split(","))))


def _lines(report: Report) -> Iterator[str]:
    """Yield the figures as a table, with the data above it and the baselines below."""
    chosen = report.chosen
    yield f"{len(chosen.items):,} items of {listed(report.data)}, seed {report.seed}"
    if chosen.missing_model or chosen.unlabelled:
        missing, unlabelled = f"{chosen.missing_model:,}", f"{chosen.unlabelled:,}"
        yield f"left out: {missing} without an answer of every model, {unlabelled} without a label"
    if report.fitted_items:
        yield f"learned from {report.fitted_items:,} other items"
    yield f"panel: {listed(report.panel)}"
    yield ""
    wide = max(len(result.label) for result in report.results)
    yield _aligned((name for name, _ in COLUMNS), wide)
    for result in report.results:
        yield _aligned(_row(result), wide)
        yield from (f"  {failure}" for failure in result.failures)
    yield ""
    yield from _differences(report.results)
    base = report.results[0].baseline
    yield (
        f"without a strategy: best single {_percent(base.best_single)}, random {_percent(base.random)},"
        f" plurality {_percent(base.plurality)}, oracle {_percent(base.oracle)}"
    )


def _differences(results: Iterable[StrategyFigures]) -> Iterator[str]:
    """Yield how each configuration differs from the others and from the baselines, item by item."""
    for result in results:
        for each in result.comparisons:
            low, high = each.found.ci95
            real = "a real difference" if each.found.is_real else "may be chance"
            yield (
                f"{result.label} against {each.name}: {100 * each.found.difference:+.1f} points"
                f" ({100 * low:+.1f} to {100 * high:+.1f}), {real}"
            )
    yield ""


def _route_lines(report: RouteReport) -> Iterator[str]:
    """Yield the figures of routers as a table."""
    weak, strong = report.panel
    yield f"{report.items:,} items of {listed(report.data)}, seed {report.seed}"
    yield f"from {weak} to {strong}"
    yield ""
    for each in report.results:
        low, high = each.found.apgr_ci95
        yield (
            f"{each.router:<14}APGR {each.found.apgr:.3f} ({low:.3f} to {high:.3f}); half of the gap with"
            f" {_percent(each.found.cpt50)} of calls to {strong}, 80 % with {_percent(each.found.cpt80)}"
        )


def _row(result: StrategyFigures) -> tuple[str, ...]:
    found = result.figures
    low, high = found.accuracy_ci95
    cost = found.cost_per_1k_usd
    return (
        result.label,
        _percent(found.accuracy),
        f"  {_percent(low)} to {_percent(high)}",
        "unknown" if cost is None else dollars(Decimal(repr(cost))),
        f"{found.calls_per_item:.2f}",
        _percent(found.escalation_rate),
        _percent(found.failed_rate),
        _share(found.quality_auroc),
        _share(found.quality_ece),
    )


def _aligned(cells: Iterable[str], wide: int) -> str:
    """Return a line of the table whose first column holds labels of up to `wide` characters."""
    first, *rest = cells
    return f"{first:<{wide + 2}}" + "".join(
        f"{cell:{width}}" for cell, (_, width) in zip(rest, COLUMNS[1:], strict=True)
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"


def _share(number: float | None) -> str:
    return "–" if number is None else f"{number:.3f}"
