"""Source code as HTML with a class for each kind of token, in time that no text can prolong.

Pygments matches with a backtracking engine. So only lexers are used that stay fast on hostile text, on code
of bounded length and lines; those of the C family do not, and have one plain lexer here. What takes longer
than the time given is shown without colours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer, RegexLexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, String, Text, _TokenType

LONGEST_CODE = 20_000
LONGEST_LINE = 1_000
MOST_SECONDS = 0.05
CLASSES = {
    Keyword: "code-keyword",
    Name.Tag: "code-keyword",
    Name.Function: "code-name",
    Name.Class: "code-name",
    Name.Attribute: "code-name",
    Name.Decorator: "code-name",
    Name.Builtin: "code-builtin",
    String: "code-string",
    Number: "code-number",
    Comment: "code-comment",
    Generic.Inserted: "code-string",
    Generic.Deleted: "code-keyword",
}
"""The class of each kind of token; a kind without one has that of the nearest kind above it."""
C_WORDS = (
    r"(?:abstract|async|await|bool|boolean|break|byte|case|catch|char|class|const|continue|default|define"
    r"|delete|do|double|else|endif|enum|extends|extern|false|final|finally|float|for|foreach|friend|goto|if"
    r"|ifdef|ifndef|implements|import|in|include|inline|instanceof|int|interface|is|long|namespace|new|null"
    r"|nullptr|operator|out|override|package|pragma|private|protected|public|record|readonly|ref|return|sealed"
    r"|short|signed|sizeof|static|string|struct|super|switch|synchronized|template|this|throw|throws|true|try"
    r"|typedef|typename|union|unsigned|using|var|virtual|void|volatile|while|yield)\b"
)


class BraceLexer(RegexLexer):
    """C, C++, C# and Java: comments, strings, numbers and keywords; nothing can be matched in two ways."""

    name = "Brace languages"
    tokens: ClassVar = {
        "root": [
            (r"//[^\n]*", Comment),
            (r"/\*", Comment, "comment"),
            (r'"', String, "string"),
            (r"'(?:\\.|[^\\'\n])'", String),
            (r"\d[\w.]*", Number),
            (C_WORDS, Keyword),
            (r"[^\W\d]\w*", Text),
            (r"[^\w/\"']+|.", Text),
        ],
        "comment": [(r"\*/", Comment, "#pop"), (r"[^*]+|\*", Comment)],
        "string": [(r'"|\n', String, "#pop"), (r'\\.|[^"\\\n]+|\\', String)],
    }


LEXERS = {
    **dict.fromkeys(("python", "py", "python3"), "python"),
    **dict.fromkeys(("javascript", "js", "jsx", "typescript", "ts", "tsx"), "typescript"),
    **dict.fromkeys(("bash", "sh", "shell", "zsh"), "bash"),
    **dict.fromkeys(("yaml", "yml"), "yaml"),
    **dict.fromkeys(("html", "xml", "svg"), "html"),
    **{name: name for name in ("json", "toml", "sql", "css", "rust", "go", "kotlin", "swift", "ruby", "php")},
    **dict.fromkeys(("diff", "patch"), "diff"),
    **dict.fromkeys(("c", "h", "cpp", "c++", "csharp", "cs", "c#", "java"), ""),
}
"""Lexers of Pygments by the name after a fence; an empty one is ours for the languages of the C family."""


def highlighted(code: str, language: str, *, most_seconds: float = MOST_SECONDS) -> SafeString:
    """Return `code` as HTML, coloured where its language is known and it is not too long to be read."""
    lexer = LEXERS.get(language.casefold())
    widest = max(map(len, code.split("\n")))
    if lexer is None or len(code) > LONGEST_CODE or widest > LONGEST_LINE:
        return escape(code)
    pieces = list(_pieces(_lexer(lexer), code, most_seconds))
    return mark_safe("".join(pieces))  # noqa: S308  # every piece is escaped


@cache
def _lexer(name: str) -> Lexer:
    """Return a lexer; it is compiled once."""
    return get_lexer_by_name(name) if name else BraceLexer()


def _pieces(lexer: Lexer, code: str, most_seconds: float) -> Iterator[str]:
    """Yield escaped pieces of `code`; once the time is up, the rest as one."""
    until, reached = time.monotonic() + most_seconds, 0
    for start, kind, text in lexer.get_tokens_unprocessed(code):
        style = _class(kind)
        yield format_html('<span class="{}">{}</span>', style, text) if style else escape(text)
        reached = start + len(text)
        if time.monotonic() > until:
            break
    yield escape(code[reached:])


def _class(kind: _TokenType) -> str:
    return next((CLASSES[each] for each in reversed(kind.split()) if each in CLASSES), "")
