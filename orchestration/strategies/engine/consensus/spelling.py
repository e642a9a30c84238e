"""Spellings of one answer (LaTeX, numbers, dates, literals of code) become one text or one key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from functools import partial

from orchestra_site.web.patterns import ASCII, DOTALL, IGNORECASE, Match, Pattern
from orchestration.expressions.embedded import unfenced

CLOSING = {"[": "]", "{": "}"}


def closing_place(text: str) -> int:
    """Return the place of the bracket that closes the one that `text` begins with, -1 where none does."""
    opening, closing, depth = text[0], CLOSING[text[0]], 0
    for place, character in enumerate(text):
        depth += (character == opening) - (character == closing)
        if depth == 0:
            return place
    return -1


MOST_ROUNDS = 12
"""Commands nested deeper than this stay as they are."""

_DAMAGED = (
    (Pattern(r"\f(rac)"), r"\\f\1"),
    (Pattern(r"\x08(oxed|inom|ar)"), r"\\b\1"),
    (Pattern(r"\t(ext|imes|heta|frac|an)"), r"\\t\1"),
    (Pattern(r"\r(ight|ho)"), r"\\r\1"),
    (Pattern(r"\\\\([A-Za-z!,;:%$&#{}()^])"), r"\\\1"),
)
"""LaTeX commands that JSON decoding damaged: the backslash was not doubled, or doubled twice."""

_ONCE = (
    (Pattern(r"\\(?:left|right|displaystyle|,|;|:|!|quad|qquad|\s)(?P<more>[a-z]?)"), ""),
    (Pattern(r"\^\s*\{?\s*\\circ\s*\}?|\\degree\b"), "°"),
    (Pattern(r"\\[dtc]?frac\s*(\d)\s*(\d)(?P<more>\d?)"), r"\1/\2"),
    (Pattern(r"\\sqrt\s*(\d)(?P<more>\d?)"), r"sqrt(\1)"),
    (Pattern(r"\\(?:cdot|times)(?P<more>[a-zA-Z]?)"), "*"),
    (Pattern(r"\\(pi|infty|pm|leq?|geq?|theta|alpha|beta)(?P<more>[a-zA-Z]?)"), r"\1"),
    (Pattern(r"\\([%$&#{}])"), r"\1"),
    (Pattern(r"\\[()\[\]]"), ""),
)
"""What is replaced, unless it has `more`: then it is the beginning of something longer."""
_NESTED = (
    (Pattern(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox|boxed|fbox|operatorname)\s*\{([^{}]*)\}"), r"\1"),
    (Pattern(r"\\sqrt\s*\{([^{}]*)\}"), r"sqrt(\1)"),
    (Pattern(r"\\[dtc]?frac\s*\{(-?[\w.()]+)\}\s*\{([\w.]+|[a-z]+\([^{}()]*\))\}"), r"\1/\2"),
    (Pattern(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([\w.]+)\}"), r"(\1)/\2"),
    (Pattern(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"(\1)/(\2)"),
    (Pattern(r"([\^_])\{(\w)\}"), r"\1\2"),
)


def plain_latex(text: str) -> str:
    """Return `text` with LaTeX commands replaced by plain mathematics, from the inside out."""
    for pattern, better in _DAMAGED:
        text = pattern.sub(better, text)
    if "\\" not in text and "{" not in text:
        return text
    for pattern, better in _ONCE:
        text = pattern.sub(partial(_unless_longer, better), text)
    for _ in range(MOST_ROUNDS):
        before = text
        for pattern, better in _NESTED:
            text = pattern.sub(better, text)
        if text == before:
            break
    return text


def _unless_longer(better: str, found: Match) -> str:
    if found.groupdict().get("more"):
        return found.group()
    return found.expand(better) if found.groups() else better


LONGEST_NUMBER = 60
"""Characters of a number; a longer sequence of digits is not a quantity."""
LARGEST_POWER = 40
MOST_DIGITS = 1_000
"""Digits of a finite decimal: more than a quotient of two numbers has."""

_PLAIN = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = Pattern(_PLAIN)
_RATIO = Pattern(rf"\(?({_PLAIN})\)?\s*/\s*\(?(\d+(?:\.\d+)?)\)?")
_NEGATED = Pattern(r"-\s*\(([^()]*)\)")
_MIXED = Pattern(r"([-+]?\d+)\s+(\d+)/(\d+)")
_POWER = Pattern(rf"({_PLAIN})\s*(?:[eE]|[*×x]\s*10\s*\^?\s*)\{{?([-+]?\d{{1,3}})\}}?")
_SCALED = Pattern(rf"({_PLAIN})\s*(hundred|thousand|million|billion|trillion)", IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FIGURES = Pattern(r"[\d,.]+")
_GROUPED = Pattern(r"(\d{1,3}(?:,\d{3})+)((?:\.[\d,.]*)?)")
_LEAD = Pattern(r"^(?:[a-zA-Z]\w?\s*=|≈|~|=|about|approximately|exactly|around)\s*", IGNORECASE)
_CURRENCY = Pattern(r"[$€£¥₹]|\b(?:USD|EUR|GBP)\b")
_UNIT = Pattern(
    rf"({_PLAIN}(?:\s*/\s*\d+|\s+\d+\s*/\s*\d+|\s*(?i:hundred|thousand|(?:mi|bi|tri)llion))?)\s*(?:%|°\s?[^\W\d]*|[-/]?\s*[^\W\d]+)"
    r"(?:[\s/.*·-]+(?:[^\W\d]+|\d?[²³])){0,4}(?:\^?[23]|[.²³%])?"
)
_SIGNED_WORD = Pattern(r"([-+]?)([\w.]+)")
_FIRST_NUMBER = Pattern(r"(\d+\.\d+|\d+\.|\d+|\.\d+)(?:\.(?:\D.*)?)?")


def ungrouped(text: str) -> str:
    """Drop the commas between groups of three digits."""
    return _FIGURES.sub(_without_commas, text) if "," in text else text


def _without_commas(figures: Match) -> str:
    found = _GROUPED.fullmatch(figures.group())
    return figures.group() if found is None else found.group(1).replace(",", "") + found.group(2)


def number_value(text: str) -> Fraction | None:
    """Return the number that `text` is, without currency and percent signs; None when it is none."""
    text = _CURRENCY.sub("", ungrouped(text.replace("\u2212", "-"))).strip().removesuffix("%").strip()
    text = _LEAD.sub("", text, count=1)
    if len(text) > LONGEST_NUMBER:
        return None
    if (negated := _NEGATED.fullmatch(text)) is not None:
        inner = number_value(negated.group(1))
        return None if inner is None else -inner
    return _parsed(text)


def _parsed(text: str) -> Fraction | None:
    if _NUMBER.fullmatch(text):
        return Fraction(text.rstrip("."))
    if (ratio := _RATIO.fullmatch(text)) is not None:
        return Fraction(ratio.group(1)) / Fraction(ratio.group(2)) if Fraction(ratio.group(2)) else None
    if (mixed := _MIXED.fullmatch(text)) is not None and int(mixed.group(3)):
        whole, part = int(mixed.group(1)), Fraction(int(mixed.group(2)), int(mixed.group(3)))
        return whole - part if text.startswith("-") else whole + part
    if (power := _POWER.fullmatch(text)) is not None and abs(int(power.group(2))) <= LARGEST_POWER:
        return Fraction(power.group(1)) * Fraction(10) ** int(power.group(2))
    if (scaled := _SCALED.fullmatch(text)) is not None:
        return Fraction(scaled.group(1)) * _SCALES[scaled.group(2).lower()]
    return None


def measured_value(text: str) -> Fraction | None:
    """Return the number of a quantity: "42 km", "$52,500/year", "6th"."""
    found = _UNIT.fullmatch(_LEAD.sub("", _CURRENCY.sub("", ungrouped(text)).strip(), count=1))
    return number_value(found.group(1)) if found is not None else None


def only_number(text: str) -> Fraction | None:
    """Return the only number in `text`, None when there is none or more than one."""
    found = {number_value(match) for match in _single_numbers(_CURRENCY.sub("", ungrouped(text)))}
    return found.pop() if len(found) == 1 else None


def _single_numbers(text: str) -> Iterator[str]:
    """Yield the numbers that are no part of a word, version or date; a sign belongs to its number alone."""
    end = -1
    for word in _SIGNED_WORD.finditer(text):
        number = _FIRST_NUMBER.fullmatch(word.group(2))
        if number is not None:
            yield number.group(1) if word.start() == end else word.group(1) + number.group(1)
        end = word.end()


def number_key(number: Fraction) -> str:
    """Return the key of a number: a decimal where that is finite, otherwise a reduced fraction."""
    with localcontext(Context(prec=MOST_DIGITS, traps=[Inexact])):
        try:
            return f"{(Decimal(number.numerator) / number.denominator).normalize():f}"
        except Inexact:
            return str(number)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_ISO = Pattern(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:[T ]00:00(?::00)?Z?)?", ASCII)
_YEAR = r",?\s+(?P<year>\d{4})"
_DAY_FIRST = Pattern(rf"{_WEEKDAY}(?:the\s+)?{_DAY}\.?\s+(?:of\s+)?{_MONTH_NAME}{_YEAR}", IGNORECASE | ASCII)
_MONTH_FIRST = Pattern(rf"{_WEEKDAY}{_MONTH_NAME}\s+(?:the\s+)?{_DAY}{_YEAR}", IGNORECASE | ASCII)
_SLASHED = Pattern(r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{4})", ASCII)
_LAST_MONTH = 12


def date_key(text: str) -> str | None:
    """Return the ISO date that `text` is, None when it is no date or could be two."""
    slashed = _SLASHED.fullmatch(text)
    found = slashed or _ISO.fullmatch(text) or _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if found is None:
        return None
    year, day, name = int(found.group("year")), int(found.group("day")), found.group("month")
    month = int(name) if name.isdigit() else _MONTHS.index(name[:3].lower()) + 1
    if slashed is not None:
        month, day = sorted((month, day))
        if month != day and day <= _LAST_MONTH:
            return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


_TOKEN = Pattern(
    r"""(?P<string>\b[bB]?'(?:[^'\\]|\\.)*'|\b[bB]?"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<last>\s*,\s*[\])}])|(?P<mark>\s*[,:]\s*)|(?P<bracket>[\[({]\s*|\s*[\])}])|\w+|.""",
    DOTALL,
)
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}
_QUOTES = ("'", '"')
_NEXT_ITEM = {quote: Pattern(rf"{quote}\s*,") for quote in _QUOTES}
_ESCAPED_QUOTE = Pattern(r"\\(['\"])")
_STRUCTURED = ("[", "(", "{")
_BYTES = Pattern(r"[bB]['\"]")


