"""What a solver found, and how a plausible wrong answer is made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from random import Random

from orchestra_site.web.patterns import Pattern
from orchestration.llm.providers.simulated.reading import LONGEST_NUMBER, NUMBER, parse_number, show

_NUMBER = Pattern(NUMBER)
_MEASURED = Pattern(rf"([-+]?[$€£]?{NUMBER}) ?([^\d,]*)")
_READ = 4_000
_ISO_DATE = Pattern(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """An answer and the way there.

    `working` leads up to the answer without naming it, so that it also fits a wrong one; an open answer has
    none. `alternatives` are the others that were on offer, if any. A list is separated by ", ".
    """

    answer: str
    working: str
    alternatives: tuple[str, ...] = ()


def numeric(value: Fraction | int, working: str, *, places: int | None = None, unit: str = "") -> Solution:
    """Answer with a number; `unit` is appended as it stands ("%", " km")."""
    return Solution(answer=show(Fraction(value), places) + unit, working=working)


def chosen(answer: str, options: Sequence[str], working: str) -> Solution:
    """Answer with one of the options that were on offer."""
    others = tuple(option for option in options if option.casefold() != answer.casefold())
    return Solution(answer=answer, working=working, alternatives=others)


def folded(answer: str) -> str:
    """Bring answers that say the same to one form: case, spacing, thousands separators, trailing zeros."""
    plain = _NUMBER.sub(lambda found: str(Fraction(found[0].replace(",", ""))), answer[:_READ].casefold())
    return " ".join(plain.split()).strip(" .?!\"'")


def agree(first: str, second: str) -> bool:
    """Tell whether two final answers are one: the same words, or numbers alike to the coarser's decimals."""
    one, other = _MEASURED.fullmatch(first), _MEASURED.fullmatch(second)
    if one is None or other is None or max(len(first), len(second)) > LONGEST_NUMBER:
        return folded(first) in (folded(second), folded(second.strip("(").partition(")")[0]))
    places = min(len(found[1].partition(".")[2]) for found in (one, other))
    values = [parse_number(found[1]) or Fraction(0) for found in (one, other)]
    same = values[0] == values[1] or (places > 0 and len({show(each, places) for each in values}) == 1)
    return same and (folded(one[2]) == folded(other[2]) or not (one[2] and other[2]))


def wrong_answer(solution: Solution, dice: Random) -> str:
    """Return an answer of the same form that is not the right one."""
    slips = list(solution.alternatives) or list(_slips(solution.answer, dice))
    dice.shuffle(slips)
    wrong = [slip for slip in slips if folded(slip) != folded(solution.answer)]
    return wrong[0] if wrong else f"{solution.answer}x"


def _slips(answer: str, dice: Random) -> Iterator[str]:
    """Yield a list with neighbours swapped, a date some days off, or a number that was miscalculated."""
    members = answer.split(", ")
    if len(members) > 1:
        for at in range(len(members) - 1):
            yield ", ".join([*members[:at], *members[at : at + 2][::-1], *members[at + 2 :]])
        yield ", ".join(members[:-1])
    elif _ISO_DATE.fullmatch(answer):
        day, latest = date.fromisoformat(answer).toordinal(), date.max.toordinal()
        near = [day + days for days in (1, -1, 7, -7) if 1 <= day + days <= latest]
        yield from (date.fromordinal(each).isoformat() for each in near)
    elif found := _NUMBER.search(answer):
        for slip in _number_slips(found[0], dice):
            yield answer[: found.start()] + slip + answer[found.end() :]


def _number_slips(number: str, dice: Random) -> Iterator[str]:
    """Yield the number with a carry forgotten or invented, off by one, and with two digits swapped."""
    whole, dot, rest = number.partition(".")
    value = int(whole or "0")
    for step in (10 ** dice.randint(1, max(1, len(whole) - 1)), 1):
        lower = value >= step and dice.getrandbits(1)
        yield str(value - step if lower else value + step) + dot + rest
    at = dice.randrange(len(whole) or 1)
    swapped = whole[:at] + whole[at : at + 2][::-1] + whole[at + 2 :]
    yield number if swapped.startswith("0") else swapped + dot + rest
