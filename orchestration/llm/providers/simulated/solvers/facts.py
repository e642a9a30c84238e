"""Telling the facts of a multiple-choice question from what it asks."""

from __future__ import annotations

import re

_PRONOUN = re.compile(r"^(?:he|she|it|they|his|her|its|their|there)\b", re.IGNORECASE)
_HEADING = re.compile(
    r"^\s*(?:facts?|read|given(?: facts)?|context|information|passage|background|question|q|text)\s*:\s*",
    re.IGNORECASE | re.MULTILINE,
)
_TRAILING_QUESTION = re.compile(
    r"^(?:given|if|since|because)?\s*(?:that\s+)?(.+),\s+(?=(?:which|who|what|where|when|whose|how)\b)",
    re.IGNORECASE | re.DOTALL,
)


def read_facts(text: str) -> tuple[list[str], str]:
    """Return the facts, a sentence each, and the question.

    A sentence that begins with a pronoun belongs to the one before it.
    """
    plain = _HEADING.sub("", text).replace('"', " ")
    sentences: list[str] = []
    asked = ""
    for part in re.split(r"(?<=[.!?])\s+|\n+|;\s", plain):
        sentence = part.strip(" -*•\t")
        if sentence.endswith("?"):
            asked = sentence
        elif sentences and _PRONOUN.match(sentence):
            sentences[-1] += f" {sentence}"
        elif sentence:
            sentences.append(sentence)
    if not asked and sentences:
        asked = sentences.pop()
    return (sentences, asked) if sentences else _within(asked)


def _within(asked: str) -> tuple[list[str], str]:
    """Split "given that ..., which ...?" in two."""
    found = _TRAILING_QUESTION.match(asked)
    return ([found[1]], asked[found.end() :]) if found else ([], asked)
