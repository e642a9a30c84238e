"""Models that failed too often, as the Models pages show them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.resilience.circuit import CircuitPolicy
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.resources import resources, run_async, stop_pages
from tests.llm.test_models_page import a_model
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pages_loop() -> Iterator[None]:
    yield
    stop_pages()


def with_open_circuit(member: Membership) -> LanguageModel:
    """Return a model whose circuit has just opened."""
    model = a_model(member)

    async def fail() -> None:
        circuit = resources().circuit(model.pk)
        for _ in range(CircuitPolicy().consecutive):
            circuit.failed(circuit.admit(model.name), ProviderUnavailable("It is down."))

    run_async(fail())
    return model


def test_a_model_that_is_not_asked_now_is_shown_with_the_last_reason() -> None:
    admin = a_member(Role.ADMIN)
    model = with_open_circuit(admin)
    for address in ("/models/", f"/models/{model.pk}/"):
        page = signed_in(admin).get(address).content.decode()
        assert "failed 5 times in a row" in page
        assert "It is down." in page
        assert "Ask again now" in page


def test_an_admin_can_let_it_be_asked_again_at_once() -> None:
    admin = a_member(Role.ADMIN)
    model = with_open_circuit(admin)
    client = signed_in(admin)
    client.post(f"/models/{model.pk}/reset/")
    assert "in a row" not in client.get("/models/").content.decode()


def test_an_operator_sees_it_without_the_button() -> None:
    admin = a_member(Role.ADMIN)
    with_open_circuit(admin)
    page = signed_in(a_member(Role.OPERATOR, admin.team)).get("/models/").content.decode()
    assert "failed 5 times in a row" in page
    assert "Ask again now" not in page
