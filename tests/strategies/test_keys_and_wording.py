"""Keys of steps, single errors, numbers in sentences."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.records import LONGEST, step_key
from orchestration.strategies.engine.errors import AllModelsFailed
from orchestration.strategies.engine.rounds import single_error
from orchestration.strategies.engine.types import counted, dollars, dollars_apart, listed, percent


def test_a_key_is_its_parts_with_slashes() -> None:
    assert step_key("judge", "openai/gpt", "ask/a") == "judge/openai/gpt/ask/a"


def test_long_keys_are_shortened_and_stay_different() -> None:
    keys = {step_key("judge", "x" * 120, "y" * 120, end) for end in "abc"}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {LONGEST}


def test_the_first_error_of_nested_groups_comes_out_alone() -> None:
    inner = LimitReached("No money.", limit="money")
    with pytest.raises(LimitReached), single_error():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [inner]), AllModelsFailed({})])


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError), single_error():
        raise KeyError("x")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "$0"),
        ("1.239", "$1.24"),
        ("0.01", "$0.01"),
        ("0.0012345", "$0.0012"),
        ("0.000008", "$0.0000080"),
    ],
)
def test_money_shows_cents_or_two_significant_digits(amount: str, words: str) -> None:
    assert dollars(Decimal(amount)) == words


def test_lists_and_counts_read_well() -> None:
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (counted(1, "call"), counted(0, "call")) == ("1 call", "0 calls")


@pytest.mark.parametrize(
    ("share", "beside", "words"),
    [
        (0.874, None, "87%"),
        (0.874, 0.874, "87%"),
        (0.874, 0.871, "87.4%"),
        (0.8741, 0.8742, "87.41%"),
        (0.87411, 0.87412, "87.41%"),
    ],
)
def test_a_share_has_the_decimals_that_tell_it_from_another(
    share: float, beside: float | None, words: str
) -> None:
    assert percent(share, beside=beside) == words


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("0.00091", "0.00076", "$0.00015"),
        ("0.000914", "0.000755", "$0.00015"),
        ("0.0048", "0.00423", "$0.00060"),
        ("12.344", "12.336", "$0"),
        ("0", "0.5", "$0.50"),
        ("3", "1.5", "$1.50"),
    ],
)
def test_a_difference_of_amounts_is_that_of_what_is_shown(one: str, other: str, apart: str) -> None:
    assert dollars_apart(Decimal(one), Decimal(other)) == apart
    assert dollars_apart(Decimal(other), Decimal(one)) == apart
