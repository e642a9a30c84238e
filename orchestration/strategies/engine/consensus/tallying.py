"""Ballot rules, the count of ballots by them, and whether outstanding ballots can change the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from orchestration.strategies.engine.consensus.ballots import (
    Ballot,
    Election,
    RuleName,
    Tally,
    TallyVerdict,
    TieRule,
    Voter,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """A vote at one moment. `cast` pairs voters with their ballots, abstentions left out, in panel order."""

    election: Election
    cast: tuple[tuple[Voter, Ballot], ...]
    abstained: tuple[Voter, ...]
    outstanding: tuple[Voter, ...]
    judged: Ballot | None = None

    @property
    def rule(self) -> Rule:
        """The rule of the election."""
        return RULES[self.election.rule]

    @property
    def options(self) -> tuple[str, ...]:
        """All options known so far, in the order that breaks ties."""
        if self.election.options:
            return self.election.options
        return tuple(dict.fromkeys(option for _, ballot in self.cast for option in ballot.named))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A ballot rule; this one gives each voter one vote, and the option that most voters choose wins.

    `weight` is how much a voter's ballot counts; `enough` whether the highest score wins, given the weight of
    all counting ballots. The winner is `won`; without one, no option is `wanted`. Where a judge chooses the
    option, its votes only give the agreement of the panel.
    Scores are exact fractions: equal scores tie, whatever the order of addition.
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

    def ballot(self, voter: str, order: tuple[str, ...]) -> Ballot:
        """Return the ballot of a voter who wants the first option to win and least of all the last."""
        return Ballot(voter=voter, choice=next(iter(order), None), confidence=1.0, abstained=not order)

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return the score of each option, in the order that breaks ties."""
        points = dict.fromkeys(poll.options, Fraction())
        for voter, ballot in poll.cast:
            for option in self.backs(ballot):
                points[option] += self.weight(voter)
        return points

    def total(self, poll: Poll) -> Fraction:
        """Return the weight of all counting ballots."""
        return sum((self.weight(voter) for voter, _ in poll.cast), Fraction())


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

    def ballot(self, voter: str, order: tuple[str, ...]) -> Ballot:
        """Return a ranking in this order."""
        return Ballot(voter=voter, ranking=order, confidence=1.0, abstained=not order)

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return each option's mean points, from 0 to 1."""
        given: dict[str, list[Fraction]] = {option: [] for option in poll.options}
        for voter, ballot in poll.cast:
            for option, some in _points(voter, ballot, poll.options).items():
                given[option].append(some)
        return {option: sum(some, Fraction()) / max(1, len(some)) for option, some in given.items()}


def _points(voter: Voter, ballot: Ballot, options: tuple[str, ...]) -> Mapping[str, Fraction]:
    """Return the points of each option that the voter may rank; a single one gets one half."""
    able = [option for option in options if option != voter.barred]
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

    def ballot(self, voter: str, order: tuple[str, ...]) -> Ballot:
        """Return an approval of the first option alone."""
        return Ballot(voter=voter, approvals=order[:1], confidence=1.0)


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
    poll = _poll(election, ballots)
    rule, counting = poll.rule, len(poll.cast)
    if counting < election.quorum:
        reason = f"{counting} of {len(election.voters)} ballots count; the quorum is {election.quorum}."
        return _none(poll, TallyVerdict.NO_QUORUM, reason)
    if election.rule is RuleName.JUDGE:
        return _judged(poll)
    scores = rule.scores(poll)
    best = max(scores.values(), default=Fraction())
    leaders = [option for option, score in scores.items() if score == best]
    if not rule.enough(best, rule.total(poll)):
        return _none(poll, TallyVerdict.NOT_ENOUGH, f"No option is {rule.wanted}.")
    if len(leaders) == 1:
        return _won(poll, leaders[0], TallyVerdict.WON, f"“{leaders[0]}” is {rule.won}.")
    if election.tie in {TieRule.JUDGE, TieRule.HUMAN}:
        reason = f"{_words(leaders)} are tied; a {election.tie} decides."
        return replace(_none(poll, TallyVerdict.TIED, reason), tie=tuple(leaders))
    winner, how = leaders[0], "first in order"
    if election.tie is TieRule.CONFIDENCE:
        winner = max(leaders, key=lambda option: _confidence(poll, option))
        how = "backed with more confidence"
    reason = f"{_words(leaders)} are tied; “{winner}” is {how}."
    return _won(poll, winner, TallyVerdict.TIE_BROKEN, reason)


