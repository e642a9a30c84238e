"""Intervals, discrimination, calibration, baselines: figures from plain lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.evaluation.engine.calibration import auroc, expected_calibration_error
from orchestration.evaluation.engine.intervals import wilson
from orchestration.evaluation.engine.scoring import Baseline, baseline, plurality
from orchestration.llm.providers.recorded.recording import AnswerLabel, Label

PANEL = ("ada", "bob", "cyd")
judged = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30)


def label(column: str) -> Label:
    """Return what ada, bob and cyd were extracted to have said, 7 being right and - nothing."""
    said = dict(zip(PANEL, column.split(), strict=True))
    return Label(
        reference="7",
        answers={
            m: AnswerLabel(correct=s == "7", extracted=None if s == "-" else s) for m, s in said.items()
        },
    )


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 0, 0, 1),
        (0, 10, 0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1),
        (650, 1000, 0.6199, 0.6789),
    ],
)
def test_wilson_intervals_are_those_of_the_tables(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], None),
        ([(0.5, True)], None),
        ([(0.9, True), (0.1, False)], 1.0),
        ([(0.1, True), (0.9, False)], 0.0),
        ([(0.5, True), (0.5, False)], 0.5),
        ([(0.9, True), (0.5, False), (0.5, True), (0.1, False)], 0.875),
    ],
)
def test_auroc_counts_pairs_in_order(pairs: list[tuple[float, bool]], expected: float | None) -> None:
    assert auroc(pairs) == expected


@given(judged)
def test_auroc_is_the_share_of_pairs_in_order(pairs: list[tuple[float, bool]]) -> None:
    true = [e for e, came in pairs if came]
    false = [e for e, came in pairs if not came]
    wins = sum((t > f) + (t == f) / 2 for t in true for f in false)
    expected = wins / (len(true) * len(false)) if true and false else None
    assert auroc(pairs) == pytest.approx(expected) if expected is not None else auroc(pairs) is None


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], None),
        ([(1.0, True)], 0.0),
        ([(0.8, True), (0.8, False)], 0.3),
        ([(0.05, False), (0.95, True)], 0.05),
        ([(0.2, True), (0.9, False)], 0.85),
    ],
)
def test_calibration_error_is_the_distance_within_bins(
    pairs: list[tuple[float, bool]], expected: float | None
) -> None:
    assert expected_calibration_error(pairs) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("column", "right"),
    [
        ("7 7 3", True),
        ("3 7 7", True),
        ("3 3 7", False),
        ("7 3 4", True),
        ("3 7 4", False),
        ("- 7 -", True),
        ("- - -", False),
    ],
)
def test_plurality_takes_the_most_frequent_and_the_first_of_a_tie(column: str, right: bool) -> None:  # noqa: FBT001
    assert plurality(label(column), PANEL) is right


def test_a_baseline_says_what_could_be_had_without_a_strategy() -> None:
    labels = [label("7 7 3"), label("7 3 3"), label("3 3 7"), label("1 2 3")]
    assert baseline(labels, PANEL) == Baseline(best_single=0.5, random=4 / 12, plurality=0.25, oracle=0.75)


def test_without_extracted_answers_there_is_no_plurality() -> None:
    bare = Label(answers={model: AnswerLabel(correct=True) for model in PANEL})
    assert baseline([bare], PANEL).plurality is None
