"""A vote at one moment: the ballots that were cast and those still to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.engine.consensus.ballots import Ballot, Election, Voter

Place = tuple[int, int]
"""Where an option was first named: the voter's place in the panel, the place on that ballot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """`cast` pairs voters with their counting ballots, in panel order; who abstained is not among them."""

    election: Election
    cast: tuple[tuple[Voter, Ballot], ...]
    abstained: tuple[Voter, ...]
    outstanding: tuple[Voter, ...]
    judged: Ballot | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """All options known so far, in the order that breaks ties."""
        if self.election.options:
            return self.election.options
        return tuple(dict.fromkeys(option for _, ballot in self.cast for option in ballot.named))

    def place(self, option: str) -> Place:
        """Return what the tie rule `order` compares: the lowest goes first."""
        if self.election.options:
            return (0, self.election.options.index(option))
        first = next((voter, ballot) for voter, ballot in self.cast if option in ballot.named)
        return (self.election.voters.index(first[0]), first[1].named.index(option))

    def best_place(self, option: str | None) -> Place:
        """Return the lowest place that `option` (None: one not named yet) may still reach."""
        if option is not None and self.election.options:
            return self.place(option)
        able = [voter for voter in self.outstanding if voter.barred is None or voter.barred != option]
        coming = [(self.election.voters.index(voter), 0) for voter in able]
        return min(coming + ([self.place(option)] if option in self.options else []))


def poll_of(election: Election, ballots: Iterable[Ballot]) -> Poll:
    """Sort ballots by voter. Raises `ValueError` for ballots that the election does not allow."""
    said = list(ballots)
    by_voter = {ballot.voter: ballot for ballot in said}
    known = {voter.name for voter in election.voters} | ({election.judge} if election.judge else set())
    if len(by_voter) != len(said) or not by_voter.keys() <= known:
        raise ValueError("A ballot is from nobody in this election, or a voter's second.")
    here = [(voter, by_voter[voter.name]) for voter in election.voters if voter.name in by_voter]
    cast = tuple((voter, ballot) for voter, ballot in here if not ballot.abstained)
    for voter, ballot in cast:
        _check(election.options, ballot, voter.barred)
    judged = by_voter.get(election.judge) if election.judge else None
    if judged is not None and not judged.abstained:
        _check(election.options, judged, None)
    return Poll(
        election=election,
        cast=cast,
        abstained=tuple(voter for voter, ballot in here if ballot.abstained),
        outstanding=tuple(voter for voter in election.voters if voter.name not in by_voter),
        judged=judged,
    )


def _check(options: Sequence[str], ballot: Ballot, barred: str | None) -> None:
    named = ballot.named
    if len(set(named)) != len(named):
        raise ValueError(f"The ballot of {ballot.voter} names an option twice.")
    if options and not set(named) <= set(options):
        raise ValueError(f"The ballot of {ballot.voter} names an option that is not on the list.")
    if barred is not None and barred in named:
        raise ValueError(f"The ballot of {ballot.voter} names their own option.")
