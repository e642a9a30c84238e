"""Ballot rules, the count of ballots by them, and whether outstanding ballots can change the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    Voter,
    build_poll,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A ballot rule; this one gives each voter one vote, and the option that most voters choose wins.

    `weight` is how much a voter's ballot counts; `enough` whether the highest score wins, given the weight of
    all counting ballots. The winner is `won`; without one, no option is `wanted`.

    Where a judge chooses the option, its votes only give the agreement of the panel.

    Scores are exact fractions: equal scores tie, whatever the order of addition. `least` and `most` bound the
    final score of an option over everything that outstanding voters may do (vote for it, for another, for a
    new one (None), or abstain); an early stop is decided by them.
    """

    won: str = ""
    wanted: str = "backed by anyone"
    weight: Callable[[Voter], Fraction] = lambda _: Fraction(1)
    enough: Callable[[Fraction, Fraction], bool] = lambda score, _: score > 0

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot of the wrong form."""
        if ballot.choice is None:
            raise ValueError(f"The ballot of {ballot.voter} names no choice.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the options that a ballot supports."""
        return ballot.named

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return the score of each option, in the order that breaks ties."""
        points = dict.fromkeys(poll.options, Fraction())
        for voter, ballot in poll.cast:
            for option in self.backs(ballot):
                points[option] += self.weight(voter)
        return points

    def least(self, poll: Poll, option: str) -> Fraction:
        """Return the lowest score `option` can end with."""
        return self.scores(poll)[option]

    def most(self, poll: Poll, option: str | None) -> Fraction:
        """Return the highest score `option` can end with."""
        coming = (self.weight(voter) for voter in poll.outstanding if voter.may_back(option))
        return sum(coming, Fraction() if option is None else self.scores(poll)[option])

    def total(self, poll: Poll) -> Fraction:
        """Return the weight of all counting ballots."""
        return sum((self.weight(voter) for voter, _ in poll.cast), Fraction())

    def coming(self, poll: Poll) -> Fraction:
        """Return the weight of all outstanding ballots."""
        return sum((self.weight(voter) for voter in poll.outstanding), Fraction())


class MostLikely(Rule):
    """The option that is most likely right, however many voted for it; agreement is still the share of votes.

    Whether outstanding ballots can change the winner is known to the belief, see `Election.final`.
    """

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return the probability of each option."""
        known = poll.election.likelihoods
        return {option: Fraction(str(known.get(option, 0.0))) for option in poll.options}


class Borda(Rule):
    """The option that is highest in the rankings: 1 for the first, 0 for the last, evenly spaced.

    Options that a ranking leaves out share the rest. The score is the mean over the ballots that could have
    ranked the option, so that neither a barred option nor an abstention changes a score.
    """

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that ranks nothing."""
        if not ballot.ranking or ballot.choice is not None or ballot.approvals:
            raise ValueError(f"The ballot of {ballot.voter} must be a ranking.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the first option of the ranking."""
        return ballot.ranking[:1]

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return each option's mean points, from 0 to 1."""
        return {option: self._mean(poll, option, best=None) for option in poll.options}

    def least(self, poll: Poll, option: str) -> Fraction:
        """Return the score if every outstanding ballot puts the option last."""
        return self._mean(poll, option, best=Fraction())

    def most(self, poll: Poll, option: str | None) -> Fraction:
        """Return the score if every outstanding ballot puts the option first; there are no new options."""
        return self._mean(poll, option, best=Fraction(1)) if option is not None else Fraction()

    def _mean(self, poll: Poll, option: str, *, best: Fraction | None) -> Fraction:
        """Return the mean points of `option`, outstanding ballots giving `best` each unless that is None."""
        able = [(voter, ballot) for voter, ballot in poll.cast if voter.may_back(option)]
        given = [points(voter, ballot, poll.options)[option] for voter, ballot in able]
        if best is not None:
            given += [best for voter in poll.outstanding if voter.may_back(option)]
        return sum(given, Fraction()) / len(given) if given else Fraction()


def points(voter: Voter, ballot: Ballot, options: tuple[str, ...]) -> Mapping[str, Fraction]:
    """Return the points of each option that the voter may rank; a single one gets one half."""
    able = [option for option in options if voter.may_back(option)]
    if len(able) == 1:
        return {able[0]: Fraction(1, 2)}
    steps = len(able) - 1
    given = {option: Fraction(steps - place, steps) for place, option in enumerate(ballot.ranking)}
    left = [option for option in able if option not in given]
    return given | dict.fromkeys(left, Fraction(len(left) - 1, 2 * steps))


class Approval(Rule):
    """The option that most voters approve of; to approve of none is not an abstention."""

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that chooses or ranks."""
        if ballot.choice is not None or ballot.ranking:
            raise ValueError(f"The ballot of {ballot.voter} must say what it approves of.")


MORE_THAN_HALF = "backed by more than half of the ballots that count"
ALL_THAT_COUNT = "backed by all ballots that count"
RULES: Mapping[RuleName, Rule] = {
    RuleName.BELIEF: MostLikely(won="most likely right"),
    RuleName.PLURALITY: Rule(won="backed by the most voters"),
    RuleName.MAJORITY: Rule(
        won=MORE_THAN_HALF, wanted=MORE_THAN_HALF, enough=lambda score, total: 2 * score > total
    ),
    RuleName.WEIGHTED: Rule(
        won="backed by the most weight",
        wanted="backed by anyone with weight",
        weight=lambda voter: Fraction(str(voter.weight)),  # the decimal number that is shown
    ),
    RuleName.BORDA: Borda(won="ranked highest on average"),
    RuleName.APPROVAL: Approval(won="approved of by the most voters"),
    RuleName.UNANIMOUS: Rule(
        won=ALL_THAT_COUNT, wanted=ALL_THAT_COUNT, enough=lambda score, total: 0 < total == score
    ),
    RuleName.JUDGE: Rule(),
}


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
        return _none(poll, rule, TallyVerdict.NOT_ENOUGH, f"No option is {rule.wanted}.")
    if len(leaders) == 1:
        return _won(poll, rule, leaders[0], TallyVerdict.WON, f"“{leaders[0]}” is {rule.won}.")
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
    by_order = poll.election.tie is TieRule.ORDER and poll.place(winner) < poll.best_place(rival)
    return most > least or (most == least and not by_order)