def literal_key(text: str) -> str:
    """Return the key of a literal. A string has no quotes in it; spaces inside a string are kept."""
    text = unfenced(text)
    stripped = text.strip()
    if _is_string(stripped):
        return _visible(_ESCAPED_QUOTE.sub(r"\1", stripped[1:-1]))
    if stripped.startswith(_STRUCTURED) or _BYTES.match(stripped):
        return "".join(map(_spelled, _TOKEN.finditer(stripped)))
    return _CONSTANTS.get(stripped.lower(), _visible(_without_lone_quote(text)))


def _is_string(text: str) -> bool:
    """Return whether `text` is one string, inner quotes escaped or not; between several are commas."""
    quote = text[:1]
    is_quoted = len(text) > 1 and quote in _QUOTES and text.endswith(quote)
    return is_quoted and _NEXT_ITEM[quote].search(text[1:-1]) is None


def _without_lone_quote(text: str) -> str:
    """Return `text` without its only quote, if that stands first or last, and without the blanks outside."""
    if sum(map(text.count, _QUOTES)) != 1:
        return text
    before, _, after = text.partition("'" if "'" in text else '"')
    if after and not before.strip():
        return after
    return before if before and not after.strip() else text


def _visible(text: str) -> str:
    """Return `text` with line breaks and tabs escaped."""
    return text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def _spelled(token: Match) -> str:
    text = token.group()
    match token.lastgroup:
        case "string":
            return _quoted(text)
        case "last":
            return ",)" if text.endswith(")") else text[-1]
        case "mark":
            return f"{text.strip()} "
        case "bracket":
            return text.strip()
        case _:
            return _CONSTANTS.get(text.lower(), text)


