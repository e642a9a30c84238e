"""Markdown from models: laid out, and harmless."""

from __future__ import annotations

import pytest

from orchestra_site.web.templatetags.text import LONGEST_MARKDOWN, markdown


def test_what_people_write_is_laid_out() -> None:
    html = markdown("# Title\n\n**bold** and `code`\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    for part in (
        "<h1>Title</h1>",
        "<strong>bold</strong>",
        "<code>code</code>",
        "<li>one</li>",
        "<td>1</td>",
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


def test_a_text_too_long_to_lay_out_is_shown_as_it_is() -> None:
    html = markdown("<b>" + "x" * LONGEST_MARKDOWN)
    assert html.startswith("<pre>&lt;b&gt;xxx")


def test_deep_nesting_is_no_way_to_stop_the_page() -> None:
    assert "deep" in markdown(">" * 5000 + " deep") + markdown("[" * 5000 + "deep")
