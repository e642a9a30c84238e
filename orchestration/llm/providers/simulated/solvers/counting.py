"""Counting letters, words, sentences, and the items of a list that meet a condition."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.llm.providers.simulated.material import instruction, items, material, quotes
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric
from orchestration.llm.providers.simulated.solvers.filtering import kept
from orchestration.llm.providers.simulated.solvers.occurrences import INSIDE

_ASKS = re.compile(r"\bhow many\b|\bcount\b|\bnumber of\b|\blength of\b", re.IGNORECASE)
_LENGTH = re.compile(r"\blength of (?:the |this )?(?:word|string|text|name)\b", re.IGNORECASE)
_HEAD = (
    r"\b(?:how many|count|number of)\s+(?:(?:up|all|the|total|of|number|different|individual|there|are)\s+)*"
)
_ITEMS = re.compile(
    r"\b(?:items?|elements?|entr(?:y|ies)|numbers|integers?|values?|names?|things|members|objects"
    r"|products|fruits|animals"
    r"|cities|countries|colou?rs)\b",
    re.IGNORECASE,
)
_WORDS_OF_A_LIST = re.compile(
    r"\bwords?\b.*\b(?:list|start|begin|end|contain|longer|shorter|more than|with)\b", re.IGNORECASE
)
_LISTED = re.compile(
    r"\b(?:in|among|of|from)\s+(?:the\s+|these\s+)?(?:list\s+|numbers\s+|set\s+)?"
    r"(?P<list>(?:[^,?]+,)+[^,?]+?)(?P<rest>\s+(?:are|is|have|has|start|end)\b[^,?]*)?\s*[?.]*$",
    re.IGNORECASE,
)
_WITHOUT_SPACES = re.compile(
    r"\b(?:without|excluding|ignoring|not counting|no|except)\b[^?]{0,20}\bspaces?\b", re.IGNORECASE
)


def _words(text: str) -> int:
    return sum(any(letter.isalnum() for letter in token) for token in text.split())


def _sentences(text: str) -> int:
    return sum(bool(re.search(r"\w", part)) for part in re.split(r"[.!?]+(?=\s|$|[\"'])", text))


def _lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _vowels(text: str) -> int:
    return sum(letter in "aeiou" for letter in text.lower())


def _consonants(text: str) -> int:
    return sum(letter.isalpha() and letter not in "aeiou" for letter in text.lower())


_COUNTABLE: tuple[tuple[str, str, Callable[[str], int]], ...] = (
    (r"vowels?", "the letters a, e, i, o and u", _vowels),
    (r"consonants?", "the letters other than vowels", _consonants),
    (
        r"(?:upper[- ]?case|capital) (?:letters?|characters?)|capitals",
        "the capital letters",
        lambda text: sum(map(str.isupper, text)),
    ),
    (
        r"lower[- ]?case (?:letters?|characters?)",
        "the small letters",
        lambda text: sum(map(str.islower, text)),
    ),
    (r"sentences?", "the sentence ends", _sentences),
    (r"lines?", "the lines that hold something", _lines),
    (r"digits?", "the digits", lambda text: sum(map(str.isdigit, text))),
    (r"commas?", "the commas", lambda text: text.count(",")),
    (r"spaces?", "the spaces", lambda text: text.count(" ")),
    (r"letters?", "the letters", lambda text: sum(map(str.isalpha, text))),
    (r"characters?", "every character", len),
    (r"words?", "the words", _words),
)


def solve(question: Question) -> Solution | None:
    """Count what the question names in the text that it gives."""
    asked = instruction(question.text)
    if not _ASKS.search(asked):
        return None
    return _filtered(question.text, asked) or _countable(question.text, asked)


def _filtered(text: str, asked: str) -> Solution | None:
    """Count list items, all or those that meet a condition."""
    found = _marked_list(text, asked) or _written_out(text)
    if found is None:
        return None
    members, condition = found
    fitting = kept(members, condition)
    counted = members if fitting is None else fitting
    return numeric(len(counted), "Go through the list and count the items that fit")


def _marked_list(text: str, asked: str) -> tuple[list[str], str] | None:
    data = material(text)
    if data is None or not _is_list(asked, data):
        return None
    return items(data), asked


def _written_out(text: str) -> tuple[list[str], str] | None:
    """Read "how many of 3, 4 and 5 are even" as its list and its condition."""
    found = _LISTED.search(text) if material(text) is None else None
    if found is None:
        return None
    condition = f"{text[: found.start()]} {found['rest'] or ''}"
    named = _ITEMS.search(text) or kept([], condition) is not None
    return (items(found["list"]), condition) if named else None


def _is_list(asked: str, data: str) -> bool:
    if _ITEMS.search(asked):
        return True
    return bool(_WORDS_OF_A_LIST.search(asked)) and ("," in data or not quotes(data))


def _countable(text: str, asked: str) -> Solution | None:
    data = material(text)
    if data is None and (inside := INSIDE.search(text)):
        data = inside["data"]
    if data is None:
        return None
    if _LENGTH.search(asked):
        return numeric(len(data), "Go through the text and count every character")
    for pattern, what, count in _COUNTABLE:
        if re.search(rf"{_HEAD}(?:{pattern})\b", asked, re.IGNORECASE):
            counted = re.sub(r"\s", "", data) if _WITHOUT_SPACES.search(asked) else data
            return numeric(count(counted), f"Go through the text and count {what}")
    return None
