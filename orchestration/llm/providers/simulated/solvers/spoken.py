"""Arithmetic said in words, rewritten in symbols: "the product of 4 and 5" becomes "(4 * 5)"."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.llm.providers.simulated.numbers import NUMBER

_N = rf"(\(?-?\s?(?:{NUMBER})\)?|\([^()]*\))"
_LIST = rf"((?:-?{NUMBER})(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*\+\s*|\s+)-?(?:{NUMBER}))+)"
_MEMBER = re.compile(rf"-?{NUMBER}")

Rewrite = str | Callable[[re.Match[str]], str]


def _joined(sign: str) -> Callable[[re.Match[str]], str]:
    def join(found: re.Match[str]) -> str:
        members = _members(found[1])
        return (
            "("
            + f" {sign} ".join(f"({member})" if member.startswith("-") else member for member in members)
            + ")"
        )

    return join


def _members(text: str) -> list[str]:
    """Split "3, 4 and 5"; a comma followed by a space, or any comma of a list without spaces, separates."""
    if re.search(r",\s", text) or "," not in text:
        return _MEMBER.findall(text)
    return _MEMBER.findall(text) if re.search(r"\s", text) else text.split(",")


_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_COUNTS = {"one": 1, "a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "nine": 9}
_FRACTION = rf"(?:({'|'.join(_COUNTS)}|\d+)[\s-])?({'|'.join(_PARTS)})s?"


def _fraction(found: re.Match[str]) -> str:
    count = (found[1] or "one").lower()
    return f"({_COUNTS.get(count, count)}/{_PARTS[found[2].lower()]}) * "


def _gap(found: re.Match[str]) -> str:
    """Write a difference so that it is not negative whichever number comes first."""
    return f"sqrt(({found[1]} - {found[2]})^2)"


_REWRITES: tuple[tuple[str, Rewrite], ...] = (
    (r"[×·⋅]|\bmultiplied (?:by|with)\b|\btimes\b", "*"),
    (r"(?<=[\d)])\s*x\s*(?=[\d(-])", " * "),
    (r"÷|\bdivided by\b|\bover\b(?=\s*[\d(])", "/"),
    (r"\bplus\b|\band then add\b", "+"),
    (r"\bminus\b", "-"),
    (r"√\s*", "sqrt "),
    (r"²", "^2"),
    (r"³", "^3"),
    (r"\bpercent\b|\bper cent\b", "%"),
    (rf"({NUMBER})\s*%\s*of\b", r"(\1/100) *"),
    (rf"\b{_FRACTION}\s+of\b", _fraction),
    (r"\b(?:the\s+)?square root of\b", "sqrt"),
    (r"\b(?:the\s+)?cube root of\b", "cbrt"),
    (rf"\bthe square of\s+{_N}", r"(\1)^2"),
    (rf"\bthe cube of\s+{_N}", r"(\1)^3"),
    (r"\s*\bsquared\b", "^2"),
    (r"\s*\bcubed\b", "^3"),
    (
        rf"\s+(?:raised )?to the (?:power of\s+{_N}|{_N}(?:st|nd|rd|th)(?: power)?)",
        lambda found: f"^{found[1] or found[2]}",
    ),
    (r"\b(?:modulo|mod)\b", " mod "),
    ((
        rf"\b(?:the )?remainder (?:when|of|if|from|after)(?: dividing)?\s+{_N}\s+(?:is /|is divided by|/"
        rf"|by)\s*{_N}"
    ), r"(\1 mod \2)"),
    (rf"\b{_N}\s+factorial\b", r"\1!"),
    (rf"\b(?:the )?(?:sum|total) of(?: the numbers)?\s*:?\s*{_LIST}", _joined("+")),
    (rf"\b(?:the )?product of(?: the numbers)?\s*:?\s*{_LIST}", _joined("*")),
    (rf"\b(?:the )?(?:positive )?difference (?:between|of)\s+{_N}\s+and\s+{_N}", _gap),
    (rf"\b(?:the )?(?:quotient|ratio) of\s+{_N}\s+(?:and|to)\s+{_N}", r"(\1 / \2)"),
    (rf"\b(?:add|sum)(?: up)?(?: together)?(?: the(?: following)? numbers)?\s*:?\s*{_LIST}", _joined("+")),
    (rf"\b(?:sum up|add up|the total of|total)\s*:?\s*{_LIST}", _joined("+")),
    (rf"\badd\s+{_N}\s+to\s+{_N}", r"(\2 + \1)"),
    (rf"{_N}\s+added to\s+{_N}", r"(\2 + \1)"),
    (rf"\bmultiply\s+{_LIST}", _joined("*")),
    (rf"\bmultiply\s+{_N}\s+(?:by|with|and)\s+{_N}", r"(\1 * \2)"),
    (rf"\bdivide\s+{_N}\s+by\s+{_N}", r"(\1 / \2)"),
    (rf"\b(?:subtract|deduct)\s+{_N}\s+from\s+{_N}", r"(\2 - \1)"),
    (rf"\btake\s+{_N}\s+(?:away )?from\s+{_N}", r"(\2 - \1)"),
    (rf"{_N}\s+(?:subtracted|taken away|taken) from\s+{_N}", r"(\2 - \1)"),
    (rf"{_N}\s+(?:more than)\s+{_N}", r"(\2 + \1)"),
    (rf"{_N}\s+(?:less|fewer) than\s+{_N}", r"(\2 - \1)"),
    (rf"\b(?:double|twice)\s+{_N}", r"(2 * \1)"),
    (rf"\b(?:triple|thrice)\s+{_N}", r"(3 * \1)"),
    (rf"\bhalf\s+{_N}", r"(\1 / 2)"),
    (rf"^\s*{_LIST}\s*$", lambda m: _joined("+")(m) if " and " in m[1] else m[0]),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), rewrite) for pattern, rewrite in _REWRITES)


def in_symbols(text: str) -> str:
    """Rewrite what is said in words; what is not understood stays as it is."""
    for pattern, rewrite in _COMPILED:
        text = pattern.sub(rewrite, text)
    return text.replace("  ", " ")
