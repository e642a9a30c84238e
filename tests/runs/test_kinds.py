"""A run of each kind from its request to its end, over a crash, and what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import pytest
from django.db.models import CharField, Model

from orchestra_site.accounts.models import Membership, Role
from orchestra_site.settings.environment import ROOT
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Purpose
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import EventKind, Outcome, RunEvent
from orchestration.runs.kinds import KindPage, RunKind, all_kinds, get_kind, register
from orchestration.runs.models import Call, Command, CommandKind, Event, Run, Step
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.starting import Origin, store_run
from orchestration.strategies.models import ModelProfile
from tests.support.engines import Engine, until
from tests.support.history import a_member, signed_in
from tests.support.kinds import StoryKind, kind_that, queued_run
from tests.support.second_kind import second_kind

QUESTION = "What is 17% of 2,300?"
PAYLOADS: Mapping[str, dict[str, Any]] = {
    "strategy": {"text": QUESTION, "strategy": "parallel", "models": ["sim-sage", "sim-oracle"]},
    "second": {"text": QUESTION, "writers": ["sim-swift"], "checkers": ["sim-sage"]},
}


@pytest.fixture(params=["strategy", "second"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    with second_kind():
        yield request.param


@pytest.fixture
def member(transactional_db: None) -> Membership:
    member = a_member(Role.OPERATOR)
    seed_simulated(member.team)
    return member


@pytest.fixture
def closed(engine: Engine) -> Iterator[Engine]:
    yield engine
    asyncio.run_coroutine_threadsafe(close_resources(), engine.runtime.loop).result(5)


def a_stored_run(member: Membership, kind: str, **payload: object) -> Run:
    return store_run(membership=member, kind=kind, payload={**PAYLOADS[kind], **payload})


def numbers(run: Run) -> list[int]:
    return list(run.events.values_list("seq", flat=True))


def test_a_run_goes_from_its_request_to_an_answer_and_its_page(
    closed: Engine, member: Membership, kind: str
) -> None:
    run = closed.execute(a_stored_run(member, kind))
    assert (run.status, run.kind) == ("succeeded", kind)
    assert "391" in run.answer
    assert numbers(run) == list(range(1, run.last_seq + 1))
    client = signed_in(member)
    assert "391" in client.get(f"/runs/{run.pk}/").content.decode()
    raw = client.get(f"/runs/{run.pk}/json").json()
    assert (raw["kind"], raw["output"] is None, len(raw["steps"]) > 1) == (kind, False, True)


def test_a_cancelled_run_of_any_kind_ends(closed: Engine, member: Membership, kind: str) -> None:
    run = a_stored_run(member, kind)
    Command.objects.create(run=run, kind="cancel", by=member.user)
    run.fence = 1
    run.save()
    assert closed.execute(run).status == "cancelled"


def test_what_a_run_shows_of_its_models_is_learned_once(
    closed: Engine, member: Membership, kind: str
) -> None:
    closed.execute(a_stored_run(member, kind))
    until(lambda: Run.objects.filter(learned_at=None).count() == 0)
    assert learn_from_ended_runs() == 0
    asked = {row.model.name for row in ModelProfile.objects.select_related("model") if row.asked}
    assert asked == {"strategy": {"sim-sage", "sim-oracle"}, "second": {"sim-sage"}}[kind]


def test_a_kind_with_events_of_its_own_is_resumed_after_a_crash(closed: Engine, member: Membership) -> None:
    with second_kind():
        run = closed.execute(a_stored_run(member, "second", approve=True))
        assert run.status == "waiting"
        calls = run.calls.count()
        answer_question(membership=member, question=run.questions.get(), answer="yes")
        run = closed.execute(run)
    assert run.outcome is not None
    assert (run.status, run.outcome["approved"]) == ("succeeded", "yes")
    assert run.events.filter(kind="topic_was_opened_for_discussion").count() == 1
    assert run.calls.exclude(step__startswith="child/").count() == calls
    assert numbers(run) == list(range(1, run.last_seq + 1))


def test_a_child_asks_the_models_of_its_own_panel_below_its_parents_step(
    closed: Engine, member: Membership
) -> None:
    with second_kind():
        run = closed.execute(a_stored_run(member, "second", checkers=["sim-sage", "sim-oracle"]))
    inside = run.calls.filter(step__startswith="child/")
    assert set(inside.values_list("step", "model")) == {
        ("child/ask/sim-sage", "sim-sage"),
        ("child/ask/sim-oracle", "sim-oracle"),
    }
    assert (run.steps.get(key="child").result or {})["answer"] == run.answer


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("strategy", {"text": " "}, "text"),
        ("strategy", {"models": ["nobody"]}, "models"),
        ("strategy", {"constraints": {"max_calls": 0}}, "max_calls"),
        ("strategy", {"surprise": 1}, "surprise"),
        ("second", {"text": " "}, "text"),
        ("second", {"writers": "sim-swift"}, "writers"),
        ("nothing", {}, "kind"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused_with_its_field(
    member: Membership, kind: str, payload: dict[str, Any], field: str
) -> None:
    with second_kind(), pytest.raises(InvalidRequest) as refused:
        store_run(membership=member, kind=kind, payload={**PAYLOADS.get(kind, {}), **payload})
    assert refused.value.field == field
    assert not Run.objects.exists()


class TestGoingOnFromAnotherRun:
    def test_the_steps_that_are_taken_over_are_not_executed_again(
        self, closed: Engine, member: Membership
    ) -> None:
        with second_kind():
            first = closed.execute(a_stored_run(member, "second"))
            origin = Origin(replaying=first, keys={key: key for key in ("write/sim-swift", "check/")})
            again = store_run(membership=member, kind="second", payload=PAYLOADS["second"], origin=origin)
            again = closed.execute(again)
        assert (again.status, again.answer, again.rerun_of) == ("succeeded", first.answer, first)
        assert not again.calls.exclude(step__startswith="child/").exists()
        assert again.calls.filter(step="child/ask/sim-sage").exists()

    @pytest.mark.parametrize("keys", [["nothing"], ["write/sim-swift", "check/nobody"]])
    def test_a_step_that_never_ended_cannot_be_taken_over(
        self, closed: Engine, member: Membership, keys: list[str]
    ) -> None:
        with second_kind():
            first = closed.execute(a_stored_run(member, "second"))
            with pytest.raises(InvalidRequest):
                store_run(
                    membership=member,
                    kind="second",
                    payload=PAYLOADS["second"],
                    origin=Origin(replaying=first, keys={key: key for key in keys}),
                )
        assert Run.objects.count() == 1

    def test_another_teams_run_or_another_kinds_cannot_be_gone_on_from(
        self, closed: Engine, member: Membership
    ) -> None:
        first = closed.execute(a_stored_run(member, "strategy"))
        other = a_member()
        seed_simulated(other.team)
        with second_kind():
            for by, kind in ((other, "strategy"), (member, "second")):
                with pytest.raises(InvalidRequest):
                    store_run(
                        membership=by, kind=kind, payload=PAYLOADS[kind], origin=Origin(replaying=first)
                    )


def test_every_kind_says_what_it_can_start(member: Membership, kind: str) -> None:
    choices = get_kind(kind).choices(member)
    assert choices
    for choice in choices:
        assert choice.title
        assert choice.schema["properties"]["text"]
    assert kind in {each.name for each in all_kinds()}


def test_what_a_strategy_typically_takes_comes_from_its_newest_runs(
    closed: Engine, member: Membership
) -> None:
    run = closed.execute(a_stored_run(member, "strategy"))
    found = {choice.ref: choice for choice in get_kind("strategy").choices(member)}
    assert found["parallel"].cost_usd == run.cost_usd
    assert found["parallel"].seconds is not None
    assert found["voting"].cost_usd is None


def test_a_name_too_long_for_its_column_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at most 40"):
        register(StoryKind("x" * 41, lambda _run, _context: asyncio.sleep(0)))  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="at most 60"):
        RunEvent(kind="x" * 61)


@pytest.mark.parametrize(
    ("model", "column", "names"),
    [
        (Event, "kind", EventKind),
        (Step, "kind", StepKind),
        (Call, "purpose", Purpose),
        (Command, "kind", CommandKind),
    ],
)
def test_the_names_of_the_engine_fit_their_columns(
    model: type[Model], column: str, names: type[StrEnum]
) -> None:
    field = model._meta.get_field(column)
    assert isinstance(field, CharField)
    assert max(map(len, names)) <= (field.max_length or 0)


def test_names_of_a_kind_as_long_as_may_be_are_stored(closed: Engine, member: Membership) -> None:
    async def emits(context: RunContext) -> Outcome:
        await context.emit(RunEvent(kind="e" * 60, step="s" * 300))
        return Outcome(answer="x")

    with kind_that(emits) as name:
        run = closed.execute(queued_run(name, member))
    assert (run.status, run.events.filter(kind="e" * 60).count()) == ("succeeded", 1)


def test_an_event_with_too_long_a_name_fails_its_run_alone(closed: Engine, member: Membership) -> None:
    async def emits(context: RunContext) -> Outcome:
        await context.emit(RunEvent(kind="e" * 61))
        return Outcome(answer="x")

    with kind_that(emits) as name:
        run = closed.execute(queued_run(name, member))
    assert (run.status, run.error_code) == ("failed", "internal_error")
    assert signed_in(member).get(f"/runs/{run.pk}/").status_code == 200


def test_a_name_inside_a_kind_that_is_too_long_is_refused_with_its_field(member: Membership) -> None:
    payload = {**PAYLOADS["second"], "ref": "r" * 201}
    with second_kind(), pytest.raises(InvalidRequest, match="at most 200") as refused:
        store_run(membership=member, kind="second", payload=payload)
    assert refused.value.field == "ref"


@pytest.mark.parametrize("interface", [RunKind, KindPage, RunContext])
def test_the_guide_to_a_new_kind_names_all_that_it_may_bring_and_use(interface: type) -> None:
    guide = (ROOT / "docs" / "add-a-run-kind.md").read_text(encoding="utf-8")
    members = {*vars(interface), *vars(interface).get("__annotations__", {})}
    public = {name for name in members if not name.startswith("_")}
    assert {name for name in public if f"`{name}`" not in guide} == set()
