"""`manage.py collaborate`: what it prints is a contract, its exit codes are 0, 1 and 2."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from collaboration.engine.lineup import LineUp, lineup_schema
from collaboration.selectors import LINEUPS
from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run
from tests.support.history import a_member
from tests.support.rooms import LED, QUIET, SCOUT
from tests.support.tree import ROOT

TASK = "Describe the trade of Genoa."
DOCUMENT: Json = {
    "name": "small",
    "participants": [{**LED, "model": "any"}, {**SCOUT, "model": "any"}],
    "negotiation": QUIET,
    "limits": {"returns": 0},
}
KEYS = [
    "run_id", "session_id", "status", "phase", "task", "lineup", "result", "conclusion", "consensus",
    "quality", "participants", "subtasks", "proposals", "decisions", "messages", "withheld", "contributions",
    "cost_by_role", "phases", "entries", "fork", "cost_usd", "latency_s", "started_at", "finished_at",
    "error", "caveat",
]  # fmt: skip


@pytest.fixture(autouse=True)
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


def said(*words: str) -> tuple[str, int]:
    """Return what the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("collaborate", *words, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    except CommandError as error:
        return str(error), error.returncode
    return out.getvalue(), 0


def a_file(folder: Path, **fields: Json) -> str:
    path = folder / "small.yaml"
    path.write_text(write_yaml({**DOCUMENT, **fields}), encoding="utf-8")
    return str(path)


def test_a_session_of_a_file_prints_one_object(tmp_path: Path) -> None:
    text, code = said(TASK, "--lineup", a_file(tmp_path), "--model", "sim-sage", "--json")
    found = json.loads(text)
    assert (list(found), code, found["status"], found["phase"]) == (KEYS, 0, "succeeded", "completed")
    assert sum(each["impact"] for each in found["contributions"]) == pytest.approx(1)
    assert {each["model"] for each in found["participants"]} == {"sim-sage"}
    assert found["decisions"][0].keys() >= {"type", "options", "votes", "selected", "rationale"}
    assert found["cost_usd"] > 0


def test_without_json_the_report_is_printed(tmp_path: Path) -> None:
    text, code = said(TASK, "--lineup", a_file(tmp_path))
    assert (text.startswith(f"# {TASK}\n"), code) == (True, 0)
    assert "## Result" in text


def test_a_session_that_fails_exits_with_1(tmp_path: Path) -> None:
    text, code = said(TASK, "--lineup", a_file(tmp_path, limits={"seconds": 0.01}), "--json")
    found = json.loads(text)
    assert (code, found["status"], found["result"]) == (1, "failed", None)
    assert found["error"] == "The time of the session, 0.01 s, has passed."


def test_bad_arguments_exit_with_2_and_say_why(tmp_path: Path) -> None:
    assert said(TASK, "--lineup", "nobody") == ("lineup: There is no line-up “nobody” in this team.", 2)
    assert said(TASK, "--team", "none")[1] == 2
    assert said(TASK, "--max-cost", "much")[1] == 2
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    assert said(TASK, "--lineup", str(tmp_path / "broken.yaml"))[1] == 2
    assert not Run.objects.exists()


def test_the_exported_schema_is_that_of_the_code() -> None:
    exported = json.loads((ROOT / "docs" / "lineup.schema.json").read_text(encoding="utf-8"))
    assert exported == json.loads(json.dumps(lineup_schema().written))


def lineup(**fields: Json) -> LineUp:
    found = LINEUPS.check({**DOCUMENT, **fields}, {}).definition
    assert found is not None
    return found


def test_versions_of_a_line_up_are_compared_in_sentences() -> None:
    other = lineup(
        title="Small", participants=[{**SCOUT, "model": "any", "weight": 2}, {**LED, "model": "any"}]
    )
    told = [each.message for each in LINEUPS.changes(lineup(), other)]
    assert told[1:] == ["lead and scout were swapped", "Participant scout: weight 1 → 2"]
    assert LINEUPS.changes(lineup(), lineup()) == []


def test_a_line_up_contains_its_pipelines_and_keeps_its_name() -> None:
    found = lineup(participants=[{**LED, "model": "any"}, {**SCOUT, "model": "any", "pipeline": "survey"}])
    assert [(each.kind, each.name) for each in LINEUPS.contained(found)] == [("pipeline", "survey")]
    (fault,) = LINEUPS.check(DOCUMENT, {}, name="big").problems
    assert fault.message == "This line-up is called “big”; its page can rename it."
    assert LINEUPS.example(LINEUPS.blank("x")) is None
    assert LINEUPS.payload("small", {"text": TASK}) == LINEUPS.payload("small", TASK)
