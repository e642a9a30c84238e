"""The circuit breaker."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestration.llm.engine.errors import (
    AuthenticationRejected,
    CircuitOpen,
    ModelError,
    ProviderUnavailable,
    RateLimited,
)
from orchestration.llm.engine.resilience.attempts import Admitted, Limiter
from orchestration.llm.engine.resilience.circuit import (
    CallPermit,
    Circuit,
    CircuitPolicy,
    CircuitState,
)
from tests.support.clock import ManualClock
from tests.support.models import FailingModel, ScriptedModel, prompt_of

HELLO = prompt_of("Hello?")
DOWN = ProviderUnavailable("The provider answered 503.")
POLICY = CircuitPolicy(consecutive=3, window=6, fraction=0.5, cool_down_s=10, growth=2, cool_down_cap_s=35)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def circuit(clock: ManualClock) -> Circuit:
    return Circuit(POLICY, clock)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.failed(circuit.admit("m"), DOWN)


def succeed(circuit: Circuit) -> None:
    circuit.succeeded(circuit.admit("m"))


def test_it_opens_after_failures_in_a_row_and_says_when_it_tries_again(circuit: Circuit) -> None:
    fail(circuit, 3)
    with pytest.raises(CircuitOpen, match=r"m failed too often lately .* again in 10 s\..*503") as caught:
        circuit.admit("m")
    assert caught.value.retry_in_s == 10
    assert circuit.state is CircuitState.OPEN


def test_a_success_in_between_starts_the_row_again(circuit: Circuit) -> None:
    fail(circuit, 2)
    succeed(circuit)
    fail(circuit, 2)
    assert circuit.state is CircuitState.CLOSED


def test_it_opens_once_too_large_a_part_of_the_window_failed(circuit: Circuit) -> None:
    for _ in range(2):
        fail(circuit, 1)
        succeed(circuit)
    succeed(circuit)
    assert circuit.snapshot().state is CircuitState.CLOSED
    fail(circuit, 1)
    assert circuit.snapshot().state is CircuitState.OPEN


def test_after_the_cool_down_one_probe_is_let_through(circuit: Circuit, clock: ManualClock) -> None:
    fail(circuit, 3)
    clock.advance(10)
    assert circuit.state is CircuitState.HALF_OPEN
    circuit.admit("m")
    with pytest.raises(CircuitOpen, match="shortly"):
        circuit.admit("m")


def test_a_probe_that_is_answered_closes_it(circuit: Circuit, clock: ManualClock) -> None:
    fail(circuit, 3)
    clock.advance(10)
    succeed(circuit)
    assert circuit.snapshot().state is CircuitState.CLOSED
    fail(circuit, 3)
    assert circuit.snapshot().retry_in_s == 10


def test_each_opening_in_a_row_lasts_longer_up_to_the_cap(circuit: Circuit, clock: ManualClock) -> None:
    fail(circuit, 3)
    waits = []
    for _ in range(4):
        waits.append(circuit.snapshot().retry_in_s)
        clock.advance(waits[-1])
        fail(circuit, 1)
    assert waits == [10, 20, 35, 35]


def test_a_probe_that_was_abandoned_leaves_its_turn_to_another(circuit: Circuit, clock: ManualClock) -> None:
    fail(circuit, 3)
    clock.advance(10)
    circuit.abandoned(circuit.admit("m"))
    succeed(circuit)
    assert circuit.state is CircuitState.CLOSED


def test_calls_from_before_it_opened_no_longer_count(circuit: Circuit) -> None:
    old = [circuit.admit("m") for _ in range(3)]
    fail(circuit, 3)
    circuit.succeeded(old[0])
    circuit.failed(old[1], DOWN)
    circuit.abandoned(old[2])
    assert circuit.snapshot().retry_in_s == 10
    assert circuit.state is CircuitState.OPEN


def test_a_reset_closes_it_at_once(circuit: Circuit) -> None:
    fail(circuit, 3)
    circuit.reset()
    succeed(circuit)
    snapshot = circuit.snapshot()
    assert (snapshot.state, snapshot.failures_in_a_row, snapshot.retry_in_s) == (CircuitState.CLOSED, 0, 0.0)
    assert snapshot.last_error == "The provider answered 503."


async def test_a_model_behind_an_open_circuit_is_not_asked(circuit: Circuit) -> None:
    inner = FailingModel("m", DOWN)
    model = Admitted(inner, Limiter(1), circuit)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            await model.complete(HELLO)
    with pytest.raises(CircuitOpen):
        await model.complete(HELLO)
    assert inner.count.started == 3


@pytest.mark.parametrize("error", [AuthenticationRejected("401"), RateLimited("429")])
async def test_what_is_not_the_providers_fault_does_not_open_it(circuit: Circuit, error: ModelError) -> None:
    model = Admitted(FailingModel("m", error), Limiter(1), circuit)
    for _ in range(10):
        with pytest.raises(type(error)):
            await model.complete(HELLO)
    assert circuit.state is CircuitState.CLOSED


async def test_a_stream_closed_by_its_caller_counts_neither_way(circuit: Circuit, clock: ManualClock) -> None:
    fail(circuit, 3)
    clock.advance(10)
    pieces = Admitted(ScriptedModel("m"), Limiter(1), circuit).stream(HELLO)
    await anext(pieces)
    await pieces.aclose()
    assert circuit.snapshot().state is CircuitState.HALF_OPEN
    await Admitted(ScriptedModel("m"), Limiter(1), circuit).complete(HELLO)
    assert circuit.state is CircuitState.CLOSED


class AnyTraffic(RuleBasedStateMachine):
    """Whatever happens: open lets none through, half-open at most one at a time, and it always recovers."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.circuit = Circuit(POLICY, self.clock)
        self.under_way: list[CallPermit] = []
        self.probes: list[CallPermit] = []

    @rule()
    def ask(self) -> None:
        state = self.circuit.state
        refused = state is CircuitState.OPEN or (state is CircuitState.HALF_OPEN and bool(self.probes))
        if refused:
            with pytest.raises(CircuitOpen):
                self.circuit.admit("m")
            return
        leave = self.circuit.admit("m")
        self.under_way.append(leave)
        if state is CircuitState.HALF_OPEN:
            self.probes.append(leave)

    @precondition(lambda self: self.under_way)
    @rule(which=st.randoms(use_true_random=False), how=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end(self, which: Random, how: str) -> None:
        leave = self.under_way.pop(which.randrange(len(self.under_way)))
        if how == "failed":
            self.circuit.failed(leave, DOWN)
        else:
            getattr(self.circuit, how)(leave)
        self.probes = [probe for probe in self.probes if probe != leave]

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def recovers_in_bounded_time(self) -> None:
        assert self.circuit.snapshot().retry_in_s <= POLICY.cool_down_cap_s


AnyTraffic.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyTraffic = AnyTraffic.TestCase
