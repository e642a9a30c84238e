"""What a run shows of a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import (
    AddressRefused,
    AuthenticationRejected,
    CircuitOpen,
    ContextWindowExceeded,
    ModelNotFound,
    ModelUnavailable,
    RequestRejected,
)
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.profiles import (
    SETUP_ERRORS,
    Evidence,
    ObservedAttempt,
    minus,
    observed,
    plus,
    rating_evidence,
)

STEP = "ask/m"
ANSWERED = ObservedAttempt(step=STEP, done=True, seconds=2.0, input_tokens=10, output_tokens=20)
TIMED = {"timed": 1, "seconds": 2.0, "input_tokens": 10, "output_tokens": 20}


def shown(overall: float, accuracy: float | None = None, **consensus: Json) -> Evidence:
    candidate = {"model": "m", "quality": {"overall": overall, "accuracy": accuracy}}
    return observed([ANSWERED], {STEP: candidate}, consensus)


def test_a_judged_answer_counts_with_its_estimate() -> None:
    graded = {"quality": 0.9, "judged": 1.0, "right": 0.9, "graded": 1.0}
    assert shown(0.9, accuracy=0.8) == Evidence(asked=1, answered=1, **graded, **TIMED)  # type: ignore[arg-type]


def test_an_estimate_that_other_answers_moved_counts_half() -> None:
    assert shown(0.9, agreement=0.1) == Evidence(asked=1, answered=1, quality=0.45, judged=0.5, **TIMED)  # type: ignore[arg-type]


def test_an_estimate_that_nothing_moved_says_nothing_of_quality() -> None:
    assert shown(0.7) == Evidence(asked=1, answered=1, **TIMED)  # type: ignore[arg-type]


@pytest.mark.parametrize("overall", [0.7, 0.9])
def test_what_was_not_judged_says_nothing_of_quality(overall: float) -> None:
    candidate = {"model": "m", "quality": {"overall": overall, "judged": False}}
    assert observed([ANSWERED], {STEP: candidate}, {}).judged == 0


def test_an_answer_that_the_checks_disqualify_is_a_failure() -> None:
    assert shown(0.05) == Evidence(asked=1, **TIMED)  # type: ignore[arg-type]


@pytest.mark.parametrize(("dissenters", "quality"), [([], 0.4), (["m"], 0.1)])
def test_without_a_judge_agreement_counts_half(dissenters: list[str], quality: float) -> None:
    found = shown(0.7, agreement=0.8, dissenters=dissenters)
    assert found.quality == pytest.approx(quality)
    assert found.judged == 0.5


def test_an_error_is_a_failure_unless_it_says_how_the_model_is_set_up() -> None:
    failed = [
        ObservedAttempt(step="ask/m", done=False, code=code) for code in ("model_timeout", "rate_limited")
    ]
    assert observed(failed, {}, {}) == Evidence(asked=2)
    set_up = [
        ObservedAttempt(step="ask/m", done=False, code=code)
        for code in ("authentication_rejected", "circuit_open")
    ]
    assert observed(set_up, {}, {}) == Evidence()


def test_how_a_model_is_set_up_is_told_by_the_codes_of_errors() -> None:
    refused = (AddressRefused(), AuthenticationRejected(), ContextWindowExceeded(), RequestRejected())
    missing = (CircuitOpen("", retry_in_s=0.0), ModelNotFound(), ModelUnavailable())
    assert {error.code for error in (*refused, *missing)} == SETUP_ERRORS


def test_an_answer_nobody_kept_still_took_its_time() -> None:
    assert observed([ANSWERED], {}, {"agreement": 1.0}) == Evidence(asked=1, answered=1, **TIMED)  # type: ignore[arg-type]
    assert observed([ObservedAttempt(step=STEP, done=True)], {}, {}) == Evidence(asked=1, answered=1)


def test_a_rating_counts_double() -> None:
    assert rating_evidence([1, 1, -1]) == Evidence(quality=4.0, judged=6.0, right=4.0, graded=6.0)
    assert rating_evidence([]) == Evidence()


@given(st.integers(0, 50), st.integers(0, 50))
def test_what_was_added_can_be_taken_back(one: int, other: int) -> None:
    first, second = Evidence(asked=one, judged=one / 2), Evidence(asked=other, judged=other / 2)
    assert minus(plus(first, second), second) == first