def _poll(election: Election, ballots: Iterable[Ballot]) -> Poll:
    given = list(ballots)
    by_voter = {ballot.voter: ballot for ballot in given}
    barred = {voter.name: voter.barred for voter in election.voters}
    if len(by_voter) != len(given) or not by_voter.keys() <= {*barred, election.judge} - {""}:
        raise ValueError("A ballot is from nobody in this election, or a voter's second.")
    for ballot in given:
        if not ballot.abstained:
            _check(election, ballot, barred.get(ballot.voter))
    here = [(voter, by_voter[voter.name]) for voter in election.voters if voter.name in by_voter]
    return Poll(
        election=election,
        cast=tuple((voter, ballot) for voter, ballot in here if not ballot.abstained),
        abstained=tuple(voter for voter, ballot in here if ballot.abstained),
        outstanding=tuple(voter for voter in election.voters if voter.name not in by_voter),
        judged=by_voter.get(election.judge),
    )


def _check(election: Election, ballot: Ballot, barred: str | None) -> None:
    named = set(ballot.named)
    if len(named) != len(ballot.named):
        raise ValueError(f"The ballot of {ballot.voter} names an option twice.")
    if election.options and not named <= set(election.options):
        raise ValueError(f"The ballot of {ballot.voter} names an option that is not on the list.")
    if barred in named:
        raise ValueError(f"The ballot of {ballot.voter} names their own option.")
    RULES[election.rule].check(ballot)


def break_tie(tied: Tally, election: Election, ballots: Iterable[Ballot], *, choice: str, by: str) -> Tally:
    """Return the tally with the tie broken for `choice`. Raises `ValueError` if `choice` was not tied."""
    if choice not in tied.tie:
        raise ValueError(f"“{choice}” is not one of the tied options.")
    reason = f"{_words(tied.tie)} were tied; {by} chose “{choice}”."
    return _won(_poll(election, ballots), choice, TallyVerdict.TIE_BROKEN, reason)


def _confidence(poll: Poll, option: str) -> float:
    """Return the mean confidence of those who back an option."""
    backing = [ballot.confidence or 0.0 for _, ballot in poll.cast if option in poll.rule.backs(ballot)]
    return sum(sorted(backing)) / max(1, len(backing))


def _judged(poll: Poll) -> Tally:
    judged = poll.judged
    if judged is None or judged.abstained or judged.choice is None:
        return _none(poll, TallyVerdict.NO_JUDGEMENT, "The judge made no choice.")
    return _won(poll, judged.choice, TallyVerdict.JUDGED, f"{judged.voter} chose “{judged.choice}”.")


def _won(poll: Poll, winner: str, verdict: TallyVerdict, reason: str) -> Tally:
    rule = poll.rule
    scores, total = rule.scores(poll), rule.total(poll)
    others = [score for option, score in scores.items() if option != winner]
    lead = scores.get(winner, Fraction()) - max(others, default=Fraction())
    dissenters = [voter for voter, ballot in poll.cast if winner not in rule.backs(ballot)]
    against = sum(map(rule.weight, dissenters), Fraction())
    return replace(
        _none(poll, verdict, reason),
        winner=winner,
        agreement=float(1 - against / total) if total else 0.0,
        margin=float(lead if poll.election.rule in NOT_SHARED or not total else lead / total),
        dissenters=tuple(voter.name for voter in dissenters),
    )


def _none(poll: Poll, verdict: TallyVerdict, reason: str) -> Tally:
    return Tally(
        rule=poll.election.rule,
        verdict=verdict,
        reason=reason,
        scores={option: float(score) for option, score in poll.rule.scores(poll).items()},
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
    poll = _poll(election, given)
    has_quorum = len(poll.cast) >= election.quorum
    if len(poll.cast) + len(poll.outstanding) < election.quorum:
        return True
    if election.rule is RuleName.JUDGE:
        return poll.judged is not None and (poll.judged.abstained or has_quorum)
    if not poll.outstanding:
        return True
    if election.rule is RuleName.BELIEF:
        return election.final and has_quorum
    winner = tally(election, given).winner
    ends = (tally(election, [*given, *coming]) for coming in _worst_for(poll, winner))
    return all(end.winner == winner and not end.tie for end in ends)


def _worst_for(poll: Poll, winner: str | None) -> Iterator[list[Ballot]]:
    """Yield outstanding ballots that help one rival most and the winner least, for each rival.

    A voter whose own option is one of the two votes once and abstains once: either can be worse, by the rule.
    """
    own = {voter.barred for voter in poll.outstanding} - {None}
    options = poll.election.options or (*poll.options, "".join(("new", *poll.options)))
    for rival in (option for option in options if option != winner):
        others = [option for option in options if option not in {rival, winner}]
        order = (rival, *others) if winner is None else (rival, *others, winner)
        for silent in {frozenset(some) & own for some in ((), (rival,), (winner,), (rival, winner))}:
            yield [
                poll.rule.ballot(voter.name, tuple(option for option in order if option != voter.barred))
                for voter in poll.outstanding
                if voter.barred not in silent
            ]
