"""`manage.py pipeline`: what it prints is a contract, its exit codes are 0, 1 and 2."""

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from pipelines.management.commands.pipeline import Command
from tests.support.definitions import document, stage
from tests.support.history import a_member
from tests.support.pipelines import UPPER, a_draft, a_pipeline, written

LOUD = stage("loud", processor="transform", input=UPPER)
BROKEN = stage("parsed", processor="transform", input={"from": "input.text", "transforms": ["parse_json"]})


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    return a_member(Role.OWNER)


def said(*words: str) -> tuple[str, int]:
    """Return what the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("pipeline", *words, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    except CommandError as error:
        return str(error), error.returncode
    return out.getvalue(), 0


def told(*words: str) -> tuple[Json, int]:
    text, code = said(*words, "--json")
    return json.loads(text), code


def a_file(folder: Path, *stages: Json) -> str:
    path = folder / "support.yaml"
    path.write_text(written(*stages), encoding="utf-8")
    return str(path)


def test_a_definition_is_validated_with_every_problem_at_its_path(owner: Membership, tmp_path: Path) -> None:
    assert told("validate", a_file(tmp_path, LOUD)) == ({"ok": True, "errors": []}, 0)
    found, code = told("validate", a_file(tmp_path, stage("a", "x", "transform"), stage("b", processor="y")))
    assert (found["ok"], code) == (False, 1)
    assert [each["path"] for each in found["errors"]] == ["stages.a.needs[0]", "stages.b.processor"]
    a_draft(owner, LOUD)
    assert said("validate", "support") == ("No problems.\n", 0)


def test_a_run_is_printed_as_the_contract_says(owner: Membership, tmp_path: Path) -> None:
    a_pipeline(owner, LOUD)
    for what in ("support", a_file(tmp_path, LOUD)):
        found, code = told("run", what, "--input", '{"text": "hello"}')
        run = Run.objects.latest("created_at")
        [shown] = found.pop("stages")
        assert (code, found) == (
            0,
            {"run_id": str(run.pk), "status": "succeeded", "output": "HELLO", "error": None},
        )
        assert shown.pop("seconds") >= 0
        assert shown == {
            "id": "loud",
            "status": "succeeded",
            "attempts": 1,
            "cached": False,
            "output": "HELLO",
            "error": None,
            "cost_usd": 0.0,
        }


def test_a_run_that_fails_exits_with_one_and_says_why(owner: Membership) -> None:
    a_pipeline(owner, BROKEN)
    found, code = told("run", "support", "--input", '{"text": "hello"}')
    assert (code, found["status"], found["stages"][0]["status"]) == (1, "failed", "failed")
    assert found["error"].startswith("Stage parsed failed")
    assert said("run", "support", "--input", '{"text": "{}"}', "--version", "1")[0].startswith("{}\n")


def test_a_run_that_waits_says_so(owner: Membership) -> None:
    a_pipeline(owner, stage("ask", processor="human", options={"text": "Well?"}))
    text, code = said("run", "support", "--input", '{"text": "hello"}')
    assert (text.partition("\n")[0], code) == ("It waits for an answer, in the inbox, or for a time.", 1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["run", "nobody"], "no pipeline “nobody”"),
        (["run", "support", "--input", "{"], "This cannot be read. Line 1"),
        (["run", "support", "--version", "9"], "has no version 9"),
        (["run", "support", "--version", "old"], "a number, latest or draft"),
        (["run", "support", "--team", "Nobody's"], 'There is no team "Nobody\'s"'),
        (["export", "nobody"], "neither a file nor a pipeline"),
        (["export", "support", "--version", "9"], "has no version 9"),
        (["import", "nobody.yaml"], "no file"),
        (["import", "binary"], "no text in UTF-8"),
        (["import", "wrong"], "Line 2"),
        (["import", "large"], "too large"),
    ],
)
def test_bad_arguments_exit_with_two_and_say_what_is_wrong(
    words: list[str], why: str, owner: Membership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_pipeline(owner, LOUD)
    monkeypatch.chdir(tmp_path)
    Path("binary").write_bytes(b"\xff")
    Path("wrong").write_text("a: [", encoding="utf-8")
    Path("large").write_text(" " * 4_000_001, encoding="utf-8")
    text, code = said(*words)
    assert (code, why in text) == (2, True), text


def test_what_is_imported_is_said_and_can_be_exported_again(owner: Membership, tmp_path: Path) -> None:
    found, code = told("import", a_file(tmp_path, LOUD))
    assert (code, found) == (
        0,
        {"imported": [{"name": "support", "step": "create", "errors": [], "upgrades": []}]},
    )
    assert SavedDefinition.objects.get().team == owner.team
    assert said("export", "support") == (written(LOUD), 0)
    assert told("export", "support")[0] == document(LOUD)
    assert said("import", a_file(tmp_path, LOUD)) == ("support: same, 0 problems\n", 0)


def test_a_terminal_is_told_which_stages_have_ended(owner: Membership) -> None:
    a_pipeline(owner, LOUD)
    call_command("pipeline", "run", "support", "--input", '{"text": "hello"}', stdout=StringIO())
    err, over = StringIO(), threading.Event()
    over.set()
    Command(stderr=err)._tell(Run.objects.get(), over)
    assert err.getvalue().startswith("loud: succeeded, 0.")
