"""An installation in which pipelines had tables of their own keeps its pipelines, versions and triggers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestra_site.accounts.parts.audit import sentence
from orchestration.library.models import PublishedVersion, SavedDefinition, Trigger
from orchestration.library.services.definitions import delete, publish, restore
from orchestration.library.services.triggers import add_schedule, add_webhook, delete_trigger
from orchestration.runs.models import Run
from tests.support.history import a_member
from tests.support.pipelines import a_draft, a_pipeline, a_pipeline_run, written

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("pipelines", "0001_squashed_0002_triggers"), ("library", None), ("accounts", "0001_initial")]


def migrate(targets: list[tuple[str, str | None]]) -> Any:  # noqa: ANN401  # models of that time, by app and name
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    there = [(app, name) for app, name in targets if name is not None]
    return MigrationExecutor(connection).loader.project_state(there).apps


@pytest.fixture
def newest() -> Iterator[list[tuple[str, str | None]]]:
    """Have the newest state again when the test is over."""
    targets: list[tuple[str, str | None]] = list(MigrationExecutor(connection).loader.graph.leaf_nodes())
    yield targets
    migrate(targets)


@pytest.fixture
def admin() -> Membership:
    return a_member(Role.ADMIN, name="Ada")


def stored() -> list[Any]:
    """Return all rows of the library, and what the audit log says."""
    tables = (SavedDefinition, PublishedVersion, Trigger)
    rows = [list(table.objects.order_by("pk").values()) for table in tables]
    return [*rows, [(each.action, sentence(each)) for each in AuditEntry.objects.order_by("id")]]


@pytest.fixture
def secret(admin: Membership) -> str:
    """Have a pipeline with a version, triggers and a past, a run of it, and return its webhook's secret."""
    row = a_pipeline(admin, title="Kind replies")
    gone, _ = add_webhook(membership=admin, definition=row, title="Gone")
    delete_trigger(membership=admin, trigger=gone)
    _, secret = add_webhook(membership=admin, definition=row, title="Shop")
    daily = Trigger(title="Mornings", crontab="@daily", zone="Europe/Berlin", input={"text": "go"})
    add_schedule(membership=admin, definition=row, trigger=daily)
    restore(membership=admin, definition=row, number=1, based_on=1)
    delete(membership=admin, definition=a_draft(admin, name="other"))
    a_pipeline_run(admin)
    return secret


def test_everything_is_there_before_and_after(secret: str, newest: list[tuple[str, str | None]]) -> None:
    now = stored()
    earlier = migrate(BEFORE)
    saved = earlier.get_model("pipelines", "SavedPipeline").objects.get()
    assert (saved.name, saved.title, saved.versions.count()) == ("support", "Kind replies", 1)
    assert set(saved.triggers.values_list("title", "kind")) == {("Shop", "webhook"), ("Mornings", "schedule")}
    said = earlier.get_model("accounts", "AuditEntry").objects.values_list("action", flat=True)
    assert {"pipeline.published", "pipeline.deleted", "trigger.added"} <= set(said)
    migrate(newest)
    assert stored() == now


def test_a_webhook_of_before_still_starts_runs(secret: str, newest: list[tuple[str, str | None]]) -> None:
    migrate(BEFORE)
    migrate(newest)
    hook, bearer = Trigger.objects.get(title="Shop"), {"Authorization": f"Bearer {secret}"}
    sent = Client().post(f"/hooks/{hook.pk}/", '{"text": "hi"}', content_type="text/plain", headers=bearer)
    assert (sent.status_code, Run.objects.latest("created_at").ref) == (202, "support")


def test_what_was_stored_before_is_published_and_renamed_afterwards(
    admin: Membership, newest: list[tuple[str, str | None]]
) -> None:
    saved = migrate(BEFORE).get_model("pipelines", "SavedPipeline")
    made = saved.objects.create(
        team_id=admin.team_id, name="support", draft=written(), created_by_id=admin.user_id
    )
    migrate(newest)
    row = SavedDefinition.objects.get()
    assert (row.pk, row.kind, row.created_by) == (made.pk, "pipeline", admin.user)
    assert publish(membership=admin, definition=row, based_on=1).number == 1
