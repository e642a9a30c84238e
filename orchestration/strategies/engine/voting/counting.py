"""Ballots as they were cast, whether answers can be counted at all, and the election that the rules count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.consensus.ballots import Ballot, Election, RuleName, Tally, Voter
from orchestration.strategies.engine.consensus.grouping import (
    Group,
    comparable_groups,
    group_answers,
    same_answer,
)
from orchestration.strategies.engine.consensus.tallying import settled, tally
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions, parse_weights

UNREADABLE = "No final answer can be read in what it wrote."
CUT_SHORT = "It was cut off at the length limit before it stated a final answer."
LONGEST_LABEL = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast(Ballot):
    """A ballot as it was cast: the voter's own answer, or in a review a ranking of `contenders` (models).

    `choice` is what a judge decided for. `hedging` and `length` are those of the text, as a belief reads it.
    """

    answer: Extracted | None = None
    contenders: tuple[str, ...] = ()
    hedging: float = 0.0
    length: float = 0.0

    @classmethod
    def none(cls, voter: str, why: str, *, contenders: tuple[str, ...] = ()) -> Cast:
        """Return an abstention."""
        return cls(voter=voter, abstained=True, reason=why, contenders=contenders)

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Cast:
        """Return the ballot that is stored as plain JSON."""
        kept = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        kept |= {name: tuple(kept[name] or ()) for name in ("ranking", "approvals", "contenders")}
        if (answer := kept["answer"]) is not None:
            kept["answer"] = Extracted(**{**answer, "kind": AnswerKind(answer["kind"])})
        return cls(**{**kept, "choice": kept["choice"] or None})


def comparable(casts: Iterable[Cast]) -> int:
    """Return how many voters gave a final answer that can be compared with others."""
    return sum(len(group.members) for group in comparable_groups([cast.answer for cast in casts]))


def readable(casts: Iterable[Cast]) -> int:
    """Return how many voters gave a final answer at all."""
    return sum(cast.answer is not None for cast in casts)


def countable(casts: Iterable[Cast], answers: int, quorum: int) -> bool:
    """Return whether more than half of so many `answers` can be compared, and enough are read for the quorum.

    One more answer never makes another less comparable. So what is true of the first answers, for the largest
    number of answers that can still come, is true whatever comes.
    """
    said = list(casts)
    return 2 * comparable(said) > answers and readable(said) >= quorum


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """What can be voted for: an answer, or in a review a model's; `models` gave it, in panel order.

    `spoken_by` are those of them whose answer is the one that the label shows. It is `loose` when they wrote
    it in ways that are not the same in all: in close numbers, with and without a unit. Then a further answer
    might split it.
    """

    label: str
    models: tuple[str, ...]
    spoken_by: tuple[str, ...]
    loose: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """The state of a vote."""

    election: Election
    ballots: tuple[Ballot, ...]
    contenders: tuple[Contender, ...]

    @property
    def counting(self) -> tuple[Ballot, ...]:
        """The voters' ballots that are no abstentions."""
        judge = self.election.judge
        return tuple(ballot for ballot in self.ballots if not ballot.abstained and ballot.voter != judge)

    def tally(self) -> Tally:
        """Return the result of the ballots so far."""
        return tally(self.election, self.ballots)

    def contender(self, label: str) -> Contender:
        """Return the contender called `label`."""
        return next(contender for contender in self.contenders if contender.label == label)

    def is_settled(self) -> bool:
        """Return whether the winner stays whatever the outstanding voters say."""
        winner = self.tally().winner
        is_loose = winner is not None and self.contender(winner).loose
        return not is_loose and settled(self.election, self.ballots)


def count(
    options: VotingOptions,
    panel: Sequence[str],
    casts: Iterable[Cast],
    right: Mapping[str, float] | None = None,
    *,
    final: bool = False,
) -> Count:
    """Return the state of the vote after `casts`; `panel` names the voters in order.

    The belief rule goes by the probabilities that the voters' answers are `right`, which are `final` when no
    answer to come can make another one the likeliest.
    """
    place = {name: number for number, name in enumerate((*panel, options.judge or ""))}
    ordered = sorted(casts, key=lambda cast: place[cast.voter])
    listed: tuple[str, ...] = ()
    if options.ballot is BallotKind.REVIEW:
        ranked = {name for cast in ordered for name in cast.contenders}
        listed = tuple(name for name in panel if name in ranked)
        ballots = tuple(_reviewed(cast, options.rule) for cast in ordered)
        contenders = tuple(Contender(label=name, models=(name,), spoken_by=(name,)) for name in listed)
    else:
        groups = group_answers([cast.answer for cast in ordered])
        labels = _labels(groups)
        choices = {ordered[member].voter: labels[group.key] for group in groups for member in group.members}
        ballots = tuple(replace(cast, choice=choices.get(cast.voter, cast.choice)) for cast in ordered)
        contenders = tuple(_contender(labels[group.key], group, ordered) for group in groups)
    weights, known = parse_weights(options.weights, panel), right or {}
    election = Election(
        rule=options.rule,
        voters=tuple(
            Voter(name=name, weight=weights[name], barred=name if name in listed else None) for name in panel
        ),
        options=listed,
        quorum=options.quorum,
        tie=options.tie,
        judge=(options.judge or "") if options.rule is RuleName.JUDGE else "",
        likelihoods={each.label: known.get(each.models[0], 0.0) for each in contenders},
        final=final,
    )
    return Count(election=election, ballots=ballots, contenders=contenders)


def _contender(label: str, group: Group, casts: Sequence[Cast]) -> Contender:
    given = {cast.voter: cast.answer for cast in map(casts.__getitem__, group.members) if cast.answer}
    shown = next(answer for answer in given.values() if answer.identity == group.key)
    return Contender(
        label=label,
        models=tuple(given),
        spoken_by=tuple(voter for voter, answer in given.items() if same_answer(answer, shown)),
        loose=len({answer.identity for answer in given.values()}) > 1,
    )


def _labels(groups: Sequence[Group]) -> Mapping[str, str]:
    """Return a short name for each group; where two would be the same, they are numbered."""
    names: dict[str, str] = {}
    for group in groups:
        short = " ".join(group.raw.split())
        short = short if len(short) <= LONGEST_LABEL else f"{short[: LONGEST_LABEL - 1]}…"
        alike = sum(name == short or name.startswith(f"{short} (") for name in names.values())
        names[group.key] = f"{short} ({alike + 1})" if short in names.values() else short
    return names


def _reviewed(cast: Cast, rule: RuleName) -> Ballot:
    """Return what of a review counts under a rule: the ranking, the approvals, or the first place."""
    if cast.choice or cast.abstained:
        return cast
    if rule is RuleName.BORDA:
        return replace(cast, approvals=())
    if rule is RuleName.APPROVAL:
        return replace(cast, ranking=())
    return replace(cast, choice=cast.ranking[0], ranking=(), approvals=())
