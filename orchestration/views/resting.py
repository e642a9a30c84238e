"""Models that are not asked for a while, because they failed too often lately."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.engine.resilience.circuit import CircuitSnapshot, CircuitState
from orchestration.models import LanguageModel
from orchestration.wiring.resources import circuit_snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """A model whose circuit is not closed, and how it stands."""

    model: LanguageModel
    circuit: CircuitSnapshot


def resting(model: LanguageModel) -> Rest | None:
    """Return how a model rests; None when it is asked as usual, or was never asked in this process."""
    circuit = circuit_snapshot(model.pk)
    if circuit is None or circuit.state is CircuitState.CLOSED:
        return None
    return Rest(model=model, circuit=circuit)
