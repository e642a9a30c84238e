"""What must not stand in this tree: places on one machine, keys, names that say nothing, shortcuts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.tree import ROOT, files, matches, named, sources

EMPTY_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "handler",
    "handlers",
}
TEXT = {".py", ".html", ".css", ".js", ".md", ".toml", ".txt", ".in", ".svg", ".json", ".jsonl", ".sh", ""}
ON_ONE_MACHINE = re.compile(r"/(?:root|home/\w+|work|Users/\w+|opt/(?:wheels|pypi))\b/?")
KEYS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{24,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,})|-----BEGIN [A-Z ]*PRIVATE KEY"
)
REGISTRIES = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|(?:pypi|npmjs|pythonhosted|unpkg|jsdelivr)\.(?:org|com|net)"
)
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")
MOCKS = re.compile(r"unittest\.mock|from unittest import moc[k]|\bmocker\b|setattr\(\s*[\"']")
AGAINST_THE_CSP = re.compile(
    r"<script(?![^>]*\b(?:src|nonce|type=\"application/json\")\b)[^>]*>|<style|\sstyle=|\son[a-z]+=|hx-on|\bjs:",
    re.IGNORECASE,
)

SAMPLES = {
    "machine": (ON_ONE_MACHINE, "see " + "/home" + "/jo/notes", "see /homes and /working"),
    "key": (KEYS, "sk-" + "a1" * 16, "sk-test"),
    "registry": (REGISTRIES, "--index" + "-url x", "the index"),
    "unfinished": (UNFINISHED, "# TO" + "DO later", "TODOS"),
    "mock": (MOCKS, "monkeypatch.set" + "attr('a.b', 1)", "setattr(thing, 'a', 1)"),
    "inline script": (AGAINST_THE_CSP, "<script>alert(1)</script>", '<script src="a.js" defer></script>'),
    "inline style": (AGAINST_THE_CSP, '<p style="color:red">', '<p class="style">'),
    "inline event": (AGAINST_THE_CSP, '<a onclick="x()">', '<a data-on="x">'),
}


def found_in(pattern: re.Pattern[str], paths: list[Path]) -> dict[str, list[str]]:
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    return {named(path): hits for path, text in texts.items() if (hits := matches(pattern, text))}


def texts() -> list[Path]:
    return [path for path in files() if path.suffix in TEXT and path.name != "LICENSE"]


@pytest.mark.parametrize(("pattern", "bad", "good"), SAMPLES.values(), ids=SAMPLES)
def test_a_pattern_finds_what_it_is_for(pattern: re.Pattern[str], bad: str, good: str) -> None:
    assert matches(pattern, f"first line\n{bad}")[0].startswith("line 2: ")
    assert matches(pattern, good) == []


def test_nothing_names_a_place_on_one_machine() -> None:
    assert found_in(ON_ONE_MACHINE, texts()) == {}


def test_nothing_looks_like_a_key() -> None:
    assert found_in(KEYS, texts()) == {}


def test_no_registry_is_written_into_what_is_installed_or_shipped() -> None:
    shipped = [
        path for path in files() if path.is_relative_to(ROOT / "static") or path.parent.name == "requirements"
    ]
    assert found_in(REGISTRIES, [path for path in shipped if path.suffix in TEXT]) == {}


def test_nothing_is_left_unfinished() -> None:
    assert found_in(UNFINISHED, sources(".py", ".html", ".css", ".js")) == {}


def test_tests_replace_seams_by_construction() -> None:
    assert found_in(MOCKS, [path for path in sources(".py") if path.is_relative_to(ROOT / "tests")]) == {}


def test_templates_hold_nothing_that_the_content_security_policy_forbids() -> None:
    templates = [path for path in sources(".html") if path.is_relative_to(ROOT / "templates")]
    assert templates
    assert found_in(AGAINST_THE_CSP, templates) == {}


def test_names_say_what_they_are() -> None:
    parts = {part for path in files() for part in (*path.relative_to(ROOT).parent.parts, path.stem)}
    assert parts & EMPTY_NAMES == set()
