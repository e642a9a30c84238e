"""Have a session do a task from the command line, with the same records as from the pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser

from collaboration.parts.reports import report_markdown, session_document
from collaboration.selectors import KIND
from collaboration.services.session_runs import USUAL_LINEUP
from orchestra_site.web.logs import printable
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.services.importing import file_text, syntax_of
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.management.run_command import RunCommand
from orchestration.runs.models import RunStatus
from orchestration.runs.services.starting import store_run


class Command(RunCommand):
    """`manage.py collaborate "TASK"`: exit 0 succeeded, 1 failed, 2 bad arguments."""

    help = "Have several models do a task together; the session is kept like any other run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the task and who does it."""
        parser.add_argument("task", help="what is to be done")
        parser.add_argument(
            "--lineup", default=USUAL_LINEUP, metavar="FILE|NAME", help=f"who takes part ({USUAL_LINEUP})"
        )
        parser.add_argument(
            "--model", action="append", default=[], metavar="NAME", help="a model in the place of “any”"
        )
        parser.add_argument("--max-cost", metavar="USD", help="most US dollars that it may cost")
        parser.add_argument("--team", default="", help="the team to act for (the oldest one)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, task: str, **given: Json) -> None:
        """Start a session, wait, print."""
        member = self.member(given["team"])
        with self.refusals():
            payload = {"text": task, "lineup": _lineup(given["lineup"]), "models": tuple(given["model"])}
            if given["max_cost"] is not None:
                payload["constraints"] = {"max_cost_usd": given["max_cost"]}
            run = store_run(membership=member, kind=KIND, payload=payload)
        self.finish(run)
        document = session_document(run)
        as_json = json.dumps(document, indent=2, ensure_ascii=False)
        self.stdout.write(printable(as_json if given["json"] else report_markdown(document)))
        if run.status != RunStatus.SUCCEEDED:
            raise SystemExit(1)


def _lineup(what: str) -> Json:
    """Return the line-up that a file has, or the name of one. Raises `InvalidRequest`."""
    text = file_text(what)
    if text is None:
        return what
    try:
        return read_document(text, syntax_of(text))
    except ExpressionError as error:
        raise InvalidRequest(f"This cannot be read. {error}", field="lineup") from None
