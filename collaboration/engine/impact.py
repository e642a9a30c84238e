"""What each participant contributed, computed from what was used: nobody is asked.

    impact = mean of (share of the accepted subtasks) and (share of the words of the result)

A word of the result belongs to whoever wrote it first in a run of `RUN` equal words, in the order of the
texts; what nobody had written before belongs to whoever assembled it. A subtask with helpers is shared: half
to its author, half to them. Where one of the two has no evidence the other is the whole; without any all have
the same impact. Time is linear in the length of the texts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from collaboration.engine.plan import Subtask
from orchestra_site.web.alphabets import words

RUN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one participant contributed: accepted subtasks, words of the result, and the impact of both."""

    participant: str
    subtasks: float
    words: int
    impact: float


def contributions(
    participants: Sequence[str], accepted: Sequence[Subtask], result: str, assembled_by: str
) -> tuple[Contribution, ...]:
    """Return the contribution of each participant, whose impacts sum to 1. There is at least one."""
    done = work_shares(accepted)
    written = word_shares(result, _texts(accepted), assembled_by)
    evidence = [[Fraction(part.get(each, 0)) for each in participants] for part in (done, written)]
    known = [part for part in evidence if any(part)] or [[Fraction(1)] * len(participants)]
    impacts = [
        sum((part[place] / sum(part) for part in known), Fraction()) / len(known)
        for place in range(len(participants))
    ]
    return tuple(
        Contribution(
            participant=each,
            subtasks=float(done.get(each, 0)),
            words=written.get(each, 0),
            impact=float(impact),
        )
        for each, impact in zip(participants, impacts, strict=True)
    )


def work_shares(accepted: Iterable[Subtask]) -> Mapping[str, Fraction]:
    """Return how many of the accepted subtasks each did, those that were done together in parts."""
    found: defaultdict[str, Fraction] = defaultdict(Fraction)
    for subtask in accepted:
        helpers = [each.by for each in subtask.helpers if each.by not in {"", subtask.author}]
        found[subtask.author] += Fraction(1, 2) if helpers else 1
        for helper in helpers:
            found[helper] += Fraction(1, 2 * len(helpers))
    return found


def _texts(accepted: Iterable[Subtask]) -> Iterator[tuple[str, str]]:
    """Yield who wrote what, in the order in which it was written."""
    for subtask in accepted:
        yield from ((each.by, each.text) for each in subtask.helpers)
        yield subtask.author, subtask.result


def word_shares(result: str, texts: Iterable[tuple[str, str]], assembled_by: str) -> Mapping[str, int]:
    """Return how many words of a result each author wrote first; they sum to its number of words."""
    first: dict[tuple[str, ...], str] = {}
    for author, text in texts:
        for run in _runs(words(text.casefold())):
            first.setdefault(run, author)
    said = words(result.casefold())
    owners = [assembled_by] * len(said)
    for place, run in enumerate(_runs(said)):
        if run in first:
            owners[place : place + len(run)] = [first[run]] * len(run)
    return Counter(owners)


def _runs(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield every run of words; of fewer than `RUN` words all together."""
    for place in range(max(1, len(said) - RUN + 1)):
        yield tuple(said[place : place + RUN])
