"""Paired differences, calibration and routing curves: figures from plain lists."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.evaluation.engine.apgr import routing_curve
from orchestration.evaluation.engine.calibration import calibration_interval, reliability
from orchestration.evaluation.engine.figures import (
    Against,
    ConfigurationComparison,
    ItemFigures,
    comparisons,
    summed_up,
)
from orchestration.evaluation.engine.intervals import mcnemar, paired_difference
from orchestration.evaluation.engine.verdicts import NamedFigures, advice
from orchestration.llm.engine.errors import InvalidRequest
from tests.evaluation.test_evaluate import found, refused, run
from tests.support.recordings import answer, line, written

paired = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def split(both: int, better: int, worse: int, neither: int) -> tuple[list[bool], list[bool]]:
    pairs = [(True, True)] * both + [(True, False)] * better + [(False, True)] * worse
    first, second = zip(*(pairs + [(False, False)] * neither), strict=True)
    return list(first), list(second)


@pytest.mark.parametrize(
    ("counts", "difference", "low", "high"),
    [  # the first is an example of Newcombe's own
        ((36, 12, 2, 0), 0.20, 0.0569, 0.3404),
        ((0, 29, 1, 0), 0.9333, 0.6666, 0.9882),
        ((30, 0, 0, 0), 0.0, -0.1135, 0.1135),
        ((10, 0, 0, 10), 0.0, -0.0898, 0.0898),
    ],
)
def test_paired_intervals_are_those_of_the_source(
    counts: tuple[int, int, int, int], difference: float, low: float, high: float
) -> None:
    shown = paired_difference(*split(*counts))
    assert shown.difference == pytest.approx(difference, abs=5e-5)
    assert shown.ci95 == pytest.approx((low, high), abs=6e-5)


@given(paired)
def test_a_difference_lies_in_its_interval_and_turns_with_the_order(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (list(each) for each in zip(*pairs, strict=True))
    one, other = paired_difference(first, second), paired_difference(second, first)
    low, high = one.ci95
    assert -1 <= low <= one.difference <= high <= 1
    assert (one.difference, one.better, one.p_value) == (-other.difference, other.worse, other.p_value)
    assert other.ci95 == pytest.approx((-high, -low))


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (6, 0, 0.03125), (1, 9, 0.0215), (1_100, 1_000, 0.0308)],
)
def test_mcnemar_is_exact_and_close_where_it_is_not(better: int, worse: int, p: float) -> None:
    assert mcnemar(better, worse) == pytest.approx(p, rel=0.01)


def test_reliability_has_a_bin_for_each_tenth_that_occurs() -> None:
    first, last = reliability([(0.05, False), (0.09, True), (1.0, True)])
    assert (first.low, first.high, first.items, first.right) == (0.0, 0.1, 2, 0.5)
    assert first.estimate == pytest.approx(0.07)
    assert (last.low, last.items, last.right_ci95[1]) == (0.9, 1, 1.0)


def test_a_calibration_interval_needs_some_items_and_is_repeatable() -> None:
    judged = [(0.9, place % 3 > 0) for place in range(90)]
    assert calibration_interval(judged[:19], seed=1) is None
    found_interval = calibration_interval(judged, seed=1)
    assert found_interval is not None
    assert 0.1 < found_interval[0] < 0.9 - 2 / 3 < found_interval[1] < 0.4
    assert found_interval == calibration_interval(judged, seed=1)


def test_figures_of_items_are_those_of_hand() -> None:
    items = [
        ItemFigures(
            correct=place > 0, task_type="ab"[place % 2], calls=2, seconds=float(place), cost_usd=None
        )
        for place in range(4)
    ]
    shown = summed_up(items)
    assert (shown.accuracy, shown.cost_per_1k_usd, shown.median_s) == (0.75, None, 1.5)
    assert shown.p95_s == pytest.approx(2.85)
    assert [(each.task_type, each.accuracy) for each in shown.per_task_type] == [("a", 0.5), ("b", 1.0)]
    assert (summed_up(items[:1]).p95_s, summed_up([ItemFigures(correct=True)]).p95_s) == (0.0, None)


def test_configurations_are_compared_with_the_first_the_best_and_the_baselines() -> None:
    right = {"a": [True, False], "b": [True, True], "c": [False, False]}
    shown = comparisons(right, {Against.PLURALITY: [False, True]})
    assert [(each.against, each.name) for each in shown["a"]] == [("best", "b"), ("plurality", "plurality")]
    assert [each.against for each in shown["b"]] == ["first", "plurality"]
    assert [each.found.difference for each in shown["c"]] == [-0.5, -1.0, -0.5]


def test_a_perfect_a_useless_and_an_inverted_score_have_the_areas_of_theory() -> None:
    weak, strong = [0.0] * 5 + [1.0] * 5, [1.0] * 10
    perfect = routing_curve([9.0] * 5 + [1.0] * 5, weak, strong)
    assert (perfect.apgr, perfect.cpt50, perfect.cpt80) == pytest.approx((0.75, 0.25, 0.4))
    assert routing_curve([1.0] * 10, weak, strong).apgr == pytest.approx(0.5)
    inverted = routing_curve([1.0] * 5 + [9.0] * 5, weak, strong)
    assert (inverted.apgr, inverted.cpt50) == pytest.approx((0.25, 0.75))
    assert (perfect.curve[0].result, perfect.curve[-1].result) == (0.5, 1.0)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4), st.floats(0.5, 3), st.floats(-3, 3))
def test_only_the_order_of_scores_counts(scores: list[float], factor: float, shift: float) -> None:
    scores = [round(each, 2) for each in scores]
    weak, strong = [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0]
    plain, changed = (
        routing_curve(each, weak, strong) for each in (scores, [factor * s + shift for s in scores])
    )
    assert plain == changed


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    with pytest.raises(InvalidRequest, match="no gap to recover"):
        routing_curve([1.0], [1.0], [1.0])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Give questions of two lengths without texts: bob has the long ones right, ada none of them."""
    given_lines = []
    for number in range(8):
        said = [answer("ada", "7", "7" if number % 2 else "0", text=None), answer("bob", "7", "7", text=None)]
        prompt = f"Question {number}" + " in many words" * (1 - number % 2)
        given_lines.append(line(number, {}, answers=said, prompt=prompt))
    return written(tmp_path / "pairs.jsonl", given_lines)


