"""The Methods page and the page of one method, as each kind of visitor sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template.loader import select_template
from django.test import Client
from pydantic import Field
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.models import Rating, RunStatus
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.strategies import selectors as selector
from orchestration.strategies.engine.options import ModelName, StrategyOptions
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.parts.methods import StrategyCard
from orchestration.strategies.selectors import EndedRun, strategy_record, strategy_records
from tests.support.history import a_member, a_run, signed_in
from tests.support.shown import a_model, a_shown_run

pytestmark = pytest.mark.django_db
METHODS = "/methods/"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def page_for(member: Membership, path: str = METHODS) -> str:
    return signed_in(member).get(path).content.decode()


def ended(status: RunStatus = RunStatus.SUCCEEDED, seconds: float = 2.0, usd: str = "0.01") -> EndedRun:
    return EndedRun(status, NOON, NOON + timedelta(seconds=seconds), Decimal(usd), 0.8)


def test_every_strategy_has_a_card_with_picture_summary_and_the_way_to_it(member: Membership) -> None:
    page = page_for(member)
    for name, strategy in all_strategies().items():
        for words in (strategy.title, f'href="/methods/{name}/"', f'href="/?strategy={name}"'):
            assert words in page
    assert page.count('<svg class="picture"') == len(all_strategies())
    assert "Your team has not used it yet." in page


def test_a_card_tells_the_teams_record(member: Membership) -> None:
    run = a_run(member, cost_usd="0.001", quality=0.7)
    for cost, quality in (("0.002", 0.9), ("0.009", 0.8)):
        a_run(member, cost_usd=cost, quality=quality)
    a_run(member, status=RunStatus.FAILED)
    a_run(member, status=RunStatus.CANCELLED)
    Rating.objects.create(run=run, user=member.user, value=1)
    page = page_for(member, f"{METHODS}parallel/")
    for told in ("<dd>4</dd>", "75%", "3.0 s", "$0.0020", "80%", "1 good, 0 bad"):
        assert told in page


def test_a_record_without_success_has_no_medians() -> None:
    record = strategy_record([ended(RunStatus.FAILED)], (0, 0))
    assert (record.success, record.median_s, record.median_usd, record.quality) == (0.0, None, None, None)
    assert strategy_record([], (0, 0)).success is None


def test_a_record_looks_back_on_the_newest_runs_only(member: Membership) -> None:
    for minutes in range(selector.NEWEST + 2):
        a_run(member, minutes_ago=minutes)
    record = strategy_records(member, ["parallel"])["parallel"]
    assert (record.runs, record.more) == (selector.NEWEST, True)


def test_ratings_count_by_method_and_team(member: Membership) -> None:
    for value, ref in ((1, "expert"), (-1, "expert"), (-1, "parallel")):
        Rating.objects.create(run=a_run(member, ref=ref), user=member.user, value=value)
    stranger = a_member()
    Rating.objects.create(run=a_run(stranger, ref="expert"), user=stranger.user, value=1)
    records = strategy_records(member, ["expert", "parallel"])
    assert [(r.good, r.bad) for r in records.values()] == [(1, 1), (0, 1)]


def test_models_are_listed_with_what_they_have_shown_and_what_is_expected(member: Membership) -> None:
    a_shown_run(member, a_model(member, "sage"))
    a_model(member, "novice", tier="small")
    learn_from_ended_runs()
    page = page_for(member)
    for told in (
        "sage",
        "novice",
        "Code generation",
        "asked 1 time,",
        "96% answered",
        "no record yet",
        "$0.00030",
    ):
        assert told in page


def test_without_models_the_next_step_is_offered(member: Membership) -> None:
    assert "Once there are models" in page_for(member)


@pytest.mark.parametrize("name", all_strategies())
def test_a_methods_page_explains_picture_use_record_and_each_option(member: Membership, name: str) -> None:
    page = page_for(member, f"{METHODS}{name}/")
    for told in ("When to use it", "Your team's record", '<svg class="picture"'):
        assert told in page
    for option in all_strategies()[name].Options.model_fields:
        assert f"<code>{option}</code>" in page


@pytest.mark.parametrize("name", all_strategies())
def test_every_strategy_has_a_picture_and_advice_of_its_own(name: str) -> None:
    strategy = all_strategies()[name]
    card = StrategyCard(strategy=strategy, record=strategy_record([], (0, 0)))
    for templates in (card.picture, card.advice):
        assert select_template(list(templates)).template.name == templates[0]


class Plain:
    """A strategy that brings nothing but itself."""

    name = "plain"
    title = "Plain"
    summary = "Does it."

    class Options(StrategyOptions):
        helper: ModelName | None = Field(default=None, description="Who helps.")
        share: float = Field(default=0.5, gt=0, le=1, title="Share")
        eager: bool = Field(default=False)
        words: str = Field(default="", max_length=9)

    def __init__(self, *, in_turn: bool) -> None:
        self.in_turn = in_turn


def plain(*, in_turn: bool) -> StrategyCard:
    return StrategyCard(strategy=Plain(in_turn=in_turn), record=strategy_record([], (0, 0)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("in_turn", "words"), [(True, "one after the other"), (False, "at the same time")])
def test_a_strategy_without_a_picture_gets_one_of_its_like(in_turn: bool, words: str) -> None:  # noqa: FBT001
    card = plain(in_turn=in_turn)
    assert "<svg" in select_template(list(card.picture)).render()
    assert words in select_template(list(card.advice)).render({"card": card})


def test_options_are_told_in_words() -> None:
    def note(name: str, title: str, default: str, allowed: str, description: str = "") -> dict[str, str]:
        words = {"description": description, "default": default, "allowed": allowed}
        return {"name": name, "title": title, **words}

    assert plain(in_turn=True).options == [
        note("helper", "Helper", "empty", "a model of the team", "Who helps."),
        note("share", "Share", "0.5", "above 0 to 1"),
        note("eager", "Eager", "off", "on or off"),
        note("words", "Words", "empty", "text"),
    ]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", [METHODS, f"{METHODS}expert/"])
def test_every_role_may_look(role: Role, path: str) -> None:
    assert signed_in(a_member(role)).get(path).status_code == 200


def test_another_teams_models_and_runs_are_not_shown(member: Membership) -> None:
    stranger = a_member()
    a_shown_run(stranger, a_model(stranger, "secret-model"), ref="parallel")
    learn_from_ended_runs()
    page = page_for(member)
    assert "secret-model" not in page
    assert "Succeeded" not in page


def test_an_anonymous_visitor_is_sent_to_sign_in() -> None:
    assert "/account/sign-in/" in Client().get(METHODS)["Location"]


def test_an_unknown_method_is_not_found(member: Membership) -> None:
    assert signed_in(member).get(f"{METHODS}magic/").status_code == 404


@pytest.mark.parametrize("path", [METHODS, f"{METHODS}expert/"])
def test_the_wrong_verb_is_refused(member: Membership, path: str) -> None:
    assert signed_in(member).post(path).status_code == 405


def test_the_page_costs_one_query_a_strategy_and_a_few(
    member: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        a_shown_run(member, a_model(member, f"model-{number}"))
    learn_from_ended_runs()
    client = signed_in(member)
    with django_assert_max_num_queries(len(all_strategies()) + 12):
        client.get(METHODS)
