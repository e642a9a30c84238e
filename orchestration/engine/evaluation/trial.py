"""One strategy on one item: the real strategy on the real journaled context, with a log in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from orchestration.engine.context.journaled import ChildRun, ClaimState, Dependencies, JournaledContext
from orchestration.engine.context.metering import Limits
from orchestration.engine.context.records import CallEnding, ReplayState
from orchestration.engine.errors import Consequence, EngineError, InvalidRequest, ReplayMismatch
from orchestration.engine.evaluation.items import Item, ItemKey
from orchestration.engine.evaluation.log import CallLog
from orchestration.engine.strategies.fallback import answer
from orchestration.engine.strategies.options import StrategyOptions
from orchestration.engine.strategies.protocol import Panel, Strategy
from orchestration.engine.types import Outcome, Request

SEED_BYTES = 8
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """What came of an item: an outcome, or the error the run failed with.

    `calls` counts calls started; `cost_usd` is what those cost by the recording, those cut off included, None
    where it does not say.
    """

    key: ItemKey
    outcome: Outcome | None
    error: EngineError | None
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A strategy with its options, ready to be played; `panel_for` makes the models that hold an item."""

    strategy: Strategy
    options: StrategyOptions
    panel_for: Callable[[Item], Panel]
    seed: int = 0

    async def play(self, item: Item) -> Played:
        """Run the strategy on the item's prompt.

        A run that fails is a result, too. Raises `InvalidRequest` for options that fit no run, and
        `ReplayMismatch` for a strategy that names two steps alike.
        """
        log = CallLog()
        request = Request(text=item.prompt, options=self.options.model_dump(mode="json"))
        outcome: Outcome | None = None
        failed: EngineError | None = None
        try:
            outcome = await answer(self.strategy, request, self.panel_for(item), self._context(log, item))
        except ReplayMismatch:
            raise
        except EngineError as error:
            if error.consequence in {Consequence.USERS_FAULT, Consequence.SILENT}:
                raise
            failed = error
        return Played(
            key=item.key, outcome=outcome, error=failed, calls=len(log.started), cost_usd=spent(log, item)
        )

    def _context(self, log: CallLog, item: Item) -> JournaledContext:
        numbers = count(1)
        dependencies = Dependencies(
            log=log,
            clock=lambda: 0.0,
            wall_clock=lambda: NO_TIME,
            new_id=lambda: f"call-{next(numbers)}",
            child=_no_child,
        )
        return JournaledContext(
            ClaimState(
                dependencies=dependencies,
                limits=Limits(),
                replay=ReplayState(),
                seed=seed_of(self.seed, item.key),
            )
        )


def seed_of(seed: int, key: ItemKey) -> int:
    """Return an item's own seed: the same whatever else is evaluated, in whatever order."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:SEED_BYTES], "big")


def spent(log: CallLog, item: Item) -> Decimal | None:
    """Return what the calls that were started cost; a failed one costs nothing, a cancelled one all of it."""
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
    message = f"An evaluation runs one strategy at a time; it cannot start {kind} {ref}."
    raise InvalidRequest(message, field="strategy")