def test_routers_are_measured_on_labels_alone(pairs: Path, tmp_path: Path) -> None:
    scores = tmp_path / "mine.json"
    scores.write_text(json.dumps({f"small/q{number}": number % 2 for number in range(8)}))
    report = found("--data", pairs, "--route", "ada,bob", "--scores", scores)
    assert (report["items"], report["panel"]) == (8, ["ada", "bob"])
    by_name = {each["options"]["router"]: each for each in report["results"]}
    assert by_name.keys() == {"random", "length", "mine.json"}
    assert by_name["length"]["routing"]["apgr"] == pytest.approx(0.75)
    assert by_name["mine.json"]["routing"]["apgr"] == pytest.approx(0.25)
    assert len(by_name["length"]["routing"]["curve"]) == 21
    assert (by_name["length"]["accuracy"], by_name["length"]["cost_per_1k_usd"]) == (1.0, 1.0)
    assert "length        APGR 0.750" in run("--data", pairs, "--route", "ada,bob")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--route", "ada"), "Name the weak and the strong model"),
        (("--route", "ada,zoe"), "No item has a label of both 'ada' and 'zoe'. The data has ada, bob."),
        (("--route", "bob,ada"), "no gap to recover"),
        (
            ("--route", "ada,bob", "--router", "magic"),
            "There is no router 'magic'. There are: length, random.",
        ),
        (("--route", "ada,bob", "--scores", "/nowhere.json"), "/nowhere.json cannot be read"),
        (("--panel", "ada"), "Say --strategy, or --route to measure routers."),
    ],
)
def test_what_no_router_can_be_measured_on_is_refused(pairs: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused("--data", pairs, *words)


@pytest.mark.parametrize(
    "scores", ["[]", "{}", '{"small/q0": NaN}', '{"small/q0": "1"}', '{"small/q0": true}']
)
def test_scores_must_be_numbers_for_each_item(pairs: Path, tmp_path: Path, scores: str) -> None:
    file = tmp_path / "scores.json"
    file.write_text(scores)
    assert "that of small/q0 is missing" in refused("--data", pairs, "--route", "ada,bob", "--scores", file)


def test_items_that_a_router_learned_from_are_not_scored(pairs: Path) -> None:
    assert "are scored as well" in refused("--data", pairs, "--route", "ada,bob", "--fit", pairs)


def test_one_strategy_is_compared_with_itself_under_other_options(tmp_path: Path) -> None:
    questions = [line(number, dict.fromkeys(("ada", "bob", "cyd"), "7")) for number in range(4)]
    questions += [line(9, {"ada": "7", "bob": "3", "cyd": "3"})]
    file = written(tmp_path / "five.jsonl", questions)
    words = ("voting:ballot=answers,rule=plurality,parallel", "sequential:threshold=0.1", "voting")
    asked = [word for each in words for word in ("--strategy", each)]
    report = found("--data", file, "--panel", "ada,bob,cyd", *asked, "--option", "quorum=1")
    first, *rest = report["results"]
    assert [each["label"] for each in report["results"]] == [
        "voting ballot=answers rule=plurality",
        "parallel",
        "sequential threshold=0.1",
        "voting",
    ]
    assert (first["options"]["rule"], first["options"]["quorum"]) == ("plurality", 1)
    [against] = [each for each in rest[1]["comparisons"] if each["against"] == "first"]
    assert (against["name"], against["better"], against["worse"]) == (first["label"], 1, 0)
    assert (against["difference"], against["is_real"]) == (pytest.approx(0.2), False)
    assert {each["against"] for each in first["comparisons"]} == {"best", "plurality", "best_single"}
    assert first["per_task_type"][0]["items"] == 5
    assert "+20.0 points" in run("--data", file, "--panel", "ada,bob,cyd", *asked)


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("rule=belief", "Name a strategy before 'rule=belief'"),
        ("voting:magic=1", "Write an option as voting:name=value, not 'magic=1'"),
        ("voting:rule", "not 'rule'"),
        (",", "Name at least one strategy"),
    ],
)
def test_configurations_are_refused_in_words(pairs: Path, strategy: str, said: str) -> None:
    assert said in refused("--data", pairs, "--panel", "ada", "--strategy", strategy)


