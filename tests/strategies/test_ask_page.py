"""How the Ask page is laid out: what is open, what is folded, what stands first, what is said of faults."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.llm.models import LanguageModel
from orchestration.runs.kinds import Startable
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.forms.ask import MOST_IN_A_ROW, AskForm
from orchestration.strategies.forms.fields import FieldGroup
from orchestration.strategies.models import ModelProfile
from orchestration.strategies.selectors import models_with_profiles
from orchestration.tools.forms.schemas import PercentField
from tests.support.history import a_run
from tests.support.shown import a_model

SENT = {
    "text": "Why?",
    "strategy": "sequential",
    "options_of": "sequential",
    "models": ["one"],
    "order": ["one"],
}


@pytest.mark.parametrize("name", all_strategies())
def test_each_main_option_of_a_strategy_exists(name: str) -> None:
    options = all_strategies()[name].Options
    assert 2 <= len(options.main) <= 3
    assert set(options.main) < set(options.model_fields)


class Boxes(forms.Form):
    count = forms.IntegerField(initial=3, label="Count", required=False)
    share = PercentField(initial=0.6, label="Share, %", required=False)
    colour = forms.ChoiceField(choices=[("a", "Azure"), ("b", "Blue")], initial="a", label="Colour")
    loud = forms.BooleanField(required=False, label="Loud")
    words = forms.CharField(required=False, label="Words")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "as usual"),
        ({"count": 4}, "Count 4"),
        ({"share": 0.75, "colour": "b"}, "Share 75 % · Colour Blue"),
        ({"loud": True, "words": "x" * 50}, f"Loud on · Words {'x' * 40}…"),
        (
            {"count": 4, "share": 0.75, "colour": "b", "loud": True},
            "Count 4 · Share 75 % · Colour Blue · 1 more",
        ),
    ],
)
def test_a_folded_group_says_what_is_set_in_it(given: dict[str, object], told: str) -> None:
    form = Boxes(initial={name: field.initial for name, field in Boxes.base_fields.items()} | given)
    assert FieldGroup("g", "G", list(form), "as usual").told == told


def test_a_group_is_wrong_when_one_of_its_fields_is() -> None:
    form = Boxes({"count": "many", "colour": "a"})
    assert FieldGroup("g", "G", list(form), "").is_wrong
    assert not FieldGroup("g", "G", [form["colour"]], "").is_wrong


@pytest.mark.django_db
class TestMethods:
    def form(self, member: Membership, others: int, chosen: str = "voting") -> AskForm:
        a_model(member, "one")
        more = {f"board/{n}": Startable(ref=str(n), title=f"Board {n}") for n in range(others)}
        models, initial = list(models_with_profiles(member)), {"strategy": chosen}
        return AskForm(models=models, tools={}, rubrics=list, others=more, initial=initial)

    def test_a_few_stand_side_by_side_and_the_rest_behind_a_menu(self, member: Membership) -> None:
        form = self.form(member, 3)
        known = list(form.methods)
        assert (known[0], known[-3:]) == ("voting", ["board/0", "board/1", "board/2"])
        assert list(form.shown_methods) == known[: MOST_IN_A_ROW - 1]
        assert list(form.other_methods) == known[MOST_IN_A_ROW - 1 :]

    def test_the_chosen_one_leads_where_it_would_be_behind_the_menu(self, member: Membership) -> None:
        form = self.form(member, 3, chosen="board/2")
        assert next(iter(form.shown_methods)) == "board/2"
        assert "board/2" not in form.other_methods
        assert len(form.shown_methods) == MOST_IN_A_ROW - 1


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture(autouse=True)
    def model(self, member: Membership) -> LanguageModel:
        return a_model(member, "one")

    def shown(self, browser: Client, path: str = "/") -> str:
        return browser.get(path).content.decode()

    def refused(self, browser: Client, **changes: object) -> str:
        answer = browser.post("/", {**SENT, **changes})
        assert answer.status_code == 422
        return str(answer.content.decode())

    def test_the_question_has_the_focus(self, browser: Client) -> None:
        assert re.findall(r"<(\w+)[^>]* autofocus", self.shown(browser)) == ["textarea"]

    def test_a_methods_sentence_and_main_options_are_open_and_the_rest_is_folded(
        self, browser: Client
    ) -> None:
        html = self.shown(browser, "/?strategy=cascade")
        assert all_strategies()["cascade"].summary in html
        folded = html.index('<details class="ask-group">')
        assert html.index('name="options.preset"') < html.index('name="options.width"') < folded
        assert html.index('name="options.threshold"') > folded
        assert re.findall(r"<details[^>]* open", html) == []

    def test_the_line_beside_the_button_says_what_will_be_done(self, browser: Client) -> None:
        page = self.shown(browser, "/?strategy=voting")
        told = re.search(r'<p id="ask-estimate".*?</p>', page, re.DOTALL)
        assert told is not None
        words = " ".join(re.sub(r"<[^>]+>", "", told[0]).split())
        assert re.fullmatch(r"Voting · 1 model · probably up to \$[\d.]+ · .* · 1 call · Change", words)

    def test_faults_are_listed_on_top_with_links_and_the_focus_is_on_the_first(self, browser: Client) -> None:
        html = self.refused(browser, text="", models=[], max_calls="0")
        assert "This cannot be asked: 3 things to mend" in html
        links = re.findall(r'<a href="#([\w.-]+)"( autofocus)?>([^<]+)</a>:', html)
        assert links == [
            ("id_text", " autofocus", "Question"),
            ("pick-1", "", "Panel"),
            ("id_max_calls", "", "Most calls"),
        ]
        assert all(f'id="{target}"' in html for target, _, _ in links)
        assert html.count("autofocus") == 1

    @pytest.mark.parametrize(
        ("wrong", "group"),
        [({"max_calls": "0"}, "limits"), ({"options.temperature": "9"}, "advanced"), ({"text": ""}, None)],
    )
    def test_only_the_group_of_the_wrong_field_is_open(
        self, browser: Client, wrong: dict[str, str], group: str | None
    ) -> None:
        html = self.refused(browser, system="Be brief.", max_cost_usd="1", **wrong)
        opened = re.findall(r'<details class="ask-group" open>.*?id="told-(\w+)"', html, re.DOTALL)
        assert opened == ([group] if group else [])

    def test_what_a_start_refuses_is_listed_with_a_link_to_its_field(self, browser: Client) -> None:
        html = self.refused(browser, strategy="voting", options_of="voting", **{"options.quorum": "2"})
        assert "This cannot be asked: 1 thing to mend" in html
        assert '<a href="#id_options.quorum" autofocus>Quorum</a>' in html

    def test_a_model_shows_price_time_and_record(self, browser: Client, model: LanguageModel) -> None:
        assert "no record yet" in self.shown(browser)
        for task, judged in ((TaskType.REASONING, 4), (TaskType.ANALYSIS, 0)):
            sums = {"asked": 5, "answered": 4, "timed": 4, "seconds": 6.0, "quality": judged * 0.75}
            ModelProfile.objects.create(model=model, task=task, judged=judged, **sums)
        html = self.shown(browser)
        for told in ("$2.00 / $2.00", "1.5 s", "80% answered, quality 75%"):
            assert told in html

    def test_examples_are_there_until_some_runs_are(self, browser: Client, member: Membership) -> None:
        for _ in range(4):
            a_run(member)
        assert "data-prompt=" in self.shown(browser)
        a_run(member)
        assert "data-prompt=" not in self.shown(browser)

    def test_the_newest_runs_stand_below_each_a_link(self, browser: Client, member: Membership) -> None:
        assert "Recent" not in self.shown(browser)
        runs = [
            a_run(member, f"Question {number}", answer="# It is so\nBecause", minutes_ago=9 - number)
            for number in range(6)
        ]
        html = self.shown(browser)
        assert re.findall(r"Question \d", html) == [f"Question {n}" for n in (5, 4, 3, 2, 1)]
        assert f'<a class="recent-row" href="/runs/{runs[-1].pk}/">' in html
        assert 'class="recent-answer" dir="auto">It is so</span>' in html

    def test_a_change_tells_the_line_the_chips_and_the_groups_what_is_set(self, browser: Client) -> None:
        html = browser.post("/ask/estimate/", {**SENT, "max_calls": "7"}).content.decode()
        assert html.count('hx-swap-oob="true"') == 5
        for told in ("<strong>Sequential</strong> · 1 model", "Most calls 7", 'class="chip"'):
            assert told in html

    def test_a_draft_belongs_to_a_person_in_a_team(self, browser: Client, member: Membership) -> None:
        assert f'data-draft="{member.user_id}:{member.team_id}"' in self.shown(browser)

    @pytest.mark.parametrize(
        ("path", "restores"), [("/", True), ("/?prompt=a", False), ("/?strategy=expert", False)]
    )
    def test_a_draft_is_restored_only_where_the_address_fills_in_nothing(
        self,
        browser: Client,
        path: str,
        restores: bool,  # noqa: FBT001
    ) -> None:
        assert ("data-restores" in self.shown(browser, path)) is restores
        assert "data-restores" not in self.refused(browser, text="")
