"""Finding the labels that a classification question offers, and the text to be classified."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.llm.providers.simulated.material import items, quotes

_LABEL = r"[\"'`]?[A-Za-z][\w&/-]*(?:[ ][A-Za-z][\w&/-]*){0,3}[\"'`]?"
_ENUM = rf"{_LABEL}(?:\s*(?:,|;|\|)\s*(?:or\s+|and\s+)?{_LABEL}){{0,20}}(?:\s*,?\s+(?:or|and)\s+{_LABEL})?"
_OR = rf"{_LABEL}(?:\s*,\s*{_LABEL}){{0,20}}\s*,?\s+or\s+{_LABEL}"
_NOUN = (
    r"(?:labels?|categor(?:y|ies)|class(?:es)?|options?|topics?|choices|tags|sentiments?|types?"
    r"|groups?|departments?|values|emotions?)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\[{]([^\[\]{}]{3,400})[\]}]",
        rf"\b{_NOUN}\s*(?:are|:|=)\s*\(?(?P<labels>{_ENUM})",
        rf"\b{_NOUN}\s*\((?P<labels>{_ENUM})\)",
        rf"\b{_NOUN}\s*:?\s*([\w-]+(?:/[\w-]+)+)",
        rf":\s*({_ENUM})\s*\?",
        rf"\(({_ENUM})\)",
        rf"\b(?:one|which) of(?: the)?(?: following)?(?: {_NOUN})?\s*:?\s*({_ENUM})",
        (
            rf"\b(?:as|into|under|between|among)\s+(?:either\s+|being\s+"
            rf"|exactly\s+)*(?:the (?:following )?{_NOUN}\s*:?\s*)?({_OR})"
        ),
        rf"\b(?:into|between|among)\s+(?:the (?:following )?{_NOUN}\s*:?\s*)?({_ENUM})",
        r"\b(?:as|into)\s+([\w-]+(?:/[\w-]+)+)",
        rf"(?:\bis|\bare|\bdoes|,|:|-)\s+(?:\w+ ){{0,6}}?(?:more\s+|about\s+|an?\s+)?({_OR})\s*\?",
        rf"\b({_OR})\b",
    )
)
_CLASSIFIES = re.compile(
    r"\bclassif|\bcategori[sz]|\blabel|\bcategor(?:y|ies)\b|\bsentiment\b|\bassign\b|\btopic\b"
    r"|\bwhich (?:class|department|group|type|team|language)"
    r"|\bpositive\b.*\bnegative\b|\bnegative\b.*\bpositive\b|\bspam\b|\bbelongs?\b|\btag\b"
    r"|\bemotion\b|\btone\b",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED_OR = re.compile(rf"[\"']\s*[-,:]?\s*(?:{_OR})\s*\?\s*$", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:(?:the|this|following|a|an|as|is|it|one|of|text|review|sentence|message|sentiment|either"
    r"|being|clearly|mostly|mainly|about|exactly|these|labels?"
    r"|categories|more|tone|statement|comment|email|tweet|its|in|written|word)\s+)+(?=\w)",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"(?:^|(?<=[\n.;?!)\]])\s*)(?:text|review|sentence|message|input|document|email|e-mail|tweet"
    r"|comment|headline|ticket|article|passage|item|word"
    r"|statement|description|content)\s*:\s*(.+?)(?=\n\s*\w[\w ]{0,20}:|\s\w+:\s|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FEW_WORDS = 4
_HEADING_WORDS = 6


@dataclass(frozen=True, slots=True)
class Offer:
    """Labels on offer and the text to put one on."""

    labels: tuple[str, ...]
    text: str


def read_offer(text: str) -> Offer | None:
    """Read a classification question; None when it offers no labels or no text."""
    if not _CLASSIFIES.search(text) and not _QUOTED_OR.search(text):
        return None
    data = _marked(text)
    asked = text.replace(data, ' "" ', 1) if data else text
    for pattern in _PATTERNS:
        for found in pattern.finditer(asked):
            labels = _labels(next(part for part in found.groups() if part))
            body = data or _rest(asked, found.end(), found.start())
            if labels and body:
                return Offer(labels, body)
    return None


def _marked(text: str) -> str | None:
    """Return the text where it is marked as such: behind "Text:", or in quotation marks."""
    labelled = _TEXT.search(text)
    if labelled:
        return labelled[1].strip().strip("\"'")
    found = quotes(text)
    phrases = [quote for quote in found if " " in quote.strip()]
    if phrases and len(max(phrases, key=len).split()) >= _FEW_WORDS - 1:
        return max(phrases, key=len)
    return found[0] if len(found) == 1 else None


def _labels(written: str) -> tuple[str, ...]:
    parts = written.split("/") if "/" in written and "," not in written else items(written.replace("|", ","))
    named = [_FILLER.sub("", part).strip() for part in parts]
    fits = len(named) > 1 and all(part and len(part.split()) <= _FEW_WORDS for part in named)
    return tuple(dict.fromkeys(named)) if fits else ()


def _rest(text: str, end: int, start: int) -> str:
    """Return what follows the labels, or what stands before the instruction."""
    after = re.sub(r"^[\s.:;,?)\]\"'-]+", "", text[end:])
    if ":" in text[end:] and len(after.split()) > 1:
        head, _, tail = after.partition(":")
        after = tail.strip() if len(head.split()) <= _HEADING_WORDS and tail.strip() else after
    if len(after.split()) > 1 or (after and ":" in text[end : end + 3]):
        return after
    before = text[:start]
    colon = re.search(r":\s+(\S.*)$", before, re.DOTALL)
    return (colon[1] if colon else before).strip()
