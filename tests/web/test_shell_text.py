"""Values as text: numbers with units, moments, states, and untrusted markdown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from orchestra_site.web.markdown import LONGEST_MARKDOWN
from orchestra_site.web.templatetags import text
from orchestra_site.web.templatetags.text import dollars, duration, markdown, relative
from orchestra_site.web.templatetags.ui import state

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "$0"),
        ("0.01", "$0.01"),
        ("1234.567", "$1,234.57"),
        ("0.0042", "$0.0042"),
        ("0.00012345", "$0.00012"),
        ("0.000000001", "$0.0000000010"),
        ("0.009999", "$0.01"),
        ("-0.5", "-$0.50"),
        ("-0.0042", "-$0.0042"),
    ],
)
def test_money_shows_cents_and_two_significant_digits_below_one(amount: str, said: str) -> None:
    assert dollars(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0454, "45 ms"),
        (0.0996, "0.1 s"),
        (1.24, "1.2 s"),
        (9.96, "10 s"),
        (34.4, "34 s"),
        (59.7, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3780, "1 h 03 min"),
    ],
)
def test_durations_carry_the_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (-59, "just now"),
        (-60, "1 minute ago"),
        (-7199, "1 hour ago"),
        (-3 * 86400, "3 days ago"),
        (-31 * 86400, "29 Jan 2026"),
        (30, "in less than a minute"),
        (7 * 86400 - 1, "in 7 days"),
    ],
)
def test_moments_are_told_relative_to_now(seconds: int, said: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == said


def test_what_is_unknown_is_a_dash() -> None:
    shown = {
        text.money(None),
        text.seconds(None),
        text.tokens(None),
        text.percent(None),
        text.ago(None),
    }
    assert shown == {"\N{EN DASH}"}


def test_figures_carry_their_units() -> None:
    assert (text.money(0.5), text.seconds(2), text.percent(0.874)) == ("$0.50", "2.0 s", "87%")
    assert (text.tokens(1), text.tokens(12345)) == ("1 token", "12,345 tokens")


def test_a_moment_carries_date_time_and_zone_for_the_hover() -> None:
    shown = text.ago(datetime(2020, 5, 4, 3, 2, 1, tzinfo=UTC))
    assert 'datetime="2020-05-04T03:02:01+00:00"' in shown
    assert 'title="4 May 2020, 03:02:01 UTC"' in shown
    assert ">4 May 2020</time>" in shown


def test_every_state_has_an_icon_and_a_word_of_its_own() -> None:
    states = ["queued", "running", "waiting", "succeeded", "failed", "cancelled", "resumed"]
    states += ["no_usable_answer", "below_quality", "quality_unknown"]
    icons = {state(name).partition("sprite.svg#")[2].partition('"')[0] for name in states}
    words = {state(name).rpartition("<span>")[2] for name in states}
    assert len(icons) == len(words) == len(states)
    assert "<span>Never seen</span>" in state("never_seen")
    assert "<span>a &lt; b</span>" in state("done", "a < b")


def test_what_people_write_is_laid_out() -> None:
    html = markdown("# Title\n\n**bold** and `code`\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    for part in (
        '<h3 dir="auto">Title</h3>',
        "<strong>bold</strong>",
        "<code>code</code>",
        '<li dir="auto">one</li>',
        '<td dir="auto">1</td>',
    ):
        assert part in html


def test_links_pass_nothing_on() -> None:
    html = markdown("[here](https://example.org/a)")
    assert 'href="https://example.org/a"' in html
    assert 'rel="noopener nofollow"' in html


def test_images_are_never_loaded_but_linked() -> None:
    html = markdown("![a cat](https://example.org/cat.png)")
    assert "<img" not in html
    assert ">a cat</a>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        '![" onload="alert(1)](x)',
        "<iframe src=https://example.org></iframe>",
        '<p style="position:fixed">x</p>',
        "[x](https://example.org 'a\" onclick=\"alert(1)')",
        "![x](javascript:alert(1))",
    ],
)
def test_nothing_that_runs_or_styles_comes_through(hostile: str) -> None:
    html = markdown(hostile)
    for danger in ("<script", "<img", "<iframe", "<p style", 'href="javascript', 'href="data', 'href="vbs'):
        assert danger not in html
    assert " onload=" not in html.replace("&quot;", "'").split(">", 1)[0]


@pytest.mark.parametrize("hostile", ["<b>" + "x" * LONGEST_MARKDOWN, "<b>" + "[" * 190_000])
def test_a_text_too_long_or_too_nested_to_lay_out_is_offered_as_it_is(hostile: str) -> None:
    html = markdown(hostile)
    assert f"<p>These {len(hostile):,} characters" in html
    assert f'<summary>Show as text</summary><pre dir="auto" tabindex="0">&lt;b&gt;{hostile[3:10]}' in html


def test_half_a_character_is_laid_out_as_the_replacement_character() -> None:
    assert markdown("a \ud800 b") == '<p dir="auto">a \ufffd b</p>\n'


def test_deep_nesting_is_no_way_to_stop_the_page() -> None:
    assert "deep" in markdown(">" * 5000 + " deep") + markdown("[" * 5000 + "deep")
