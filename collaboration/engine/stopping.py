"""When a session stops by itself: each limit with its words, and what is counted for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from collaboration.engine.lineup import SessionLimits
from orchestration.llm.engine.types import digest

COMPARED = 20_000
"""Characters by which moves are compared."""
StopRule = Literal["money", "time", "messages", "rounds", "repetition", "no_progress", "run_limit", "person"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What a session has used: `seconds` without pauses, `idle` answers in a row that brought nothing new.

    `moves` has the last move of each participant for each purpose, and how often it came in a row.
    """

    messages: int = 0
    rounds: int = 0
    cost: Decimal = Decimal(0)
    seconds: float = 0.0
    idle: int = 0
    moves: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """How often the most repeated move came in a row."""
        return max((times for _, times in self.moves.values()), default=0)

    def after_move(self, of: str, content: str) -> Counts:
        """Return the counts after a move; `of` names participant and purpose."""
        move = digest(" ".join(content[:COMPARED].casefold().split()))
        last, times = self.moves.get(of, ("", 0))
        return replace(self, moves={**self.moves, of: (move, times + 1 if move == last else 1)})


def stops(counts: Counts, limits: SessionLimits) -> Iterator[tuple[StopRule, str]]:
    """Yield the rules that stop a session, with their words; the first one is what is said."""
    if limits.money is not None and counts.cost >= limits.money:
        yield "money", f"The session has used ${counts.cost:f} of ${limits.money:f}."
    if limits.seconds is not None and counts.seconds >= limits.seconds:
        yield "time", f"The time of the session, {limits.seconds:g} s, has passed."
    if counts.messages >= limits.messages:
        yield "messages", f"The limit of {limits.messages} messages is reached."
    if counts.rounds > limits.rounds:
        yield "rounds", f"The limit of {limits.rounds} rounds is reached."
    if counts.repeats >= limits.repeats:
        yield "repetition", f"The same result was given {limits.repeats} times in a row."
    if counts.idle >= limits.idle:
        yield "no_progress", f"{limits.idle} answers in a row brought nothing new."
