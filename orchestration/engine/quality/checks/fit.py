"""An answer should have the form that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.engine.consensus.json_in_text import json_values
from orchestration.engine.quality.evidence import Dimension, Finding, Subject

_JSON = re.compile(r"\b(?:as|in|return|output|only|valid)\b[^.\n]{0,25}\bjson\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much)|what is \d|what percent|(?:only|just|as) (?:a|the|one) (?:single )?number)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r"\b(?:bullet(?:ed)?|numbered) (?:list|points)\b|\bas a list\b", re.IGNORECASE)
_CODE = re.compile(
    r"\b(?:write|implement|create)\b[^.\n]{0,40}\b(?:function|script|program|class|regex|query)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = re.compile(
    r"\b(?:zero|no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half|hundred)\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)
_PROGRAM = re.compile(r"```|^\s{2,}\S|[{};=]|\bdef \w+|\bselect\b", re.IGNORECASE | re.MULTILINE)


def _has_json(text: str) -> bool:
    return any(True for _ in json_values(text))


def _has_number(text: str) -> bool:
    return any(character.isdigit() for character in text) or bool(_NUMBER_WORDS.search(text))


def _has_list(text: str) -> bool:
    return len(_ITEM.findall(text)) > 1


def _has_code(text: str) -> bool:
    return bool(_PROGRAM.search(text))


FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("JSON", _JSON, _has_json),
    ("a list", _LIST, _has_list),
    ("code", _CODE, _has_code),
    ("a number", _NUMBER, _has_number),
)


def check(subject: Subject) -> Finding | None:
    """Find an answer without the JSON, list, code or number that was asked for."""
    for form, asked, given in FORMS:
        if asked.search(subject.question) and not given(subject.text):
            return Finding(
                check="format",
                evidence=f"The question asks for {form}, the answer has none.",
                effect=-2.0,
                bounds={Dimension.RELEVANCE: 0.5, Dimension.COMPLETENESS: 0.4},
            )
    return None
