"""Counting how often a letter, a word or a number occurs in a given text or list."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.material import material
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric

_NAMED = "letter|character|digit|symbol|word|number|item|name|value|string|substring|phrase|term"
_KIND = rf"(?:(?:the|a)\s+)?(?:(?P<kind>{_NAMED})\s+)?"
_QUOTED = r"\"[^\"]+\"|'[^']+'|`[^`]+`"
_NEEDLE = rf"(?P<needle>{_QUOTED}|\S+?)"
_LETTER = r"(?P<needle>\"[^\"]\"|'[^']'|`[^`]`|[a-z0-9])"
_BEFORE = r"(?:of )?(?:all )?(?:the )?(?:(?P<kind>letters?|characters?|digits?)\s+)?"
_AFTER = r"(?:'?s)?(?: letters?| characters?)?"
_VERB = r"(?:are|is|in|does|do|there|can|appears?|occurs?)"
_DOES = r"(?:(?:does|do|did|is|are|can|has|will)\s+)?"
_APPEARS = r"appears?|occurs?|shows?|come|used|found|repeat|present|be found|contained"
_ASKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bhow (?:many times|often) {_DOES}{_KIND}{_NEEDLE}\s+(?:\w+ )?(?:{_APPEARS}|in\b)",
        rf"\b(?:occurrences?|instances?|appearances?) of {_KIND}{_NEEDLE}(?:\s|[?.:]|$)",
        rf"\bcount (?:the\s+)?(?P<kind>{_NAMED})\s+{_NEEDLE}\s+(?:in|{_APPEARS})\b",
        rf"\bnumber of times {_KIND}{_NEEDLE}\s+(?:is\s+)?(?:{_APPEARS})\b",
        rf"\bcount how (?:many times|often) {_KIND}{_NEEDLE}\s+(?:is\s+)?(?:{_APPEARS})\b",
        rf"\b(?:how many|count|number of)\s+{_BEFORE}{_LETTER}{_AFTER}\s+{_VERB}\b",
    )
)
INSIDE = re.compile(
    r"\b(?:in|does|of|has|contains?)\s+(?:the\s+|this\s+)?(?:following\s+)?(?:english\s+)?"
    r"(?:(?:word|name|string|phrase|sentence|text|list|number|sequence)\s+)?"
    r"(?P<data>(?:(?!\b(?:in|does)\b).)+?)(?:\s+(?:have|contain|has))?\s*[?.]*\s*$",
    re.IGNORECASE | re.DOTALL,
)


def solve(question: Question) -> Solution | None:
    """Count the occurrences of what the question names."""
    for pattern in _ASKED:
        found = pattern.search(question.text)
        if found:
            needle = found["needle"].strip("\"'`")
            data = _haystack(question.text, found)
            kind = (found["kind"] or "").lower().rstrip("s")
            if data is not None and needle:
                return numeric(_hits(needle, kind, data), f'Go through the text and mark every "{needle}"')
    return None


def _haystack(text: str, found: re.Match[str]) -> str | None:
    rest = f"{text[: found.start('needle')]} _ {text[found.end('needle') :]}"
    data = material(rest)
    inside = INSIDE.search(rest) if data is None else None
    return inside["data"] if inside else data


def _hits(needle: str, kind: str, data: str) -> int:
    """Count letters anywhere, words and numbers only as a whole; upper and lower case are one."""
    folded, wanted = data.casefold(), needle.casefold()
    figures = len(re.findall(r"\d+", data)) > 1
    whole = kind in ("word", "number", "item", "name", "value") or (needle.isdigit() and figures and not kind)
    if kind in ("string", "substring") or (not whole and (len(wanted) == 1 or not re.search(r"\s", data))):
        return folded.count(wanted)
    return len(re.findall(rf"(?<![\w.]){re.escape(wanted)}(?!\w|\.\d)", folded))
