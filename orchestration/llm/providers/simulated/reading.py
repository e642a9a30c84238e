"""Reading a prompt: the question in it, its numbers, quotations and lists.

Patterns have no lookarounds and no nested quantifiers, and see no runs of blanks: they need linear time.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from orchestra_site.web.patterns import Pattern

NUMBER = r"(?:\d+(?:,\d\d\d)*(?:\.\d+)?|\.\d+)"
MARKS = ".,;:?!\"'`()[]"
MOST_CHARACTERS, LONGEST_NUMBER, _EXACT_PLACES, _ROUNDED_PLACES = 6_000, 60, 12, 6
_PLAIN = str.maketrans("“”„‘’−–\u00a0\u202f", '"""\'\'--  ')
_FEW = ("zero", "one", "two", "three", "four", "five", "six")
_ROUNDING = Pattern(
    rf"(?i),? ?(?:rounded )?to (?:the nearest (?:integer|whole number)|(\d|{'|'.join(_FEW)}) decimal places?)"
)
_POLITE = ("please", "hello", "hey", "hi", "could you", "can you", "tell me", "question", "task")
_OPENINGS = tuple(f"{word}{mark}" for word in _POLITE for mark in (" ", ",", ":"))
_ENDINGS = ("answer:", "label:", "please", "thanks")
_REMARKS = ("answer with", "reply with", "respond with", "give only", "think step", "no explanation")
_SENTENCE_END = Pattern(r"[.!?] |\n")
_ONE_NUMBER = Pattern(rf"[-+]?[$€£]?{NUMBER}")
_BRACKETED = Pattern(r"\[([^\[\]]+)\]")
QUOTED = Pattern(r"\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class QuestionText:
    """The question without what surrounds it. `places` is the number of decimals asked for, if any."""

    text: str
    places: int | None = None


def squeezed(raw: str) -> str:
    """Return a text with plain quotation marks, single blanks, and no more than one empty line in a row."""
    lines = [" ".join(line.split()) for line in raw.translate(_PLAIN).splitlines()]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1])).strip()


def identity(raw: str) -> str:
    """Fold case, spacing and closing punctuation, so that one question has one spelling."""
    return " ".join(raw.translate(_PLAIN).casefold().split()).strip(" ?.!")


def read(raw: str) -> QuestionText:
    """Strip politeness and remarks about the answer's form; a text that is too long reads as empty."""
    text, places = squeezed(raw), None
    if len(text) > MOST_CHARACTERS:
        return QuestionText("")
    if rounding := _ROUNDING.search(text):
        count = (rounding[1] or "0").lower()
        places = _FEW.index(count) if count in _FEW else int(count)
        text = text[: rounding.start()] + text[rounding.end() :]
    cuts = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    sentences = [text[start:end] for start, end in pairwise(cuts)]
    text = "".join(each for each in sentences if not each.casefold().startswith(_REMARKS)).strip()
    while cut := next((each for each in _OPENINGS if text[: len(each)].casefold() == each), None):
        text = text[len(cut) :].lstrip(" ,:!.\n")
    while cut := next((each for each in _ENDINGS if text.casefold().rstrip(" ?.").endswith(each)), None):
        text = text.rstrip(" ?.")[: -len(cut)].rstrip(" ,\n")
    return QuestionText(text, places)


def word_set(listed: str) -> frozenset[str]:
    """Return the words of a list that is separated by blanks."""
    return frozenset(listed.split())


def words(text: str) -> list[str]:
    """Return the words in lower case, without the punctuation around them."""
    return [word for token in text.casefold().split() if (word := token.strip(MARKS))]


def skip(tokens: list[str], dropped: frozenset[str]) -> list[str]:
    """Drop the leading tokens that are among some words, whatever their case and punctuation."""
    starts = (at for at, token in enumerate(tokens) if token.casefold().strip(MARKS) not in dropped)
    return tokens[next(starts, len(tokens)) :]


def parse_number(text: str) -> Fraction | None:
    """Read "2,300.50", "$7" or "-7"; None for anything else."""
    if not text[-1:].isdigit() or len(text) > LONGEST_NUMBER or not _ONE_NUMBER.fullmatch(text):
        return None  # most words end with no digit, which is seen without a pattern
    return Fraction("".join(sign for sign in text if sign not in ",$€£"))


def show(value: Fraction, places: int | None = None) -> str:
    """Write a value in plain digits.

    `places` fixes the decimals (half up); without it 12 decimals are written if they are exact, else 6.
    """
    exact = (value * 10**_EXACT_PLACES).denominator == 1
    digits = places if places is not None else _EXACT_PLACES if exact else _ROUNDED_PLACES
    scaled = int(abs(value) * 10**digits + Fraction(1, 2))
    whole, rest = divmod(scaled, 10**digits)
    written = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    written = written.rstrip("0").rstrip(".") if places is None else written
    return f"-{written}" if scaled and value < 0 else written


def material(text: str) -> str | None:
    """Return the data of a question: in brackets, the longest quotation, else what follows a colon."""
    found = _BRACKETED.findall(text)[:1] or QUOTED.findall(text)
    behind = [text.partition(mark)[2].strip() for mark in (": ", ":\n", "\n\n")]
    return max(found, key=len) if found else next(filter(None, behind), None)


def items(text: str) -> list[str]:
    """Split a list as people write it: semicolons, lines, commas with a last "and", or blanks."""
    mark = next((mark for mark in (";", "\n", ", ", ",") if mark in text), None)
    *parts, last = text.split(mark) if mark else text.replace(" and ", " ").split() or [""]
    parts += f" {last.strip()}".replace(" or ", " and ").split(" and ")
    plain = (part.strip().removeprefix("- ").strip(" \"'`[],;").rstrip(".?! ") for part in parts)
    return [item for part in plain if (item := part.strip("\"'`"))]
