"""The Ask page: what it offers, what it sends, and what it refuses in words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.models import LanguageModel, Price, Provider
from orchestration.runs.models import Run
from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

pytestmark = pytest.mark.django_db
MODELS = {"sim-swift": "small", "sim-sage": "medium", "sim-oracle": "large", "sim-scout": "small"}
GOOD = {"text": "What is 17% of 2,300?", "strategy": "sequential", "models": ["sim-swift", "sim-sage"]}
OPTIONS = {"options.threshold": "60", "options_of": "sequential"}


@pytest.fixture
def member() -> Membership:
    member = a_member()
    provider = Provider.objects.create(team=member.team, name="Simulated", kind="simulated")
    for name, tier in MODELS.items():
        model = LanguageModel.objects.create(
            team=member.team, provider=provider, name=name, remote_name=name, tier=tier
        )
        Price.objects.create(model=model, input_per_million=Decimal("0.5"), output_per_million=Decimal("1.5"))
    return member


def _html(answer: _MonkeyPatchedWSGIResponse, status: int = 200) -> str:
    assert answer.status_code == status
    return str(answer.content.decode())


def _sent(**changes: object) -> dict[str, object]:
    return {**GOOD, **OPTIONS, "order": list(MODELS), **changes}


class TestThePage:
    def test_it_opens_with_a_panel_of_three_and_auto_chosen(self, browser: Client) -> None:
        html = _html(browser.get("/"))
        assert html.count('name="models"') == 4
        assert html.count(" checked") == 4
        assert 'value="auto/auto" checked' in html
        assert '<option value="normal" selected>' in html

    def test_it_says_that_a_review_may_come_and_how_many_calls_that_is(self, browser: Client) -> None:
        html = _html(browser.get("/?strategy=voting"))
        assert "3 to 6 calls" in html
        assert "each model also reviews the others'" in html
        assert "also reviews" not in _html(browser.get("/?strategy=parallel"))

    def test_its_options_come_from_the_strategys_schema(self, browser: Client) -> None:
        parallel, sequential = browser.get("/?strategy=parallel"), browser.get("/?strategy=sequential")
        assert 'name="options.max_parallel"' in _html(parallel)
        assert 'name="options.max_parallel"' not in _html(sequential)
        assert 'name="options.threshold"' in _html(sequential)

    def test_examples_are_plain_links(self, browser: Client) -> None:
        html = _html(browser.get("/"))
        assert html.count("data-prompt=") == 7
        assert "Only simulated models are here." in html
        assert "What is 17% of 2,300?</textarea>" in _html(
            browser.get("/?prompt=What+is+17%25+of+2%2C300%3F")
        )

    def test_a_team_without_models_is_told_what_to_do(self) -> None:
        html = _html(signed_in(a_member()).get("/"))
        assert "No model to ask yet" in html
        assert "ask-form" not in html

    def test_viewers_see_it_and_learn_why_they_cannot_ask(self, member: Membership) -> None:
        viewer = signed_in(a_member(Role.VIEWER, member.team))
        assert "Your role is viewer" in _html(viewer.get("/"))
        assert viewer.post("/", _sent()).status_code == 403
        assert not Run.objects.exists()

    def test_its_queries_do_not_grow_with_the_models(self, browser: Client, member: Membership) -> None:
        provider = Provider.objects.get()
        for number in range(30):
            LanguageModel.objects.create(
                team=member.team, provider=provider, name=f"m{number}", remote_name="m"
            )
        with CaptureQueriesContext(connection) as queries:
            browser.get("/")
        assert len(queries) <= 22

    def test_the_wrong_verb_is_refused(self, browser: Client) -> None:
        assert browser.delete("/").status_code == 405
        assert browser.get("/ask/preview/").status_code == 405
        assert browser.get("/ask/estimate/").status_code == 405

    def test_anonymous_visitors_sign_in_first(self) -> None:
        assert Client().get("/").status_code == 302


class TestSending:
    def test_what_was_asked_is_stored_and_its_page_opened(self, browser: Client) -> None:
        answer = browser.post("/", _sent(system="Be brief.", max_cost_usd="0.5", min_quality="20"))
        run = Run.objects.get()
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/runs/{run.pk}/"
        assert (run.prompt, run.ref) == (GOOD["text"], "sequential")
        assert run.request["system"] == "Be brief."
        assert run.request["constraints"]["max_cost_usd"] == "0.5"

    def test_the_panel_is_asked_in_the_order_of_the_page(self, browser: Client) -> None:
        browser.post("/", _sent(order=["sim-sage", "sim-swift"]))
        assert [entry["spec"]["name"] for entry in Run.objects.get().panel] == ["sim-sage", "sim-swift"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"text": " "}, "Write what you want to ask."),
            ({"text": "x" * 200_001}, "at most 200,000 can be sent"),
            ({"strategy": "telepathy"}, "There is no strategy “telepathy”."),
            ({"models": []}, "Choose at least one model."),
            ({"models": ["gpt-none"]}, "gpt-none"),
            ({"options.threshold": "7"}, "Enter at least 10."),
            ({"options.threshold": "much"}, "Enter a number."),
            ({"options.judge": "nobody"}, "“nobody” is none of your models."),
            ({"max_cost_usd": "-1"}, "Enter at least 0."),
            ({"max_cost_usd": "0"}, "A limit must be above zero"),
            ({"max_calls": "2.5"}, "Enter a whole number."),
            ({"min_quality": "200"}, "Enter at most 100."),
        ],
    )
    def test_bad_input_gets_a_sentence_and_stores_nothing(
        self, changes: dict[str, object], words: str, browser: Client
    ) -> None:
        assert words in _html(browser.post("/", _sent(**changes)), 422)
        assert not Run.objects.exists()

    def test_a_cost_limit_needs_prices(self, browser: Client) -> None:
        Price.objects.filter(model__name="sim-sage").delete()
        html = _html(browser.post("/", _sent(max_cost_usd="1")), 422)
        assert "none is set for sim-sage" in html

    def test_other_teams_models_cannot_be_asked(self, browser: Client) -> None:
        stranger = a_member()
        provider = Provider.objects.create(team=stranger.team, name="P", kind="simulated")
        LanguageModel.objects.create(team=stranger.team, provider=provider, name="theirs", remote_name="t")
        browser.post("/", _sent(models=["theirs"]))
        assert not Run.objects.exists()


class TestRedrawing:
    @pytest.mark.parametrize(
        ("move", "order"),
        [
            ("up:sim-sage", ["sim-sage", "sim-swift", "sim-oracle", "sim-scout"]),
            ("down:sim-sage", ["sim-swift", "sim-oracle", "sim-sage", "sim-scout"]),
            ("up:sim-swift", list(MODELS)),
            ("down:sim-scout", list(MODELS)),
            ("up:sim-none", list(MODELS)),
        ],
    )
    def test_a_model_moves_by_one_place_without_a_script_and_nothing_is_judged(
        self, browser: Client, move: str, order: list[str]
    ) -> None:
        html = _html(browser.post("/", _sent(text="", move=move)))
        assert re.findall(r'name="order" value="([^"]+)"', html) == order
        assert '<details class="panel-change" open>' in html
        assert "field-error" not in html
        assert not Run.objects.exists()

    def test_htmx_gets_only_the_part_it_asked_for(self, browser: Client) -> None:
        headers = {"HX-Request": "true", "HX-Target": "ask-options"}
        html = _html(browser.post("/ask/preview/", _sent(strategy="parallel"), headers=headers))
        assert html.strip().startswith('<div id="ask-options"')
        assert 'name="options.max_parallel"' in html

    def test_another_strategys_options_start_at_their_usual_values(self, browser: Client) -> None:
        html = _html(browser.post("/", _sent(redraw="options", strategy="parallel")))
        assert re.search(r'name="options.max_parallel" value="10"', html)
        assert browser.post("/", _sent(strategy="parallel")).status_code == 303
        assert Run.objects.get().request["options"]["max_parallel"] == 10

    def test_a_value_that_nobody_chose_is_not_taken_along_to_another_strategy(self, browser: Client) -> None:
        assert browser.post("/", _sent(strategy="cascade")).status_code == 303
        assert Run.objects.get().request["options"]["threshold"] is None

    def test_a_value_that_somebody_chose_is(self, browser: Client) -> None:
        assert (
            browser.post("/", _sent(**{"strategy": "cascade", "options.threshold": "70"})).status_code == 303
        )
        assert Run.objects.get().request["options"]["threshold"] == 0.7

    def test_the_method_to_begin_with_stands_first(self, browser: Client) -> None:
        assert re.findall(r'id="strategy-([a-z-]+)"', _html(browser.get("/")))[:2] == ["autoauto", "voting"]

    def test_an_option_that_was_emptied_takes_its_usual_value(self, browser: Client) -> None:
        assert browser.post("/", _sent(**{"options.threshold": ""})).status_code == 303
        assert Run.objects.get().request["options"]["threshold"] == 0.6

    def test_what_was_written_stays(self, browser: Client) -> None:
        html = _html(browser.post("/", _sent(redraw="options", strategy="parallel", system="Be brief.")))
        assert "Be brief.</textarea>" in html
        assert 'value="parallel" checked' in html


class TestChangingAnEarlierRun:
    def test_the_form_starts_from_what_was_asked(self, browser: Client, member: Membership) -> None:
        run = RunRows.queued(member, "sim-sage", prompt="How many?", ref="sequential").run
        html = _html(browser.get(f"/?from={run.pk}"))
        assert "How many?</textarea>" in html
        assert "data-prompt=" not in html
        assert 'value="sequential" checked' in html
        assert html.count('name="models"') == 4
        assert html.count(" checked") == 3

    def test_the_new_run_names_the_old_one(self, browser: Client, member: Membership, kind: str) -> None:
        run = RunRows.queued(member, "sim-sage", kind=kind).run
        browser.post("/", _sent(**{"from": str(run.pk)}))
        assert Run.objects.exclude(pk=run.pk).get().rerun_of == run

    def test_strangers_runs_are_not_there(self, browser: Client) -> None:
        run = RunRows.queued(a_member(), "sim-sage").run
        assert browser.get(f"/?from={run.pk}").status_code == 404
        assert browser.get("/?from=nonsense").status_code == 200

    def test_asking_the_same_again_needs_no_form(
        self, browser: Client, member: Membership, kind: str
    ) -> None:
        run = RunRows.queued(member, "sim-sage", "sim-swift", kind=kind).run
        browser.post(f"/runs/{run.pk}/rerun")
        again = Run.objects.exclude(pk=run.pk).get()
        assert (again.rerun_of, again.kind, again.ref) == (run, run.kind, run.ref)
        assert [entry["spec"]["name"] for entry in again.panel] == ["sim-sage", "sim-swift"]

    def test_what_cannot_be_asked_again_opens_for_changes(
        self, browser: Client, member: Membership, kind: str
    ) -> None:
        run = RunRows.queued(member, "gone-model", kind=kind).run
        answer = browser.post(f"/runs/{run.pk}/rerun", follow=True)
        assert answer.redirect_chain == [(f"/?from={run.pk}", 302)]
        assert "There is no model" in answer.content.decode()


BOARD = {"text": "Weigh the moon", "strategy": "second/board", "options_of": "second/board"}


@pytest.mark.usefixtures("kind")
class TestOtherKinds:
    def test_their_methods_stand_below_the_strategies(self, browser: Client) -> None:
        html = _html(browser.get("/"))
        assert html.index('value="voting"') < html.index('value="second/board"')
        assert "Two write, one checks." in _html(browser.get("/?strategy=second/board"))

    def test_their_fields_come_from_the_payloads_schema(self, browser: Client) -> None:
        html = _html(browser.get("/?strategy=second/board"))
        for name in ("options.writers", "options.checkers", "options.approve", "max_cost_usd"):
            assert f'name="{name}"' in html
        assert 'name="models"' not in html
        assert 'name="options.threshold"' not in html
        assert "has not run yet" in html

    @pytest.mark.parametrize(
        ("before", "after", "panel"),
        [
            ({"order": ["sim-sage"]}, "second/board", '<div id="ask-panel" hx-swap-oob="true"></div>'),
            (
                {"options_of": "second/board"},
                "voting",
                '<div id="ask-panel" class="ask-row" hx-swap-oob="true">',
            ),
        ],
    )
    def test_the_panel_comes_and_goes_with_the_method(
        self, browser: Client, before: dict[str, object], after: str, panel: str
    ) -> None:
        headers = {"HX-Request": "true", "HX-Target": "ask-options"}
        html = _html(browser.post("/ask/preview/", {"strategy": after, **before}, headers=headers))
        assert panel in html
        assert html.count(' checked"') + html.count(" checked>") == (4 if after == "voting" else 0)

    def test_what_is_filled_in_starts_a_run_of_that_kind(self, browser: Client) -> None:
        sent = {"options.writers": "sim-swift", "options.checkers": " sim-sage\n\n", "max_calls": "9"}
        assert browser.post("/", {**BOARD, **sent}).status_code == 303
        run = Run.objects.get()
        assert (run.kind, run.ref, run.prompt) == ("second", "board", "Weigh the moon")
        assert [entry["spec"]["name"] for entry in run.panel] == ["sim-swift", "sim-sage"]
        assert run.request["constraints"]["max_calls"] == 9

    def test_what_the_kind_refuses_is_said_at_its_field(self, browser: Client) -> None:
        sent = {"options.writers": "nobody", "options.checkers": "sim-sage"}
        html = _html(browser.post("/", {**BOARD, **sent}), 422)
        assert "There is no model &#x27;nobody&#x27;." in html
        assert not Run.objects.exists()

    def test_a_run_of_theirs_is_changed_on_the_same_page(self, browser: Client, member: Membership) -> None:
        run = RunRows.queued(member, "sim-sage", prompt="Weigh the sun", kind="second").run
        html = _html(browser.get(f"/?from={run.pk}"))
        assert "Weigh the sun</textarea>" in html
        assert 'value="second/board" checked' in html
        assert html.count("sim-sage</textarea>") == 2
