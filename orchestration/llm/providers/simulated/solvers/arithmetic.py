"""Sums and expressions, in symbols or in words."""

from __future__ import annotations

import re
from fractions import Fraction

from orchestration.llm.providers.simulated.expression import NotAnExpression, NoValue, evaluate
from orchestration.llm.providers.simulated.numbers import NUMBER, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, chosen, numeric
from orchestration.llm.providers.simulated.solvers.spoken import in_symbols

_LEAD = re.compile(
    r"^(?:(?:what(?:'s| is| are| does| do| will)?|how much(?: is| are| does| do)?|which number is|that is|"
    r"calculate|compute|evaluate|find|determine|work out|figure out|solve|simplify|give(?: me)?|do the math|"
    r"the|exact|correct|numerical|numeric|following|this|expression|calculation|equation|arithmetic"
    r"|problem|sum for"
    r"|(?:value|result|answer|outcome|solution)(?: (?:of|to|for))?|be if|if|when|you|we|i|get|have"
    r"|and|by)\b[\s:,]*"
    r"|(?:evaluating|calculating|computing)\s+)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:\s*(?:=\s*\??|[?.!:]|\bequals?\b(?: to)?|\bmakes?\b|\bcome to\b|\b(?:together|altogether"
    r"|in total|exactly|in all)\b"
    r"|,?\s*\bwhat (?:do|will|would|is|does)(?: (?:you|we|i|it|the|result|answer|get|have|make))*"
    r"|\bgive(?: you)?\b|\badd up to\b))+\s*$",
    re.IGNORECASE,
)
_SPAN = re.compile(rf"(?:[-(]\s*){{0,4}}(?:{NUMBER})[\s\d.,()+*/^%!×÷·-]*", re.IGNORECASE)
_OPERATION = re.compile(r"[-+*/^%!]|mod|sqrt|cbrt")
_PLAIN_SHARE = re.compile(rf"{NUMBER}\s*(?:%|percent|per cent) of {NUMBER}", re.IGNORECASE)
_LONGEST = 1_000
_DATE_LIKE = re.compile(r"\d[-/.]\d{1,2}[-/.]\d")
_ASKS_RATE = re.compile(r"\b(?:as|to|into|in) (?:an? )?(?:percent|%|percentage|decimal)", re.IGNORECASE)
_SURCHARGE = re.compile(rf"[-+]\s*{NUMBER}\s*%\s*(?!\s*[\d.(])")


def solve(question: Question) -> Solution | None:
    """Compute a question that is one expression from end to end."""
    if len(question.text) > _LONGEST or _ASKS_RATE.search(question.text):
        return None
    body = _TAIL.sub("", _LEAD.sub("", question.text))
    if _PLAIN_SHARE.fullmatch(body.strip()):
        return None
    expression = in_symbols(with_digits(body)).strip()
    if not _OPERATION.search(expression) and question.places is None:
        return None
    return _computed(expression, question.places)


def solve_loosely(question: Question) -> Solution | None:
    """Compute the only expression in symbols that the question holds, whatever words stand around it."""
    if len(question.text) > _LONGEST or _DATE_LIKE.search(question.text):
        return None
    text = in_symbols(question.text)
    spans = [span[0].strip(" ,.(") for span in _SPAN.finditer(text)]
    if len(spans) != 1 or not _OPERATION.search(spans[0].lstrip("-")):
        return None
    whole = _SPAN.search(text)
    return _computed(whole[0].strip(" ,.=?"), question.places) if whole else None


def _computed(expression: str, places: int | None) -> Solution | None:
    if _SURCHARGE.search(expression):
        return None
    working = _working(_tidy(expression))
    try:
        value: Fraction = evaluate(expression)
    except NoValue:
        return chosen("undefined", ("undefined", "0"), working)
    except NotAnExpression:
        return None
    return numeric(value, working, places=places)


def _working(tidy: str) -> str:
    if len(_OPERATION.findall(tidy.lstrip("-"))) > 1:
        return f"Brackets and powers come first, then products, then sums: {tidy}"
    return f"One step is enough here: {tidy}"


def _tidy(expression: str) -> str:
    spaced = re.sub(r"\s*(\*\*|[*+/^])\s*", r" \1 ", expression).replace(" * ", " × ")
    return " ".join(spaced.split())