def _quoted(text: str) -> str:
    """Return a string literal quoted as Python does: single quotes unless it contains only single ones."""
    prefix, quoted = ("b", text[1:]) if text[0] in "bB" else ("", text)
    inside = _ESCAPED_QUOTE.sub(r"\1", quoted[1:-1])
    if "'" in inside and '"' not in inside:
        return f'{prefix}"{inside}"'
    escaped = inside.replace("'", "\\'")
    return f"{prefix}'{escaped}'"


LONGEST_MARKED = 4000
"""Characters of a marked text with all its markup; a longer one is no final answer."""
LONGEST_ANSWER = 200
"""Characters of a final answer; a longer text is prose."""

_CHOICE = Pattern(r"\(?([A-J])(?:\)?|[):]\s(?P<words>.*)|\.\s(?P<name>[^a-z\s].*))", DOTALL)
"""A letter, and what stands behind it; "E. coli" is a name."""
_TOKEN_MARK = Pattern(r"<\|?/?[a-zA-Z_]+\|?>$")


def normalise(value: str) -> str | None:
    """Return the canonical spelling of a final answer, None for a text that is empty or too long.

    Numbers lose grouping commas, currency and percent signs, trailing zeros and points.
    """
    if len(value.strip()) > LONGEST_MARKED:
        return None
    text = plain_latex(value).replace("\u2212", "-")
    text = ungrouped(_without_marks(text))
    choice = _CHOICE.fullmatch(text)
    if choice is not None:
        return choice.group(1)
    plain = _CURRENCY.sub("", text).removesuffix("%").strip()
    if _NUMBER.fullmatch(plain):
        found = number_value(plain)
        return number_key(found) if found is not None else text
    return text if 0 < len(text) <= LONGEST_ANSWER else None


def behind_letter(value: str) -> str:
    """Return the words behind the letter of an answer such as "B) Paris"."""
    choice = _CHOICE.fullmatch(_without_marks(plain_latex(value)))
    return (choice.group("words") or choice.group("name") or "").strip() if choice is not None else ""


def _without_marks(text: str) -> str:
    """Strip emphasis, quotes, math delimiters and final punctuation, however deeply nested."""
    while True:
        inner = text.strip().strip("*_`$\"'“”").strip()
        inner = inner.removeprefix("\\(").removesuffix("\\)").rstrip(".,;:!").strip()
        inner = _TOKEN_MARK.sub("", inner)
        if inner == text:
            return inner
        text = inner
