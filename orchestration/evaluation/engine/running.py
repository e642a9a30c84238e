"""Run a strategy on recorded items, after it has learned from others, with a log in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from orchestration.llm.engine.errors import Consequence, EngineError, InvalidRequest
from orchestration.llm.engine.types import Delta
from orchestration.llm.providers.recorded.recording import Item, ItemKey, Label, same_words
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.claim import ChildRun, ClaimState, Dependencies, ReplayState
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import ReplayMismatch
from orchestration.runs.engine.records import CallEnded, CallEnding, CallStarted, QuestionAsked, Record
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.options import StrategyOptions
from orchestration.strategies.engine.rounds import run_together
from orchestration.strategies.engine.strategy import GradedAnswer, Panel, Strategy, TrainingExample
from orchestration.strategies.engine.types import Request, StrategyOutcome

MOST_NAMED = 3
NO_TIME = datetime.min.replace(tzinfo=UTC)
"""The wall clock of an evaluation, in which nothing waits for a point in time."""


def without_scored(fitted: Sequence[Item], scored: Sequence[Item]) -> tuple[Item, ...]:
    """Return the items to learn from, without those whose prompt is that of a scored item.

    Raises `InvalidRequest` when an item itself is in both.
    """
    names, words = {item.key for item in scored}, {same_words(item.prompt) for item in scored}
    both = [item.key for item in fitted if item.key in names]
    if both:
        examples = ", ".join(map(str, both[:MOST_NAMED])) + (", ..." if len(both) > MOST_NAMED else "")
        raise InvalidRequest(
            f"{len(both):,} of the items to learn from are scored as well ({examples}): the result would"
            " be too good. Give other files to --fit.",
            field="fit",
        )
    return tuple(item for item in fitted if same_words(item.prompt) not in words)


def training_examples(items: Iterable[Item], labels: Mapping[ItemKey, Label]) -> tuple[TrainingExample, ...]:
    """Return the items as training examples, with the answers that have a text and a label."""
    return tuple(
        TrainingExample(
            prompt=item.prompt,
            answers={
                model: GradedAnswer(text=answer.text, correct=correct)
                for model, answer in item.answers.items()
                if answer.text is not None and (correct := labels[item.key].correct(model)) is not None
            },
        )
        for item in items
    )


class NobodyToAsk(EngineError):
    """The run asks a person, and in an evaluation there is none."""


class _Written:
    """The acknowledgement of a write to memory, which needs no wait."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_WRITTEN = _Written()


@dataclass(slots=True)
class CallLog:
    """A `RunLog` in memory that keeps the calls of a run, in the order in which they started."""

    started: list[CallStarted] = field(default_factory=list)
    ended: dict[str, CallEnded] = field(default_factory=dict)

    def write(self, *records: Record) -> Awaitable[None]:
        """Keep calls and drop everything else. Raises `NobodyToAsk`."""
        for record in records:
            match record:
                case CallStarted():
                    self.started.append(record)
                case CallEnded():
                    self.ended[record.id] = record
                case QuestionAsked():
                    raise NobodyToAsk(
                        f"A person would be asked: {record.question.text} An evaluation cannot ask one;"
                        " choose options that settle it without one."
                    )
                case _:
                    pass
        return _WRITTEN

    def show(self, call: str, delta: Delta) -> None:
        """Do nothing: an evaluation has no page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemResult:
    """The result of one item: an outcome, or the error that the run failed with.

    `calls` counts calls started; `cost_usd` is their recorded cost, cancelled ones included, None where the
    recording has no cost.
    """

    key: ItemKey
    outcome: StrategyOutcome | None
    error: EngineError | None
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRun:
    """A strategy with its options, to be run on items; `panel_for` makes models with one item."""

    strategy: Strategy
    options: StrategyOptions
    panel_for: Callable[[Item], Panel]
    seed: int = 0

    async def result(self, item: Item) -> ItemResult:
        """Run the strategy on the item's prompt. A failed run is a result, too.

        Raises `InvalidRequest` for options that no run can have, and `ReplayMismatch` for a strategy that
        uses a step key twice.
        """
        log = CallLog()
        request = Request(text=item.prompt, options=self.options.model_dump(mode="json"))
        outcome: StrategyOutcome | None = None
        failed: EngineError | None = None
        try:
            outcome = await answer(self.strategy, request, self.panel_for(item), self._context(log, item))
        except ReplayMismatch:
            raise
        except EngineError as error:
            if error.consequence in {Consequence.USERS_FAULT, Consequence.SILENT}:
                raise
            failed = error
        return ItemResult(
            key=item.key, outcome=outcome, error=failed, calls=len(log.started), cost_usd=_cost(log, item)
        )

    def _context(self, log: CallLog, item: Item) -> RunContext:
        numbers = count(1)
        dependencies = Dependencies(
            log=log,
            clock=lambda: 0.0,
            wall_clock=lambda: NO_TIME,
            new_id=lambda: f"call-{next(numbers)}",
            child=_no_child,
        )
        seed = item_seed(self.seed, item.key)
        return RunContext(
            ClaimState(dependencies=dependencies, limits=Limits(), replay=ReplayState(), seed=seed)
        )


def item_seed(seed: int, key: ItemKey) -> int:
    """Return the seed of an item, which does not depend on the other items."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8], "big")


def _cost(log: CallLog, item: Item) -> Decimal | None:
    """Return the cost of the calls started: a failed one is free, a cancelled one costs the whole answer."""
    total = Decimal(0)
    for call in log.started:
        ended = log.ended.get(call.id)
        if ended is not None and ended.status is CallEnding.FAILED:
            continue
        answer = item.answers.get(call.spec.name)
        if answer is None or answer.cost_usd is None:
            return None
        total += answer.cost_usd
    return total


def _no_child(kind: str, ref: str, panel: Sequence[str]) -> ChildRun:  # noqa: ARG001  # none is started
    raise InvalidRequest(
        f"An evaluation runs one strategy at a time; it cannot start {kind} {ref}.", field="strategy"
    )


CONCURRENT_ITEMS = 8
Progress = Callable[[int, int], None]
"""Called after each item with the number of items done, and of all items."""


async def run_all(run: EvaluationRun, items: Sequence[Item], progress: Progress) -> tuple[ItemResult, ...]:
    """Run every item, a few at a time, and return the results in the order of the items."""
    results: dict[int, ItemResult] = {}
    left = iter(enumerate(items))

    async def run_next() -> None:
        for place, item in left:
            results[place] = await run.result(item)
            progress(len(results), len(items))

    await run_together(run_next() for _ in range(min(CONCURRENT_ITEMS, len(items))))
    return tuple(results[place] for place in range(len(items)))
