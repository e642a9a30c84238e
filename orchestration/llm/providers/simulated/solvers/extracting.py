"""Extracting what a given text holds: addresses, numbers, dates, amounts, names."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.llm.providers.simulated.material import instruction, material
from orchestration.llm.providers.simulated.numbers import NUMBER
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, listed
from orchestration.llm.providers.simulated.solvers.dates.reading import DATE_PATTERNS, MONTHS, WEEKDAYS

_ASKS = re.compile(
    r"\b(?:extract|find|list|pull|identify|get|pick out|locate|collect|return|name|detect|give|copy)\b"
    r"|\b(?:what|which|who|where)\b.*\b(?:is|are|in|mentioned|appears?|named|contained?|found)\b",
    re.IGNORECASE | re.DOTALL,
)
_CURRENCY = r"(?:[$€£¥]|USD|EUR|GBP|CHF)"
_AMOUNT = (
    rf"{_CURRENCY}\s?{NUMBER}(?:\s?(?:million|billion|thousand|[kKmM]\b))?|{NUMBER}\s?(?:[€£¥]|(?:USD"
    rf"|EUR|GBP|CHF|dollars?|euros?|pounds|cents)\b)"
)
_CAPITALISED = r"[A-Z][a-zà-öø-ÿ]*(?:['-][A-Z]?[a-zà-öø-ÿ]+)*"
_STARTERS = """
    The A An I On In At By For From To And But Or When While Then He She It We They You This That These
    Those Yesterday Today Tomorrow Please Contact Call Dear Hello Hi Regards Our My Her His Their After
    Before With Email Write Later Both Meanwhile Last Next Every All There Here If As Of Send Ask Meet
    Thanks Thank During Also Only Some Once Now Since Mr Mrs Ms Dr Prof
