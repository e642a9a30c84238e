"""What holds for every strategy of the registry: it answers, fails in words, cancels, survives a crash."""

from __future__ import annotations

import asyncio
import re

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Completion, Purpose
from orchestration.strategies.engine.errors import AllModelsFailed, NoUsableAnswer, QuorumMissed
from orchestration.strategies.engine.options import JudgeOptions
from orchestration.strategies.engine.parallel import AGGREGATE_STEP
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.engine.types import Constraints, StrategyEvent, StrategyOutcome
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash, crash_points
from tests.support.judges import by_text
from tests.support.models import FailingModel, ScriptedModel, SlowModel, truncated

LOOP_FACTORY = SkippingLoop
NAMES = list(all_strategies())


def answering(name: str) -> Stage:
    return Stage(strategy=name, members=[ScriptedModel(f"m{n}", [f"Answer: {n}"]) for n in range(3)])


def source(outcome: StrategyOutcome) -> str:
    """Return the step whose text is the answer: the chosen candidate's, else that which combines them."""
    return outcome.chosen or AGGREGATE_STEP


CRASHES = [
    pytest.param(name, at, id=f"{name}-{at}")
    for name in NAMES
    for at in crash_points(lambda name=name: answering(name))  # type: ignore[misc]  # mypy cannot infer it
]


@pytest.mark.parametrize("name", NAMES)
async def test_it_chooses_one_of_its_candidates_or_combines_them(name: str) -> None:
    run = answering(name)
    outcome = await run.run()
    assert source(outcome) in {*(candidate.step for candidate in outcome.candidates), AGGREGATE_STEP}
    assert run.log.steps[source(outcome)].status == "done"


@pytest.mark.parametrize("name", NAMES)
async def test_it_fails_in_words_when_every_model_fails(name: str) -> None:
    down = ProviderUnavailable("503")
    with pytest.raises((AllModelsFailed, QuorumMissed), match="503"):
        await Stage(strategy=name, members=[FailingModel(f"m{n}", down) for n in range(3)]).run()


@pytest.mark.parametrize("name", NAMES)
async def test_cancelling_it_leaves_no_call_open(name: str) -> None:
    run = Stage(strategy=name, members=[SlowModel(f"m{n}", 50) for n in range(3)])
    task = asyncio.create_task(run.run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sum(run.calls.values()) > 0
    assert [model.count.under_way for model in run.members] == [0, 0, 0]
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("name", "at"), CRASHES)
async def test_a_crash_at_any_write_changes_nothing_and_repeats_no_finished_step(name: str, at: int) -> None:
    undisturbed = await answering(name).run()
    run = answering(name)
    await crash(run, at)
    ended, started = set(run.log.steps), len(run.log.started)
    outcome = await run.run()
    assert (outcome.chosen, outcome.answer) == (undisturbed.chosen, undisturbed.answer)
    assert [call.step for call in run.log.started[started:] if call.step in ended] == []


UNUSABLE: dict[str, list[str | Completion]] = {
    "declined": ["I cannot help with that."] * 3,
    "gave no usable answer": ["I cannot help with that.", "", truncated("So the first of the")],
}


@pytest.mark.parametrize("words", UNUSABLE)
@pytest.mark.parametrize("name", NAMES)
async def test_where_no_answer_is_usable_nothing_is_chosen_or_voted_on(name: str, words: str) -> None:
    members = [ScriptedModel(f"m{place}", [said]) for place, said in enumerate(UNUSABLE[words])]
    run = Stage(strategy=name, members=members)
    with pytest.raises(NoUsableAnswer, match=f"^All 3 models {words}"):
        await run.run()
    assert NoUsableAnswer({}, failed={}, declined=False, limits=()).code == "no_usable_answer"
    assert not run.emitted(StrategyEvent.VOTE_TALLIED)
    assert {prompt.purpose for model in members for prompt in model.count.prompts} <= {Purpose.ANSWER}


@pytest.mark.parametrize("name", NAMES)
async def test_a_usable_answer_wins_over_refusals_whatever_is_said_of_it(name: str) -> None:
    said = ["I cannot help with that.", "I cannot help with that.", "A short poem about the rain."]
    run = Stage(
        strategy=name, members=[ScriptedModel(f"m{place}", [text]) for place, text in enumerate(said)]
    )
    outcome = await run.run()
    assert (outcome.chosen, outcome.answer) == ("ask/m2", said[2])
    ballots = [event.data for event in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert all(ballot["abstained"] for ballot in ballots if ballot["voter"] != "m2")


@pytest.mark.parametrize("fallback", [{}, {"fallback_model": "4"}], ids=["alone", "falls back"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_run_that_misses_its_least_quality_gives_its_best_answer_marked_as_below_it(
    name: str, fallback: dict[str, str]
) -> None:
    members = [
        ScriptedModel(each, [f"I think so, perhaps; I am not sure.\nAnswer: {each}"]) for each in "1234"
    ]
    run = Stage(strategy=name, members=members[:3], helpers=members[3:])
    run.constraints = Constraints(min_quality=0.95)
    outcome = await run.run(**fallback)
    assert source(outcome) in {*(candidate.step for candidate in outcome.candidates), AGGREGATE_STEP}
    assert outcome.caveat == "below_quality"
    assert re.match(r"Quality \d+%, below the 95% that was asked for\. ", outcome.notes[0])


@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_that_nothing_judged_is_not_said_to_have_the_quality_asked_for(name: str) -> None:
    prose = "A short poem about the rain that falls on the roofs of the old town all night long."
    run = Stage(
        strategy=name, members=[ScriptedModel("a", [prose])], constraints=Constraints(min_quality=0.5)
    )
    outcome = await run.run()
    assert (outcome.answer, outcome.caveat) == (prose, "quality_unknown")
    assert outcome.notes[0].startswith(
        "The answer was not judged: nothing shows that it has the quality of 50%"
    )


@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_of_the_quality_asked_for_has_no_mark(name: str) -> None:
    members = [ScriptedModel(f"m{place}", ["Answer: 4"]) for place in range(3)]
    run = Stage(strategy=name, members=members, constraints=Constraints(min_quality=0.6))
    run.helpers = [ScriptedModel("judge", by_text(**{"Answer: 4": 9}))]
    judged = {"judge": "judge"} if issubclass(get_strategy(name).Options, JudgeOptions) else {}
    assert (await run.run(**judged)).caveat is None


@pytest.mark.parametrize(
    ("answers", "failed", "declined", "words"),
    [
        (1, {}, True, "The model declined. m0: No."),
        (2, {"f": "503"}, True, "Both models that answered declined. m0: No. m1: No. f: 503"),
        (3, {"f": "503"}, False, "All 3 models that answered gave no usable answer."),
        (1, {"f": "503"}, False, "The model gave no usable answer. m0: No. f: 503"),
    ],
)
def test_the_error_says_who_declined_and_who_failed(
    answers: int, failed: dict[str, str], words: str, *, declined: bool
) -> None:
    reasons = {f"m{place}": "No." for place in range(answers)}
    assert str(NoUsableAnswer(reasons, failed=failed, declined=declined, limits=())).startswith(words)
