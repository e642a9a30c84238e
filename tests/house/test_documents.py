"""Documents name only targets, commands, files, folders and modules that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands

from tests.support.tree import ROOT, files, named

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MADE = re.compile(r"`(?:[^`\n]*\s)?make ([a-z]+)|^\s*make ([a-z]+)", re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:|#)([^)#\s]+)")
IMAGE = re.compile(r"!\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[^\s`,;|()\"]+")
MODULE = re.compile(r"(orchestra_site|orchestration|pipelines|tests|benchmarks)(\.\w+)+")
PATH = re.compile(
    r"(\.ci|benchmarks|docs|orchestra_site|orchestration|pipelines|requirements|static|templates|tests)/.+"
    r"|[\w./-]*\w\.(py|md|toml|html|css|js|svg|txt)"
)


def missing_in(path: Path, targets: set[str]) -> list[str]:
    """Return what a document names and nobody has: make targets, commands, links, files, modules."""
    text = path.read_text(encoding="utf-8")
    links = [*LINK.findall(text), *IMAGE.findall(text)]
    return [
        *targets_in(text) - targets,
        *set(COMMAND.findall(text)) - get_commands().keys(),
        *(link for link in links if not (path.parent / link).exists()),
        *(word for word in words_in(text) if not exists(word, path.parent)),
    ]


def targets_in(text: str) -> set[str]:
    return {one or other for one, other in MADE.findall(text)}


def words_in(text: str) -> Iterator[str]:
    """Yield the words that are set as code."""
    for code in CODE.findall(text):
        yield from (word.rstrip(".:") for word in WORD.findall(code))


def exists(word: str, folder: Path) -> bool:
    """Return whether a word is no path or module of ours, or is there, from the root or beside the document.

    Of a path with a `<placeholder>` the folder is looked for, of a module what it defines, too.
    """
    word = word.partition(":")[0]
    if MODULE.fullmatch(word):
        return is_defined(word)
    if not PATH.fullmatch(word):
        return True
    known = word.partition("<")[0].rpartition("/")[0] if "<" in word else word
    return any(any(place.glob(known)) for place in (ROOT, folder))


def is_defined(dotted: str) -> bool:
    """Return whether a dotted name is a module, or a name that a module defines."""
    place = ROOT
    for part in dotted.split("."):
        if place.is_file():
            source = place.read_text(encoding="utf-8")
            return bool(re.search(rf"^((async )?def |class )?{part}\b", source, re.MULTILINE))
        module = place / f"{part}.py"
        place = module if module.is_file() else place / part
        if not place.exists():
            return False
    return True


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


def test_paths_and_modules_in_code_are_looked_for() -> None:
    text = (
        "Not code: tests/no.py. `manage.py`, `tests/no.py`, `tests/<name>.py`, `tests/no/<name>.py`,"
        " `orchestration.runs.kinds`, `orchestration.runs.no`, `orchestra_site.asgi:application`,"
        " `orchestration.runs.kinds.RunKind`, `orchestration.runs.kinds.No`, `and/or`\n"
        "```\npython -m benchmarks.no\ntests/*.py tests/no*.py\n```\n"
    )
    assert [word for word in words_in(text) if not exists(word, ROOT / "docs")] == [
        "tests/no.py",
        "tests/no/<name>.py",
        "orchestration.runs.no",
        "orchestration.runs.kinds.No",
        "benchmarks.no",
        "tests/no*.py",
    ]
