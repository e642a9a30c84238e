"""Validate, run, import and export pipelines from the command line."""

from __future__ import annotations

import json
import sys
import threading
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal

from django.core.management.base import CommandParser
from django.db import connections

from orchestra_site.accounts.models import Membership
from orchestra_site.web.logs import printable
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.selectors import version_number
from orchestration.library.services.importing import (
    as_json,
    file_text,
    import_definitions,
    saved_text,
    syntax_of,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.management.run_command import RunCommand
from orchestration.runs.models import Run, RunStatus
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.types import dollars
from pipelines.engine.running import as_text
from pipelines.selectors import KIND, PIPELINES

LOOK_EVERY_S = 0.2


class Command(RunCommand):
    """`manage.py pipeline ACTION FILE|NAME`: exit 0 succeeded, 1 failed or not valid, 2 bad arguments."""

    help = "Validate, run, import or export a pipeline; a run is kept like any other."

    def create_parser(self, *names: str, **options: Any) -> CommandParser:  # noqa: ANN401  # passed on
        """Let `--version` be that of a pipeline, not Django's."""
        return super().create_parser(*names, conflict_handler="resolve", **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the action and what it concerns."""
        parser.add_argument("action", choices=["validate", "run", "import", "export"])
        parser.add_argument("what", metavar="FILE|NAME", help="a file in YAML or JSON, or a saved pipeline")
        parser.add_argument("--input", default="null", metavar="JSON", help="the input of a run (null)")
        of_saved = "of a saved pipeline (newest)"
        parser.add_argument("--version", default="latest", dest="number", metavar="N|draft", help=of_saved)
        parser.add_argument("--team", default="", help="the team to act for (the oldest one)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, action: str, what: str, **given: Json) -> None:
        """Do it and print what came of it."""
        member = self.member(given["team"])
        actions = {"validate": self._validate, "import": self._import, "export": self._export}
        with self.refusals():
            is_good = actions.get(action, self._run)(member, what, given)
        if not is_good:
            raise SystemExit(1)

    def _validate(self, member: Membership, what: str, given: dict[str, Json]) -> bool:
        text = file_text(what)
        if text is None:
            text = saved_text(member, PIPELINES, what, given["number"])
        errors = as_json(PIPELINES.read(text, PIPELINES.known(member), syntax=syntax_of(text)).problems)
        lines = [f"{each['path']}: {each['message']}".removeprefix(": ") for each in errors]
        self._print(given["json"], {"ok": not errors, "errors": errors}, lines or ["No problems."])
        return not errors

    def _run(self, member: Membership, what: str, given: dict[str, Json]) -> bool:
        text, number = file_text(what), given["number"]
        payload = {"input": _document(given["input"], "json", "input")}
        if text is None:
            payload |= {"pipeline": what, "version": version_number(number) or number}
        else:
            payload["definition"] = _document(text, syntax_of(text), "FILE")
        run = store_run(membership=member, kind=KIND, payload=payload)
        with self._progress(run):
            self.finish(run)
        cost = f"{run.ref}: {run.get_status_display()}, {dollars(run.cost_usd)}. Run {run.id}"
        came = as_text(run.output) if run.is_over else "It waits for an answer, in the inbox, or for a time."
        self._print(given["json"], run_object(run), [run.error or came, "", cost])
        return run.status == RunStatus.SUCCEEDED

    def _import(self, member: Membership, what: str, given: dict[str, Json]) -> bool:
        text = file_text(what)
        if text is None:
            raise InvalidRequest(f"There is no file {what!r}.", field="FILE")
        found = [each.summary for each in import_definitions(member, PIPELINES, text)]
        lines = [f"{each['name']}: {each['step']}, {len(each['errors'])} problems" for each in found]
        self._print(given["json"], {"imported": found}, lines)
        return True

    def _export(self, member: Membership, what: str, given: dict[str, Json]) -> bool:
        syntax: Literal["yaml", "json"] = "json" if given["json"] else "yaml"
        text = saved_text(member, PIPELINES, what, given["number"], syntax)
        self.stdout.write(printable(text), ending="")
        return True

    def _print(self, as_json: bool, found: Json, lines: list[str]) -> None:  # noqa: FBT001  # the flag --json
        text = json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lines)
        self.stdout.write(printable(text))

    @contextmanager
    def _progress(self, run: Run) -> Iterator[None]:
        """Print on a terminal which stages have ended, while the run is executed."""
        if not sys.stderr.isatty():
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._tell, args=(run, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _tell(self, run: Run, over: threading.Event) -> None:
        last, is_over = 0, False
        while not is_over:
            is_over = over.wait(LOOK_EVERY_S)
            for step in run.steps.filter(kind="record", pk__gt=last).order_by("pk"):
                last, row = step.pk, step.result or {}
                if "/" not in step.key:
                    self.stderr.write(printable(f"{step.key}: {row['status']}, {row['seconds']:.1f} s"))
        connections.close_all()


def _document(text: str, syntax: Literal["yaml", "json"], field: str) -> Json:
    try:
        return read_document(text, syntax)
    except ExpressionError as error:
        raise InvalidRequest(f"This cannot be read. {error}", field=field) from None


def run_object(run: Run) -> dict[str, Json]:
    """Return the object that `pipeline run --json` prints: a contract. Money is US dollars."""
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for step, cost in run.calls.values_list("step", "cost_usd"):
        costs[step.partition("/")[0]] += cost or 0
    rows = [step.result or {} for step in run.steps.filter(kind="record").exclude(key__contains="/")]
    keys = ("status", "attempts", "cached", "seconds", "output", "error")
    stages = [
        {"id": row["stage"], **{key: row[key] for key in keys}, "cost_usd": float(costs[row["stage"]])}
        for row in rows
    ]
    found = {"run_id": str(run.id), "status": run.status, "output": run.output, "stages": stages}
    return {**found, "error": run.error or None}
