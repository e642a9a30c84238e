"""Changing, switching and deleting single models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.types import Capability, Json
from orchestration.models import LanguageModel
from orchestration.services.registry.rows import (
    RegistryAction,
    check,
    difference,
    locked,
    shown_model,
    stored_whole,
)


class ModelChanges(TypedDict, total=False):
    """What may be changed of a model."""

    name: str
    family: str
    tier: str
    context_window: int
    max_output_tokens: int
    max_concurrency: int
    timeout_s: float
    capabilities: Sequence[str]
    enabled: bool


CHANGEABLE = ModelChanges.__annotations__.keys()


def update_model(
    *, membership: Membership, model: LanguageModel, **changes: Unpack[ModelChanges]
) -> LanguageModel:
    """Change a model; runs keep what they were started with. Raises `InvalidRequest` at the bad field."""
    taken = f"Your team has a model called {changes.get('name', '').strip()}. Choose another name."
    with stored_whole(taken, "name"):
        row = locked(model, membership)
        before = shown_model(row)
        for field, value in changes.items():
            setattr(row, field, _tidy(field, value))
        check(row)
        row.save()
        _record_difference(membership, row, before)
    return row


@transaction.atomic
def delete_model(*, membership: Membership, model: LanguageModel) -> None:
    """Delete a model with its prices; runs keep their copy. Raises `InvalidRequest` when it is gone."""
    row = locked(model, membership)
    record_change(
        membership=membership,
        action=RegistryAction.MODEL_DELETED,
        subject=row.name,
        before=shown_model(row),
        after={},
    )
    row.delete()


def _tidy(field: str, value: object) -> object:
    """Return a field's value as it is stored. Raises `InvalidRequest` for what no model has."""
    if field not in CHANGEABLE:
        raise InvalidRequest(f"A model's {field} cannot be changed.", field=field)
    if field == "capabilities" and isinstance(value, Sequence):
        return sorted(map(_capability, value))
    return value.strip() if isinstance(value, str) else value


def _capability(name: object) -> str:
    try:
        return Capability(str(name)).value
    except ValueError as error:
        raise InvalidRequest(f"No model has a capability called {name}.", field="capabilities") from error


def _record_difference(
    membership: Membership,
    row: LanguageModel,
    before: dict[str, Json],
) -> None:
    was, is_now = difference(before, shown_model(row))
    if is_now:
        record_change(
            membership=membership,
            action=RegistryAction.MODEL_CHANGED,
            subject=row.name,
            before=was,
            after=is_now,
        )
