"""Texts in Markdown files: whatever they say, the file keeps its own outline, and has no HTML of theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from orchestra_site.web.templatetags.markdown_files import inline, quoted

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY = [
    "# Heading\n## Result\n===\ntext\n---",
    "```\nnever closed\n# still code",
    "````md\n```\n# inside\n```\n````\nafter",
    "~~~\n```\n~~~\n```",
    "- ```\n- x\n\n# top",
    "<script>alert(1)</script>\n</blockquote><h1>out</h1>",
    "<!-- never closed",
    "[evil]: http://evil.example\n[a]:\n  <http://evil.example>",
    "> nested\n\n> ```\n\nx",
    "a\u2028# line\x0b# other\r# third",
    "    ```\n<b>indented</b>",
    "`<b>`\n``` <i> ```",
    "| a | b |\n|---|---|\n| <b> | c |",
    "\ud800 half",
]
PIECES = st.lists(st.sampled_from([*"`~<>#-=[]:!|\n \t*_x1.", "```", "~~~", "\n\n", "</", "[x]: y", "    "]))


def is_contained(text: str) -> bool:
    """Tell whether a quoted text stays in one quotation, without HTML and names of links, in a file."""
    env: dict[str, object] = {}
    file = f"before [x]\n\n{quoted(text)}\n\nafter\n\n## End\n"
    tokens = MARKDOWN.parse(file, env)
    top = [(each.type, each.content) for each in tokens if each.level == 0 and each.nesting >= 0]
    inner = [child for each in tokens for child in [each, *(each.children or ())]]
    html = [each for each in inner if each.type in {"html_block", "html_inline"}]
    kinds = [kind for kind, _ in top if kind != "blockquote_open"]
    return (
        kinds == ["paragraph_open", "paragraph_open", "heading_open"]
        and not html
        and not env.get("references")
    )


@pytest.mark.parametrize("text", NASTY)
def test_no_text_leaves_its_quotation(text: str) -> None:
    assert is_contained(text)


@given(PIECES)
def test_no_text_of_marks_leaves_its_quotation(pieces: list[str]) -> None:
    assert is_contained("".join(pieces))


@given(PIECES)
def test_a_part_of_a_line_has_no_markup(pieces: list[str]) -> None:
    (_, line, _) = MARKDOWN.parse(f"Name: x{inline(''.join(pieces))}x")
    assert {each.type for each in line.children or ()} <= {"text", "text_special"}


def test_code_keeps_its_look_and_its_language() -> None:
    assert quoted("So:\n```python\nif a < b:\n    pass\n```\nand <b>") == (
        "> So:\n> ````python\n> if a < b:\n>     pass\n> ````\n> and &lt;b>"
    )
    assert quoted("") == ""
