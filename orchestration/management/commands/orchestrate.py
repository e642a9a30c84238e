"""Ask from the command line, on the same engine and with the same records as the pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation

from django.core.management.base import BaseCommand, CommandError

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import first_member
from orchestration.dispatch import RunRequest, store_run
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.types import Json
from orchestration.forms.panel import default_panel
from orchestration.management.reporting import answer_object, answer_text
from orchestration.models import Run, RunStatus
from orchestration.selectors.panels import usable_models
from orchestration.services.first_start import prepare_installation
from orchestration.tasks import execute_here

BAD_ARGUMENTS = 2


class Command(BaseCommand):
    """`manage.py orchestrate "PROMPT"`: exit 0 succeeded, 1 failed, 2 bad arguments."""

    help = "Ask several models and print the answer; the run is kept like any other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the prompt, the method and the constraints."""
        parser.add_argument("prompt", help="what to ask")
        parser.add_argument("--strategy", default="parallel", help="parallel (default), sequential, ...")
        parser.add_argument(
            "--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the strategy"
        )
        parser.add_argument(
            "--model", action="append", default=[], metavar="NAME", help="a model of the panel, in order"
        )
        parser.add_argument("--team", default="", help="the team to ask for (the oldest one)")
        parser.add_argument("--max-cost", default=None, metavar="USD", help="most that the run may cost")
        parser.add_argument("--max-latency", type=float, metavar="S", help="most seconds it may take")
        parser.add_argument("--min-quality", type=float, metavar="Q", help="least quality, 0 to 1")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, prompt: str, **given: Json) -> None:
        """Ask, wait, print."""
        for line in prepare_installation():
            self.stderr.write(line)
        member = _member(given["team"])
        try:
            run = store_run(membership=member, request=_request(prompt, given, member))
        except InvalidRequest as error:
            raise CommandError(_explained(error), returncode=BAD_ARGUMENTS) from None
        try:
            execute_here(run.id)
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. Run {run.id} goes on when a worker is there.") from None
        run.refresh_from_db()
        self._print(run, as_json=given["json"])

    def _print(self, run: Run, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(answer_object(run), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(answer_text(run))
        if run.status != RunStatus.SUCCEEDED:
            raise SystemExit(1)


def _member(team: str) -> Membership:
    member = first_member(team)
    if member is None:
        where = f"There is no team {team!r}." if team else "There is no team yet."
        raise CommandError(
            f"{where} Start Orchestra once with `manage.py up`, or name another team.",
            returncode=BAD_ARGUMENTS,
        )
    return member


def _request(prompt: str, given: dict[str, Json], member: Membership) -> RunRequest:
    return RunRequest(
        text=prompt,
        strategy=given["strategy"],
        models=tuple(given["model"]) or tuple(default_panel(usable_models(member))),
        options=_options(given["option"]),
        max_cost_usd=_money(given["max_cost"]),
        max_latency_s=given["max_latency"],
        min_quality=given["min_quality"],
    )


def _options(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise InvalidRequest(f"Write an option as name=value, not {name!r}.", field="option")
    return {name.strip(): value for name, _, value in pairs}


def _money(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise InvalidRequest(f"{text!r} is not an amount in US dollars.", field="max-cost") from None


def _explained(error: InvalidRequest) -> str:
    return f"{error.field}: {error}" if error.field else str(error)
