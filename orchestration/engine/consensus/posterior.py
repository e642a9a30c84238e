"""How likely the leader of a vote stays ahead, given what is still to come.

The model is Pólya's urn (a Dirichlet-multinomial): the next vote falls on an option with a probability
proportional to the votes it has, and on an option that nobody named with one proportional to the prior's
`concentration`. All votes for unnamed options are taken to agree, and rivals' chances are added up: both
make the figure lower than it is, never higher.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import prod

from orchestration.engine.consensus.ballots import ASKED_AFTERWARDS, Ballot, Election, RuleName, TieRule
from orchestration.engine.consensus.poll import Poll
from orchestration.engine.consensus.rules.registry import RULES
from orchestration.engine.consensus.settling import settled
from orchestration.engine.consensus.tallying import checked_poll, tally

CONCENTRATION = 1.0
FORESEEN = frozenset({RuleName.PLURALITY, RuleName.WEIGHTED})
"""The rules the model fits; under all others only a settled vote is certain."""


def probability_of_staying(
    election: Election, ballots: Iterable[Ballot], *, concentration: float = CONCENTRATION
) -> float:
    """Return a lower bound of the probability that the winner so far is the winner in the end.

    0 while there is none (a quorum that is missed, a tie that somebody must decide); abstentions to come
    are not foreseen. 1 where the vote is settled.
    """
    said = list(ballots)
    if settled(election, said):
        return 1.0
    winner = tally(election, said).winner
    if winner is None or election.rule not in FORESEEN:
        return 0.0
    poll = checked_poll(election, said)
    named = {option for _, ballot in poll.cast for option in ballot.named}
    rivals: list[str | None] = [option for option in poll.options if option in named - {winner}]
    unnamed = 0.0 if len(named) == len(election.options) else concentration
    if unnamed:
        rivals.append(None)
    return max(0.0, 1.0 - sum(_overtaken(poll, winner, rival, unnamed) for rival in rivals))


def _overtaken(poll: Poll, winner: str, rival: str | None, unnamed: float) -> float:
    """Return the probability that `rival` (None: an option that has no votes) ends ahead of `winner`."""
    rule = RULES[poll.election.rule]
    votes = [ballot.choice for _, ballot in poll.cast]
    urn = (
        float(votes.count(winner)),
        unnamed if rival is None else float(votes.count(rival)),
        float(sum(vote not in (winner, rival) for vote in votes)) + (0.0 if rival is None else unnamed),
    )
    scores = rule.scores(poll)
    lead = scores[winner] - (Fraction() if rival is None else scores[rival])
    level_is_enough = _level_is_enough(poll, winner, rival)
    lost = 0.0
    for (ours, theirs, gain), ways in _ways([rule.weight(voter) for voter in poll.outstanding]).items():
        if gain > lead or (gain == lead and level_is_enough):
            lost += ways * _chance(urn, (ours, theirs, len(poll.outstanding) - ours - theirs))
    return lost


def _level_is_enough(poll: Poll, winner: str, rival: str | None) -> bool:
    tie = poll.election.tie
    if tie in ASKED_AFTERWARDS or tie is TieRule.CONFIDENCE:
        return True
    return poll.best_place(rival) < poll.place(winner)


def _ways(weights: Iterable[Fraction]) -> dict[tuple[int, int, Fraction], int]:
    """Count the ways the voters can split: for us, for the rival, and what the rival gains on us by it."""
    ways = {(0, 0, Fraction()): 1}
    for weight in weights:
        further: dict[tuple[int, int, Fraction], int] = {}
        for (ours, theirs, gain), number in ways.items():
            for state in (
                (ours + 1, theirs, gain - weight),
                (ours, theirs + 1, gain + weight),
                (ours, theirs, gain),
            ):
                further[state] = further.get(state, 0) + number
        ways = further
    return ways


def _chance(urn: tuple[float, float, float], drawn: tuple[int, int, int]) -> float:
    """Return the probability of one sequence of draws with these counts."""
    each = prod(_rising(held, count) for held, count in zip(urn, drawn, strict=True))
    return each / _rising(sum(urn), sum(drawn))


def _rising(start: float, count: int) -> float:
    return prod(start + step for step in range(count))
