"""Measure strategies on recorded answers of real models."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.types import Json
from orchestration.management.figures import report_text
from orchestration.services.evaluation.evaluating import EvaluationRequest, evaluate

BAD_ARGUMENTS = 2
STEPS = 200


class Command(BaseCommand):
    """`manage.py evaluate`: exit 0 evaluated, 2 bad arguments."""

    help = "Play strategies on recorded answers and print how often they are right, at what cost."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the data, the panel and the strategies."""
        _add_files(parser, "--data", "recordings to score on: JSON lines, plain or gzip")
        _add_files(parser, "--fit", "recordings to learn from; none of their items is scored")
        parser.add_argument(
            "--panel",
            required=True,
            metavar="NAME,...",
            help="models in order, or panels of panels.json beside the data",
        )
        parser.add_argument("--strategy", required=True, metavar="NAME,...", help="strategies to compare")
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
        parser.add_argument(
            "--progress", action="store_true", help="show progress even where nobody seems to look"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **given: Json) -> None:
        """Evaluate and print."""
        shows = given["progress"] or sys.stderr.isatty()
        try:
            report = evaluate(_request(given), self._tell if shows else _tell_nobody)
        except InvalidRequest as error:
            explained = f"{error.field}: {error}" if error.field else str(error)
            raise CommandError(explained, returncode=BAD_ARGUMENTS) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing is kept of an evaluation.") from None
        for note in report.notes:
            self.stderr.write(note)
        if given["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(report_text(report))

    def _tell(self, strategy: str, done: int, of: int) -> None:
        if done == of or done % max(1, of // STEPS) == 0:
            self.stderr.write(f"\r{strategy}: {done:,} of {of:,} items", ending="\n" if done == of else "")
            self.stderr.flush()


def _add_files(parser: ArgumentParser, name: str, words: str) -> None:
    parser.add_argument(
        name,
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="FILE",
        required=name == "--data",
        help=words,
    )


def _request(given: dict[str, Json]) -> EvaluationRequest:
    return EvaluationRequest(
        data=tuple(given["data"]),
        panel=_names(given["panel"]),
        strategies=_names(given["strategy"]),
        options=tuple(given["option"]),
        fit=tuple(given["fit"]),
        limit=given["limit"],
        seed=given["seed"],
        failure_rate=given["failure_rate"],
    )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in listed.split(","))))


def _tell_nobody(strategy: str, done: int, of: int) -> None:
    """Show no progress."""
