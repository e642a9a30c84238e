"""The estimate before sending: ranges from prices, history and the strategy's way of asking."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import ModelSpec, Prices, Purpose
from orchestration.llm.models import LanguageModel, Price, Provider
from orchestration.runs.models import Call
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.estimating import Draft, Estimate, at_once, in_order, in_waves
from orchestration.strategies.engine.lengths import DECILE, PastCall, expected_length
from orchestration.strategies.engine.strategy import get_strategy, validate_options
from orchestration.strategies.engine.types import Request
from orchestration.strategies.models import Observation
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.estimates import calls_a_member, estimate_request
from tests.support.history import a_member, a_run, signed_in
from tests.support.run_rows import RunRows

DOLLAR = Prices(input_per_million=Decimal(1), output_per_million=Decimal(2))
SPEC = ModelSpec(name="m", provider="p", remote_name="m", max_output_tokens=1000, prices=DOLLAR)


def _call(low: str, high: str, seconds: tuple[float | None, float | None] = (None, None)) -> Estimate:
    return Estimate(
        cost_low=Decimal(low), cost_high=Decimal(high), seconds_low=seconds[0], seconds_high=seconds[1]
    )


def draft_of(*past: PastCall) -> Draft:
    return Draft(task=TaskType.REASONING, words=100, past={"m": past}, answers=1, read=(0, 100))


def test_without_history_an_answer_may_be_short_or_long_for_its_type_of_task() -> None:
    call = draft_of().call(SPEC, Purpose.ANSWER)
    usual = expected_length(SPEC, Purpose.ANSWER, TaskType.REASONING)
    assert call.tokens == (20, usual.at(DECILE))
    assert (call.cost_low, call.cost_high) == (Decimal("0.00014"), Decimal("0.001216"))
    assert (call.seconds_low, call.is_known) == (None, False)


def test_history_narrows_the_range() -> None:
    past = [PastCall(purpose=Purpose.ANSWER, tokens=50, seconds=place / 4) for place in range(41)]
    call = draft_of(*past).call(SPEC, Purpose.ANSWER, answers=1)
    low, high = call.tokens
    assert 25 < low < 50 < high < 100
    assert call.cost_low == Decimal(100 + 2 * low) / 1_000_000
    assert call.cost_high == Decimal(200 + 2 * high) / 1_000_000
    assert (call.seconds_low, call.seconds_high, call.is_known) == (1.0, 9.0, True)


def test_models_asked_at_once_add_up_in_cost_and_wait_for_the_slowest() -> None:
    whole = at_once([_call("1", "2", (1.0, 5.0)), _call("3", "4", (2.0, 3.0))])
    assert (whole.cost_low, whole.cost_high) == (Decimal(4), Decimal(6))
    assert (whole.seconds_low, whole.seconds_high) == (2.0, 5.0)
    assert (whole.calls_low, whole.calls_high) == (2, 2)


def test_models_asked_in_turn_cost_from_the_first_to_all() -> None:
    whole = in_waves([_call("1", "2", (1.0, 5.0)), _call("3", "4", (2.0, 3.0))], (1, 2), size=1)
    assert (whole.cost_low, whole.cost_high) == (Decimal(1), Decimal(6))
    assert (whole.seconds_low, whole.seconds_high) == (1.0, 8.0)
    assert (whole.calls_low, whole.calls_high) == (1, 2)


def test_waves_wait_for_each_other_and_may_end_early() -> None:
    whole = in_waves([_call("1", "2", (1.0, 2.0))], (4, 5), size=2)
    assert (whole.cost_low, whole.cost_high) == (Decimal(4), Decimal(10))
    assert (whole.seconds_low, whole.seconds_high) == (2.0, 6.0)
    assert (whole.calls_low, whole.calls_high) == (4, 5)


def test_calls_that_may_not_be_made_cost_from_nothing_where_they_have_a_price() -> None:
    call = _call("1", "2", (1.0, 2.0))
    unpriced = replace(call, cost_low=None, cost_high=None)
    assert [in_waves([each], (0, 2), size=2).cost_low for each in (call, unpriced)] == [Decimal(0), None]
    assert in_waves([call], (0, 2), size=2).seconds_low is None


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, (5, 10)),
        ({"waves": 1}, (3, 10)),
        ({"waves": 1, "stop": "posterior"}, (3, 10)),
        ({"rule": "borda"}, (10, 10)),
        ({"ballot": "answers"}, (5, 5)),
        ({"ballot": "answers", "waves": 1}, (2, 5)),
        ({"ballot": "answers", "waves": 1, "rule": "plurality"}, (3, 5)),
        ({"ballot": "answers", "waves": 2, "rule": "plurality"}, (4, 5)),
        ({"ballot": "answers", "waves": 1, "stop": "off"}, (5, 5)),
        ({"ballot": "answers", "waves": 1, "stop": "posterior"}, (1, 5)),
        ({"ballot": "review"}, (10, 10)),
        ({"ballot": "review", "waves": 1}, (8, 10)),
    ],
)
def test_a_vote_says_how_many_calls_it_takes(options: dict[str, object], calls: tuple[int, int]) -> None:
    voting = get_strategy("voting")
    effort, shares = voting.effort(validate_options("voting", options), 5), [_call("1", "2")] * 5
    stages = [(shares, effort.answers, effort.at_once), (shares, effort.reviews, effort.reviews_at_once)]
    whole = in_order([in_waves(*stage) for stage in stages])
    assert (whole.calls_low, whole.calls_high) == calls


def test_a_vote_that_may_be_reviewed_costs_from_no_review_to_all() -> None:
    voting = get_strategy("voting")
    answers = [_call("1", "2", (1.0, 2.0))] * 3
    reviews = [_call("3", "4", (1.0, 2.0))] * 3
    effort = voting.effort(validate_options("voting", {}), 3)
    stages = [(answers, effort.answers, effort.at_once), (reviews, effort.reviews, effort.reviews_at_once)]
    whole = in_order([in_waves(*stage) for stage in stages])
    assert (whole.cost_low, whole.cost_high) == (Decimal(3), Decimal(18))
    assert (whole.seconds_low, whole.seconds_high) == (1.0, 4.0)
    assert voting.effort(validate_options("voting", {}), 2).reviews == (0, 0)


def test_a_judge_comes_on_top() -> None:
    panel, judge = at_once([_call("1", "2", (1.0, 2.0))]), at_once([_call("1", "1")])
    whole = in_order([panel, judge])
    assert (whole.cost_low, whole.cost_high) == (Decimal(2), Decimal(3))
    assert (whole.seconds_high, whole.calls_high) == (2.0, 2)


def test_models_without_a_price_are_named() -> None:
    unpriced = draft_of().call(replace(SPEC, name="b", prices=None), Purpose.ANSWER)
    whole = at_once([_call("1", "2"), unpriced])
    assert (whole.cost_high, whole.unpriced) == (Decimal(2), ("b",))
    assert at_once([unpriced]).cost_high is None


@pytest.mark.django_db
class TestFromTheTables:
    @pytest.fixture
    def member(self) -> Membership:
        member = a_member()
        provider = Provider.objects.create(team=member.team, name="Simulated", kind="simulated")
        model = LanguageModel.objects.create(
            team=member.team, provider=provider, name="sim-swift", remote_name="sim-swift"
        )
        Price.objects.create(model=model, input_per_million=1, output_per_million=2)
        return member

    def _estimate(self, member: Membership, **changes: object) -> Estimate:
        given = {"text": "x" * 400, "system": "", "strategy": "parallel", "models": ("sim-swift",)}
        request = Request(**{**given, **changes})
        return estimate_request(membership=member, request=request, models=models_with_profiles(member))

    def test_the_teams_newest_answers_are_the_history(self, member: Membership) -> None:
        for tokens in (10, 20, 20, 30):
            rows = RunRows.queued(member, "sim-swift")
            rows.answer(rows.ask("sim-swift"), "391", seconds=tokens / 10, tokens=tokens)
        estimate = self._estimate(member)
        assert estimate.is_known
        assert estimate.cost_high is not None
        assert (104 + 2 * 30) / Decimal(1_000_000) < estimate.cost_high < (104 + 2 * 300) / Decimal(1_000_000)
        assert estimate.seconds_low == pytest.approx(1.3)
        assert estimate.seconds_high == pytest.approx(2.7)

    def test_other_teams_answers_are_not(self, member: Membership) -> None:
        other = a_member()
        for _ in range(5):
            rows = RunRows.queued(other, "sim-swift")
            rows.answer(rows.ask("sim-swift"), "391")
        assert Call.objects.count() == 5
        assert self._estimate(member).seconds_high is None

    @pytest.mark.parametrize(
        ("width", "task", "calls"),
        [
            (1, TaskType.REASONING, [1.0]),
            (1, TaskType.CREATIVE, [2.0, 1.0]),
            (2, TaskType.REASONING, [3.0]),
            (9, TaskType.ANALYSIS, [2.0]),
        ],
    )
    def test_of_earlier_runs_those_with_these_options_and_this_kind_of_task_count(
        self, member: Membership, width: int, task: TaskType, calls: list[float]
    ) -> None:
        model = LanguageModel.objects.get()
        earlier = [(2, TaskType.REASONING, 3), (1, TaskType.REASONING, 1), (1, TaskType.ANALYSIS, 2)]
        for used, kind, count in earlier:
            request = {"models": ["sim-swift"], "options": {"width": used}}
            run = a_run(member, ref="cascade", calls_started=count, request=request)
            Observation.objects.create(run=run, model=model, task=kind)
        assert calls_a_member(member, "cascade", {"width": width}, task) == calls

    def test_unknown_models_are_left_out(self, member: Membership) -> None:
        estimate = self._estimate(member, models=("sim-swift", "gone"))
        assert estimate.calls_high == 1

    @pytest.mark.parametrize(("ballot", "calls"), [("review", 2), ("answers", 1), ("nonsense", 1)])
    def test_the_pages_options_count_as_far_as_they_fit(
        self, member: Membership, ballot: str, calls: int
    ) -> None:
        estimate = self._estimate(member, strategy="voting", options={"ballot": ballot})
        assert estimate.calls_high == calls

    def test_the_page_shows_it(self, member: Membership) -> None:
        sent = {"text": "What is 17% of 2,300?", "models": "sim-swift", "order": "sim-swift"}
        html = signed_in(member).post("/ask/estimate/", {**sent, "strategy": "parallel"}).content.decode()
        assert "· probably up to $0.00079<" in html
        assert "time not known yet" in html

    def test_without_a_panel_it_says_what_is_missing(self, member: Membership) -> None:
        html = signed_in(member).post("/ask/estimate/", {"strategy": "parallel"}).content.decode()
        assert "Choose at least one model" in html
