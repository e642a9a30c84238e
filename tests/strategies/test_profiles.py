"""What runs teach about models: once each, whoever dies when, and ratings replace the ones before."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import OperationalError

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import PanelRole, model_spec
from orchestration.llm.services.resources import close_resources
from orchestration.runs.models import CallStatus, Run, RunStatus
from orchestration.runs.services.learning import ProfileUpdater, learn_from_ended_runs, rate_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import plus
from orchestration.strategies.models import ModelProfile, Observation
from orchestration.strategies.services.profiles import model_profiles, profiled_entry, stored_profiles
from tests.support.engines import Engine, until
from tests.support.history import a_member, a_run
from tests.support.second_kind import second_kind
from tests.support.shown import REASONING, a_call, a_model, a_shown_run, candidate

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(member: Membership) -> LanguageModel:
    return a_model(member, "sage")


def profile(model: LanguageModel, task: str = "reasoning") -> tuple[float, ...]:
    """Return asked, answered, seconds, quality and weight, over all kinds of questions."""
    row = plus(*(row.evidence for row in ModelProfile.objects.filter(model=model, task=task)))
    return row.asked, row.answered, row.seconds, round(row.quality, 6), round(row.judged, 6)


@pytest.mark.parametrize("kind", ["strategy", "second"])
def test_a_run_counts_once_however_often_one_learns(
    member: Membership, model: LanguageModel, kind: str
) -> None:
    with second_kind():
        a_shown_run(member, model, kind=kind)
        assert [learn_from_ended_runs() for _ in range(3)] == [1, 0, 0]
    assert profile(model) == (1, 1, 2.0, 0.9, 1.0)
    assert Run.objects.get().learned_at is not None


def test_runs_of_a_kind_that_is_not_there_wait_for_it(member: Membership, model: LanguageModel) -> None:
    a_shown_run(member, model, kind="second")
    assert learn_from_ended_runs() == 0
    with second_kind():
        assert learn_from_ended_runs() == 1


def test_what_runs_show_adds_up_by_model_and_kind_of_task(member: Membership, model: LanguageModel) -> None:
    other = a_model(member, "other")
    for prompt in ("What is 2 + 2?", "How many is 3 + 3?", "Write a haiku about rain."):
        a_shown_run(member, model, other, prompt=prompt)
    assert learn_from_ended_runs() == 3
    assert profile(model) == profile(other) == (2, 2, 4.0, 1.8, 2.0)
    assert profile(model, "creative") == (1, 1, 2.0, 0.9, 1.0)


def test_the_kind_that_the_strategy_found_counts_more_than_the_words(
    member: Membership, model: LanguageModel
) -> None:
    run = a_shown_run(member, model)
    decisions = [{"kind": "rank", "chosen": "sage"}, {"kind": "classify", "chosen": "code generation"}]
    Run.objects.filter(pk=run.pk).update(outcome={**(run.outcome or {}), "decisions": decisions})
    learn_from_ended_runs()
    assert profile(model, TaskType.CODE_GENERATION)[0] == 1


def test_a_failed_run_shows_who_failed_and_retries_count_as_one(
    member: Membership, model: LanguageModel
) -> None:
    run = a_shown_run(member, model, outcome=None, status=RunStatus.FAILED)
    run.calls.update(status=CallStatus.FAILED, error_code="rate_limited")
    a_call(run, "sage", CallStatus.FAILED, attempt=2, error_code="model_timeout")
    learn_from_ended_runs()
    assert profile(model) == (1, 0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("status", [CallStatus.CANCELLED, CallStatus.LOST])
def test_a_call_that_was_stopped_shows_nothing(
    member: Membership, model: LanguageModel, status: CallStatus
) -> None:
    run = a_shown_run(member, model, outcome={"chosen": "", "candidates": []})
    run.calls.update(status=status)
    assert learn_from_ended_runs() == 1
    assert not ModelProfile.objects.exists()


def test_runs_that_are_not_over_cancelled_or_of_another_kind_are_left_alone(
    member: Membership, model: LanguageModel
) -> None:
    for columns in ({"status": RunStatus.RUNNING}, {"status": RunStatus.CANCELLED}, {"kind": "gone"}):
        a_shown_run(member, model, **columns)
    assert learn_from_ended_runs() == 0


def test_models_that_are_gone_and_panels_of_old_are_passed_over(
    member: Membership, model: LanguageModel
) -> None:
    gone = a_model(member, "gone")
    a_shown_run(member, gone, model)
    gone.delete()
    a_run(member)
    ghost = {"spec": {"name": "ghost"}, "role": "member", "model": str(uuid4())}
    a_call(a_run(member, panel=[ghost], outcome=None), "ghost")
    assert learn_from_ended_runs() == 3
    assert profile(model)[0] == 1
    assert Observation.objects.count() == 1


def test_a_rating_counts_for_the_model_whose_answer_was_given(
    member: Membership, model: LanguageModel
) -> None:
    other = a_model(member, "other")
    run = a_shown_run(member, model, other, chosen="other")
    learn_from_ended_runs()
    rate_run(membership=member, run=run, value=-1)
    assert profile(other)[3:] == (0.9, 3.0)
    assert profile(model)[3:] == (0.9, 1.0)


def believed(model: LanguageModel) -> Belief:
    """Return what a run that started now would believe."""
    entry = profiled_entry(LanguageModel.objects.get(pk=model.pk), PanelRole.MEMBER)
    return belief_of_team([model_spec(model)], {model.name: stored_profiles(json.loads(json.dumps(entry)))})


def test_a_run_has_the_profiles_as_they_were_when_it_started(
    member: Membership, model: LanguageModel
) -> None:
    a_shown_run(member, model)
    learn_from_ended_runs()
    known = LanguageModel.objects.get(pk=model.pk)
    entry = json.loads(json.dumps(profiled_entry(known, PanelRole.MEMBER)))
    assert stored_profiles(entry) == [*model_profiles(known, model_spec(known))] != []


def test_a_rating_changes_what_is_expected_most_of_all_with_that_kind_of_question(
    member: Membership, model: LanguageModel
) -> None:
    ModelProfile.objects.create(model=model, task="reasoning", right=9, graded=10)  # before there were kinds
    run, asked = a_shown_run(member, model), (REASONING, "Why is 2 prime? Prove it.", "Write a haiku.")
    learn_from_ended_runs()
    before = [believed(model).before(question_traits(each), "sage") for each in asked]
    for number in range(6):
        rate_run(membership=a_member(team=member.team, name=str(number)), run=run, value=-1)
    after = [believed(model).before(question_traits(each), "sage") for each in asked]
    changes = [one - other for one, other in zip(before, after, strict=True)]
    assert [question_traits(each).kind for each in asked] == ["number", "reasoning", "creative"]
    assert changes[0] > changes[1] > changes[2] > 0.05
    assert believed(model).kinds["number"] == believed(model).records["sage"].by_kind["number"]


def test_rating_again_replaces_and_another_member_adds(member: Membership, model: LanguageModel) -> None:
    run = a_shown_run(member, model)
    learn_from_ended_runs()
    for value in (1, 1, -1, -1):
        rate_run(membership=member, run=run, value=value)
    assert profile(model)[3:] == (0.9, 3.0)
    rate_run(membership=a_member(team=member.team), run=run, value=1)
    assert profile(model)[3:] == (2.9, 5.0)


def test_a_rating_before_the_run_is_learned_from_counts_once(
    member: Membership, model: LanguageModel
) -> None:
    run = a_shown_run(member, model)
    rate_run(membership=member, run=run, value=1)
    learn_from_ended_runs()
    assert profile(model)[3:] == (2.9, 3.0)
    rate_run(membership=member, run=run, value=-1)
    assert profile(model)[3:] == (0.9, 3.0)


def test_a_synthesis_is_nobodys_answer(member: Membership, model: LanguageModel) -> None:
    run = a_shown_run(member, model, outcome={"chosen": "", "candidates": [candidate("sage", 0.8)]})
    learn_from_ended_runs()
    rate_run(membership=member, run=run, value=1)
    assert profile(model)[3:] == (0.8, 1.0)


def test_a_new_run_freezes_what_is_known_and_later_results_do_not_change_it(
    member: Membership, model: LanguageModel
) -> None:
    a_shown_run(member, model)
    learn_from_ended_runs()
    run = store_run(
        membership=member,
        kind="strategy",
        payload={"text": "2 + 2?", "strategy": "expert", "models": ("sage",)},
    )
    a_shown_run(member, model)
    learn_from_ended_runs()
    [known] = Run.objects.get(pk=run.pk).panel[0]["profiles"]
    assert (known["task"], known["asked"], known["evidence"]) == (TaskType.REASONING, 1, 1.0)
    assert known["quality"] == pytest.approx((0.72 * 4 + 0.9) / 5)


def test_the_engine_learns_from_the_runs_that_it_carries_out(engine: Engine) -> None:
    member = a_member()
    models = [a_model(member, name) for name in ("sim-swift", "sim-sage")]
    request = {"text": "What is 2 + 2?", "strategy": "expert", "models": ("sim-swift", "sim-sage")}
    run = engine.execute(store_run(membership=member, kind="strategy", payload=request))
    engine.runtime.submit(close_resources()).result()
    assert run.status == RunStatus.SUCCEEDED
    until(lambda: ModelProfile.objects.filter(model__in=models, task="reasoning", asked__gte=1).exists())
    run.refresh_from_db()
    assert run.learned_at is not None


@pytest.mark.parametrize(("right", "least", "most"), [(0.0, 0.0, 0.5), (50.0, 0.8, 1.0)])
def test_what_judges_and_ratings_said_before_is_believed_of_the_next_answer(
    engine: Engine, right: float, least: float, most: float
) -> None:
    member = a_member()
    known = a_model(member, "sim-sage")
    graded = {"quality": right, "judged": 50.0, "right": right, "graded": 50.0}
    ModelProfile.objects.create(model=known, task="reasoning", **graded)
    options: dict[str, Json] = {"recompute": False}
    request = {"text": "What is 2 + 2?", "strategy": "parallel", "models": ("sim-sage",), "options": options}
    run = engine.execute(store_run(membership=member, kind="strategy", payload=request))
    engine.runtime.submit(close_resources()).result()
    assert run.outcome is not None
    assert least <= run.outcome["quality"]["overall"] <= most


def test_an_engine_learns_at_its_start_from_what_an_earlier_one_left(engine: Engine) -> None:
    member = a_member()
    left = a_shown_run(member, a_model(member, "sage"))
    engine.runtime.profile_updater.wake()
    until(lambda: Run.objects.filter(pk=left.pk, learned_at__isnull=False).exists())


def test_a_database_that_is_away_is_tried_again_after_the_next_run() -> None:
    answers: list[int | Exception] = [OperationalError("database is locked"), 1, 0]
    seen: list[int] = []

    def learn() -> int:
        answer = answers.pop(0) if answers else 0
        seen.append(1)
        if isinstance(answer, Exception):
            raise answer
        return answer

    observer = ProfileUpdater(learn)
    observer.start()
    until(lambda: seen)
    observer.wake()
    until(lambda: len(seen) == 3)
    observer.stop()
    assert not answers


def test_what_a_model_shows_is_named_after_it(member: Membership, model: LanguageModel) -> None:
    run = a_shown_run(member, model)
    learn_from_ended_runs()
    assert str(ModelProfile.objects.get()) == "sage in reasoning"
    assert str(Observation.objects.get()) == f"{model.pk} in {run.pk}"
