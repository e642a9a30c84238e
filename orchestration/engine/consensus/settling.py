"""Whether ballots still to come can change the result of a vote."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.engine.consensus.ballots import ASKED_AFTERWARDS, Ballot, Election, RuleName, TieRule
from orchestration.engine.consensus.poll import Poll
from orchestration.engine.consensus.rules.registry import RULES
from orchestration.engine.consensus.rules.rule import Rule
from orchestration.engine.consensus.tallying import checked_poll, tally


def settled(election: Election, ballots: Iterable[Ballot]) -> bool:
    """Tell whether the winner (or that there is none) is the same whatever the outstanding voters do.

    They may vote for any option, for a new one where the list is open, or abstain.
    """
    said = list(ballots)
    poll = checked_poll(election, said)
    rule = RULES[election.rule]
    if len(poll.cast) + len(poll.outstanding) < election.quorum:
        return True
    if election.rule is RuleName.JUDGE:
        return poll.judged is not None and (poll.judged.abstained or len(poll.cast) >= election.quorum)
    if not poll.outstanding or _hopeless(poll, rule):
        return True
    winner = tally(election, said).winner
    return winner is not None and _safe(poll, rule, winner)


def _hopeless(poll: Poll, rule: Rule) -> bool:
    """Tell whether no option can reach what the rule asks for any more."""
    final = rule.total(poll) + rule.coming(poll)
    return not any(rule.enough(rule.most(poll, option), final) for option in _possible(poll))


def _safe(poll: Poll, rule: Rule, winner: str) -> bool:
    """Tell whether `winner` keeps enough, and no other can pass it or draw level and win the tie.

    All that can be done for one rival can be done at once: it suffices to look at each by itself.
    """
    least = rule.least(poll, winner)
    if not rule.enough(least, rule.total(poll) + rule.coming(poll)):
        return False
    for rival in _possible(poll):
        most = rule.most(poll, rival)
        if rival != winner and (most > least or (most == least and not _wins_tie(poll, winner, rival))):
            return False
    return True


def _wins_tie(poll: Poll, winner: str, rival: str | None) -> bool:
    tie = poll.election.tie
    if tie in ASKED_AFTERWARDS or tie is TieRule.CONFIDENCE:
        return False
    return poll.place(winner) < poll.best_place(rival)


def _possible(poll: Poll) -> tuple[str | None, ...]:
    return poll.options if poll.election.options else (*poll.options, None)
