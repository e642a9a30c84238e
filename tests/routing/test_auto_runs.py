"""Runs that choose their method: from the request over the plan to the answer, and what is learned."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.routing.engine.analysis import analyse
from orchestration.routing.engine.arms import WEIGHTS, ResultSource
from orchestration.routing.engine.request import parsed_auto
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.routing.services.methods import team_methods, team_models
from orchestration.routing.services.planning import checked_auto, make_plan
from orchestration.runs.models import Run
from orchestration.runs.services.learning import learn_from_ended_runs, rate_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.models import ModelProfile
from tests.support.engines import Engine, until
from tests.support.history import a_member, signed_in
from tests.support.routes import rules_of

QUESTION = "What is 17% of 2,300?"
SEEN = WEIGHTS[ResultSource.POSTERIOR]


@pytest.fixture
def member(transactional_db: None) -> Membership:
    member = a_member(Role.OPERATOR)
    seed_simulated(member.team)
    return member


@pytest.fixture
def closed(engine: Engine) -> Iterator[Engine]:
    yield engine
    asyncio.run_coroutine_threadsafe(close_resources(), engine.runtime.loop).result(5)


def an_auto_run(member: Membership, **payload: object) -> Run:
    return store_run(membership=member, kind="auto", payload={"text": QUESTION, **payload})


def test_a_request_is_planned_answered_and_shown(closed: Engine, member: Membership) -> None:
    run = closed.execute(an_auto_run(member))
    assert (run.status, run.ref) == ("succeeded", "auto")
    assert "391" in run.answer
    page = signed_in(member).get(f"/runs/{run.pk}/").content.decode()
    assert "How the method was chosen" in page
    assert "One point of quality is worth" in page
    assert run.outcome is not None
    assert run.outcome["method"] == run.request["plan"]["method"]


def test_what_a_run_shows_is_learned_of_its_method_and_of_its_models(
    closed: Engine, member: Membership
) -> None:
    run = closed.execute(an_auto_run(member, method="strategy/voting"))
    until(lambda: Run.objects.filter(learned_at=None).count() == 0)
    assert learn_from_ended_runs() == 0
    levels = set(RouterCell.objects.filter(ref="strategy/voting").values_list("level", flat=True))
    assert levels == {"", "task/reasoning", "kind/number", "kind/number/medium"}
    assert ModelProfile.objects.filter(asked__gt=0).count() == 3
    singly = RouterCell.objects.filter(ref__startswith="model/", level="kind/number")
    assert set(singly.values_list("counted", "judged")) == {(1.0, SEEN)}
    assert {each.ref for each in singly} == {"model/sim-scout", "model/sim-sage", "model/sim-oracle"}
    [quality] = {each["quality"]["overall"] for each in (run.outcome or {})["candidates"]}
    assert [each.quality for each in singly] == pytest.approx([SEEN * quality] * 3)
    cascade = RouterCell.objects.get(ref="strategy/cascade", level="kind/number")
    assert (cascade.counted, cascade.judged) == (1.0, SEEN)
    assert cascade.quality == pytest.approx(SEEN * quality, abs=0.01)
    two = sum(sorted(each.cost_usd for each in singly)[:2])
    assert 0 < two == pytest.approx(cascade.cost_usd)  # the two cheapest agree
    rate_run(membership=member, run=run, value=1)
    rate_run(membership=member, run=run, value=-1)
    row = RoutedAnswer.objects.get(run=run)
    assert (row.rated, row.liked) == (1.0, 0.0)


def test_a_rating_teaches_of_all_that_gave_the_same_answer_and_of_those_that_did_not(
    closed: Engine, member: Membership
) -> None:
    run = closed.execute(an_auto_run(member, method="strategy/voting"))
    until(lambda: Run.objects.filter(learned_at=None).count() == 0)
    outcome = run.outcome or {}
    other = next(each for each in outcome["candidates"] if each["step"] != outcome["chosen"])
    other["text"] = "The answer is 7."
    run.save(update_fields=["outcome"])
    learned = RouterCell.objects.filter(level="kind/number")
    before = {row.ref: (row.judged, row.quality) for row in learned}
    for value, same, differs in ((1, (1, 1), (1, 0)), (-1, (1, 0), (0, 0))):
        rate_run(membership=member, run=run, value=value)
        for row in learned.all():
            judged, quality = before[row.ref]
            added = differs if row.ref == f"model/{other['model']}" else same
            assert (row.judged - judged, row.quality - quality) == pytest.approx(added, abs=1e-6), row.ref


def test_methods_name_the_others_that_their_results_teach_of(member: Membership) -> None:
    request, rules = parsed_auto({"text": QUESTION}), rules_of()
    analysis = analyse(request.text)
    methods = team_methods(member, request, rules, team_models(member, request, analysis), analysis)
    shown = {each.ref: each.arm.shows for each in methods}
    panel = {f"model/{name}" for each in methods if each.ref == "strategy/voting" for name in each.arm.models}
    assert {*shown["strategy/voting"]} == {*shown["strategy/parallel"]} == {*panel, "strategy/cascade"}
    assert len(shown["strategy/cascade"]) == 2
    assert {*shown["strategy/cascade"]} < panel
    assert all(shown[ref] == () for ref in (*panel, "strategy/debate"))


def test_models_that_cannot_call_the_chosen_tools_are_ruled_out_with_the_reason(member: Membership) -> None:
    made = make_plan(member, checked_auto({"text": QUESTION, "tools": ["calculator"]}), explores=False)
    obstacles = {each.ref: each.obstacle for each in made.plan.considered}
    assert obstacles["model/sim-swift"] == "asks no model that can call tools"
    assert (obstacles["model/sim-sage"], obstacles["strategy/voting"]) == ("", "")
    long = make_plan(member, checked_auto({"text": "word " * 30_000}), explores=False).plan.considered
    [swift] = [each.obstacle for each in long if each.ref == "model/sim-swift"]
    assert swift.startswith("reads at most 8,192 tokens, and this request has about 37,")
