"""Whether an answer says what another one says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show
from orchestration.llm.providers.simulated.wrong import folded
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.spelling import normalise

_MEASURED = re.compile(rf"[-+]?[$€£]?({NUMBER})\s*(\S.{{0,30}})?")


def final_of(text: str) -> str | None:
    """Return the final answer that a text states, None when it states none."""
    found = extract_answer(text)
    return None if found is None else found.raw


def agree(first: str, second: str) -> bool:
    """Tell whether two final answers are one: the same words, or numbers alike to the coarser's decimals."""
    one, other = normalise(first) or first, normalise(second) or second
    if folded(one) == folded(other):
        return True
    measured = _MEASURED.fullmatch(one), _MEASURED.fullmatch(other)
    if measured[0] is None or measured[1] is None or one.startswith("-") != other.startswith("-"):
        return False
    numbers = measured[0][1], measured[1][1]
    places = min(len(number.partition(".")[2]) for number in numbers)
    rounded = {show(parse_number(number), places) for number in numbers}
    units = {folded(found[2]) for found in measured if found and found[2]}
    return (len(rounded) == 1 and len(units) <= 1 and places > 0) or (
        len(set(numbers)) == 1 and len(units) <= 1
    )


def majority(finals: Mapping[str, str | None]) -> str | None:
    """Return the first label of the largest group of two or more that agree, None without one."""
    stated = {label: final for label, final in finals.items() if final is not None}
    sizes = Counter(
        {label: sum(agree(final, other) for other in stated.values()) for label, final in stated.items()}
    )
    best = sizes.most_common(1)
    return best[0][0] if best and best[0][1] > 1 else None
