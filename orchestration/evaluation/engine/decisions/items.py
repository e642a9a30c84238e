"""The items of an evaluation that Auto answered, with the routes that their outcomes recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import Json

AN_EARLIER_ANSWER = "an earlier answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutedItem:
    """An item with the route that its outcome recorded; `correct` is None without a verdict."""

    number: int
    task_type: str
    correct: bool | None
    cost_usd: Decimal | None
    route: Mapping[str, Json]

    @property
    def method(self) -> str:
        """The method that was chosen, in words."""
        return str(self.route["title"])

    @property
    def attempts(self) -> Sequence[Mapping[str, Json]]:
        """What was tried, in order: none where an earlier answer was used again."""
        found: Sequence[Mapping[str, Json]] = self.route["attempts"]
        return found

    @property
    def answered(self) -> Mapping[str, Json] | None:
        """The attempt whose answer is the final one."""
        ref = self.route.get("answered")
        return next((each for each in self.attempts if each["ref"] == ref), None)

    @property
    def fired(self) -> tuple[str, ...]:
        """The optimisation rules that acted, by name."""
        return tuple(dict.fromkeys(each["id"] for each in self.route["watched"] if each["acts"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareRight:
    """How many are right of those whose verdict is known."""

    right: int
    known: int

    @classmethod
    def counted(cls, verdicts: Iterable[bool | None]) -> ShareRight:
        """Count verdicts; None is not known."""
        known = [each for each in verdicts if each is not None]
        return cls(right=sum(known), known=len(known))

    @property
    def words(self) -> str:
        """The share in words."""
        return f"{self.right} of {self.known}" if self.known else "not known"
