"""The registry of run kinds: what a run of each kind does when it is executed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orchestration.engine.context import RunContext
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.types import Json, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """A run as it was frozen: everything that its execution may depend on."""

    run: UUID
    team: UUID
    kind: str
    ref: str
    request: Mapping[str, Json]
    panel: Sequence[Mapping[str, Json]]
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunKind:
    """A kind of run: its name, and how it is executed, from the start or on from its journal."""

    name: str
    execute: Callable[[Assignment, RunContext], Awaitable[Outcome]]


_kinds: dict[str, RunKind] = {}


def register(kind: RunKind) -> None:
    """Make a kind known; apps call it when Django starts."""
    _kinds[kind.name] = kind


def unregister(name: str) -> None:
    """Forget a kind."""
    _kinds.pop(name, None)


def get_kind(name: str) -> RunKind:
    """Return a kind by name. Raises `InvalidRequest` that names those there are."""
    try:
        return _kinds[name]
    except KeyError:
        message = f"There is no run kind {name!r}; there are {', '.join(sorted(_kinds)) or 'none'}."
        raise InvalidRequest(message, field="kind") from None