def named(label: str, right: list[bool], cost: float | None) -> NamedFigures:
    money = None if cost is None else Decimal(repr(cost))
    priced = [ItemFigures(correct=each, cost_usd=money) for each in right]
    return NamedFigures(label=label, figures=summed_up(priced))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (([True] * 30, 0.01), ([False] * 30, 0.01), "It is really better than b"),
        (([True] * 30, 0.02), ([True] * 30, 0.01), "a was right as often"),
        (([True] * 30, 0.02), ([True] * 29 + [False], 0.01), "a was right more often"),
        (([True] * 30, 0.01), ([True] * 29 + [False], 0.02), "over b may be chance"),
        (([True] * 30, 0.01), ([True] * 30, 0.02), "b was right as often"),
        (([True] * 30, None), ([False] * 30, 0.01), "Use a: right in 100%"),
    ],
)
def test_the_advice_is_the_cheapest_that_is_not_really_worse(
    first: tuple[list[bool], float | None], second: tuple[list[bool], float | None], words: str
) -> None:
    both = [named("a", *first), named("b", *second)]
    assert words in advice(both, {"a": first[0], "b": second[0]})


def test_without_results_there_is_no_advice_and_a_difference_is_said_in_words() -> None:
    assert advice([], {}) == "No item has been evaluated under every configuration."
    close = [False, *[True] * 29]
    pairs = (
        ([True] * 30, [False] * 30),
        ([False] * 30, [True] * 30),
        ([True] * 30, close),
        (close, close),
    )
    words = [
        ConfigurationComparison(against=Against.FIRST, name="b", found=paired_difference(mine, others)).words
        for mine, others in pairs
    ]
    assert words == ["really better", "really worse", "may be chance", "no difference"]
