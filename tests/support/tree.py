"""The files of this checkout, and what is measured about them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
SKIPPED = {"var", "__pycache__", "node_modules", "htmlcov", "build", "dist"}
NOT_PRODUCT = {"tests", "benchmarks"}
VENDORED = ROOT / "static" / "vendor"
VENDORED_FOR_TESTS = ROOT / "tests" / "support" / "vendor"
IN_ONE_LINE = re.compile(r"\s+")


def files() -> Iterator[Path]:
    """Yield every file that is maintained here: no caches, no data, nothing vendored."""
    for folder, names, found in os.walk(ROOT):
        names[:] = sorted(name for name in names if not _is_skipped(Path(folder) / name))
        yield from (Path(folder) / name for name in sorted(found) if not _is_tool_file(name))


def sources(*suffixes: str) -> list[Path]:
    """Return the files that end in one of `suffixes`, without migrations, which Django writes."""
    return [path for path in files() if path.suffix in suffixes and "migrations" not in path.parts]


def product_sources() -> list[Path]:
    """Return the Python files of the product: no tests, benchmarks, migrations, or files without code."""
    return [
        path
        for path in sources(".py")
        if path.relative_to(ROOT).parts[0] not in NOT_PRODUCT and has_code(path.read_text(encoding="utf-8"))
    ]


def has_code(source: str) -> bool:
    """Return whether `source` contains more than comments and a docstring."""
    module = ast.parse(source)
    return len(module.body) > (ast.get_docstring(module) is not None)


def line_count(path: Path) -> int:
    """Return the number of lines of a text file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def named(path: Path) -> str:
    """Return the path relative to the checkout."""
    return path.relative_to(ROOT).as_posix()


def function_lines(source: str) -> Mapping[str, int]:
    """Return the number of lines of each function in `source`, by name and line, signature included."""
    return {
        f"{node.name}:{node.lineno}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def class_lines(source: str) -> list[tuple[str, int]]:
    """Return the name and line number of each class in `source`."""
    return [
        (node.name, node.lineno) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)
    ]


def matches(pattern: re.Pattern[str], text: str) -> list[str]:
    """Return what in `text` matches, each with its line number."""
    return [
        f"line {text.count(chr(10), 0, found.start()) + 1}: {IN_ONE_LINE.sub(' ', found.group())}"
        for found in pattern.finditer(text)
    ]


def _is_tool_file(name: str) -> bool:
    """Return whether a tool wrote the file; `.git` is one in a linked work tree."""
    return name == ".git" or name.startswith(".coverage")


def _is_skipped(folder: Path) -> bool:
    hidden = folder.name.startswith(".") and folder.name != ".ci"
    apart = folder.name in SKIPPED or folder in {VENDORED, VENDORED_FOR_TESTS}
    return hidden or apart or folder.name.endswith(".egg-info")
