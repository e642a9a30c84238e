"""Who contributed what, by what was used; and each rule by which a session stops."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collaboration.engine.impact import contributions, word_shares, work_shares
from collaboration.engine.lineup import SessionLimits
from collaboration.engine.plan import GivenHelp, Subtask
from collaboration.engine.stopping import Counts, stops
from orchestration.llm.engine.types import Json
from tests.support.timing import thread_seconds

FOX = "the quick brown fox jumps over the lazy dog"
CAT = "a small cat sleeps on warm stones all day"


def done(author: str, text: str, *helpers: tuple[str, str]) -> Subtask:
    given_help = tuple(GivenHelp(by=by, request="?", text=said) for by, said in helpers)
    return Subtask(id="s1", title="t", author=author, result=text, helpers=given_help)


def impacts(accepted: list[Subtask], result: str, by: str = "lead") -> dict[str, float]:
    found = contributions(["lead", "a", "b"], accepted, result, by)
    return {each.participant: round(each.impact, 4) for each in found}


def test_what_was_accepted_and_used_counts_half_and_half() -> None:
    assert impacts([done("a", FOX), done("b", CAT)], FOX) == {"lead": 0, "a": 0.75, "b": 0.25}


def test_what_nobody_wrote_before_belongs_to_whoever_assembled_it() -> None:
    shares = word_shares(f"In short: {FOX}", [("a", FOX)], "lead")
    assert shares == {"lead": 2, "a": 9}


def test_who_wrote_it_first_is_credited_and_short_texts_count_too() -> None:
    assert word_shares(FOX, [("a", FOX), ("b", f"{FOX} {CAT}")], "lead") == {"a": 9}
    assert word_shares("It is 391", [("a", "it IS 391")], "lead") == {"a": 3}
    assert word_shares("", [("a", "")], "lead") == {}


def test_help_shares_a_subtask_and_tools_do_not() -> None:
    assert work_shares([done("a", FOX, ("b", CAT), ("", "42"))]) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    assert work_shares([done("a", FOX, ("", "42")), done("a", CAT)]) == {"a": 2}


def test_without_evidence_all_have_the_same_and_of_one_part_it_is_the_whole() -> None:
    assert impacts([], "") == {"lead": 0.3333, "a": 0.3333, "b": 0.3333}
    assert impacts([done("a", FOX)], "") == {"lead": 0, "a": 1, "b": 0}
    assert impacts([], FOX) == {"lead": 1, "a": 0, "b": 0}


AUTHORS = st.sampled_from(["lead", "a", "b", "gone"])
TEXTS = st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six"]), max_size=30).map(" ".join)


@settings(max_examples=50)
@given(st.lists(st.tuples(AUTHORS, TEXTS, AUTHORS, TEXTS), max_size=6), TEXTS, AUTHORS)
def test_impacts_always_sum_to_one(parts: list[tuple[str, str, str, str]], result: str, by: str) -> None:
    accepted = [done(author, text, (helper, said)) for author, text, helper, said in parts]
    found = contributions(["lead", "a", "b", "gone"], accepted, result, by)
    assert sum(each.impact for each in found) == pytest.approx(1, abs=1e-12)
    assert all(0 <= each.impact <= 1 for each in found)
    assert sum(each.words for each in found) == len(result.split())


def test_the_time_is_linear_in_the_texts() -> None:
    text = "same " * 50_000
    assert thread_seconds(lambda: word_shares(text, [("a", text), ("b", text)], "lead")) < 5


LIMITS = SessionLimits(messages=5, rounds=3, money=Decimal(2), seconds=60, repeats=2, idle=4)


@pytest.mark.parametrize(
    ("under", "at", "rule", "words"),
    [
        ({"messages": 4}, {"messages": 5}, "messages", "The limit of 5 messages is reached."),
        ({"rounds": 3}, {"rounds": 4}, "rounds", "The limit of 3 rounds is reached."),
        ({"cost": Decimal("1.99")}, {"cost": Decimal("2.0")}, "money", "The session has used $2.0 of $2."),
        ({"seconds": 59.9}, {"seconds": 60.0}, "time", "The time of the session, 60 s, has passed."),
        ({"moves": {"a": ("x", 1)}}, {"moves": {"a": ("x", 2)}}, "repetition", "given 2 times in a row."),
        ({"idle": 3}, {"idle": 4}, "no_progress", "4 answers in a row brought nothing new."),
    ],
)
def test_each_rule_stops_at_its_limit_with_its_words(under: Json, at: Json, rule: str, words: str) -> None:
    assert list(stops(Counts(**under), LIMITS)) == []
    ((found, said),) = stops(Counts(**at), LIMITS)
    assert (found, said[-len(words) :]) == (rule, words)


def test_without_limits_on_money_and_time_these_do_not_stop() -> None:
    assert list(stops(Counts(cost=Decimal(10**6), seconds=10**9), SessionLimits())) == []


def test_the_same_move_is_counted_in_a_row_whatever_its_spelling() -> None:
    counts = Counts().after_move("a", "Yes  it is").after_move("a", "yes it\nIS").after_move("b", "yes it is")
    assert counts.repeats == 2
    assert counts.after_move("a", "no").after_move("a", "yes it is").repeats == 1
    assert Counts().repeats == 0
