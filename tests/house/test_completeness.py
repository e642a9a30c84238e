"""What is said exists, and what exists is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from orchestration.engine.strategies.strategy import all_strategies
from orchestration.models import ProviderKind
from tests.support.tree import ROOT, files, named

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MADE = re.compile(r"`(?:[^`\n]*\s)?make ([a-z]+)|^\s*make ([a-z]+)", re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:|#)([^)#\s]+)")


def targets_in(text: str) -> set[str]:
    return {one or other for one, other in MADE.findall(text)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_a_document_names_only_what_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert targets_in(text) <= set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(COMMAND.findall(text)) <= get_commands().keys()
    assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []


def test_targets_are_found_in_text_and_in_blocks() -> None:
    assert targets_in("Run `make test`, or `A=1 make run`.\n\n    make check\n\nLet us make haste.") == {
        "test",
        "run",
        "check",
    }


@pytest.mark.parametrize("kind", ProviderKind.values)
def test_every_provider_has_a_test_file(kind: str) -> None:
    assert list((ROOT / "tests" / "providers").rglob(f"test_{kind.partition('_')[0]}*.py"))


@pytest.mark.parametrize("name", all_strategies())
def test_every_strategy_has_a_test_file(name: str) -> None:
    assert list((ROOT / "tests" / "engine").rglob(f"test_*{name}*.py"))
