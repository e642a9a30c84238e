"""The processors that wait: for a person's answer, and for time to pass."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from orchestra_site.accounts.models import Role
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Audience
from pipelines.engine.processor import ProcessorFailed
from pipelines.engine.processors.waiting import ROLES, VIEWER, HumanProcessor, WaitProcessor
from pipelines.engine.scope import Scope
from tests.support.clock import SkippingLoop
from tests.support.logs import MIDNIGHT
from tests.support.processing import StageWork

LOOP_FACTORY = SkippingLoop
HUMAN, WAIT = HumanProcessor(), WaitProcessor()
FORM: Json = {
    "type": "object",
    "properties": {"ok": {"enum": ["approve", "reject"]}, "comment": {"type": "string"}},
    "required": ["ok"],
}
QUESTION = "stage/1/question"


def human(*answer: tuple[float, Json], **options: Json) -> StageWork:
    """Return a stage that asks a person, who answers at so many seconds."""
    return StageWork(
        HUMAN,
        {"text": "Send? {{ stages.draft.output }}", **options},
        scope=Scope(stages={"draft": {"output": "Dear Ada"}}),
        people={"ada": "7", "bob": "8"},
        answers={at: (QUESTION, given) for at, given in answer},
    )


async def test_the_answer_of_a_person_is_the_result_and_the_run_is_parked_meanwhile() -> None:
    given = {"ok": "reject", "comment": "Too short."}
    work = human((600.0, given), form=FORM)
    assert (await work.run()).value == given
    asked = work.lives.log.questions[0].question
    assert (asked.text, asked.schema, asked.deadline_s, asked.fails) == ("Send? Dear Ada", FORM, None, False)
    assert len(work.lives.parked_at) == 1


WHO = {
    "all": ((), Audience()),
    "a role": (("admin",), Audience(roles=("admin",))),
    "both": (("owner", "ada", "bob"), Audience(roles=("owner",), users=("7", "8"))),
    "one who is gone": (("ada", "eve"), Audience(users=("7",))),
}


@pytest.mark.parametrize(("who", "audience"), WHO.values(), ids=WHO)
async def test_who_may_answer_are_roles_and_members(who: tuple[str, ...], audience: Audience) -> None:
    work = human((1.0, "yes"), who=list(who))
    await work.run()
    assert [asked.question.audience for asked in work.lives.log.questions] == [audience]
    assert HUMAN.uses(work.work.options).people == [name for name in who if name not in ROLES]


async def test_a_question_that_nobody_could_answer_fails_at_once() -> None:
    with pytest.raises(ProcessorFailed, match="eve") as failed:
        await human(who=["eve"]).run()
    assert failed.value.code == "no_answer"


def test_the_roles_are_those_of_members() -> None:
    assert {*ROLES, VIEWER} == set(Role.values)


def test_viewers_cannot_be_asked() -> None:
    options = {"text": "Well?", "who": ["admin", "viewer"]}
    assert list(HUMAN.spec.faults(options)) == [(("who", 1), "Viewers look on; they cannot answer.")]


async def test_at_the_deadline_the_default_counts_or_the_stage_fails() -> None:
    late = human((900.0, "yes"), deadline=600, default="no")
    assert (await late.run()).value == "no"
    with pytest.raises(ProcessorFailed, match="Nobody answered") as failed:
        await human((900.0, "yes"), deadline=600, at_deadline="fail").run()
    assert failed.value.code == "no_answer"
    assert (await human((500.0, "yes"), deadline=600, at_deadline="fail").run()).value == "yes"


async def test_a_question_survives_a_crash_at_every_write() -> None:
    whole = human((600.0, "yes"))
    await whole.run()
    for at in range(whole.lives.log.writes):
        work = human((600.0, "yes"))
        assert (await work.run(at)).value == "yes"
        assert len({asked.due_at for asked in work.lives.log.questions}) == 1


FAULTS: dict[str, tuple[Json, list[tuple[str, ...]]]] = {
    "a question": ({"form": FORM}, []),
    "a deadline with a default": ({"deadline": 60, "default": None}, []),
    "a deadline that fails": ({"deadline": 60, "at_deadline": "fail"}, []),
    "a deadline alone": ({"deadline": 60}, [("default",)]),
    "a default alone": ({"default": "no"}, [("deadline",)]),
    "failing, but when": ({"at_deadline": "fail"}, [("deadline",)]),
    "a default that does not fit": ({"form": FORM, "deadline": 1, "default": {"ok": "?"}}, [("default",)]),
    "a form that cannot be read": ({"form": {"type": "x"}, "deadline": 1, "default": 1}, []),
}


@pytest.mark.parametrize(("options", "places"), FAULTS.values(), ids=FAULTS)
def test_what_does_not_fit_together_in_a_question_is_said(options: Json, places: list[Json]) -> None:
    assert [at for at, _ in HUMAN.spec.faults({"text": "Send?", **options})] == places


async def test_waiting_for_seconds_passes_the_input_on() -> None:
    work = StageWork(WAIT, {"seconds": 3600}, input={"n": 1})
    assert (await work.run()).value == {"n": 1}
    assert work.lives.seconds == pytest.approx(3600, abs=0.1)
    assert len(work.lives.parked_at) == 1


def until(moment: str, **scope: Json) -> StageWork:
    return StageWork(WAIT, {"until": moment}, input=1, scope=Scope(**scope))


@pytest.mark.parametrize("written", ["2026-01-01T01:26:40+01:00", "{{ input.at }}"])
async def test_waiting_until_a_moment_ends_then_and_a_past_one_is_not_waited_for(written: str) -> None:
    soon = MIDNIGHT + timedelta(seconds=1600)  # the clock of a test begins at 1000
    work = until(written, input={"at": soon.isoformat()})
    result = await work.run()
    assert work.lives.seconds == pytest.approx(600, abs=0.1)
    assert datetime.fromisoformat(result.details["until"]) == soon
    past = until("2020-01-01T00:00:00Z")
    assert ((await past.run()).value, past.lives.parked_at, past.lives.log.timers) == (1, [], {})


@pytest.mark.parametrize("moment", ["tomorrow", "2030-01-31T09:00:00", "2030-13-01T00:00:00Z", "9" * 900])
async def test_what_is_no_moment_is_refused_in_words(moment: str) -> None:
    with pytest.raises(ProcessorFailed, match=r"2030-01-31T09:00:00\+01:00") as failed:
        await until("{{ input }}", input=moment).run()
    assert failed.value.code == "bad_moment"
    assert [at for at, _ in WAIT.spec.faults({"until": moment})] == [("until",)]


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, [()]),
        ({"seconds": 1, "until": "{{ input }}"}, [()]),
        ({"seconds": 0}, []),
        ({"until": "{{ input }}"}, []),
        ({"until": "2030-01-31T09:00:00Z"}, []),
    ],
)
def test_either_seconds_or_a_moment_is_given(options: Json, places: list[Json]) -> None:
    assert [at for at, _ in WAIT.spec.faults(options)] == places
