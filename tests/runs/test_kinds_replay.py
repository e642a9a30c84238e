"""A run of the second kind in memory, killed at each of its writes: it ends the same, and pays once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from orchestration.llm.engine.types import Json, plain
from orchestration.runs.engine.claim import ChildRun
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import StepRecord
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import child_result
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import Request
from tests.support.clock import SkippingLoop
from tests.support.crashes import crash_points
from tests.support.lives import Lives, message
from tests.support.models import ScriptedModel
from tests.support.second_kind import CLOSED, OPENED, SecondRequest, board

LOOP_FACTORY = SkippingLoop
REQUEST = SecondRequest(
    text="What is 17 * 23?", writers=("ann",), checkers=("bob", "cy"), approve=True, remark_s=600
)
SAID = {1.0: message(3, "Show the steps.")}
"""The remark comes while the writer is still asked."""
ASKED_ONCE = {"ann": 1, "bob": 2, "cy": 2}
"""How often each model is asked: the writer, and both checkers, by the board and by its child."""


class Board:
    """The models of a board, and its run over them; it waits in vain for a remark without `messages`."""

    def __init__(self, messages: Mapping[float, Json]) -> None:
        self.models = {name: ScriptedModel(name, ["Answer: 391"] * 4, first_s=3) for name in ASKED_ONCE}
        self.metered = {name: Metered(model) for name, model in self.models.items()}
        self.lives = Lives(
            self.story, messages, {700.0: ("approve", "yes")}, linger_s=20, child=self.strategy
        )

    async def story(self, context: RunContext) -> Json:
        return child_result(await board(REQUEST, self.metered, context))

    def strategy(self, _kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
        async def child(payload: Mapping[str, Json], context: RunContext) -> Json:
            members = tuple(self.metered[name] for name in panel)
            request = Request(text=payload["text"], options=payload["options"])
            found = await answer(get_strategy(ref), request, Panel(members=members), context)
            return child_result(Outcome(answer=found.answer, data=plain(found)))

        return child

    @property
    def asked(self) -> dict[str, int]:
        return {name: model.count.started for name, model in self.models.items()}

    @property
    def checkers_prompts(self) -> set[str]:
        """What the checkers were asked by the board itself."""
        texts = (prompt.messages[-1].content for prompt in self.models["cy"].count.prompts)
        return {text for text in texts if text != REQUEST.text}


def commented() -> Lives:
    return Board(SAID).lives


def uncommented() -> Lives:
    return Board({}).lives


def summary(result: Json) -> Json:
    """Return what of a result does not depend on when things happened."""
    data = result["data"]
    inside = sorted(candidate["text"] for candidate in data["child"])
    return [result["answer"], data["approved"], data["remark"], data["written"], data["checked"], inside]


def expected(remark: str) -> Json:
    return ["Answer: 391", "yes", remark, ["Answer: 391"], ["Answer: 391"] * 2, ["Answer: 391"] * 2]


def holds(run: Board, remark: str, result: Json) -> None:
    """Fail unless the run ended as one that nothing interrupted."""
    log = run.lives.log
    assert summary(result) == expected(remark)
    assert run.lives.received == ([3] if remark else [])
    assert run.checkers_prompts <= {f"{REQUEST.text}\n{remark}"}
    ended = Counter(record.key for record in log.records if isinstance(record, StepRecord))
    assert set(ended.values()) == {1}
    assert [log.event_kinds.count(kind) for kind in (OPENED, CLOSED)] == [1, 1]
    assert len(log.questions) <= 1


async def test_a_board_parks_for_its_remark_and_for_its_person() -> None:
    run = Board({})
    holds(run, "", await run.lives.run())
    assert (run.asked, len(run.lives.parked_at)) == (ASKED_ONCE, 2)


async def test_a_remark_that_comes_while_a_model_is_asked_is_received_after_it() -> None:
    run = Board(SAID)
    holds(run, "Show the steps.", await run.lives.run())
    assert run.checkers_prompts == {f"{REQUEST.text}\nShow the steps."}
    assert (run.asked, len(run.lives.parked_at)) == (ASKED_ONCE, 1)


@pytest.mark.parametrize(
    ("messages", "remark", "dies_at"),
    [
        pytest.param(said, remark, at, id=f"{remark or 'no remark'}-{at}")
        for said, remark, make in ((SAID, "Show the steps.", commented), ({}, "", uncommented))
        for at in crash_points(make)
    ],
)
async def test_a_crash_at_any_write_changes_nothing_and_repeats_only_what_was_under_way(
    messages: Mapping[float, Json], remark: str, dies_at: int
) -> None:
    run = Board(messages)
    holds(run, remark, await run.lives.run(dies_at))
    again = {name: run.asked[name] - usual for name, usual in ASKED_ONCE.items()}
    assert set(again.values()) <= {0, 1}
    assert again["ann"] == 0 or sum(again.values()) == 1
    steps = Counter(call.step for call in run.lives.log.started)
    assert sum(again.values()) <= sum(steps.values()) - len(steps) <= 2


@pytest.mark.parametrize(("messages", "remark"), [(SAID, "Show the steps."), ({}, "")])
async def test_from_every_prefix_of_its_journal_a_board_goes_on_to_the_same_end(
    messages: Mapping[float, Json], remark: str
) -> None:
    whole = Board(messages)
    await whole.lives.run()
    for kept in range(len(whole.lives.log.records) + 1):
        again = Board(messages)
        again.lives.started = whole.lives.started
        again.lives.log.records = list(whole.lives.log.records[:kept])
        log = again.lives.log
        ended, started = set(log.steps), len(log.started)
        holds(again, remark, await again.lives.run())
        assert not ended & {call.step for call in log.started[started:]}, kept