"""
_NOT_NAMES = frozenset((*MONTHS, *WEEKDAYS, *_STARTERS.split()))


def _all(pattern: str) -> Callable[[str], list[str]]:
    compiled = re.compile(pattern)
    return lambda text: [found[0].rstrip(".,;:!?)") for found in compiled.finditer(text)]


def _dates(text: str) -> list[str]:
    found = {match.start(): match[0] for pattern in DATE_PATTERNS for match in pattern.finditer(text)}
    return [found[start] for start in sorted(found)]


def _names(text: str) -> list[str]:
    """Return runs of capitalised words; those of two or more when there are any."""
    runs = re.findall(rf"{_CAPITALISED}(?:\s+(?:(?:van|von|de|der|da|di|la)\s+)*{_CAPITALISED})*", text)
    cleaned = [_trimmed(run.split()) for run in runs]
    names = [" ".join(words) for words in cleaned if words]
    full = [name for name in names if " " in name]
    return list(dict.fromkeys(full or [name for name in names if len(name) > 1]))


def _trimmed(words: list[str]) -> list[str]:
    while words and words[0] in _NOT_NAMES:
        words = words[1:]
    while words and words[-1] in _NOT_NAMES:
        words = words[:-1]
    return words


def _capitalised(text: str) -> list[str]:
    return re.findall(rf"\b{_CAPITALISED}\b", text)


_KINDS: tuple[tuple[str, str, Callable[[str], list[str]]], ...] = (
    (
        r"e-?mails?(?: addresses| address| ids?)?",
        "an @ between a name and a domain",
        _all(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ),
    (
        r"urls?|links?|web ?(?:sites?|addresses|address|pages?)|hyperlinks?",
        "http://, https:// or www.",
        _all(r"(?:https?://|www\.)[^\s<>\"')]+"),
    ),
    (
        r"phone|telephone|mobile number",
        "groups of digits that form a telephone number",
        _all(r"\+?\(?\d[\d\s().-]{5,}\d"),
    ),
    (r"hash ?tags?", "a # before a word", _all(r"(?<!\w)#\w+")),
    (r"mentions?|handles?|user ?names?", "an @ before a word", _all(r"(?<![\w.])@\w+")),
    (r"percent(?:age)?s?", "a number before a percent sign", _all(rf"{NUMBER}\s?%")),
    (r"times?(?: of day)?", "hours and minutes", _all(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b)?")),
    (r"dates?|day is mentioned", "day, month and year", _dates),
    (r"years?", "four digits that name a year", _all(r"\b(?:1[0-9]|20|21)\d{2}\b")),
    (
        r"amounts?|prices?|costs?|money|monetary \w+|sums? of money|currency",
        "a number beside a currency",
        _all(_AMOUNT),
    ),
    (
        r"capitali[sz]ed words?|words? (?:that )?(?:start|begin)\w* with (?:a )?capital\w*",
        "a capital at the start",
        _capitalised,
    ),
    (
        r"names?|persons?|people|who|companies|company|proper nouns?|cities|places?|locations?",
        "capitalised words that are no mere sentence start",
        _names,
    ),
    (
        r"integers?|numbers?|digits|numeric values?|figures?|numerals?",
        "runs of digits",
        _all(rf"(?<![\w.])-?{NUMBER}"),
    ),
    (r"acronyms?|abbreviations?", "words in capitals only", _all(r"\b[A-Z]{2,}\b")),
)
_SUFFIX = r"(?:number|id|no\.?|code)"
_LABELLED = re.compile(
    r"\b((?:order|invoice|account|ticket|tracking|reference|flight|room|case|customer|booking"
    r"|confirmation|product"
    r"|serial|zip|postal|part|model|po|version|article|gate|bus|line|policy|user|employee|student)"
    rf"(?:\s+(?!number|id|code)\w+)?)\s+{_SUFFIX}",
    re.IGNORECASE,
)


def solve(question: Question) -> Solution | None:
    """Extract every item of the kind that the question names, in the order of the text."""
    data = material(question.text)
    if data is None:
        return None
    asked = instruction(question.text)
    if not _ASKS.search(asked):
        return None
    return _labelled(asked, data) or _labelled_amount(asked, data) or _kind(asked, data)


def _labelled(asked: str, data: str) -> Solution | None:
    """Find the value behind a label: "order number" in "your order #4711"."""
    wanted = _LABELLED.search(asked)
    if not wanted:
        return None
    label = wanted[1]
    behind = rf"\b{re.escape(label)}\b\s*{_SUFFIX}?\s*(?:is|was|:|=|#)*\s*#?\s*([A-Z]*[-\w]*\d[-\w]*)"
    value = re.search(behind, data, re.IGNORECASE)
    if not value:
        return None
    return listed([value[1]], f'Look for "{label}" in the text and take what stands behind it')


def _labelled_amount(asked: str, data: str) -> Solution | None:
    """Find the amount behind a word: "total amount" in "tax $2, total $12"."""
    wanted = re.search(r"\b(?!the\b|all\b)(\w+) (?:amount|price|cost|sum|fee)\b", asked, re.IGNORECASE)
    value = wanted and re.search(
        rf"\b{re.escape(wanted[1])}\b[^$€£¥\d]{{0,20}}({_AMOUNT})", data, re.IGNORECASE
    )
    return (
        listed([value[1]], f'Look for "{wanted[1]}" in the text and take the amount behind it')
        if wanted and value
        else None
    )


def _kind(asked: str, data: str) -> Solution | None:
    for pattern, sign, find in _KINDS:
        if re.search(rf"\b(?:{pattern})\b", asked, re.IGNORECASE):
            found = find(data)
            return listed(_distinct(found, asked), f"Go through the text and look for {sign}")
    return None


def _distinct(found: list[str], asked: str) -> list[str]:
    return (
        list(dict.fromkeys(found))
        if re.search(r"\b(?:unique|distinct|different)\b", asked, re.IGNORECASE)
        else found
    )
