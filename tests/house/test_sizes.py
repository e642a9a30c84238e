"""Files and functions stay small enough to read in one go."""

from __future__ import annotations

from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.support.tree import function_lines, named, sources

LONGEST_FILE = 500
LONGEST_FUNCTION = 50
LONGER_FOR_A_REASON: dict[str, str] = {}

CODE = sources(".py", ".html", ".css", ".js")
TESTS = [path for path in sources(".py") if "tests" in path.parts]
PYTHON = [path for path in sources(".py") if "tests" not in path.parts]


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_longer_than_its_limit() -> None:
    long = {named(path): lines_of(path) for path in CODE if lines_of(path) > LONGEST_FILE}
    assert long.keys() == LONGER_FOR_A_REASON.keys(), long


def test_half_of_the_files_fit_on_two_screens() -> None:
    assert 20 <= median(lines_of(path) for path in PYTHON if lines_of(path)) <= 100


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_no_function_is_longer_than_its_limit(path: Path) -> None:
    lengths = function_lines(path.read_text(encoding="utf-8"))
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_most_functions_are_short() -> None:
    lengths = [
        lines for path in PYTHON for lines in function_lines(path.read_text(encoding="utf-8")).values()
    ]
    assert median(lengths) <= 10
    assert quantiles(lengths, n=10)[-1] <= 32


def test_tests_are_short_too() -> None:
    lengths = [
        lines - 1
        for path in TESTS
        for name, lines in function_lines(path.read_text(encoding="utf-8")).items()
        if name.startswith("test_")
    ]
    assert max(lengths) <= 35
    assert quantiles(lengths, n=20)[-1] <= 15


def test_a_function_is_measured_from_its_name_to_its_last_line() -> None:
    source = "class A:\n    async def f(self):\n        return (\n            1\n        )\n\ndef g(): ...\n"
    assert function_lines(source) == {"f:2": 4, "g:7": 1}
