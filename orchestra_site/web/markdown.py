"""Untrusted Markdown as clean HTML: no markup of its own, no images, links without a referrer."""

from __future__ import annotations

from collections.abc import Sequence

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from orchestra_site.web.alphabets import encodable
from orchestra_site.web.highlighting import CLASSES, highlighted

LONGEST_MARKDOWN = 200_000
MARKS = "[]*_`~<&!|\\"
MOST_MARKS = 20_000
"""Characters of markup that are laid out; each may cost as much as a hundred letters."""
AS_TEXT = (
    "<p>These {} characters are too many, or have too much markup, to be laid out.</p>"
    '<details><summary>Show as text</summary><pre dir="auto" tabindex="0">{}</pre></details>'
)
OWN_DIRECTION = ("p", "li", "h3", "h4", "h5", "h6", "th", "td", "blockquote")
"""Elements whose text runs from left to right or from right to left, each by its own first letter."""
ALLOWED_TAGS = {
    *OWN_DIRECTION,
    *(
        "br",
        "hr",
        "em",
        "strong",
        "s",
        "code",
        "pre",
        "a",
        "ul",
        "ol",
        "table",
        "thead",
        "tbody",
        "tr",
        "span",
    ),
}
ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
LANGUAGE = "code-language"
ALIGNMENTS = {"right": "text-end", "center": "text-center"}
ALLOWED_CLASSES = {
    "span": {*CLASSES.values(), LANGUAGE},
    **{cell: {*ALIGNMENTS.values()} for cell in ("th", "td")},
}
FRAMES = {
    "<pre>": (
        '<div class="code-block"><button type="button" class="btn btn-sm code-copy needs-js" data-copy-code>'
        'Copy</button><pre class="code" dir="ltr" tabindex="0">'
    ),
    "</pre>": "</pre></div>",
    "<table>": (
        '<div class="table-scroll" role="group" aria-label="Table" tabindex="0">'
        '<table class="table prose-table">'
    ),
    "</table>": "</table></div>",
}
"""What stands around code and tables. Cleaned HTML has these tags without attributes, and nowhere else."""
SHALLOWEST_HEADING = 3
"""The page's own headings are of the first and second level."""
DEEPEST_HEADING = 6


def rendered(text: str) -> SafeString:
    """Return Markdown as HTML; a text that would block the page is offered as it is."""
    text = encodable(text)
    if len(text) > LONGEST_MARKDOWN or sum(map(text.count, MARKS)) > MOST_MARKS:
        return as_text(text)
    html = nh3.clean(
        _MARKDOWN.render(text),
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        allowed_classes=ALLOWED_CLASSES,
        set_tag_attribute_values={tag: {"dir": "auto"} for tag in OWN_DIRECTION},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    )
    for tag, frame in FRAMES.items():
        html = html.replace(tag, frame)
    return mark_safe(html)  # noqa: S308  # nh3 has cleaned it, and the frames hold no text of others


def as_text(text: str) -> SafeString:
    """Return a text that is not laid out, as it is."""
    return format_html(AS_TEXT, f"{len(text):,}", text)


def _image(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object
) -> str:
    """Render an image as a link to it."""
    token = tokens[index]
    words = escape(token.content or "image")
    return f'<a href="{escape(str(token.attrGet("src") or ""))}">{words}</a>'


def _fence(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object
) -> str:
    """Render a block of code, in colours where its language is known."""
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    name = format_html('<span class="{}">{}</span>', LANGUAGE, language[:30]) if language else ""
    return f"<pre>{name}<code>{highlighted(token.content, language)}</code></pre>\n"


def _set_outline(state: StateCore) -> None:
    """Put headings below those of the page, none more than one level below the one that it belongs to."""
    above: list[int] = []
    for token in state.tokens:
        if token.type == "heading_open":
            written = int(token.tag[1:])
            while above and above[-1] >= written:
                above.pop()
            above.append(written)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(SHALLOWEST_HEADING - 1 + len(above), DEEPEST_HEADING)}"


def _cell(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: object, _env: object
) -> str:
    """Render the start of a table's cell, aligned by a class: there are no inline styles."""
    token = tokens[index]
    style = str(token.attrGet("style") or "").removeprefix("text-align:")
    return f'<{token.tag} class="{ALIGNMENTS[style]}">' if style in ALIGNMENTS else f"<{token.tag}>"


_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_MARKDOWN.core.ruler.push("outline", _set_outline)
for _name, _rule in (
    ("image", _image),
    ("fence", _fence),
    ("th_open", _cell),
    ("td_open", _cell),
):
    _MARKDOWN.add_render_rule(_name, _rule)
