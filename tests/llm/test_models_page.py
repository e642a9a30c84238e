"""The Models page and the page of one model, as each kind of visitor sees them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind
from orchestration.runs.models import Call, CallStatus
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
MODELS = "/models/"
SETTINGS = {
    "name": "swift",
    "tier": "small",
    "family": "sim",
    "context_window": 16384,
    "max_output_tokens": 500,
    "max_concurrency": 4,
    "timeout_s": 30,
    "capabilities": ["streaming"],
    "enabled": "on",
}


def a_model(member: Membership, name: str = "sim-swift") -> LanguageModel:
    provider, _ = Provider.objects.get_or_create(
        team=member.team, name="Simulated", defaults={"kind": ProviderKind.SIMULATED}
    )
    model: LanguageModel = LanguageModel.objects.create(
        team=member.team, provider=provider, name=name, remote_name="sim-swift", context_window=8192
    )
    return model


def a_call(member: Membership, status: CallStatus, seconds: float | None = None, cost: str = "0") -> None:
    Call.objects.create(
        run=a_run(member),
        step="ask/sim-swift",
        attempt=1,
        model="sim-swift",
        provider="Simulated",
        purpose="answer",
        status=status,
        latency_s=seconds,
        cost_usd=Decimal(cost),
    )


def test_a_row_tells_price_context_tier_and_how_recent_calls_went(admin: Membership) -> None:
    model = a_model(admin)
    Price.objects.create(
        model=model, input_per_million="0.15", output_per_million="0.60", valid_from=date(2026, 1, 1)
    )
    for seconds in (1.0, 2.0, 9.0):
        a_call(admin, CallStatus.DONE, seconds, "0.01")
    a_call(admin, CallStatus.FAILED)
    a_call(admin, CallStatus.CANCELLED)
    page = signed_in(admin).get(MODELS).content.decode()
    expected = (
        "$0.15 in",
        "$0.60 out",
        "since 1 Jan 2026",
        "8,192",
        "Medium",
        "75%",
        "5 calls",
        "2.0 s",
        "$0.03",
    )
    assert [words for words in expected if words not in page] == []


def test_a_price_that_starts_later_is_announced_and_not_used_yet(admin: Membership) -> None:
    model = a_model(admin)
    tomorrow = timezone.localdate() + timedelta(days=1)
    Price.objects.create(model=model, input_per_million="9", output_per_million="9", valid_from=tomorrow)
    page = signed_in(admin).get(MODELS).content.decode()
    assert "No price" in page
    assert "then $9.00 in, $9.00 out from" in page


def test_a_key_is_mentioned_and_never_shown(admin: Membership) -> None:
    Provider.objects.create(
        team=admin.team,
        name="Cloud",
        kind=ProviderKind.OPENAI_COMPATIBLE,
        base_url="https://api.example.com/v1",
        secret=b"sealed-canary",
    )
    page = signed_in(admin).get(MODELS).content.decode()
    assert "Key stored" in page
    assert "https://api.example.com/v1" in page
    assert "canary" not in page


def test_a_team_without_models_is_shown_how_to_get_some(admin: Membership) -> None:
    page = signed_in(admin).get(MODELS).content.decode()
    assert "No models yet" in page
    assert "/models/connect/" in page
    assert "Add simulated models" in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_member_who_may_not_configure_sees_the_page_and_who_may(role: Role) -> None:
    member = a_member(role)
    model = a_model(member)
    client = signed_in(member)
    page = client.get(MODELS).content.decode()
    assert "Owners and admins of the team can connect, change and test models" in page
    assert "Delete" not in page
    for address in ("/models/connect/", f"/models/{model.id}/", f"/models/providers/{model.provider_id}/"):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize("last", ["", "price/", "test/", "delete/"])
def test_a_strangers_model_is_not_there(last: str) -> None:
    model = a_model(a_member(Role.OWNER))
    client = signed_in(a_member(Role.OWNER))
    assert client.post(f"/models/{model.id}/{last}").status_code == 404
    assert client.get(f"/models/{uuid4()}/").status_code == 404
    assert LanguageModel.objects.count() == 1


def test_an_anonymous_visitor_is_sent_to_sign_in() -> None:
    assert "/account/sign-in/" in Client().get(MODELS)["Location"]


def test_the_wrong_verb_is_refused(admin: Membership) -> None:
    model, client = a_model(admin), signed_in(admin)
    assert client.post(MODELS).status_code == 405
    assert client.get(f"/models/{model.id}/delete/").status_code == 405
    assert client.get(f"/models/{model.id}/test/").status_code == 405


def test_the_page_costs_at_most_eight_queries_however_many_models(
    admin: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        model = a_model(admin, f"model-{number}")
        Price.objects.create(model=model, input_per_million=1, output_per_million=1)
        a_call(admin, CallStatus.DONE, 1.0)
    client = signed_in(admin)
    with django_assert_max_num_queries(8):
        client.get(MODELS)


def test_settings_are_changed_with_an_audit_entry(admin: Membership) -> None:
    model = a_model(admin)
    answer = signed_in(admin).post(f"/models/{model.id}/", SETTINGS)
    assert answer.status_code == 302
    model.refresh_from_db()
    assert (model.name, model.tier, model.context_window, model.capabilities) == (
        "swift",
        "small",
        16384,
        ["streaming"],
    )
    assert AuditEntry.objects.visible_to(admin).count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "This field is required"),
        ("name", "taken", "taken"),
        ("context_window", 1, "greater than or equal to 256"),
        ("timeout_s", "soon", "Enter a number"),
        ("tier", "huge", "Select a valid choice"),
        ("capabilities", ["telepathy"], "Select a valid choice"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_field(
    admin: Membership, field: str, value: object, words: str
) -> None:
    a_model(admin, "taken")
    model = a_model(admin)
    answer = signed_in(admin).post(f"/models/{model.id}/", {**SETTINGS, field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not AuditEntry.objects.exists()


def test_a_price_is_set_from_a_day_on(admin: Membership) -> None:
    model = a_model(admin)
    price = {"input_per_million": "0.25", "output_per_million": "1.5", "valid_from": "2026-05-01"}
    answer = signed_in(admin).post(f"/models/{model.id}/price/", price)
    assert answer.status_code == 302
    stored = Price.objects.get(model=model)
    assert (stored.input_per_million, stored.output_per_million) == (Decimal("0.25"), Decimal("1.5"))
    assert stored.valid_from == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"input_per_million": "1", "output_per_million": ""}, "This field is required"),
        ({"input_per_million": "-1", "output_per_million": "1"}, "greater than or equal to 0"),
        (
            {"input_per_million": "1", "output_per_million": "1", "valid_from": "1066-01-01"},
            "greater than or equal to 2000",
        ),
    ],
)
def test_a_price_that_cannot_be_is_refused(admin: Membership, given: dict[str, str], words: str) -> None:
    model = a_model(admin)
    answer = signed_in(admin).post(f"/models/{model.id}/price/", {"valid_from": "2026-05-01", **given})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Price.objects.exists()


def test_a_simulated_model_answers_a_small_question(admin: Membership) -> None:
    model = a_model(admin)
    address = f"/models/{model.id}/test/"
    part = signed_in(admin).post(address, headers={"HX-Request": "true", "HX-Target": "model-test"})
    assert "simulated" in part.content.decode().lower()
    assert "<html" not in part.content.decode()
    assert "<html" in signed_in(admin).post(address).content.decode()


def test_a_disabled_providers_model_says_why_it_cannot_be_tried(admin: Membership) -> None:
    model = a_model(admin)
    Provider.objects.update(enabled=False)
    page = signed_in(admin).post(f"/models/{model.id}/test/").content.decode()
    assert "Simulated was removed, disabled" in page


def test_deleting_a_model_leaves_old_runs_as_they_were(admin: Membership) -> None:
    model, run = a_model(admin), a_run(admin)
    assert signed_in(admin).post(f"/models/{model.id}/delete/").status_code == 302
    assert not LanguageModel.objects.exists()
    run.refresh_from_db()
    assert run.panel[0]["spec"]["name"] == "sim-swift"
    assert AuditEntry.objects.visible_to(admin).count() == 1
