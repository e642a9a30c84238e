"""A plan at work: which methods are tried, what they leave, and what a crash changes (nothing)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json, plain
from orchestration.routing.engine.executing import (
    EXPLAIN,
    Execution,
    NoMethodAnswered,
    child_request,
    execute_plan,
)
from orchestration.routing.engine.plans import Attempt
from orchestration.routing.engine.request import parsed_auto
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import EventKind, Outcome
from orchestration.strategies.engine.errors import QuorumMissed
from tests.support.clock import SkippingLoop
from tests.support.context import MortalLog
from tests.support.crashes import crash_points
from tests.support.logs import context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
CHAIN = ("session/board", "pipeline/letters", "strategy/voting", "model/ada")
DOWN = QuorumMissed("Too few ballots.")


def said(answer: str, score: float | None = 0.9, **data: Json) -> Json:
    return {"answer": answer, "output": answer, "score": score, "data": data}


@dataclass
class Chain:
    """Executes a plan over children that give a result or fail, each after a call; counts the calls."""

    found: Mapping[str, Json]
    refs: Sequence[str] = CHAIN
    request: Mapping[str, Json] = field(default_factory=dict)
    single: str = ""
    log: MortalLog = field(default_factory=MortalLog)
    model: ScriptedModel = field(default_factory=lambda: ScriptedModel("ada", ["ok"]))

    def child(self, kind: str, ref: str, panel: Sequence[str]) -> Json:
        name = f"model/{panel[0]}" if ref == "sequential" else f"{kind}/{ref}"

        async def run(payload: Mapping[str, Json], context: RunContext) -> Json:
            await context.ask(Metered(self.model), prompt_of(payload["text"]), "ask/ada")
            result = self.found[name]
            if isinstance(result, EngineError):
                raise result
            return result

        return run

    def run(self) -> Awaitable[Outcome]:
        levels = [each.partition("/")[0] for each in self.refs]
        chain = [
            Attempt(ref=ref, title=ref, level=level, models=("ada",))
            for ref, level in zip(self.refs, levels, strict=True)
        ]
        work = Execution(
            request=parsed_auto({"text": "?", **self.request}),
            chain=chain,
            needed=0.4,
            reason="Because.",
            single=self.single,
        )
        return execute_plan(work, context_on(self.log, replay=self.log.replay(), child=self.child))

    def kinds(self) -> list[str]:
        return [event.data["kind"] for event in self.log.events if event.kind == EventKind.DECISION_MADE]


async def test_the_first_good_answer_ends_the_chain() -> None:
    stage = Chain({"session/board": said("42")})
    found = await stage.run()
    assert (found.answer, found.score, found.data["method"]) == ("42", 0.9, "session/board")
    assert stage.kinds() == ["route"]
    assert [each.step for each in found.path] == ["analysis", "optimisation", "execution"]


async def test_failures_and_low_quality_lead_down_to_a_single_model() -> None:
    stage = Chain(
        {
            "session/board": DOWN,
            "pipeline/letters": said("  "),
            "strategy/voting": said("41", 0.2, notes=["Unsure."]),
            "model/ada": said("42", None),
        }
    )
    found = await stage.run()
    assert (found.answer, found.data["method"], found.caveat) == ("42", "model/ada", "")
    assert [(each["ok"], each["code"]) for each in found.data["attempts"]] == [
        *((False, "quorum_missed"), (False, ""), (False, ""), (True, ""))
    ]
    assert stage.kinds() == ["route", "fallback", "fallback", "fallback"]
    assert found.data["attempts"][0]["failure"] == "Too few ballots."
    assert found.data["attempts"][2]["shortfall"] == "The estimated quality 20% is below 40%."
    assert [each["reason"] for each in found.data["decisions"]] == [
        *("Too few ballots.", "It gave no answer.", "The estimated quality 20% is below 40%.", "Because.")
    ]


async def test_the_best_of_poor_answers_is_handed_out() -> None:
    answers = {"strategy/voting": said("41", 0.3), "model/ada": said("42", 0.2)}
    found = await Chain(answers, CHAIN[2:]).run()
    assert (found.answer, found.data["method"]) == ("41", "strategy/voting")


async def test_where_no_method_answers_each_says_why() -> None:
    with pytest.raises(NoMethodAnswered, match="strategy/voting: Too few ballots") as failed:
        await Chain({"strategy/voting": DOWN, "model/ada": DOWN}, CHAIN[2:]).run()
    assert failed.value.code == "quorum_missed"
    with pytest.raises(NoMethodAnswered) as failed:
        await Chain({"model/ada": said("")}, CHAIN[3:]).run()
    assert failed.value.code == "no_method_answered"


async def test_a_limit_ends_the_run_unless_there_is_an_answer() -> None:
    limit = LimitReached("No money is left.", limit="money")
    with pytest.raises(LimitReached):
        await Chain({"strategy/voting": DOWN, "model/ada": limit}, CHAIN[2:]).run()
    found = await Chain({"strategy/voting": said("41", 0.3), "model/ada": limit}, CHAIN[2:]).run()
    assert (found.answer, found.data["attempts"][1]["code"]) == ("41", "limit_reached")


async def test_a_required_consensus_is_more_than_half() -> None:
    split = said("41", 0.9, consensus={"agreement": 0.5})
    agreed = said("42", 0.6, support=0.8)
    request = {"priority": "critical"}
    found = await Chain(
        {"strategy/voting": split, "session/board": agreed}, [CHAIN[2], CHAIN[0]], request
    ).run()
    assert (found.answer, found.caveat) == ("42", "")
    found = await Chain({"strategy/voting": split}, CHAIN[2:3], request).run()
    assert (found.answer, found.caveat) == ("41", "no_consensus")
    assert found.data["notes"][0] == "The agreement is 50%; more than 50% is required."
    found = await Chain({"strategy/voting": said("41")}, CHAIN[2:3], request).run()
    assert "not known" in found.data["notes"][0]


async def test_what_falls_short_of_the_least_quality_is_marked() -> None:
    request = {"constraints": {"min_quality": 0.8}}
    found = await Chain(
        {"model/ada": said("42", 0.7, notes=["As said.", "More."], caveat="x")}, CHAIN[3:], request
    ).run()
    assert (found.caveat, found.data["notes"]) == (
        "below_quality",
        ["The estimated quality 70% is below the 80% asked for.", "More."],
    )
    found = await Chain({"model/ada": said("42", None)}, CHAIN[3:], request).run()
    assert found.caveat == "quality_unknown"
    assert (await Chain({"model/ada": said("42", 0.9)}, CHAIN[3:], request).run()).caveat == ""


async def test_a_single_model_answers_beside_where_that_is_wanted() -> None:
    alone = said("41", 0.6, candidates=[{"cost_usd": "0.25"}])
    answers = {"strategy/voting": said("42", single={"model": "eve"}), "model/ada": alone}
    asked = {"baseline": True}
    single = (await Chain(answers, CHAIN[2:], asked, "ada").run()).data["single"]
    assert (single["model"], single["basis"], single["answer"]) == ("ada", "asked", "41")
    assert (single["quality"], single["cost_usd"], single["agrees"]) == (0.6, 0.25, False)
    assert (await Chain(answers, CHAIN[2:], {}, "ada").run()).data["single"] == {"model": "eve"}
    assert (await Chain(answers, CHAIN[3:], asked, "ada").run()).data["single"] is None
    unpriced = {**answers, "model/ada": said("41", 0.6, candidates=[{"cost_usd": None}])}
    assert (await Chain(unpriced, CHAIN[2:], asked, "ada").run()).data["single"]["cost_usd"] is None
    found = await Chain({**answers, "model/ada": DOWN}, CHAIN[2:], asked, "ada").run()
    assert found.data["single"]["error"] == "Too few ballots."


@pytest.mark.parametrize(
    ("alone", "quality"), [("Answer: 42", 0.9), ("Answer: 7", 0.05), ("Answer: 8", None)]
)
async def test_what_is_believed_of_the_single_answer_is_that_of_one_that_says_the_same(
    alone: str, quality: float | None
) -> None:
    seven = {"text": "It is 7.\nAnswer: 7", "quality": {"overall": 0.05, "judged": True}}
    unjudged = {"text": "Answer: 8", "quality": {"overall": 0.5, "judged": False}}
    voted = said("Answer: 42", candidates=[{"text": "", "quality": None}, unjudged, seven])
    answers = {"strategy/voting": voted, "model/ada": said(alone, None, candidates=[])}
    found = await Chain(answers, CHAIN[2:], {"baseline": True}, "ada").run()
    assert found.data["single"]["quality"] == quality
    assert found.data["single"]["agrees"] is (alone == "Answer: 42")


def test_a_child_is_asked_in_the_form_of_its_kind() -> None:
    asked = {
        "text": "?",
        "system": "Be brief.",
        "require_explanation": True,
        "constraints": {"min_quality": 0.5},
    }
    request = parsed_auto(asked)
    voting = Attempt(ref="strategy/voting", title="", level="strategy", models=("a",), options={"waves": 1})
    kind, ref, payload, panel = child_request(voting, request)
    assert (kind, ref, panel, payload["options"]) == ("strategy", "voting", ("a",), {"waves": 1})
    assert payload["system"] == f"Be brief.\n{EXPLAIN}"
    assert payload["constraints"] == {"min_quality": 0.5}
    alone = Attempt(ref="model/a", title="", level="model", models=("a",))
    assert child_request(alone, parsed_auto({"text": "?"}))[:2] == ("strategy", "sequential")
    board = Attempt(ref="session/board", title="", level="session")
    assert child_request(board, request) == ("session", "board", {"text": "?"}, ())


def a_chain() -> Chain:
    return Chain(
        {"session/board": DOWN, "strategy/voting": said("41", 0.2), "model/ada": said("42")},
        [CHAIN[0], *CHAIN[2:]],
    )


@pytest.mark.parametrize("at", crash_points(a_chain))
async def test_a_killed_run_ends_as_it_would_have_and_asks_nothing_twice(at: int) -> None:
    whole, stage = a_chain(), a_chain()
    wanted = await whole.run()
    stage.log.dies_at = at
    first, death = asyncio.ensure_future(stage.run()), asyncio.ensure_future(stage.log.dead.wait())
    await asyncio.wait({first, death}, return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    death.cancel()
    await asyncio.gather(first, death, return_exceptions=True)
    stage.log.live_again()
    found = await stage.run()
    assert plain(_timeless(found)) == plain(_timeless(wanted))
    assert stage.model.count.started <= whole.model.count.started + 1


def _timeless(found: Outcome) -> Json:
    attempts = [{**each, "seconds": 0} for each in found.data["attempts"]]
    return {"answer": found.answer, **found.data, "attempts": attempts, "path": []}
