"""What the run page shows of a vote: the ballots cast so far, and the tally of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.consensus.ballots import RuleName
from orchestration.strategies.engine.consensus.tallying import RULES
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import StrategyEvent, counted, percent
from orchestration.strategies.engine.voting.counting import Cast, Count, count
from orchestration.strategies.engine.voting.deciding import shares
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions
from orchestration.strategies.engine.voting.strategy import BALLOT, PLURALITY
from orchestration.strategies.parts.lanes import member_names
from orchestration.strategies.selectors import strategy_name

VOTING = "voting"
WORDS = {RuleName.WEIGHTED: "weight", RuleName.BORDA: "points", RuleName.APPROVAL: "approval"}


BallotCell = int | Literal["", "choice", "own"]
"""What a cell of the ballot matrix shows: the rank that a ballot gives, or else a mark."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TallyBar:
    """An option's score in words, and as a `share` (0 to 1) of all that was given; `voters` favour it."""

    label: str
    share: float
    score: str
    won: bool
    voters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VoterRow:
    """One voter. `cast` is None before there is a ballot."""

    voter: str
    role: str
    cells: tuple[BallotCell, ...]
    cast: Cast | None
    weight: str
    dissents: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownVote:
    """A vote. `result` is its tally, empty until there is one; `why` is the reason for its kind of ballot.

    `counting` are the ballots that are no abstentions.
    """

    options: VotingOptions
    why: str
    bars: tuple[TallyBar, ...]
    columns: tuple[str, ...]
    rows: tuple[VoterRow, ...]
    counting: int
    voters: int
    result: Mapping[str, Json]

    @property
    def abstentions(self) -> list[VoterRow]:
        """Who abstained."""
        return [row for row in self.rows if row.cast and row.cast.abstained]

    @property
    def dissenters(self) -> list[str]:
        """The voters whose first choice lost."""
        return [row.voter for row in self.rows if row.dissents]

    @property
    def words(self) -> str:
        """The rule and the kind of ballot."""
        reviewed = self.options.ballot is BallotKind.REVIEW
        return f"{self.options.rule} of {'blind reviews' if reviewed else 'answers'}"

    @property
    def reasons(self) -> list[VoterRow]:
        """Who gave a reason for a ballot that counts."""
        return [row for row in self.rows if row.cast and row.cast.reason and not row.cast.abstained]


def shown_vote(state: RunState) -> ShownVote | None:
    """Return the vote of a run, None until it is clear what is voted with or a ballot was cast."""
    cast_events = state.recorded(StrategyEvent.BALLOT_CAST)
    decided = reversed(state.recorded(EventKind.DECISION_MADE))
    choice = next((data for data in decided if data["kind"] == BALLOT), None)
    if not (cast_events or choice) or (options := _options(state.run)) is None:
        return None
    panel = member_names(state.run)
    if strategy_name(state.run) != VOTING:  # each answer of a model may be a voter
        panel = list(dict.fromkeys([*panel, *(str(data["voter"]) for data in cast_events)]))
    casts = {
        cast.voter: cast for cast in map(Cast.from_json, cast_events) if cast.voter in {*panel, options.judge}
    }
    tallied = state.recorded(StrategyEvent.VOTE_TALLIED)
    if choice is not None:
        options = options.with_ballot(BallotKind(choice["chosen"]))
    why = "" if choice is None else choice["reason"]
    return _shown(options.with_ballot_by_rule(), panel, casts, tallied[-1] if tallied else {}, why)


def _options(run: Run) -> VotingOptions | None:
    """Return the options of a run's vote, None where its strategy has no vote or once had other options."""
    strategy = all_strategies().get(strategy_name(run))
    if strategy is not None and strategy.counts_answers:
        return PLURALITY
    if strategy_name(run) != VOTING:
        return None
    try:
        return parse_options(VotingOptions, run.request.get("options", {}))
    except InvalidOptions:
        return None


def _shown(
    options: VotingOptions,
    panel: Sequence[str],
    casts: Mapping[str, Cast],
    result: Mapping[str, Json],
    why: str,
) -> ShownVote:
    if not result or result.get("rule") == RuleName.PLURALITY:
        options = options.by_most_votes()
    votes = count(options, panel, casts.values())
    if options.rule is RuleName.BELIEF:
        votes = replace(votes, election=replace(votes.election, likelihoods=result["scores"]))
    tally = votes.tally()
    parts = shares(tally, len(votes.counting))
    bars = [
        TallyBar(
            label=label,
            share=parts[label],
            score=_score(tally.rule, score),
            won=label == result.get("winner"),
            voters=tuple(
                ballot.voter for ballot in votes.ballots if label in RULES[tally.rule].backs(ballot)
            ),
        )
        for label, score in tally.scores.items()
    ]
    judge = [options.judge] if options.judge and options.judge in casts else []
    return ShownVote(
        options=options,
        why=why,
        bars=tuple(sorted(bars, key=lambda bar: (not bar.won, -bar.share))),
        columns=tuple(contender.label for contender in votes.contenders),
        rows=tuple(_row(name, votes, casts.get(name), result) for name in [*panel, *judge]),
        counting=len(votes.counting),
        voters=len(panel),
        result=result,
    )


def _score(rule: RuleName, score: float) -> str:
    if rule is RuleName.BELIEF:
        return f"{percent(score)} likely"
    word = WORDS.get(rule, "vote")
    if rule in {RuleName.WEIGHTED, RuleName.BORDA}:
        return f"{score:.3g} {word}"
    return counted(round(score), word)


def _row(name: str, votes: Count, cast: Cast | None, result: Mapping[str, Json]) -> VoterRow:
    voter = next((each for each in votes.election.voters if each.name == name), None)
    marks: dict[str | None, BallotCell] = {voter.barred: "own"} if voter is not None else {}
    marks |= {each.choice: "choice" for each in votes.ballots if each.voter == name}
    marks |= {label: rank for rank, label in enumerate(cast.ranking if cast is not None else (), start=1)}
    weighted = votes.election.rule is RuleName.WEIGHTED
    return VoterRow(
        voter=name,
        role="judge" if voter is None else "",
        cells=tuple(marks.get(contender.label, "") for contender in votes.contenders),
        cast=cast,
        weight=f"{voter.weight:g}" if voter is not None and weighted else "",
        dissents=name in (result.get("dissenters") or ()),
    )
