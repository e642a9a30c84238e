"""Templates: what they render, what they refuse, and where they stop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.filters import FILTERS, LONGEST_TEXT
from orchestration.expressions.templates import parse_template

VALUES = {
    "input": {
        "text": " abc é ",
        "n": 5,
        "f": 1.5,
        "list": [1, 2, "x"],
        "nothing": None,
        "yes": True,
        "a b": 7,
        "object": {"k": 1},
        "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        "big": "a" * 900_000,
        "numbers": list(range(1000)),
        "long": list(range(1200)),
        "digits": 10**5000,
        "infinite": float("inf"),
        "empty": [],
        "many": [[0] * 1000] * 99,
    }
}
RENDERS = [
    ("Hi {{ input.text | trim }}!\n", "Hi abc é!\n"),
    ("{{ input['a b'] }}{{ input.list[0] }}{{ input.list[-1] }}", "71x"),
    ("{{ input.nope | default('d') }}{{ input.nothing | default('e', true) }}", "de"),
    ("{{ input.nothing }}|{{ input.yes }}", "|true"),
    ("{% if input.nope is defined %}a{% elif input.n > 3 %}b{% else %}c{% endif %}", "b"),
    ("{% if not true %}a{% else %}b{% endif %}", "b"),
    (
        "{% for r in input.rows %}{{ loop.index }}{{ r.a }}{% if not loop.last %},{% endif %}{% endfor %}",
        "11,22",
    ),
    ("{% for k, v in input.object | items %}{{ k }}={{ v }}{% else %}none{% endfor %}", "k=1"),
    ("{% for a in [] %}{% else %}none{% endfor %}", "none"),
    ("{% for a in input.list if a is number %}{{ a }}{% endfor %}", "12"),
    ("{{ input.rows | map('b') | join(', ') }}", "x, y"),
    ("{{ input.rows | join('-', attribute='b') }}", "x-y"),
    ("{{ input.object }}", '{"k": 1}'),
    ("{{ input.n + 1 }} {{ 3 - 1 }} {{ -5 / 2 }}", "6 2 -2.5"),
    ("{{ 'a' + 'b' ~ 1 }}", "ab1"),
    ("{{ 1 if false }}{{ 1 if true }}{{ 1 if false else 2 }}", "12"),
    ("{{ input.object | tojson(indent=1) }}", '{\n "k": 1\n}'),
    ("{{ 'abc' | replace(new='x', old='b') | upper }}", "AXC"),
    ("{% raw %}{{ x }}{% endraw %}{# c #}", "{{ x }}"),
    ("{{ [3, 1] | sort | join }}", "13"),
    ("{{ input.rows | sort('a') | map('b') | last }}", "y"),
    ("{{ 1.256 | round(2) }} {{ 1.6 | round }}", "1.26 2"),
    ("{{ '12' | int + 1 }} {{ '1.9' | int }} {{ 'x' | int(7) }}", "13 1 7"),
    ("{{ '1.5' | float }} {{ 'x' | float(2) }}", "1.5 2"),
    ("{{ 'abcdef' | truncate(4) }}{{ 'ab' | truncate }}", "abc…ab"),
    ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ("{{ [1, 1, 2] | unique | join }}{{ 'ab' | reverse }}{{ [1, 2] | reverse | join }}", "12ba21"),
    ("{{ 'ab' | list | first }}{{ [1] | list | length }}{{ 'aB' | capitalize }}", "a1Ab"),
    ("{{ 'A' | lower }}{{ 1 | string }}{{ 'ab' | count }}", "a12"),
    ("{{ 1 in [1] and 'a' in 'abc' or false }}{{ 2 not in [1] }}", "truetrue"),
    ("{{ 1 < 2 <= 2 }}{{ 1 > 2 }}", "truefalse"),
    (
        "{{ 'a' is string }}{{ none is none }}{{ [] is sequence }}{{ input is mapping }}{{ q is undefined }}",
        "true" * 5,
    ),
]
REFUSED = [
    ("{{ 'a' * 3 }}", "“*”"),
    ("{{ 2 ** 9 }}", "“**”"),
    ("{{ 7 // 2 }}", "“//”"),
    ("{{ 7 % 2 }}", "“%”"),
    ("{{ range(10) }}", "called"),
    ("{{ input.text.upper() }}", "called"),
    ("{% set x = 1 %}", "“set”"),
    ("{% include 'a' %}", "“include”"),
    ("{% import 'a' as b %}", "“import”"),
    ("{% extends 'a' %}", "“extends”"),
    ("{% macro a() %}{% endmacro %}", "“macro”"),
    ("{% block a %}{% endblock %}", "“block”"),
    ("{% filter upper %}a{% endfilter %}", "“filter”"),
    ("{% with a = 1 %}{% endwith %}", "“with”"),
    ("{% foo %}", "unknown tag"),
    ("{{ a", "unexpected end"),
    ("{{ a | foo }}", "no filter “foo”"),
    ("{{ a is iterable }}", "no test"),
    ("{{ a | upper(1) }}", "takes nothing"),
    ("{{ a | replace('a') }}", "takes old, new"),
    ("{{ a | join(d=1) }}", "takes separator"),
    ("{{ a | join(*b) }}", "takes separator"),
    ("{{ a[1:2] }}", "parts of a list"),
    ("{{ {'a': 1} }}", "objects"),
    ("{{ (1, 2) }}", "in brackets"),
    ("{% for a in b recursive %}{% endfor %}", "recursive"),
    ("{% for a in b %}" * 3 + "{% endfor %}" * 3, "2 levels"),
    ("{{ " + "(" * 9000 + " }}", "64 levels"),
    ("{{ " + "1+" * 9000 + "1 }}", "64 levels"),
    ("{{ " + "9" * 5000 + " }}", "too many digits"),
    ("a" * 50_001, "50,000"),
    ("{{ a is eq(1) }}", "no test"),
]
FAILS = [
    ("{{ input.nope }}", "Line 1: input is an object and has no “nope”."),
    ("\n\n{{ input.n.x }}", "Line 3: input.n is a number"),
    ("{{ q }}", "no “q”"),
    ("{{ ''.__class__ }}", "has no"),
    ("{{ input['rows'][9] }}", "is a list and has no 9"),
    ("{{ input.rows[0].q }}", "has no “q”"),
    ("{{ input.big ~ input.big }}", "grows"),
    ("{{ input.big }}{{ input.big }}", "grows"),
    ("{{ input.big | replace('a', 'aaaa') }}", "grows"),
    (
        "{% for a in input.numbers %}{{ input.big | length }}{{ input.big | upper | length }}{% endfor %}",
        "steps",
    ),
    ("{% for a in input.numbers %}{% for b in input.numbers %}x{% endfor %}{% endfor %}", "steps"),
    ("{% for a in input.long %}{% endfor %}", "up to 1,000"),
    ("{{ input.numbers | map('x') }}", "an item has no"),
    ("{{ [input.big] | join(input.big) | length }}{{ [1, 2] | join(input.big) }}", "grows"),
    ("{{ input.n > 'a' }}", "cannot be compared"),
    ("{{ 1 + 'a' }}", "cannot be computed with"),
    ("{{ -'a' }}", "cannot be negative"),
    ("{{ 1 / 0 }}", "cannot be computed"),
    ("{{ input.list | sort }}", "sort takes"),
    ("{{ 1 | length }}", "no length"),
    ("{{ 1 | join }}", "not a list"),
    ("{{ 1 | upper }}", "not a text"),
    ("{{ 'a' | round }}", "takes a number"),
    ("{{ 1 | round(99) }}", "whole number"),
    ("{{ input.infinite | round }}", "finite"),
    ("{{ 'a' | replace('', 'b') }}", "empty text"),
    ("{{ input.digits }}", "written as JSON"),
    ("{{ 1 | tojson(indent=99) }}", "whole number"),
    ("{{ input.empty | first }}", "empty"),
    ("{{ 1 | items }}", "not an object"),
    ("{% for a, b in input.list %}{% endfor %}", "not 2 values"),
    ("{% for a in input.numbers %}{% if input.many == 1 %}{% endif %}{% endfor %}", "steps"),
    ("{{ input.many | tojson }}{{ input.big }}" * 3, "grows"),
]


@pytest.mark.parametrize(("text", "rendered"), RENDERS)
def test_a_template_renders(text: str, rendered: str) -> None:
    assert parse_template(text).render(VALUES) == rendered


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_beyond_the_subset_is_refused_when_it_is_read(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(("text", "words"), FAILS)
def test_what_cannot_be_rendered_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text).render(VALUES)
    assert words in str(caught.value)
    assert str(caught.value).startswith("Line ")


def test_paths_are_the_longest_and_leave_out_items_of_loops() -> None:
    text = "{{ a.b['c'].d }}{{ f.g[0].h }}"
    text += "{% for x in a.list if x.y %}{{ x.z }}{{ loop.index }}{% else %}{{ e }}{% endfor %}"
    template = parse_template(text)
    assert template.paths == {("a", "b", "c", "d"), ("a", "list"), ("e",), ("f", "g")}
    assert template.names == {"a", "e", "f"}


def test_the_place_of_a_fault_is_the_start_of_its_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template("ab\ncd {{ 1 * 2 }}")
    assert caught.value.position == 3


@given(st.lists(st.sampled_from(sorted(FILTERS)), max_size=8), st.text(max_size=50) | st.lists(st.integers()))
def test_no_chain_of_filters_exceeds_the_longest_text(filters: list[str], value: object) -> None:
    try:
        rendered = parse_template("{{ a | " + " | ".join([*filters, "string"]) + " }}").render({"a": value})
    except ExpressionError:
        return
    assert len(rendered) <= LONGEST_TEXT


@given(st.text(alphabet="{}%#ab|.[]'\" \n()+~-if", max_size=60))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        parse_template(text).render({"a": {"b": 1}})
    except ExpressionError as error:
        said = str(error)
        assert said
