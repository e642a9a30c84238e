"""Testing a model from its page, while runs ask it on a loop of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import Role
from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.resilience.circuit import CircuitPolicy, CircuitState
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.checking import run_model_test
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.llm.services.resources import (
    LoopThread,
    circuit_snapshot,
    close_resources,
    resources,
    run_async,
    stop_pages,
)
from tests.support.history import a_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(loop_thread: LoopThread) -> Iterator[LoopThread]:
    """Return the loop on which runs ask models."""
    yield loop_thread
    loop_thread.wait_for(close_resources(), 5)
    stop_pages()


@pytest.fixture
def model() -> LanguageModel:
    member = a_member(Role.ADMIN)
    add_simulated(membership=member)
    found: LanguageModel = LanguageModel.objects.all()[0]
    return found


async def ask(model: LanguageModel, *, failures: int = 0) -> None:
    circuit = resources().circuit(model.pk)
    for _ in range(failures):
        circuit.failed(circuit.admit(model.name), ProviderUnavailable("It is down."))


def circuit_state(model: LanguageModel) -> CircuitState | None:
    snapshot = circuit_snapshot(model.pk)
    return None if snapshot is None else snapshot.state


def test_a_circuit_that_is_open_for_runs_is_shown_although_a_page_asked_the_model_before(
    engine: LoopThread, model: LanguageModel
) -> None:
    run_async(ask(model))
    assert circuit_state(model) is CircuitState.CLOSED
    engine.wait_for(ask(model, failures=CircuitPolicy().consecutive), 5)
    assert circuit_state(model) is CircuitState.OPEN


def test_a_model_that_passes_its_test_is_asked_by_runs_again(
    engine: LoopThread, model: LanguageModel
) -> None:
    engine.wait_for(ask(model, failures=CircuitPolicy().consecutive), 5)
    assert run_model_test(model).answer
    engine.wait_for(ask(model), 5)
    assert circuit_state(model) is CircuitState.CLOSED
