"""Sorting lists, and counting letters, words and items in what the question gives."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.llm.providers.simulated import reading
from orchestration.llm.providers.simulated.reading import QuestionText, items, material, skip, word_set, words
from orchestration.llm.providers.simulated.solution import Solution, numeric

_VERBS = word_set("sort arrange rearrange order rank alphabetize put")
_ORDERS = word_set("ascending descending alphabetical alphabetically")
_OTHER_ORDERS = word_set("length longest shortest letters even odd oldest newest which comes")
_DOWN = ("descending", "decreasing", "reverse", "largest to", "largest first", "highest to", "z to a")
_ORDER_WORDS = word_set("""in by from the a z to ascending descending increasing decreasing order alphabetical
    alphabetically reverse smallest largest lowest highest these following numbers words list of oldest""")
_COUNTS = ("how many", "count", "number of")
_TIMES = word_set("times often occurrences")
_OCCURS = word_set("occur occurs appear appears occurrences show letter")
_BEFORE_NEEDLE = word_set("does do did is the of a can letter word number digit")
_ITEMS = word_set("items elements entries numbers names values things")
_CONDITIONS = word_set("longer shorter start begin end more less least than between unique even odd not with")
_INSIDE = (" in ", " contains ", " does ", " has ")
_AROUND_DATA = word_set("the this following word name sentence text list have contain")


def solve_sorting(question: QuestionText) -> Solution | None:
    """Sort the numbers or words of a list."""
    data = material(question.text)
    if data is None:
        data = " ".join(skip(question.text.split(), _VERBS | _ORDER_WORDS))
    *found, last = items(data) or [""]
    found.append(" ".join(skip(last.split()[::-1], _ORDER_WORDS)[::-1] or last.split()))
    asked = words(f"{question.text.replace(data, ' ', 1)} {last.removeprefix(found[-1])}")
    asks = _VERBS.intersection(asked[:1]) or _ORDERS.intersection(asked)
    if not asks or not found[1:] or _OTHER_ORDERS.intersection(asked):
        return None
    down = any(phrase in " ".join(asked) for phrase in _DOWN)
    values = [reading.parse_number(item) for item in found]
    known = {} if None in values else dict(zip(found, values, strict=True))
    ordered = sorted(found, key=lambda item: (known.get(item) or 0, item.casefold()), reverse=down)
    end = "largest" if down else "smallest"
    return Solution(answer=", ".join(ordered), working=f"Pick the {end} that is left, again and again")


def solve_counting(question: QuestionText) -> Solution | None:
    """Count what the question names in the text or list that it gives."""
    asked = words(question.text)
    if not _TIMES.intersection(asked) and not any(cue in " ".join(asked) for cue in _COUNTS):
        return None
    return _occurrences(question.text) or _parts(question.text)


def _occurrences(text: str) -> Solution | None:
    """Count how often a letter occurs anywhere, or a word or number of a list or sentence as a whole."""
    tokens = text.split()
    at = _needle_place(tokens) if _OCCURS.intersection(words(text)) or "'s " in text else None
    data = None if at is None else _haystack(" ".join([*tokens[:at], "_", *tokens[at + 1 :]]))
    if at is None or data is None:
        return None
    needle = tokens[at].strip(reading.MARKS).removesuffix("'s").casefold()
    whole = " " in data and "digit" not in text and (len(needle) > 1 or needle.isdecimal())
    hits = words(data).count(needle) if whole else data.casefold().count(needle)
    return numeric(hits, f'Go through the text and mark every "{needle}"')


def _needle_place(tokens: Sequence[str]) -> int | None:
    """Return the place of what is to be found: "r's", "letter r", or the word behind "how many times"."""
    folded = [token.casefold().strip(reading.MARKS) for token in tokens]
    letters = [at for at, word in enumerate(folded) if len(word.removesuffix("'s")) == 1]
    named = [at for at in letters if folded[at].endswith("'s") or folded[at - 1 : at] == ["letter"]]
    cue = next((at for at, word in enumerate(folded) if word in _TIMES), len(folded))
    skipped = [word in _BEFORE_NEEDLE and token[0] != '"' for word, token in zip(folded, tokens, strict=True)]
    return next(iter(named), next((at for at in range(cue + 1, len(folded)) if not skipped[at]), None))


def _haystack(text: str) -> str | None:
    """Return the text in which something is counted."""
    plain = text.rstrip(" ?.!")
    cue = next((cue for cue in _INSIDE if cue in plain), None)
    inside = skip(plain.rpartition(cue)[2].split(), _AROUND_DATA) if cue else []
    return material(text) or " ".join(skip(inside[::-1], _AROUND_DATA)[::-1]) or None


def _parts(text: str) -> Solution | None:
    """Count letters, vowels or words of a text, or the items of a list."""
    data = _haystack(text) or ""
    asked = words(text.replace(data, " ", 1) if material(text) else text)
    joined = " ".join(asked)
    cue = min((joined.find(cue) + len(cue) for cue in _COUNTS if cue in joined), default=len(joined))
    named = next((word for word in joined[cue:].split() if word not in ("of", "the", "number")), "")
    unit = "items" if named in _ITEMS else named
    given = data and (material(text) or "," in data or unit in ("letters", "vowels"))
    if not given or unit not in ("letters", "vowels", "words", "items") or _CONDITIONS.intersection(asked):
        return None
    letters = [letter for letter in data.casefold() if letter.isalpha()]
    vowels = [letter for letter in letters if letter in "aeiou"]
    counted = {"letters": letters, "vowels": vowels, "words": words(data), "items": items(data)}
    return numeric(len(counted[unit]), f"Go through the text and count the {unit} one by one")
