"""Plausible wrong answers: a slipped carry, swapped digits, the neighbour's label. Never the right one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number
from orchestration.llm.providers.simulated.solution import AnswerKind, Solution

_DAY_SLIPS = (1, -1, 7, -7, 2, -2)


def wrong_answer(solution: Solution, dice: Random) -> str:
    """Return an answer of the same shape that is not the right one."""
    right = folded(solution.answer)
    return next(slip for slip in _slips(solution, dice) if folded(slip) != right)


def folded(answer: str) -> str:
    """Bring answers that say the same to one form: case, spacing, thousands separators, trailing zeros."""
    plain = re.sub(NUMBER, lambda found: str(parse_number(found[0])), answer.casefold())
    return " ".join(plain.split()).strip(" .?!\"'")


def _slips(solution: Solution, dice: Random) -> Iterator[str]:
    """Yield candidates, likelier ones first; the last resort always differs."""
    others = [other for other in solution.alternatives if other]
    dice.shuffle(others)
    yield from others
    makers = {
        AnswerKind.NUMBER: _number_slips,
        AnswerKind.LIST: _list_slips,
        AnswerKind.DATE: _date_slips,
        AnswerKind.TEXT: _text_slips,
        AnswerKind.CHOICE: _text_slips,
    }
    yield from makers[solution.kind](solution.answer, dice)
    yield f"{solution.answer}x"


def _number_slips(answer: str, dice: Random) -> Iterator[str]:
    found = re.search(NUMBER, answer)
    if found is None:
        return
    slips: list[Callable[[str, Random], str]] = [_off_by_carry, _swapped_digits, _off_by_one, _changed_digit]
    dice.shuffle(slips)
    for slip in [*slips, _off_by_one]:
        yield answer[: found.start()] + slip(found[0], dice) + answer[found.end() :]


def _off_by_carry(number: str, dice: Random) -> str:
    """Forget or invent a carry: ten, a hundred ... too much or too little, within the number's size."""
    whole, dot, rest = number.replace(",", "").partition(".")
    step = 10 ** dice.randint(1, max(1, len(whole) - 1))
    value = int(whole or "0")
    return str(value - step if value >= step and dice.getrandbits(1) else value + step) + dot + rest


def _swapped_digits(number: str, dice: Random) -> str:
    plain = number.replace(",", "")
    pairs = [
        at for at in range(len(plain) - 1) if plain[at : at + 2].isdigit() and plain[at] != plain[at + 1]
    ]
    pairs = [at for at in pairs if at or plain[1] != "0"]
    if not pairs:
        return number
    at = dice.choice(pairs)
    return plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :]


def _off_by_one(number: str, dice: Random) -> str:
    whole, dot, rest = number.replace(",", "").partition(".")
    value = int(whole or "0")
    return str(value + (1 if value == 0 or dice.getrandbits(1) else -1)) + dot + rest


def _changed_digit(number: str, dice: Random) -> str:
    plain = number.replace(",", "")
    at = dice.choice([at for at, sign in enumerate(plain) if sign.isdigit()])
    digits = [digit for digit in ("123456789" if at == 0 else "0123456789") if digit != plain[at]]
    return plain[:at] + dice.choice(digits) + plain[at + 1 :]


def _list_slips(answer: str, dice: Random) -> Iterator[str]:
    """Swap two neighbours, or lose an item."""
    members = answer.split(", ")
    pairs = [at for at in range(len(members) - 1) if folded(members[at]) != folded(members[at + 1])]
    at = dice.choice(pairs) if pairs else 0
    swapped = [*members[:at], members[at + 1], members[at], *members[at + 2 :]]
    lost = members[:-1]
    yield from (", ".join(slip) for slip in ((swapped, lost) if dice.getrandbits(2) else (lost, swapped)))


def _date_slips(answer: str, dice: Random) -> Iterator[str]:
    day = date.fromisoformat(answer)
    for days in dice.sample(_DAY_SLIPS, k=len(_DAY_SLIPS)):
        if date.min.toordinal() <= day.toordinal() + days <= date.max.toordinal():
            yield (day + timedelta(days=days)).isoformat()


def _text_slips(answer: str, dice: Random) -> Iterator[str]:
    """Swap two neighbouring letters, or lose the last one."""
    pairs = [at for at in range(len(answer) - 1) if answer[at].casefold() != answer[at + 1].casefold()]
    if pairs:
        at = dice.choice(pairs)
        yield answer[:at] + answer[at + 1] + answer[at] + answer[at + 2 :]
    if len(answer) > 1:
        yield answer[:-1]
