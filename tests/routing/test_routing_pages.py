"""The pages of the router: rules in force, their editor, what was learned, the trial on past requests."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestration.library.models import SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.routing.parts.auto_page import performance
from orchestration.routing.parts.overview import rule_lines
from orchestration.runs.models import Call, Run, RunStatus
from orchestration.runs.services.starting import store_run
from tests.support.history import a_member, a_run, signed_in
from tests.support.pipelines import a_pipeline
from tests.support.rule_sets import a_rule_set, rule, rule_set_draft

pytestmark = pytest.mark.django_db
SUM, POEM = "What is 17% of 2,300?", "Write a poem about rain."


@pytest.fixture
def member() -> Membership:
    member = a_member(Role.OWNER)
    seed_simulated(member.team)
    return member


@pytest.fixture
def browser(member: Membership) -> Client:
    return signed_in(member)


def page(browser: Client, address: str, status: int = 200) -> str:
    answer = browser.get(address)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def ended(member: Membership, text: str, **payload: Json) -> Run:
    run = store_run(membership=member, kind="auto", payload={"text": text, **payload})
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.SUCCEEDED, started_at=run.created_at, finished_at=run.created_at
    )
    return run


class TestOverview:
    def test_without_rules_it_says_what_decides_and_how_to_begin(self, browser: Client) -> None:
        html = page(browser, "/methods/routing/")
        assert "as it comes with Orchestra" in html
        assert "Nothing learned yet" in html
        assert 'href="/methods/routing/new?start=auto"' in html

    def test_rules_in_force_are_said_in_sentences_in_their_order(
        self, browser: Client, member: Membership
    ) -> None:
        when = {"tasks": ["creative"], "max_tokens": 500, "condition": "hour < 9"}
        slow = {
            "id": "s",
            "signal": "latency",
            "limit": 30,
            "remedy": "switch method",
            "to": "model/sim-sage",
        }
        a_rule_set(
            member,
            rule("poems", "strategy/parallel", when=when),
            rule("rest", "model/sim-sage"),
            optimisations=[slow],
        )
        said = words(page(browser, "/methods/routing/"))
        assert "When the task is creative, at most 500 tokens, hour &lt; 9 : Strategy: Parallel" in said
        assert "When every request: Model: sim-sage" in said
        assert "When a run takes 30 s or longer" in said
        assert "version 1" in said

    def test_what_was_learned_can_be_reset_by_admins_and_that_is_audited(
        self, browser: Client, member: Membership
    ) -> None:
        learned = {"judged": 4.0, "quality": 3.0, "counted": 4.0, "cost_usd": 0.4, "seconds": 8.0}
        for level in ("", "kind/number", "kind/number/hard"):
            RouterCell.objects.create(team=member.team, ref="strategy/voting", level=level, **learned)
        RouterCell.objects.create(team=a_member().team, ref="strategy/voting", **learned)
        said = words(page(browser, "/methods/routing/"))
        assert "Strategy: Voting 4 75% weight 4 $0.10 2.0 s number 4 (75%)" in said
        operator = signed_in(a_member(Role.OPERATOR, member.team))
        assert operator.post("/methods/routing/reset", {"ref": "strategy/voting"}).status_code == 403
        assert browser.post("/methods/routing/reset", {"ref": "strategy/voting"}).status_code == 302
        assert RouterCell.objects.count() == 1
        entry = AuditEntry.objects.get(action="router.reset")
        assert (entry.subject, entry.before) == ("strategy/voting", {"rows": 3})
        browser.post("/methods/routing/reset")
        assert "There was nothing to forget" in page(browser, "/methods/routing/")

    def test_a_method_whose_rated_answers_got_worse_is_named(
        self, browser: Client, member: Membership
    ) -> None:
        RouterCell.objects.create(team=member.team, ref="model/a", level="", counted=60.0)
        considered = [{"ref": "model/a", "quality": 0.9}, {"ref": "model/b", "quality": 0.5}]
        for number in range(60):
            request = {"plan": {"considered": considered}}
            run = a_run(member, minutes_ago=100 - number, kind="auto", request=request)
            liked = 1.0 if number < 20 else 0.3
            context: Json = {"kind": "number", "task": "reasoning", "length": 0.3}
            RoutedAnswer.objects.create(
                run=run, ref="model/a", rated=1.0, liked=liked, difficulty=0.5, **context
            )
        said = words(page(browser, "/methods/routing/"))
        assert "on its rated answers are 60% worse than was expected" in said

    def test_its_queries_do_not_grow_with_what_was_learned(self, browser: Client, member: Membership) -> None:
        for number in range(40):
            RouterCell.objects.create(team=member.team, ref=f"model/m{number}", counted=1)
        with CaptureQueriesContext(connection) as queries:
            page(browser, "/methods/routing/")
        assert len(queries) <= 15


class TestEditor:
    def draft(self, member: Membership) -> SavedDefinition:
        return SavedDefinition.objects.get(team=member.team, kind="auto")

    def send(self, browser: Client, member: Membership, **fields: Json) -> str:
        data = {"based_on": self.draft(member).draft_number, "tab": "when", **fields}
        answer = browser.post("/methods/routing/auto/", data, follow=True)
        return str(answer.content.decode())

    def test_a_rule_is_added_changed_moved_and_stands_in_the_yaml(
        self, browser: Client, member: Membership
    ) -> None:
        rule_set_draft(member, rule("first", "model/sim-sage"))
        self.send(browser, member, do="add")
        self.send(browser, member, rule="rule", typed="yes", note="Sums", **{"when.condition": "tokens > 3"})
        self.send(browser, member, rule="rule", do="up")
        draft = self.draft(member).draft
        assert draft.index("id: rule") < draft.index("id: first")
        assert "note: Sums" in draft
        assert "condition: tokens > 3" in draft

    def test_problems_stand_at_their_place(self, browser: Client, member: Membership) -> None:
        wrong = rule("first", "pipeline/nowhere", when={"zone": "Moon/Sea"})
        rule_set_draft(member, wrong)
        html = page(browser, "/methods/routing/auto/?rule=first&tab=when")
        assert "There is no time zone “Moon/Sea”." in html
        rule_set_draft(member, rule("first", "pipeline/nowhere"), name="other", methods=["session/nowhere"])
        html = page(browser, "/methods/routing/other/?rule=first&tab=use")
        assert "2 problems" in html
        assert "There is no method “pipeline/nowhere” in this team" in html

    @pytest.mark.parametrize(
        "draft", ["rules: [", "- a list", "rules: {a: 1}\nname: auto", "rules: [1, {id: 2}]"]
    )
    def test_a_draft_of_any_kind_is_shown_with_what_is_wrong(
        self, browser: Client, member: Membership, draft: str
    ) -> None:
        rule_set_draft(member)
        SavedDefinition.objects.update(draft=draft)
        html = page(browser, "/methods/routing/auto/?tab=yaml")
        assert "problem" in html
        assert "cannot be tried yet" in page(browser, "/methods/routing/auto/dry-run")

    def test_what_differs_between_versions_is_said(self, browser: Client, member: Membership) -> None:
        row = a_rule_set(member, rule("first", "model/sim-sage"))
        text = row.draft.replace("model/sim-sage", "model/sim-oracle").replace(
            "exploration_usd: 0", "dial: 0.9"
        )
        SavedDefinition.objects.filter(pk=row.pk).update(draft=text)
        said = words(page(browser, "/methods/routing/auto/versions/"))
        assert "Rule first" in said
        assert "Rule set: dial" in said

    def test_running_leads_to_ask(self, browser: Client, member: Membership) -> None:
        a_rule_set(member, name="support")
        assert browser.get("/methods/routing/support/run").headers["Location"] == "/?strategy=auto/support"
        assert 'value="auto/support" checked' in page(browser, "/?strategy=auto/support")


class TestDryRun:
    def test_it_counts_and_lists_the_requests_that_would_change(
        self, browser: Client, member: Membership
    ) -> None:
        runs = [ended(member, SUM), ended(member, POEM), ended(member, SUM, method="model/sim-sage")]
        rule_set_draft(member, rule("poems", "model/sim-scholar", when={"tasks": ["creative"]}))
        said = page(browser, "/methods/routing/auto/dry-run")
        assert "It would have changed 1 of the last 3 requests" in said
        assert f'href="/runs/{runs[1].pk}/"' in said
        assert f'href="/runs/{runs[0].pk}/"' not in said

    def test_it_says_where_there_is_nothing_to_compare(self, browser: Client, member: Membership) -> None:
        rule_set_draft(member)
        assert "No past requests yet" in page(browser, "/methods/routing/auto/dry-run")
        ended(member, SUM)
        assert "Every one of them would be answered as before" in page(
            browser, "/methods/routing/auto/dry-run"
        )
        rule_set_draft(member, name="other")
        assert "no version of this rule set is published" in page(browser, "/methods/routing/other/dry-run")
        page(browser, "/methods/routing/nowhere/dry-run", 404)

    def test_its_queries_do_not_grow_with_the_requests(self, browser: Client, member: Membership) -> None:
        rule_set_draft(member)
        for _ in range(12):
            ended(member, SUM)
        with CaptureQueriesContext(connection) as queries:
            page(browser, "/methods/routing/auto/dry-run")
        assert len(queries) <= 14


class TestAsk:
    def test_auto_says_what_it_would_use_before_it_is_sent(self, browser: Client) -> None:
        data = {
            "text": SUM,
            "strategy": "auto/auto",
            "options_of": "auto/auto",
            "options.method": "strategy/voting",
        }
        models = {"order": ["sim-sage", "sim-oracle"], "models": ["sim-sage", "sim-oracle"]}
        said = words(browser.post("/ask/estimate/", {**data, **models}).content.decode())
        assert "Auto · would use Voting" in said
        assert "The request asks for Voting." in said
        refused = words(
            browser.post("/ask/estimate/", {**data, **models, "max_cost_usd": "0.0000001"}).content.decode()
        )
        assert "not possible like this" in refused
        assert "rules out" in refused

    def test_a_limit_that_no_method_meets_is_refused_at_its_field(self, browser: Client) -> None:
        data = {"text": SUM, "strategy": "auto/auto", "models": ["sim-sage"], "max_cost_usd": "0.0000001"}
        answer = browser.post("/", data)
        assert answer.status_code == 422
        assert "the cost limit stands in the way" in answer.content.decode()
        assert not Run.objects.exists()

    def test_what_is_set_is_sent_and_comes_back_with_change_and_run(
        self, browser: Client, member: Membership
    ) -> None:
        a_pipeline(member)
        options = {
            "options.dial": "80",
            "options.priority": "high",
            "options.excluded": ["sim-whim"],
            "options.baseline": "on",
        }
        data = {
            "text": SUM,
            "strategy": "auto/auto",
            "options_of": "auto/auto",
            "models": ["sim-sage", "sim-oracle"],
            "tools": ["clock"],
        }
        assert browser.post("/", {**data, **options}).status_code == 303
        run = Run.objects.get()
        asked = {
            name: run.request[name] for name in ("dial", "priority", "excluded", "baseline", "asked_tools")
        }
        assert asked == {
            "dial": 0.8,
            "priority": "high",
            "excluded": ["sim-whim"],
            "baseline": True,
            "asked_tools": ["clock"],
        }
        html = page(browser, f"/?from={run.pk}")
        assert 'name="options.dial" value="80"' in html
        assert re.search(r'value="clock"[^>]* checked', html)


def test_a_rule_is_put_into_words_however_it_is_written() -> None:
    written = [
        {
            "id": "a",
            "when": {"days": ["sat"], "from_time": "09:00", "until_time": "10:00", "zone": "UTC"},
            "how": "failover",
            "use": [{"method": "x"}, {"method": 7}, 5, {"method": "y"}],
        },
        {
            "id": "b",
            "when": {"busy_model": "ada", "min_tokens": 5},
            "how": "balance",
            "use": [{"method": "x"}],
        },
        {"id": "c", "when": "always", "use": None, "enabled": False},
    ]
    found = rule_lines({"rules": [*written, "none", {"id": 3}]}, {"x": "Ex"})
    assert [(each.when, each.use, each.is_on) for each in found] == [
        ("it is sat, between 09:00 and 10:00 (UTC)", "Ex, then y", True),
        ("at least 5 tokens, ada is busy", "Ex, in turn by weight", True),
        ("every request", "nothing yet", False),
    ]


def test_performance_counts_calls_at_the_same_time() -> None:
    calls = [
        Call(started_s=start, latency_s=took, attempt=number)
        for start, took, number in ((0, 2, 1), (1, 2, 1), (2.5, 1, 2), (9, None, 1))
    ]
    found = performance(calls, 3)
    assert (found.calls, found.together, found.reused, found.repeated) == (4, 2, 3, 1)
