"""Final answers of every kind, as models really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.consensus.answers import (
    AnswerKind,
    Extracted,
    offered,
    read_answer,
    read_question,
)
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.spelling import (
    MOST_ROUNDS,
    date_key,
    literal_key,
    number_key,
    number_value,
    plain_latex,
)

CODE = "What does this code print?\n```python\nprint(f(1))\n```"
CAPITALS = "Which is the capital of France?\nA. Berlin\nB. Paris\nC. Rome\nD. Not given"
COUNT = "How many apples are left?"


def key(text: str, question: str | None = None) -> str | None:
    found = extract_answer(text, question=question)
    return found.key if found else None


@pytest.mark.parametrize(
    ("spellings", "same"),
    [
        (("1/2", "0.5", ".50", "\\frac{1}{2}", "\\dfrac12", "$\\tfrac{1}{2}$", "(1)/(2)", "x = 1/2"), "0.5"),
        (("3/9", "\\frac{1}{3}", "2/6"), "1/3"),
        (("1,234", "$1,234.00", "1234 dollars", "USD 1234", "1.234e3", "1.234 \\times 10^3"), "1234"),
        (
            ("42 km", "42", "about 42 miles per hour", "42.0", "42nd", "42/year", "42 m²", "28 + 14 = 42"),
            "42",
        ),
        (("17%", "17\\%", "17 %", "17 percent"), "17"),
        (("90^\\circ", "90°", "90 degrees"), "90"),
        (("-3", "\u22123", "-\\left(3\\right)", "-3.0"), "-3"),
        (("2 million", "2,000,000"), "2000000"),
        (("1 1/2", "1.5", "3/2"), "1.5"),
        (("-1 1/2", "-1.5"), "-1.5"),
    ],
)
def test_a_number_has_one_key(spellings: tuple[str, ...], same: str) -> None:
    read = {text: read_answer(text) for text in spellings}
    assert {text: found and (found.kind, found.key) for text, found in read.items()} == dict.fromkeys(
        spellings, (AnswerKind.NUMBER, same)
    )


@pytest.mark.parametrize(
    "text", ["1,5", "1/0", "1 1/0", "1e99", "9" * 61, "3 apples and 4 pears", "-(x)", "12:30", "2, 4"]
)
def test_what_is_no_number_is_not_made_one(text: str) -> None:
    found = read_answer(text)
    assert found is not None
    assert found.kind is not AnswerKind.NUMBER


@given(st.fractions(max_denominator=10**6))
def test_a_numbers_key_is_the_number(value: object) -> None:
    assert number_value(number_key(value)) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plain", "text"),
    [
        ("(x+1)/2", "\\frac{x+1}{2}"),
        ("3sqrt(2)/2", "\\frac{3\\sqrt{2}}{2}"),
        ("1/sqrt(2)", "\\frac{1}{\\sqrt{2}}"),
        ("5pi", "5\\,\\pi"),
        ("x^2", "x^{2}"),
        ("\\frac{1}{2}", "\x0crac{1}{2}"),
        ("\\boxed{7}", "\x08oxed{7}"),
        ("7", "\\boxed{7}"),
        ("50", "\\$50"),
    ],
)
def test_latex_becomes_plain_mathematics(plain: str, text: str) -> None:
    assert plain_latex(text).lstrip("$") in {plain, plain_latex(plain)}


def test_the_beginning_of_a_longer_command_or_number_is_no_command() -> None:
    assert [plain_latex(text) for text in ("\\pi", "\\pie", "\\sqrt23")] == ["pi", "\\pie", "\\sqrt23"]


def test_nesting_without_end_is_left_as_it_is() -> None:
    deep = "\\sqrt{" * 40 + "2" + "}" * 40
    assert plain_latex(deep).count("\\sqrt{") == 40 - MOST_ROUNDS


@pytest.mark.parametrize(
    "text",
    ["1776-07-04", "July 4, 1776", "4 July 1776", "Jul. 4th 1776", "the 4th of July, 1776", "1776/7/4"],
)
def test_a_date_has_one_key(text: str) -> None:
    assert read_answer(text) == Extracted(kind=AnswerKind.DATE, key="1776-07-04", raw=text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("13/02/2020", "2020-02-13"),
        ("02/13/2020", "2020-02-13"),
        ("03/03/2020", "2020-03-03"),
        ("02/03/2020", None),
        ("31/31/2020", None),
        ("February 30, 2020", None),
        ("2020", None),
        ("Friday, 14 February 2020", "2020-02-14"),
    ],
)
def test_a_date_that_could_be_two_is_none(text: str, day: str | None) -> None:
    assert date_key(text) == day


@pytest.mark.parametrize(
    ("spellings", "same"),
    [
        (("'abc'", '"abc"', "abc", "`'abc'`", "```python\n'abc'\n```", '"abc', "abc'"), "abc"),
        (('["a", "b"]', "['a','b']", "[ 'a' , 'b', ]"), "['a', 'b']"),
        (('{"a": 1, "b": null}', "{'a':1,'b':None}"), "{'a': 1, 'b': None}"),
        (("True", "true"), "True"),
        (("(1,)", "(1, )"), "(1,)"),
        (('b"x"', "b'x'"), "b'x'"),
        (('["it\'s"]', "['it\\'s']"), '["it\'s"]'),
        (("['a\"\\'']", "['a\"\\'']"), "['a\"\\'']"),
        (("'one\\ntwo'", "one\ntwo"), "one\\ntwo"),
        (("'1: b'1''", "\"1: b'1'\""), "1: b'1'"),
        (("'a', 'b'",), "'a', 'b'"),
        (("[x + 1]",), "[x + 1]"),
    ],
)
def test_a_literal_has_one_key(spellings: tuple[str, ...], same: str) -> None:
    assert {text: literal_key(text) for text in spellings} == dict.fromkeys(spellings, same)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"reasoning": "x", "answer": "00019"}', "00019"),
        ('{"answer": "  two  "}', "  two  "),
        ('{"answer": "\\"quoted\\""}', "quoted"),
        ('{"answer": ""}', ""),
        ('{"answer": {"fr": ["AAA", true]}}', "{'fr': ['AAA', True]}"),
        ('{"answer": null}', "None"),
        ("So:\n```python\nassert f(1) == [1, 2]\n```", "[1, 2]"),
        ("assert f(1) == ??", None),
        ("[1, 2]", "[1, 2]"),
        ("```\n[\n1]\n```", "[1]"),
        ("It loops for as long as it is let, and in the end it may well return 4", None),
        ("The answer is `[3]`.", "[3]"),
        ("Answer: " + "x" * 3000, None),
    ],
)
def test_what_code_gives_is_kept_to_the_letter(text: str, answer: str | None) -> None:
    assert key(text, CODE) == answer


def test_an_empty_string_is_shown_with_quotes() -> None:
    found = extract_answer('{"answer": " "}', question=CODE)
    assert found == Extracted(kind=AnswerKind.CODE, key=" ", raw="' '")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"answer": \'it is "so" now\'}', "it is so now"),
        ('{"reasoning": "so\n\\(x\\)", "answer": "\\(4\\)"', "4"),
        ('{"reasoning": "a "b" c", "answer": 12,\n}', "12"),
        ('{"answer": 6 * 7 = 42}', "42"),
        ('{"answer": [1, 2', None),
        ('{bad, "answer": [1, [2]]}', "1 [ 2 ]"),
        ('{bad, "answer": "\\frac{1}{2}"}', "0.5"),
        ('{"answer": "\\frac{1}{4}"}', "0.25"),
        ('{"answer": "first"} no: {"answer": "second"}', "second"),
        ('{"answer": "N/A"}', None),
        ('Here: {"other": 1} {"answer": "4"}', "4"),
        ("[1, 2]", None),
    ],
)
def test_json_is_read_also_where_it_is_broken(text: str, answer: str | None) -> None:
    assert key(text) == answer


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(B)", "B"),
        ("The answer is (B).", "B"),
        ("**Answer:** B. Paris", "B"),
        ("The answer is $\\boxed{B}$.", "B"),
        ("So it is \\boxed{\\text{B}}", "B"),
        ('{"answer": "B"}', "B"),
        ('{"answer": "Paris"}', "B"),
        ("The answer is Paris.", "B"),
        ("Paris", "B"),
        ("It is, I think, option (B), nothing else.", "B"),
        ("(B) is correct, as everybody knows.", "B"),
        ("Its capital is B. Paris, on the Seine.", "B"),
        ("The best fit would be (B)", "B"),
        ("The answer is (B).\n\nNext question.\nThe answer is (C).", "B"),
        ("The answer is (C). Wait, that is Italy. The answer is (B).", "B"),
        ("The answer is a matter of taste.", None),
        ("The answer is (None of the above).", None),
        ("The answer is (K).", None),
        ("Energy in J and current in A were not given.", None),
        ("London", None),
    ],
)
def test_an_option_is_found_by_letter_or_by_its_words(text: str, letter: str | None) -> None:
    assert key(text, CAPITALS) == letter


def test_words_that_two_options_share_name_neither() -> None:
    assert key("Answer: 4", "Which?\nA. 4\nB. 4.0\nC. 5") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: There are 4 apples left on the table", "4"),
        ("Answer: 4 of the 12 apples are left on it", "4 of 12 apples are left on it"),
        ("#### 57", "57"),
        ("#### Step 2: subtract", None),
        ("After that she has **4 apples**.", "4"),
        ("The final answer is: $145", "145"),
        ("There were 12 of them. So, 60 % of them are left on the table now.", "60"),
        ("Together they picked 30.\n\nIn total, Ann has 26 + 15 = 41 apples left on her table.", "41"),
        ("So each of the children gets 36 / 4 = 9 apples out of the basket (rounded).", "9"),
        ("#### Each child receives 9 apples out of the basket.", "9"),
        ("Of the 12 apples on the table she ate 4 before noon and gave the rest away.", None),
        ("She ate some of them.\n\nNobody can say how many are left.", None),
        ("Three of the apples are left over on the table when all have eaten theirs.", None),
    ],
)
def test_a_quantity_that_was_asked_for_is_found_in_a_sentence(text: str, answer: str | None) -> None:
    assert key(text, COUNT) == answer


def test_the_last_sentence_of_a_text_that_was_cut_off_is_no_answer() -> None:
    text = "She had 12. So, 60 of the apples are left"
    assert extract_answer(text, question=COUNT, cut_off=True) is None
    assert extract_answer(text, question=COUNT) is not None


def test_the_number_in_a_last_sentence_answers_only_a_question_for_a_number() -> None:
    assert (
        key("It took a long time, and many tried. So it was Alice who won the race in 2020, in the end.")
        is None
    )


def test_a_number_is_not_taken_out_of_a_formula() -> None:
    found = read_answer("3\\sqrt{5}", read_question("What is the value of x?"))
    assert found == Extracted(kind=AnswerKind.EXPRESSION, key="3sqrt(5)", raw="3sqrt(5)")


@pytest.mark.parametrize(
    ("question", "choices", "code", "number"),
    [
        (CAPITALS, "ABCD", False, False),
        ("(A) one\n(B) two", "AB", False, False),
        ("Example:\nA. x\nB. y\nNow:\nA. p\nB. q\nC. r", "ABC", False, False),
        ("A. Smith wrote it.\nWho was that?", "", False, False),
        ("B. one\nC. two", "", False, False),
        (CODE, "", True, False),
        ("assert f([1]) == ??", "", True, False),
        ("Write a function that returns 4.\n```python\ndef f():\n```", "", False, False),
        (COUNT, "", False, True),
        ("Which is larger, 9.11 or 9.9?", "", False, True),
        ("Who wrote it?", "", False, False),
    ],
)
def test_a_question_tells_the_form_of_its_answer(
    question: str, choices: str, *, code: bool, number: bool
) -> None:
    asked = read_question(question)
    assert ("".join(asked.choices), asked.code, asked.number) == (choices, code, number)


def test_of_several_lists_the_last_is_offered() -> None:
    assert offered("A. x\nB. y\n\nA. p\nB. q") == {"A": "p", "B": "q"}


@pytest.mark.parametrize(
    ("one", "other"), [("The Eiffel Tower", "eiffel  tower"), ("YES.", "yes"), ("“No”", "no")]
)
def test_words_are_compared_without_case_article_and_marks(one: str, other: str) -> None:
    first, second = read_answer(one), read_answer(other)
    assert first is not None
    assert second is not None
    assert (first.kind, first.key) == (AnswerKind.TEXT, second.key)


@given(st.text(max_size=200), st.sampled_from([None, CODE, CAPITALS, COUNT]))
def test_nothing_a_model_writes_is_an_error(text: str, question: str | None) -> None:
    for written in (text, f'{{"answer": "{text}"}}', f"Answer: {text}", f"\\boxed{{{text}}}"):
        found = extract_answer(written, question=question)
        assert found is None or found.key or found.kind is AnswerKind.CODE


@pytest.mark.parametrize(
    "piece", ['"answer": [', "1 ", "the answer is ", "A. x\n", "\\frac{", "'", "1/", "#### "]
)
def test_hostile_repetition_costs_little(piece: str) -> None:
    for question in (None, CODE, CAPITALS):
        extract_answer(piece * (60_000 // len(piece)), question=question)
