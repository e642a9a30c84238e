"""Models around models: circuit breaker, concurrency limit, retries, cache.

Stacked inside out: metered, circuit-broken, limited, retrying, cached.
"""

from orchestration.engine.resilience.caching import Cached
from orchestration.engine.resilience.circuit import (
    Circuit,
    CircuitBroken,
    CircuitPolicy,
    CircuitSnapshot,
    CircuitState,
)
from orchestration.engine.resilience.limiting import Limited, Limiter
from orchestration.engine.resilience.retrying import Retrying, RetryPolicy
from orchestration.engine.resilience.store import AnswerCache

__all__ = [
    "AnswerCache",
    "Cached",
    "Circuit",
    "CircuitBroken",
    "CircuitPolicy",
    "CircuitSnapshot",
    "CircuitState",
    "Limited",
    "Limiter",
    "RetryPolicy",
    "Retrying",
]
