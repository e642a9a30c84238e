"""The ballots of a vote as they are cast: who voted for what, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestration.llm.engine.types import Json
from orchestration.llm.services.panel import PanelRole
from orchestration.runs.engine.types import EventKind
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.consensus.ballots import RuleName, Tally
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.types import StrategyEvent, counted
from orchestration.strategies.engine.voting.counting import Cast, Count, count
from orchestration.strategies.engine.voting.deciding import shares
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions
from orchestration.strategies.engine.voting.strategy import BallotChoice

VOTING = "voting"
WORDS = {RuleName.WEIGHTED: "weight", RuleName.BORDA: "points", RuleName.APPROVAL: "approval"}


class Mark(StrEnum):
    """What stands in a cell of the matrix."""

    NOTHING = ""
    CHOICE = "choice"
    RANK = "rank"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Cell:
    """A voter's word on one option; `text` is a rank."""

    mark: Mark
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """How an option stands: `share` from 0 to 1 of what there is, and the score in words."""

    label: str
    share: float
    score: str
    won: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One voter. `voted` is None while nothing was heard, False after an abstention."""

    voter: str
    role: str
    cells: tuple[Cell, ...]
    voted: bool | None
    reason: str
    weight: str
    dissents: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BallotBox:
    """A vote. `result` is what it came to, empty until it is tallied; `why` tells why it is of this kind."""

    kind: BallotKind
    why: str
    rule: str
    bars: tuple[Bar, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    cast: int
    voters: int
    quorum: int
    result: Mapping[str, Json]

    @property
    def abstentions(self) -> list[Row]:
        """Who abstained."""
        return [row for row in self.rows if row.voted is False]

    @property
    def reasons(self) -> list[Row]:
        """Who gave a reason for a ballot that counts."""
        return [row for row in self.rows if row.voted and row.reason]


def ballot_box(state: RunState) -> BallotBox | None:
    """Return the vote of a run, None until it is clear what is voted with or a ballot was cast."""
    told = [event.data for event in state.remembered if event.kind == StrategyEvent.BALLOT_CAST]
    fit = _fit(state)
    if state.run.ref != VOTING or not (told or fit):
        return None
    try:
        options = parse_options(VotingOptions, state.run.request.get("options", {}))
    except InvalidOptions:  # an older version's run: its options are no longer these
        return None
    panel = [
        e["spec"]["name"] for e in state.run.panel if e.get("role", PanelRole.MEMBER) == PanelRole.MEMBER
    ]
    casts = {cast.voter: cast for cast in map(Cast.from_json, told) if cast.voter in {*panel, options.judge}}
    tallied = [event.data for event in state.remembered if event.kind == StrategyEvent.VOTE_TALLIED]
    if fit is not None:
        options = options.with_ballot(fit.kind)
    why = "" if fit is None else fit.reason
    return _box(options.with_ballot_by_rule(), panel, casts, tallied[-1] if tallied else {}, why)


def _fit(state: RunState) -> BallotChoice | None:
    """Return what is voted with where the answers decided that."""
    told = [event.data for event in state.remembered if event.kind == EventKind.DECISION_MADE]
    fits = [fit for data in told if (fit := BallotChoice.from_decision(data)) is not None]
    return fits[-1] if fits else None


def _box(
    options: VotingOptions,
    panel: Sequence[str],
    casts: Mapping[str, Cast],
    result: Mapping[str, Json],
    why: str,
) -> BallotBox:
    standing = count(options, panel, casts.values())
    bars = _bars(standing, standing.tally(), result.get("winner"))
    columns = [contender.label for contender in standing.contenders]
    judge = [options.judge] if options.judge and options.judge in casts else []
    return BallotBox(
        kind=options.ballot,
        why=why,
        rule=options.rule.value,
        bars=bars,
        columns=tuple(columns),
        rows=tuple(_row(name, options, standing, casts.get(name), result) for name in [*panel, *judge]),
        cast=sum(name in casts for name in panel),
        voters=len(panel),
        quorum=options.quorum,
        result=result,
    )


def _bars(standing: Count, tally: Tally, winner: str | None) -> tuple[Bar, ...]:
    parts = shares(tally, len(standing.counting))
    bars = [
        Bar(label=label, share=parts[label], score=_score(tally.rule, score), won=label == winner)
        for label, score in tally.scores.items()
    ]
    return tuple(sorted(bars, key=lambda bar: (not bar.won, -bar.share)))


def _score(rule: RuleName, score: float) -> str:
    word = WORDS.get(rule, "vote")
    if rule in {RuleName.WEIGHTED, RuleName.BORDA}:
        return f"{score:.3g} {word}"
    return counted(round(score), word)


def _row(
    name: str, options: VotingOptions, standing: Count, cast: Cast | None, result: Mapping[str, Json]
) -> Row:
    weights = {voter.name: voter.weight for voter in standing.election.voters}
    weighted = options.rule is RuleName.WEIGHTED and name in weights
    return Row(
        voter=name,
        role="" if name in weights else "judge",
        cells=tuple(_cell(name, contender.label, standing, cast) for contender in standing.contenders),
        voted=None if cast is None else not cast.abstained,
        reason=cast.reason if cast is not None else "",
        weight=f"{weights[name]:g}" if weighted else "",
        dissents=name in (result.get("dissenters") or ()),
    )


def _cell(name: str, label: str, standing: Count, cast: Cast | None) -> Cell:
    if cast is not None and label in cast.ranking:
        return Cell(Mark.RANK, str(cast.ranking.index(label) + 1))
    ballot = next((ballot for ballot in standing.ballots if ballot.voter == name), None)
    if ballot is not None and label == ballot.choice:
        return Cell(Mark.CHOICE)
    barred = any(voter.name == name and voter.barred == label for voter in standing.election.voters)
    return Cell(Mark.OWN if barred else Mark.NOTHING)
