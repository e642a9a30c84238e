"""No page shows anything internal: every page is read in the states that people see."""

from __future__ import annotations

import re

import pytest

from tests.support.engines import Engine
from tests.support.every_page import page_states
from tests.support.furnished import FurnishedTeam
from tests.support.reading import read_text
from tests.support.walk import Visitor, World
from tests.support.walk_rows import ROWS

pytestmark = pytest.mark.django_db(transaction=True)

INTERNAL = {
    "a name of the code": re.compile(r"\b[A-Za-z]+_\w+"),
    "a value of the code": re.compile(r"\b(None|True|False|Decimal|UUID)\b|<\w+ object|\w+\.\w+\("),
    "a list or a mapping": re.compile(r"\[['\"\]]|\{['\"}]|\['|: ?['\"]\w+['\"]"),
    "the key of a step": re.compile(r"\b(ask|judge|rank|review|select|compare|aggregate|human|child)s?/\S"),
    "a number of the code": re.compile(r"(?<![\d.$])(\d+\.0(?![\d.-]| s)|\d+e-\d+|0\.\d{4,})"),
    "a moment of the code": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\+00:00"),
}

EXAMPLES = {
    "a name of the code": "cost_usd",
    "a value of the code": "None",
    "a list or a mapping": "['a']",
    "the key of a step": "ask/sim-swift",
    "a number of the code": "0.00012",
    "a moment of the code": "2026-01-01 12:00:00",
}


def internal(html: str) -> list[str]:
    """Return what a page shows that only its makers understand."""
    return [
        f"{kind}: {piece[:90]}"
        for piece in read_text(html)
        for kind, pattern in INTERNAL.items()
        if pattern.search(piece)
    ]


def test_what_is_internal_would_be_found_in_texts_and_labels_but_not_in_code() -> None:
    pages = [f'<p>{piece}</p><img alt="{piece}"><code>{piece}</code>' for piece in EXAMPLES.values()]
    assert [internal(page) for page in pages] == [[f"{kind}: {EXAMPLES[kind]}"] * 2 for kind in INTERNAL]


def test_every_address_that_answers_with_a_page_is_read_and_none_shows_anything_internal(
    engine: Engine,
) -> None:
    states, world = page_states(FurnishedTeam(engine)), World()
    found = {state.name: internal(state.fetch().content.decode()) for state in states}
    assert {name: pieces for name, pieces in found.items() if pieces} == {}
    read = {state.view for state in states}
    unread = {row.view: row for row in ROWS if row.method == "GET" and row.view not in read}
    got = {view: row.visit(world, Visitor.OWNER) for view, row in unread.items()}
    pages = {view for view, answer in got.items() if answer["Content-Type"].startswith("text/html")}
    assert {view for view in pages if got[view].status_code != 302} == set()
