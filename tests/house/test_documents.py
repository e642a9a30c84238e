"""Documents name only targets, commands and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

from django.core.management import get_commands

from tests.support.tree import ROOT, files, named

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MADE = re.compile(r"`(?:[^`\n]*\s)?make ([a-z]+)|^\s*make ([a-z]+)", re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:|#)([^)#\s]+)")


def missing_in(path: Path, targets: set[str]) -> list[str]:
    """Return the make targets, commands and files that a document names and nobody has."""
    text = path.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not (path.parent / link).exists()]
    return [*targets_in(text) - targets, *set(COMMAND.findall(text)) - get_commands().keys(), *links]


def targets_in(text: str) -> set[str]:
    return {one or other for one, other in MADE.findall(text)}


def test_documents_name_only_what_exists() -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    unknown = {named(path): missing for path in DOCUMENTS if (missing := missing_in(path, targets))}
    assert unknown == {}


def test_targets_are_found_in_text_and_in_blocks() -> None:
    assert targets_in("Run `make test`, or `A=1 make run`.\n\n    make check\n\nLet us make haste.") == {
        "test",
        "run",
        "check",
    }
