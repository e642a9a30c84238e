"""Reading a prompt: what is asked, without the politeness and the remarks about the answer's form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.llm.providers.simulated.numbers import NUMBER

_PLAIN = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "−": "-", "–": "-", "\u00a0": " ", "\u202f": " "}
)
_POLITE = re.compile(
    r"^(?:(?:please|kindly|hi|hello|hey|thanks|ok|okay|so|now|well|quick question|question|q|task"
    r"|problem)\b[\s,:!.]*"
    r"|(?:can|could|would|will) you (?:please )?(?:tell me|help me|say)?\b[\s,:]*"
    r"|(?:i(?:'d| would) like to know|i (?:want|need) to know|do you know|tell me|help me)\b[\s,:]*)+",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"\s*(?:\n\s*(?:answer|a)\s*:|\bplease[.!]?|\bthanks[.!]?|\bthank you[.!]?)\s*$", re.IGNORECASE
)
_VERBS = """
    answer reply respond give return output provide write state think show do don't explain use no end
    finish put only just let's print say keep express your format be
"""
_FORM_VERBS = frozenset(_VERBS.split())
_WORDS = """
    with the a an final single one exact number integer word words letter letters option label choice
    value result date day name list nothing else explanation explanations reasoning and or as in on its
    own line lines form of please not briefly concisely brief concise step by work working steps
    separated comma commas units unit decimal digits digit plain text at me it only iso yyyy-mm-dd x
    followed comma-separated new last before after to any extra sentence short like this then by exactly
    must should is correct best
"""
_FORM_WORDS = _FORM_VERBS | frozenset(_WORDS.split())
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")

_PLACES_BY_WORD = {
    "whole number": 0, "integer": 0, "unit": 0, "tenth": 1, "hundredth": 2, "cent": 2, "penny": 2,
    "thousandth": 3, "ten": -1, "hundred": -2, "thousand": -3,
}  # fmt: skip
_COUNT_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_PRECISION = (
    r"(?:the\s+)?(?:nearest\s+(?P<word>whole number|integer|unit|tenth|hundredth|thousandth|cent"
    r"|penny|ten|hundred"
    r"|thousand)\b|(?P<whole>an? integer|a whole number)\b"
    r"|(?P<count>\d{1,2}|one|two|three|four|five|six)\s+(?:decimal places?|decimal digits?|decimals?"
    r"|places|d\.?p\.?)"
    r"(?=\W|$))"
)
_ROUNDING = re.compile(
    rf"[,;(]?\s*(?:\band\s+)?(?:\b(?:correct|accurate)\s+|\bround(?:ed|ing)?\b(?:\s+(?:off|your|the"
    rf"|it|answer|result"
    rf"|final))*\s+(?P<operand>{NUMBER}\s+)?)?\bto\s+{_PRECISION}\)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `places` are the decimals it asks for, None when it does not say."""

    text: str
    places: int | None = None


def read(raw: str) -> Question:
    """Strip what surrounds the question and note the rounding it asks for."""
    text = raw.translate(_PLAIN).strip()
    places = None
    rounding = _ROUNDING.search(text)
    if rounding:
        places = _places(rounding)
        text = text[: rounding.start()] + " " + (rounding["operand"] or "") + text[rounding.end() :]
    text = _TRAILING.sub("", _without_form_remarks(text.strip()))
    return Question(_POLITE.sub("", text).strip(), places)


def identity(raw: str) -> str:
    """Fold case, spacing and closing punctuation, so that one question is one question."""
    return " ".join(raw.translate(_PLAIN).casefold().split()).strip(" ?.!")


def _places(rounding: re.Match[str]) -> int:
    if rounding["whole"]:
        return 0
    if rounding["word"]:
        return _PLACES_BY_WORD[rounding["word"].lower()]
    count = rounding["count"].lower()
    return min(_COUNT_WORDS[count] if count in _COUNT_WORDS else int(count), 30)


def _without_form_remarks(text: str) -> str:
    """Drop sentences at either end that only say what the answer should look like."""
    while (parts := _split_ends(text)) is not None:
        text = parts
    return text


def _split_ends(text: str) -> str | None:
    cuts = list(_SENTENCE.finditer(text))
    if not cuts:
        return None
    if _is_form_remark(text[cuts[-1].end() :]):
        return text[: cuts[-1].start()].rstrip()
    if _is_form_remark(text[: cuts[0].start()]):
        return text[cuts[0].end() :].lstrip()
    return None


def _is_form_remark(sentence: str) -> bool:
    if '"' in sentence:
        return False
    words = re.findall(r"[\w'-]+", sentence.lower())
    return bool(words) and words[0] in _FORM_VERBS | {"please"} and _FORM_WORDS.issuperset(words)
