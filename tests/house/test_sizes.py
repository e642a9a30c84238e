"""Files and functions have sizes that are easy to read: neither fragments nor files that never end.

The limits on files and class names concern the Python files of the product (`product_sources`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median, quantiles

from tests.support.tree import (
    class_lines,
    function_lines,
    has_code,
    line_count,
    named,
    product_sources,
    sources,
)

MEDIAN_FILE = range(80, 151)
P90_FILE, LONGEST_FILE = 300, 500
SHORT_FILE, MOST_SHORT_FILES = 60, 0.25
P90_FUNCTION, LONGEST_FUNCTION = 32, 50
P95_TEST, LONGEST_TEST = 15, 35
REPEATED_NAMES = {"Meta", "Command"}  # Django looks for them

PRODUCT = product_sources()
TESTS = [path for path in sources(".py") if "tests" in path.parts]


def lengths(paths: Iterable[Path], measured: Callable[[str], bool] = lambda _: True) -> dict[str, int]:
    """Return the lines of each function in `paths` whose name is `measured`, by file, name and line."""
    return {
        f"{named(path)}:{name}": lines
        for path in paths
        for name, lines in function_lines(path.read_text(encoding="utf-8")).items()
        if measured(name)
    }


def longest(found: dict[str, int], over: int) -> str:
    """List what is longer than `over`, the longest first."""
    long = sorted((item for item in found.items() if item[1] > over), key=lambda item: -item[1])
    return "\n".join(f"{lines:5} {name}" for name, lines in long)


def percentile(values: Iterable[int], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def test_the_median_file_has_80_to_150_lines() -> None:
    counts = [line_count(path) for path in PRODUCT]
    assert int(median(counts)) in MEDIAN_FILE, f"{len(counts)} files, {sum(counts)} lines"


def test_nine_of_ten_files_have_at_most_300_lines() -> None:
    counts = {named(path): line_count(path) for path in PRODUCT}
    assert percentile(counts.values(), 90) <= P90_FILE, longest(counts, P90_FILE)


def test_no_file_has_more_than_500_lines() -> None:
    counts = {named(path): line_count(path) for path in sources(".py", ".html", ".css", ".js")}
    assert max(counts.values()) <= LONGEST_FILE, longest(counts, LONGEST_FILE)


def test_at_most_a_quarter_of_the_files_has_under_60_lines() -> None:
    short = {named(path): line_count(path) for path in PRODUCT if line_count(path) < SHORT_FILE}
    assert len(short) <= MOST_SHORT_FILES * len(PRODUCT), (
        f"{len(short)} of {len(PRODUCT)} files:\n{longest(short, 0)}"
    )


def test_nine_of_ten_functions_have_at_most_32_lines() -> None:
    found = lengths(PRODUCT)
    assert percentile(found.values(), 90) <= P90_FUNCTION, longest(found, P90_FUNCTION)


def test_no_function_has_more_than_50_lines() -> None:
    assert longest(lengths(path for path in sources(".py") if path not in TESTS), LONGEST_FUNCTION) == ""


def test_a_class_name_stands_once() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in PRODUCT:
        for name, line in class_lines(path.read_text(encoding="utf-8")):
            places[name].append(f"{named(path)}:{line}")
    repeated = {name: at for name, at in places.items() if len(at) > 1 and name not in REPEATED_NAMES}
    assert repeated == {}


def test_tests_are_short_too() -> None:
    found = lengths(TESTS, lambda name: name.startswith("test_"))
    bodies = {name: lines - 1 for name, lines in found.items()}
    assert max(bodies.values()) <= LONGEST_TEST, longest(bodies, LONGEST_TEST)
    assert percentile(bodies.values(), 95) <= P95_TEST, longest(bodies, P95_TEST)


def test_a_function_is_measured_from_its_name_to_its_last_line() -> None:
    source = "class A:\n    async def f(self):\n        return (\n            1\n        )\n\ndef g(): ...\n"
    assert function_lines(source) == {"f:2": 4, "g:7": 1}
    assert class_lines(source) == [("A", 1)]


def test_a_file_without_code_is_not_counted() -> None:
    assert not any(map(has_code, ("", "# why", '"""Title."""\n# why')))
    assert all(map(has_code, ("x = 1", '"""Title."""\nx = 1')))
