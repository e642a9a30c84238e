"""Rows of a team: locked within the team, checked before they are stored, shown in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Json
from orchestration.llm.models import LanguageModel, Provider

Row = TypeVar("Row", bound=models.Model)


def locked(row: Row, membership: Membership) -> Row:
    """Return the row as it stands now, locked for this transaction.

    Raises `InvalidRequest` when it was deleted, or is another team's.
    """
    kind = type(row)
    rows = kind._default_manager.filter(team_id=membership.team_id)  # noqa: SLF001  # Django's own name for it
    found: Row | None = rows.select_for_update().filter(pk=row.pk).first()
    if found is None:
        raise InvalidRequest(f"{row} was deleted in the meantime. Load the page again.")
    return found


def check(row: models.Model, *, prefix: str = "") -> None:
    """Raise `InvalidRequest` at the first field, after `prefix`, whose value the table would not take."""
    try:
        row.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        at = "" if field == NON_FIELD_ERRORS else f"{prefix}{field}"
        raise InvalidRequest(" ".join(sentences), field=at) from error


@contextmanager
def stored_whole(sentence: str, field: str) -> Iterator[None]:
    """Run a transaction; a name in use becomes `InvalidRequest` with `sentence` at `field`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise InvalidRequest(sentence, field=field) from error


def record(
    membership: Membership,
    action: AuditAction,
    row: models.Model,
    before: dict[str, Json],
    after: dict[str, Json],
) -> None:
    """Add a change of `row` to the audit log, in the transaction of the change."""
    record_change(membership=membership, action=action, subject=str(row), before=before, after=after)


def shown_provider(provider: Provider) -> dict[str, Json]:
    """Return what the audit log may know of a provider."""
    return {
        "name": provider.name,
        "base_url": provider.base_url,
        "enabled": provider.enabled,
        "key": "stored" if provider.secret else "none",
    }


def shown_model(model: LanguageModel) -> dict[str, Json]:
    """Return a model's columns for the audit log."""
    return {
        "provider": model.provider.name,
        "remote_name": model.remote_name,
        "name": model.name,
        "family": model.family,
        "tier": model.tier,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "max_concurrency": model.max_concurrency,
        "timeout_s": model.timeout_s,
        "capabilities": [Capability(name).words for name in model.capabilities],
        "enabled": model.enabled,
    }


def difference(before: dict[str, Json], after: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return both, less what did not change."""
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return (
        {key: value for key, value in before.items() if key in changed},
        {key: value for key, value in after.items() if key in changed},
    )
