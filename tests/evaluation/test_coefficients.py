"""A team's own coefficients: fitted by the task from what was graded, used if better, frozen, reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, AuditEntry, Membership, Role
from orchestra_site.celery import app
from orchestration.evaluation.engine.coefficients import fit_coefficients, rated_example
from orchestration.evaluation.models import Dataset, DatasetItem, ItemOutcome
from orchestration.evaluation.services import coefficients as service
from orchestration.evaluation.services.coefficients import refit_coefficients, reset_coefficients
from orchestration.evaluation.services.learning import sampled_answers
from orchestration.llm.models import LanguageModel
from orchestration.runs.models import Rating, Run
from orchestration.runs.services.learning import learn_from_ended_runs, rate_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.belief.fitting import FEWEST_FOR_OFFSETS, ReadExample
from orchestration.strategies.engine.belief.model import Term
from orchestration.strategies.engine.belief.reading import Form
from orchestration.strategies.engine.belief.shipped import belief_of_team, shipped_belief
from orchestration.strategies.models import TeamCoefficients
from orchestration.strategies.services.profiles import FIT_COEFFICIENTS, stored_belief
from tests.support.graded_questions import ASKED, drawn_answers, questions, said
from tests.support.history import a_member, a_run, signed_in
from tests.support.shown import a_model

EXPERT = {"good": 0.97, **dict.fromkeys("abcd", 0.35)}
"""One model far ahead of a majority: those that ship trust the majority too much."""
ALIKE = {"a": 0.7, "b": 0.7}


def test_a_rating_says_which_answers_are_right_or_only_that_some_are_wrong() -> None:
    answers = [said("a", 1), said("b", 2), said("c", 1)]
    liked, not_liked = (rated_example(ASKED, answers, 0, liked=value) for value in (True, False))
    assert liked is not None
    assert not_liked is not None
    assert (liked.right, not_liked.right) == ((True, False, True), (False, None, False))
    assert rated_example(ASKED, [said("a", None), said("b", 2)], 0, liked=True) is None


@pytest.mark.parametrize(
    ("number", "skills", "seed", "better"),
    [(60, EXPERT, 1, True), (30, ALIKE, 2, False), (30, ALIKE, 0, False)],
)
def test_own_coefficients_are_used_only_where_they_are_clearly_better_on_questions_held_out(
    number: int, skills: Mapping[str, float], seed: int, *, better: bool
) -> None:
    found = fit_coefficients(questions(number, skills, seed), shipped_belief())
    assert found is not None
    assert (found.is_better, found.compared) == (better, number)
    assert found.document["hedging_kinds"] == ["number"]
    assert not found.document["offsets"]
    assert set(found.document["forms"].get("number", {})) == {form.value for form in Form}


def test_there_are_offsets_of_models_where_the_folds_have_enough_questions() -> None:
    number = FEWEST_FOR_OFFSETS * 4 // 3
    found = fit_coefficients(questions(number, {"a": 0.7}), shipped_belief())
    assert found is not None
    assert set(found.document["offsets"]) == {"a"}


def test_too_few_questions_or_too_few_that_say_something_are_not_fitted() -> None:
    assert fit_coefficients(questions(29, ALIKE), shipped_belief()) is None
    silent = ReadExample(question=ASKED, answers=(said("a", 1), said("b", 2)), right=(None, None))
    assert fit_coefficients([silent] * 60, shipped_belief()) is None


pages = pytest.mark.django_db


@pytest.fixture
def team(owner: Membership) -> Membership:
    for name in EXPERT:
        a_model(owner, name)
    return owner


def graded(
    member: Membership,
    number: int = 60,
    skills: Mapping[str, float] = EXPERT,
    *,
    seed: int = 1,
    strategy: str = "voting",
) -> Run:
    """Store an evaluation that is over, in which models were right so often."""
    dataset, drawn = Dataset.objects.create(team=member.team, name="Sums", size=number), Random(seed)
    models = LanguageModel.objects.filter(team=member.team)
    panel = [{"spec": {"name": each.name}, "role": "member", "model": str(each.pk)} for each in models]
    request = {"configurations": [{"strategy": strategy, "options": {}, "models": ["a", "b", "c"]}]}
    columns: dict[str, Any] = {
        "kind": "evaluation",
        "ref": str(dataset.pk),
        "panel": panel,
        "request": request,
    }
    run = a_run(member, "Sums", finished_at=timezone.now(), **columns)
    for place in range(number):
        prompt = f"How many are {place} and {seed}? Give the number."
        item = DatasetItem.objects.create(dataset=dataset, number=place, key=f"{place}", prompt=prompt)
        answers: list[dict[str, Any]] = [
            {"model": model, "text": f"The answer is {value}.", "correct": not value}
            for model, value in drawn_answers(skills, drawn).items()
        ]
        answers.append({"model": "good", "text": "7", "correct": answers[0]["correct"]})  # a second sample
        answers.append({"model": "judged", "text": "0", "correct": None})
        ItemOutcome.objects.create(run=run, item=item, configuration=0, correct=True, answers=answers)
    return run


def rated(
    member: Membership,
    number: int,
    *,
    right: Callable[[int], bool] = lambda _: True,
    strategy: str = "voting",
) -> None:
    """Store runs in which all models said the same, and ratings of them."""
    for place in range(number):
        candidates = [
            {"model": model, "step": f"ask/{model}", "state": "answered", "quality": None}
            | {"text": "The answer is 7."}
            for model in EXPERT
        ]
        outcome = {"candidates": candidates, "chosen": "ask/good", "decisions": []}
        prompt, asked = f"How many are {place} and 7? Give the number.", {"strategy": strategy}
        run = a_run(member, prompt, outcome=outcome, request=asked)
        Rating.objects.create(run=run, user=member.user, value=1 if right(place) else -1)


def fit(member: Membership) -> TeamCoefficients:
    """Run the task as a worker does, and return what is stored."""
    app.loader.import_default_modules()
    app.tasks[FIT_COEFFICIENTS](str(member.team_id))
    return TeamCoefficients.objects.get(team=member.team)


def a_started_run(member: Membership) -> Run:
    payload = {"text": "How many are 2 and 2?", "strategy": "voting", "models": tuple(EXPERT)}
    return store_run(membership=member, kind="strategy", payload=payload)


@pages
def test_what_was_graded_is_fitted_used_by_new_runs_and_kept_by_those_that_have_started(
    team: Membership,
) -> None:
    before = a_started_run(team)
    graded(team)
    row = fit(team)
    assert (row.is_used, row.examples, row.compared) == (
        True,
        {"evaluation": {"number": 60}, "rating": {}},
        60,
    )
    after = a_started_run(team)
    assert stored_belief(before.panel).coefficients == shipped_belief().coefficients
    own = stored_belief(after.panel).coefficients
    assert own == {Term(name): value for name, value in row.document["coefficients"].items()}
    reset_coefficients(membership=team)
    assert stored_belief(Run.objects.get(pk=after.pk).panel).coefficients == own
    assert stored_belief(a_started_run(team).panel).coefficients == shipped_belief().coefficients


@pages
def test_ratings_of_runs_with_several_answers_are_learned_from(team: Membership) -> None:
    rated(team, 40, right=lambda place: place % 4 == 0)
    lone = {
        "candidates": [{"model": "a", "step": "ask/a", "state": "answered", "quality": None, "text": "7"}]
    }
    Rating.objects.create(
        run=a_run(team, "Which?", outcome={**lone, "method": "strategy/voting"}), user=team.user, value=1
    )
    Rating.objects.create(run=a_run(team, "How?", outcome=None), user=team.user, value=1)
    graded(team, 5, seed=7)
    graded(team, 5, strategy="debate")
    rated(team, 41, strategy="debate")
    row = fit(team)
    assert row.examples == {"evaluation": {"number": 5}, "rating": {"number": 35}}  # five are in both
    answers = [said(model, 7) for model in EXPERT]
    beliefs = [belief_of_team([], {}, document) for document in (None, row.document)]
    before, after = (belief.after(ASKED, answers).groups[0].right for belief in beliefs)
    assert after < before


@pages
@pytest.mark.parametrize(("strategy", "known"), [("cascade", 2), ("sequential", 1), ("debate", None)])
def test_models_that_are_asked_where_others_leave_a_doubt_are_not_judged_by_that(
    team: Membership, strategy: str, known: int | None
) -> None:
    found = [len(answers) for _, answers in sampled_answers(graded(team, 2, strategy=strategy))]
    assert found == [] if known is None else [known, known]


@pages
def test_it_waits_for_enough_that_is_new_and_one_worker_at_a_time(team: Membership) -> None:
    evaluated = graded(team, 19)
    assert not refit_coefficients(team.team_id)
    graded(team, 1, seed=2)
    first = fit(team)
    assert (first.number, first.gain, first.is_used) == (20, None, False)
    Run.objects.filter(pk=evaluated.pk).update(finished_at=timezone.now())
    rated(team, 11)
    TeamCoefficients.objects.update(fitting_until=timezone.now() + timedelta(minutes=1))
    assert not refit_coefficients(team.team_id)
    TeamCoefficients.objects.update(fitting_until=timezone.now() - timedelta(minutes=1))
    assert refit_coefficients(team.team_id)
    assert TeamCoefficients.objects.get().gain is not None
    assert not refit_coefficients(team.team_id)


@pages
def test_what_was_reset_meanwhile_is_not_stored_and_only_what_is_graded_later_counts(
    team: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded(team)

    def fit_while_reset(*_: object) -> None:
        assert reset_coefficients(membership=team)

    with monkeypatch.context() as patched:
        patched.setattr(service, "fit_coefficients", fit_while_reset)
        assert not refit_coefficients(team.team_id)
    row = TeamCoefficients.objects.get()
    assert (row.number, row.fitting_until, row.since is None) == (0, None, False)
    rated(team, 25)
    assert refit_coefficients(team.team_id)
    assert TeamCoefficients.objects.get().examples == {"evaluation": {}, "rating": {"number": 25}}


@pytest.mark.django_db(transaction=True)
def test_evaluations_and_ratings_queue_a_fit(team: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, **_: sent.append((name, args)))
    rate_run(membership=team, run=a_run(team), value=1)
    graded(team, 1)
    learn_from_ended_runs()
    assert sent == [(FIT_COEFFICIENTS, [str(team.team_id)])] * 2


def shown(member: Membership) -> str:
    return str(signed_in(member).get(reverse("evaluation:belief")).content.decode())


@pages
def test_its_page_says_what_is_in_use_and_why_and_admins_reset_it(team: Membership) -> None:
    viewer, reset = a_member(Role.VIEWER, team.team), reverse("evaluation:belief-reset")
    assert "Too little is graded" in shown(viewer)
    graded(team)
    learn_from_ended_runs()
    fit(team)
    for member, may in ((viewer, False), (team, True)):
        page = shown(member)
        assert (reset in page, "The team’s own are in use." in page, "%<small>of 60" in page) == (
            may,
            True,
            True,
        )
    posted = [signed_in(each).post(reset).status_code for each in (viewer, a_member(Role.OWNER))]
    assert (posted, TeamCoefficients.objects.get().is_used) == ([403, 302], True)
    signed_in(team).post(reset)
    assert "Too little is graded" in shown(team)
    [entry] = AuditEntry.objects.filter(action=AuditAction.COEFFICIENTS_RESET)
    assert (entry.team, entry.before) == (team.team, {"questions": 60})


@pages
def test_a_fit_that_is_not_better_is_shown_and_not_used(team: Membership) -> None:
    graded(team, 30, ALIKE, seed=2)
    row = fit(team)
    assert (row.is_used, row.gain is None) == (False, False)
    assert "are not clearly better" in shown(team)
    assert stored_belief(a_started_run(team).panel).coefficients == shipped_belief().coefficients
