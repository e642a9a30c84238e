"""Ballots become a result that says how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from orchestration.engine.consensus.ballots import ASKED_AFTERWARDS, Ballot, Election, RuleName, TieRule
from orchestration.engine.consensus.poll import Poll, poll_of
from orchestration.engine.consensus.rules.registry import RULES
from orchestration.engine.consensus.rules.rule import Rule, bars


class Verdict(StrEnum):
    """Why there is a winner, or why there is none."""

    WON = "won"
    TIE_BROKEN = "tie broken"
    JUDGED = "judged"
    TIED = "tied"
    NO_QUORUM = "no quorum"
    NOT_ENOUGH = "not enough"
    NO_JUDGEMENT = "no judgement"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """Options of equal score between which `needs` (a judge or a person) has to decide."""

    options: tuple[str, ...]
    needs: TieRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The result of a vote. `winner` is None where the verdict says why.

    `scores` stand in the order that breaks ties. `agreement` is the share of the counting weight behind the
    winner, `margin` its lead over the runner-up (as a share, under Borda in points); both are 0 without one.
    `dissenters` voted, but not for the winner.
    """

    rule: RuleName
    verdict: Verdict
    reason: str
    scores: Mapping[str, float]
    winner: str | None = None
    tie: Tie | None = None
    agreement: float = 0.0
    margin: float = 0.0
    dissenters: tuple[str, ...] = ()
    abstained: tuple[str, ...] = ()


def tally(election: Election, ballots: Iterable[Ballot]) -> Tally:
    """Count the ballots cast so far. Raises `ValueError` for a ballot that the election does not allow."""
    poll = checked_poll(election, ballots)
    return _result(poll, RULES[election.rule])


def checked_poll(election: Election, ballots: Iterable[Ballot]) -> Poll:
    """Return the poll, every counting ballot of the form that the rule wants."""
    poll = poll_of(election, ballots)
    for _, ballot in poll.cast:
        RULES[election.rule].check(ballot)
    return poll


def leading(poll: Poll, rule: Rule) -> Sequence[str]:
    """Return the options of the highest score, none where it is not enough to win."""
    scores = rule.scores(poll)
    best = max(scores.values(), default=Fraction())
    if not rule.enough(best, rule.total(poll)):
        return ()
    return [option for option, score in scores.items() if score == best]


def break_tie(tied: Tally, election: Election, ballots: Iterable[Ballot], *, choice: str, by: str) -> Tally:
    """Return the tally with the tie decided for `choice`. Raises `ValueError` if that was not tied."""
    if tied.tie is None or choice not in tied.tie.options:
        raise ValueError(f"“{choice}” is not one of the tied options.")
    poll = checked_poll(election, ballots)
    reason = f"{_words(tied.tie.options)} were tied; {by} chose “{choice}”."
    return _won(poll, RULES[election.rule], choice, Verdict.TIE_BROKEN, reason)


def _result(poll: Poll, rule: Rule) -> Tally:
    election, counting = poll.election, len(poll.cast)
    if counting < election.quorum:
        reason = f"{counting} of {len(election.voters)} ballots count; the quorum is {election.quorum}."
        return _none(poll, rule, Verdict.NO_QUORUM, reason)
    if election.rule is RuleName.JUDGE:
        return _judged(poll, rule)
    leaders = leading(poll, rule)
    if not leaders:
        return _none(poll, rule, Verdict.NOT_ENOUGH, f"No option is {_WANTED.get(election.rule, _ANY)}.")
    if len(leaders) == 1:
        return _won(poll, rule, leaders[0], Verdict.WON, f"“{leaders[0]}” is {_WON[election.rule]}.")
    if election.tie in ASKED_AFTERWARDS:
        tie = Tie(options=tuple(leaders), needs=election.tie)
        undecided = _none(poll, rule, Verdict.TIED, f"{_words(leaders)} are tied; a {election.tie} decides.")
        return replace(undecided, tie=tie)
    winner = min(leaders, key=lambda option: precedence(poll, rule, option))
    how = "first in order" if election.tie is TieRule.ORDER else "backed with more confidence"
    reason = f"{_words(leaders)} are tied; “{winner}” is {how}."
    return _won(poll, rule, winner, Verdict.TIE_BROKEN, reason)


def precedence(poll: Poll, rule: Rule, option: str) -> tuple[float, int, int]:
    """Return what decides a tie without asking: the lowest wins."""
    if poll.election.tie is not TieRule.CONFIDENCE:
        return (0.0, *poll.place(option))
    backing = [ballot.confidence or 0.0 for _, ballot in poll.cast if option in rule.backs(ballot)]
    return (-sum(sorted(backing)) / max(1, len(backing)), *poll.place(option))


def _judged(poll: Poll, rule: Rule) -> Tally:
    judged = poll.judged
    if judged is None or judged.abstained or judged.choice is None:
        return _none(poll, rule, Verdict.NO_JUDGEMENT, "The judge made no choice.")
    return _won(poll, rule, judged.choice, Verdict.JUDGED, f"{judged.voter} chose “{judged.choice}”.")


def _won(poll: Poll, rule: Rule, winner: str, verdict: Verdict, reason: str) -> Tally:
    scores = rule.scores(poll)
    others = [score for option, score in scores.items() if option != winner]
    lead = scores.get(winner, Fraction()) - max(others, default=Fraction())
    total = rule.total(poll)
    able = [(voter, ballot) for voter, ballot in poll.cast if not bars(voter, winner)]
    behind = sum((rule.weight(voter) for voter, ballot in able if winner in rule.backs(ballot)), Fraction())
    weight = sum((rule.weight(voter) for voter, _ in able), Fraction())
    return replace(
        _none(poll, rule, verdict, reason),
        winner=winner,
        agreement=float(behind / weight) if weight else 0.0,
        margin=float(lead if poll.election.rule is RuleName.BORDA or not total else lead / total),
        dissenters=tuple(voter.name for voter, ballot in able if winner not in rule.backs(ballot)),
    )


def _none(poll: Poll, rule: Rule, verdict: Verdict, reason: str) -> Tally:
    return Tally(
        rule=poll.election.rule,
        verdict=verdict,
        reason=reason,
        scores={option: float(score) for option, score in rule.scores(poll).items()},
        abstained=tuple(voter.name for voter in poll.abstained),
    )


def _words(options: Sequence[str]) -> str:
    return " and ".join(f"“{option}”" for option in options)


_ANY = "backed by anyone"
_WANTED: Mapping[RuleName, str] = {
    RuleName.MAJORITY: "backed by more than half of the ballots that count",
    RuleName.UNANIMOUS: "backed by all ballots that count",
    RuleName.WEIGHTED: "backed by anyone with weight",
}
_WON: Mapping[RuleName, str] = {
    RuleName.PLURALITY: "backed by the most voters",
    RuleName.MAJORITY: "backed by more than half of the ballots that count",
    RuleName.WEIGHTED: "backed by the most weight",
    RuleName.BORDA: "ranked highest on average",
    RuleName.APPROVAL: "approved of by the most voters",
    RuleName.UNANIMOUS: "backed by all ballots that count",
}
