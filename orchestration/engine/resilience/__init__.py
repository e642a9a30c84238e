"""Models around models: deadlines, circuit breaker, concurrency limit, retries, cache.

Stacked inside out: metered, time-limited, circuit-broken, limited, retrying, cached.
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
from orchestration.engine.resilience.timing import TimeLimited, TimeLimits

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
    "TimeLimited",
    "TimeLimits",
]
