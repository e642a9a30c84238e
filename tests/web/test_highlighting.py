"""Code in answers: colours where its language is known, the same characters always, and never a slow page."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.highlighting import LEXERS, LONGEST_CODE, LONGEST_LINE, highlighted
from orchestra_site.web.markdown import rendered

PYTHON = 'def greet(name: str) -> str:\n    """Say <hello>."""\n    return f"{name}" * 2  # twice\n'
JAVA = 'public class A { /* one */ int x = 0x1F; String s = "a\\"b"; // two\n}'


def plain(html: str) -> str:
    return unescape(re.sub(r"</?span[^>]*>", "", html))


def test_each_kind_of_token_has_a_class() -> None:
    html = highlighted(PYTHON, "python")
    assert '<span class="code-keyword">def</span> <span class="code-name">greet</span>' in html
    assert '<span class="code-comment"># twice</span>' in html
    assert "&lt;hello&gt;" in html


def test_languages_of_the_c_family_have_comments_strings_numbers_and_keywords() -> None:
    html = highlighted(JAVA, "Java")
    for part in ('keyword">public', 'comment">// two', 'number">0x1F', 'string">a'):
        assert f'<span class="code-{part}' in html
    assert plain(html) == JAVA


@pytest.mark.parametrize("language", ["", "nonsense", "mermaid", "python {lines=1}"])
def test_code_of_an_unknown_language_is_shown_without_colours(language: str) -> None:
    assert highlighted("if <b> x", language) == "if &lt;b&gt; x"


@pytest.mark.parametrize("code", ["x = 1\n" * LONGEST_CODE, "x" * (LONGEST_LINE + 1)])
def test_code_that_is_too_long_is_shown_without_colours(code: str) -> None:
    assert highlighted(code, "python") == code


def test_what_takes_too_long_goes_on_without_colours() -> None:
    assert plain(highlighted(PYTHON, "python", most_seconds=0)) == PYTHON
    assert "code-comment" not in highlighted(PYTHON, "python", most_seconds=0)


@given(code=st.text(max_size=300), language=st.sampled_from(sorted(LEXERS)))
def test_no_character_of_code_is_lost_or_becomes_markup(code: str, language: str) -> None:
    html = highlighted(code, language)
    assert plain(html) == code
    assert set(re.findall(r"<[^>]*>", html)) <= {"</span>", *re.findall(r'<span class="code-[a-z]+">', html)}


def test_a_fence_shows_its_language_and_can_be_copied() -> None:
    html = rendered("```python\nx = 1\n```")
    assert '<pre class="code" dir="ltr" tabindex="0"><span class="code-language">python</span><code>x' in html
    assert "data-copy-code" in html


@pytest.mark.parametrize(
    "hostile",
    [
        '```"><script>alert(1)</script>\nx\n```',
        "```python\n</code></pre><script>alert(1)</script>\n```",
        '<div class="code-block"><button data-copy-code>',
        '<span class="code-language">',
        "<pre><table>",
    ],
)
def test_nobody_writes_markup_of_the_page(hostile: str) -> None:
    html = rendered(hostile)
    assert "<script" not in html
    assert html.count("<button") == html.count("<pre") == hostile.count("```") // 2
    assert "<table" not in html


def test_a_table_scrolls_in_a_region_and_keeps_its_alignment() -> None:
    html = rendered("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert '<div class="table-scroll" role="group" aria-label="Table" tabindex="0"><table' in html
    assert '<td class="text-end" dir="auto">2</td>' in html


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("# a\n## b\n# c", ["h3", "h4", "h3"]),
        ("## a\n#### b\n## c", ["h3", "h4", "h3"]),
        ("### a\n# b\n###### c", ["h3", "h3", "h4"]),
        ("# a\n## b\n### c\n#### d\n##### e", ["h3", "h4", "h5", "h6", "h6"]),
    ],
)
def test_headings_of_an_answer_stand_in_order_below_those_of_the_page(written: str, shown: list[str]) -> None:
    assert re.findall(r"<(h\d)", rendered(written)) == shown


def test_each_paragraph_runs_in_the_direction_of_its_own_language() -> None:
    assert rendered("باريس\n\nParis").count('<p dir="auto">') == 2
