"""`manage.py doctor`: check everything this installation depends on and say what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import groupby

from django.core.management.base import BaseCommand, CommandParser

from orchestra_site.management.checks import BUILT_IN, DATABASE
from orchestra_site.web.health import HealthFinding, Severity, registered_checks, run_checks
from orchestra_site.web.logs import printable, redact

Named = tuple[str, HealthFinding]


class Command(BaseCommand):
    """Run the built-in checks and those that apps registered. Exits with status 1 if one fails."""

    help = "Checks settings, database, broker, channel layer and providers, and says what to do."
    requires_system_checks = ()  # a broken installation is what this is for

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the option for JSON."""
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")

    def handle(self, **options: object) -> None:
        """Run every check and print its findings."""
        findings = list(run_checks(BUILT_IN))
        if not is_failed(finding for finding in findings if finding[0] == DATABASE):
            findings += run_checks(registered_checks())  # they read the database
        shown = as_json(findings) if options["json"] else as_text(findings)
        self.stdout.write(printable(redact(shown)))
        if is_failed(findings):
            sys.exit(1)


def is_failed(findings: Iterable[Named]) -> bool:
    """Return whether a finding prevents Orchestra from working."""
    return any(finding.level is Severity.FAIL for _, finding in findings)


def as_json(findings: list[Named]) -> str:
    """Return `{ok, findings: [{check, level, sentence, advice}]}`."""
    rows = [
        {"check": name, "level": found.level, "sentence": found.sentence, "advice": found.advice}
        for name, found in findings
    ]
    return json.dumps({"ok": not is_failed(findings), "findings": rows}, indent=2)


def as_text(findings: Iterable[Named]) -> str:
    """Return a paragraph for each check, with advice under the findings that have some."""
    paragraphs = []
    for name, group in groupby(findings, key=lambda named: named[0]):
        lines = [name.capitalize()]
        for _, finding in group:
            lines.append(f"  {finding.level:<5} {finding.sentence}")
            lines += [f"        {finding.advice}"] if finding.advice else []
        paragraphs.append("\n".join(lines))
    return "\n".join(paragraphs)
