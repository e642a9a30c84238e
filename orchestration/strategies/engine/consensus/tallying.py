"""Count ballots, and find out whether outstanding ones can change the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from orchestration.strategies.engine.consensus.ballots import (
    ASKED_AFTERWARDS,
    Ballot,
    Election,
    Poll,
    RuleName,
    Tally,
    TallyVerdict,
    Tie,
    TieRule,
    build_poll,
)
from orchestration.strategies.engine.consensus.rules import RULES, Rule


def tally(election: Election, ballots: Iterable[Ballot]) -> Tally:
    """Count the ballots cast so far. Raises `ValueError` for a ballot that the election does not allow."""
    return _result(_checked_poll(election, ballots), RULES[election.rule])


def _checked_poll(election: Election, ballots: Iterable[Ballot]) -> Poll:
    """Return the poll after checking that every counting ballot has the form that the rule needs."""
    poll = build_poll(election, ballots)
    for _, ballot in poll.cast:
        RULES[election.rule].check(ballot)
    return poll


def break_tie(tied: Tally, election: Election, ballots: Iterable[Ballot], *, choice: str, by: str) -> Tally:
    """Return the tally with the tie broken for `choice`. Raises `ValueError` if `choice` was not tied."""
    if tied.tie is None or choice not in tied.tie.options:
        raise ValueError(f"“{choice}” is not one of the tied options.")
    poll = _checked_poll(election, ballots)
    reason = f"{_words(tied.tie.options)} were tied; {by} chose “{choice}”."
    return _won(poll, RULES[election.rule], choice, TallyVerdict.TIE_BROKEN, reason)


def _result(poll: Poll, rule: Rule) -> Tally:
    election, counting = poll.election, len(poll.cast)
    if counting < election.quorum:
        reason = f"{counting} of {len(election.voters)} ballots count; the quorum is {election.quorum}."
        return _none(poll, rule, TallyVerdict.NO_QUORUM, reason)
    if election.rule is RuleName.JUDGE:
        return _judged(poll, rule)
    scores = rule.scores(poll)
    best = max(scores.values(), default=Fraction())
    leaders = [option for option, score in scores.items() if score == best]
    if not rule.enough(best, rule.total(poll)):
        return _none(poll, rule, TallyVerdict.NOT_ENOUGH, f"No option is {_WANTED.get(election.rule, _ANY)}.")
    if len(leaders) == 1:
        return _won(poll, rule, leaders[0], TallyVerdict.WON, f"“{leaders[0]}” is {_WON[election.rule]}.")
    if election.tie in ASKED_AFTERWARDS:
        tie = Tie(options=tuple(leaders), needs=election.tie)
        reason = f"{_words(leaders)} are tied; a {election.tie} decides."
        return replace(_none(poll, rule, TallyVerdict.TIED, reason), tie=tie)
    winner = min(leaders, key=lambda option: _precedence(poll, rule, option))
    how = "first in order" if election.tie is TieRule.ORDER else "backed with more confidence"
    reason = f"{_words(leaders)} are tied; “{winner}” is {how}."
    return _won(poll, rule, winner, TallyVerdict.TIE_BROKEN, reason)


def _precedence(poll: Poll, rule: Rule, option: str) -> tuple[float, int, int]:
    """Return the sort key that breaks a tie: the lowest wins."""
    if poll.election.tie is not TieRule.CONFIDENCE:
        return (0.0, *poll.place(option))
    backing = [ballot.confidence or 0.0 for _, ballot in poll.cast if option in rule.backs(ballot)]
    return (-sum(sorted(backing)) / max(1, len(backing)), *poll.place(option))


def _judged(poll: Poll, rule: Rule) -> Tally:
    judged = poll.judged
    if judged is None or judged.abstained or judged.choice is None:
        return _none(poll, rule, TallyVerdict.NO_JUDGEMENT, "The judge made no choice.")
    return _won(poll, rule, judged.choice, TallyVerdict.JUDGED, f"{judged.voter} chose “{judged.choice}”.")


def _won(poll: Poll, rule: Rule, winner: str, verdict: TallyVerdict, reason: str) -> Tally:
    scores = rule.scores(poll)
    others = [score for option, score in scores.items() if option != winner]
    lead = scores.get(winner, Fraction()) - max(others, default=Fraction())
    total = rule.total(poll)
    others_backed = [voter for voter, ballot in poll.cast if winner not in rule.backs(ballot)]
    weight = sum((rule.weight(voter) for voter, _ in poll.cast), Fraction())
    against = sum(map(rule.weight, others_backed), Fraction())
    return replace(
        _none(poll, rule, verdict, reason),
        winner=winner,
        agreement=float(1 - against / weight) if weight else 0.0,
        margin=float(lead if poll.election.rule in NOT_SHARED or not total else lead / total),
        dissenters=tuple(voter.name for voter in others_backed),
    )


def _none(poll: Poll, rule: Rule, verdict: TallyVerdict, reason: str) -> Tally:
    return Tally(
        rule=poll.election.rule,
        verdict=verdict,
        reason=reason,
        scores={option: float(score) for option, score in rule.scores(poll).items()},
        abstained=tuple(voter.name for voter in poll.abstained),
    )


def _words(options: Sequence[str]) -> str:
    return " and ".join(f"“{option}”" for option in options)


NOT_SHARED = frozenset({RuleName.BORDA, RuleName.BELIEF})
"""Rules whose scores are no shares of what was given."""
_ANY = "backed by anyone"
_WANTED: Mapping[RuleName, str] = {
    RuleName.MAJORITY: "backed by more than half of the ballots that count",
    RuleName.UNANIMOUS: "backed by all ballots that count",
    RuleName.WEIGHTED: "backed by anyone with weight",
}
_WON: Mapping[RuleName, str] = {
    RuleName.BELIEF: "most likely right",
    RuleName.PLURALITY: "backed by the most voters",
    RuleName.MAJORITY: "backed by more than half of the ballots that count",
    RuleName.WEIGHTED: "backed by the most weight",
    RuleName.BORDA: "ranked highest on average",
    RuleName.APPROVAL: "approved of by the most voters",
    RuleName.UNANIMOUS: "backed by all ballots that count",
}


def settled(election: Election, ballots: Iterable[Ballot]) -> bool:
    """Return whether nothing that the outstanding voters may do changes the winner, or that there is none.

    They may vote for any option, for a new one where the list is open, or abstain.
    """
    given = list(ballots)
    poll = _checked_poll(election, given)
    rule = RULES[election.rule]
    if len(poll.cast) + len(poll.outstanding) < election.quorum:
        return True
    if election.rule is RuleName.JUDGE:
        return poll.judged is not None and (poll.judged.abstained or len(poll.cast) >= election.quorum)
    if election.rule is RuleName.BELIEF:
        return not poll.outstanding or (election.final and len(poll.cast) >= election.quorum)
    final = rule.total(poll) + rule.coming(poll)
    possible = poll.options if election.options else (*poll.options, None)
    if not poll.outstanding or not any(rule.enough(rule.most(poll, option), final) for option in possible):
        return True
    winner = _result(poll, rule).winner
    if winner is None or not rule.enough(rule.least(poll, winner), final):
        return False
    return not any(_may_pass(poll, rule, winner, rival) for rival in possible if rival != winner)


def _may_pass(poll: Poll, rule: Rule, winner: str, rival: str | None) -> bool:
    """Return whether all outstanding ballots can make `rival` pass `winner`, or draw level and win a tie."""
    least, most = rule.least(poll, winner), rule.most(poll, rival)
    return most > least or (most == least and not _wins_tie(poll, winner, rival))


def _wins_tie(poll: Poll, winner: str, rival: str | None) -> bool:
    return poll.election.tie is TieRule.ORDER and poll.place(winner) < poll.best_place(rival)
