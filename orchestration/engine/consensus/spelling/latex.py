"""LaTeX becomes plain mathematics."""

from __future__ import annotations

import re

MOST_ROUNDS = 12
"""Commands nested deeper than this stay as they are."""

_DAMAGED = (
    (re.compile("\x0c(?=rac)"), r"\\f"),
    (re.compile("\x08(?=oxed|inom|ar)"), r"\\b"),
    (re.compile("\t(?=ext|imes|heta|frac|an)"), r"\\t"),
    (re.compile("\r(?=ight|ho)"), r"\\r"),
    (re.compile(r"\\\\(?=[A-Za-z!,;:%$&#{}()^])"), r"\\"),
)
"""What reading JSON made of commands whose backslash was not doubled, or was doubled twice."""

_ONCE = (
    (re.compile(r"\\(?:left|right|displaystyle|,|;|:|!|quad|qquad|\s)(?![a-z])"), ""),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree\b"), "°"),
    (re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)(?!\d)"), r"\1/\2"),
    (re.compile(r"\\sqrt\s*(\d)(?!\d)"), r"sqrt(\1)"),
    (re.compile(r"\\(?:cdot|times)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\(pi|infty|pm|leq?|geq?|theta|alpha|beta)(?![a-zA-Z])"), r"\1"),
    (re.compile(r"\\([%$&#{}])"), r"\1"),
    (re.compile(r"\\[()\[\]]"), ""),
)
_NESTED = (
    (
        re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox|boxed|fbox|operatorname)\s*\{([^{}]*)\}"),
        r"\1",
    ),
    (re.compile(r"\\sqrt\s*\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\\[dtc]?frac\s*\{(-?[\w.()]+)\}\s*\{([\w.]+|[a-z]+\([^{}()]*\))\}"), r"\1/\2"),
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([\w.]+)\}"), r"(\1)/\2"),
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"(\1)/(\2)"),
    (re.compile(r"([\^_])\{(\w)\}"), r"\1\2"),
)


def plain(text: str) -> str:
    """Return `text` with commands that have a plain spelling replaced, from the inside out."""
    for pattern, better in _DAMAGED:
        text = pattern.sub(better, text)
    if "\\" not in text and "{" not in text:
        return text
    for pattern, better in _ONCE:
        text = pattern.sub(better, text)
    for _ in range(MOST_ROUNDS):
        before = text
        for pattern, better in _NESTED:
            text = pattern.sub(better, text)
        if text == before:
            break
    return text
