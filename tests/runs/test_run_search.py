"""What a search of the history finds, and how what it found is shown."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.utils.html import escape
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestra_site.accounts.models import Membership
from orchestra_site.web.alphabets import encodable
from orchestration.runs.models import Run, RunStatus
from orchestration.runs.selectors.runs import RunFilter, run_page
from orchestration.runs.selectors.search import CUT, SNIPPET_CHARACTERS, Finder, Fragment, search_words
from tests.support.history import HTMX, a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
RUNS = "/runs/"
TEXTS = st.text(max_size=80) | st.text(alphabet="aé\u0301Ää ß\n*[x]%_\\", max_size=600)


def joined(fragments: list[Fragment]) -> str:
    return "".join(fragment.text for fragment in fragments)


def hits(fragments: list[Fragment]) -> list[str]:
    return [fragment.text for fragment in fragments if fragment.is_hit]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  big\n bug ", ("big", "bug")),
        ("bug Bug BUG", ("BUG",)),
        ('"blue  moon" rising', ("blue moon", "rising")),
        ("“blue moon”", ("blue moon",)),
        ('"not closed yet', ("not closed yet",)),
        ('a 5" pipe', ("a", '5"', "pipe")),
        ('"', ('"',)),
        ("100% _x_ [a-z]* \\d+", ("100%", "_x_", "[a-z]*", "\\d+")),
        ("a\0b", ("a", "b")),
    ],
)
def test_a_search_is_words_and_quoted_phrases(text: str, words: tuple[str, ...]) -> None:
    assert search_words(text) == words


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("cafe", "Grand Café"),
        ("CAFÉ", "the cafe"),
        ("cafe", "cafe\u0301 in two characters"),
        ("ÖL", "Altes öl"),
        ("МИР", "миру мир"),
        ("ελλας", "ΕΛΛΆΣ"),
        ("محمد", "مُحَمَّد"),
        ('"blue moon"', "a blue\n  Moon"),
        ("50%", "50% off"),
        ("a_b", "x a_b"),
        ("c:\\dir", "in C:\\dir here"),
        ("(.*)", "like (.*) this"),
        ("東京", "東京都"),
    ],
)
@pytest.mark.parametrize("column", ["prompt", "answer", "error"])
def test_words_are_found_whatever_their_case_and_accents(
    member: Membership, column: str, query: str, text: str
) -> None:
    fields: dict[str, Any] = {"prompt": "here", column: text}
    a_run(member, **fields)
    a_run(member, "elsewhere: 50x a-b caf blue green moo c:dir")
    found = run_page(member, RunFilter(text=query), "").rows
    assert len(found) == 1
    assert Finder(search_words(query)).missing_in(text) == set()


@pytest.mark.parametrize("query", ["moon weigh", "WEIGH moon", '"the moon" cheese', "cheese weigh"])
def test_all_words_match_in_any_order_in_question_and_answer(member: Membership, query: str) -> None:
    a_run(member, "Weigh the moon", answer="It is not made of cheese.")
    a_run(member, "Weigh the sun", answer="Moo")
    a_run(member, "The moon")
    assert [run.prompt for run in run_page(member, RunFilter(text=query), "").rows] == ["Weigh the moon"]


def test_a_phrase_is_kept_together(member: Membership) -> None:
    a_run(member, "Weigh the moon")
    assert run_page(member, RunFilter(text='"moon weigh"'), "").rows == []


@given(st.text(alphabet="aé\u0301AÄ ß*[x]%_\\(.İıςσ漢أ١", min_size=1, max_size=4), TEXTS)
def test_the_database_finds_what_is_marked(word: str, text: str) -> None:
    words = search_words(word)
    text = encodable(text.replace("\0", ""))
    assume(words)
    Run.objects.all().delete()
    member = a_member()
    a_run(member, text)
    found = run_page(member, RunFilter(text=word), "").rows
    assert bool(found) == (not Finder(words).missing_in(text))


@given(TEXTS, TEXTS)
def test_marking_changes_no_text(query: str, text: str) -> None:
    assert joined(Finder(search_words(query)).marked(text)) == encodable(text)


@given(st.text(alphabet="ab ", max_size=8), TEXTS)
def test_a_snippet_is_short_part_of_the_text_with_a_hit(query: str, text: str) -> None:
    words = search_words(query)
    finder = Finder(words)
    shown = finder.snippet(text, words)
    assert bool(shown) == any(word not in finder.missing_in(" ".join(text.split())) for word in words)
    if shown:
        assert hits(shown)
        assert len(joined(shown)) <= SNIPPET_CHARACTERS + 2 * len(CUT) + 80
        assert joined(shown).strip(CUT) in " ".join(encodable(text).split())


def test_a_snippet_shows_the_place_with_most_words() -> None:
    text = f"a moon. {'filler ' * 60}Here the moon has cheese. {'filler ' * 60}"
    shown = Finder(("moon", "cheese")).snippet(text, {"moon", "cheese"})
    assert hits(shown) == ["moon", "cheese"]
    assert joined(shown).startswith(f"{CUT}filler ")
    assert joined(shown).endswith(f"filler{CUT}")


def test_a_snippet_of_a_word_without_end_is_cut_between_letters() -> None:
    shown = joined(Finder(("moon",)).snippet("e\u0301" * 300 + "moon" + "e\u0301" * 300, {"moon"}))
    inside = shown.strip(CUT)
    assert "moon" in inside
    assert not unicodedata.combining(inside[0])
    assert inside.endswith("\u0301")


def test_a_page_marks_what_was_found_and_shows_where_it_stands(member: Membership) -> None:
    a_run(member, "Weigh the moon", answer=f"First line.\n\n{'filler ' * 80}and some cheese.")
    page = signed_in(member).get(f"{RUNS}?q=cheese+moon").content.decode()
    assert "Weigh the <mark>moon</mark>" in page
    assert '<span class="run-place">Answer</span>' in page
    assert "and some <mark>cheese</mark>." in page
    assert "First line." not in page


def test_a_hit_further_down_in_the_question_is_shown(member: Membership) -> None:
    a_run(member, f"Weigh this: {'filler ' * 80}the moon")
    page = signed_in(member).get(f"{RUNS}?q=moon").content.decode()
    assert '<span class="run-place">Question</span>' in page
    assert "the <mark>moon</mark>" in page


def test_a_hit_beyond_what_is_looked_at_is_said_to_be_there(member: Membership) -> None:
    a_run(member, "Weigh", answer=f"{'filler ' * 20_000}moon")
    assert "stands further down in a long text" in signed_in(member).get(f"{RUNS}?q=moon").content.decode()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<mark>mine</mark>", "a & b <b>"])
def test_marks_escape_what_people_and_models_wrote(member: Membership, text: str) -> None:
    a_run(member, f"x {text}", answer=f"{'y ' * 300}{text}")
    page = signed_in(member).get(f"{RUNS}?q=x+y").content.decode()
    assert "<mark>x</mark>" in page
    assert text not in page
    assert escape(text) in page


@pytest.mark.parametrize(
    "query", ["%", "_", "'", '"', "\\", "[", "(", "^a$", "*", "a" * 200, "''; drop table runs_run; --"]
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_hostile_search_is_taken_literally(member: Membership, query: str, headers: dict[str, str]) -> None:
    a_run(member, "nothing of it is here")
    answer = signed_in(member).get(RUNS, {"q": query}, headers=headers)
    assert (answer.status_code, "nothing of it is here" in answer.content.decode()) == (200, False)


def test_too_many_words_are_refused_in_words(member: Membership) -> None:
    client = signed_in(member)
    answer = client.get(RUNS, {"q": "a b c d e f g h i j k l m"})
    assert (answer.status_code, "Search for at most 12 words." in answer.content.decode()) == (422, True)
    assert client.get(RUNS, {"q": "word " * 10_000}).status_code == 422


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("**391**\n\n17 % means 17 of every hundred.", "391"),
        ("## Use a *score*\n", "Use a score"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("---\n- [Paris](http://a.example) is `it`", "Paris is it"),
        ("| Bug | Cost |\n|---|---|\n", "Bug · Cost"),
        ("snake_case and 2 * 3 * 4", "snake_case and 2 * 3 * 4"),
    ],
)
def test_a_line_shows_the_first_line_of_the_answer(member: Membership, answer: str, line: str) -> None:
    a_run(member, answer=answer)
    assert f'<p class="run-told" dir="auto">{line}</p>' in signed_in(member).get(RUNS).content.decode()


@pytest.mark.parametrize(("code", "tone"), [("provider_error", "failed"), ("no_usable_answer",) * 2])
def test_a_reason_has_the_colour_of_its_state(member: Membership, code: str, tone: str) -> None:
    a_run(member, status=RunStatus.FAILED, error="All declined.", error_code=code)
    page = signed_in(member).get(RUNS).content.decode()
    assert f'<p class="run-told is-{tone}" dir="auto">All declined.</p>' in page
