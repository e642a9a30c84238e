"""Webhooks and schedules: what starts a run without a person, once for each time it should."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from django.utils.crypto import salted_hmac
from pytest_django import Settings

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestra_site.web.encryption import keyring
from orchestration.library.models import SavedDefinition, Trigger
from orchestration.library.services.triggers import (
    MOST_TRIGGERS,
    TriggerSchedule,
    add_schedule,
    add_webhook,
    delete_trigger,
    switch_trigger,
)
from orchestration.runs.models import Run
from orchestration.runs.services.sweeping import seconds_to_next, wake_ready
from tests.support.history import a_member, signed_in
from tests.support.recipes import a_recipe

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.recipe_urls")]
PAGE = "/recipes/soup/triggers/"


@pytest.fixture
def admin() -> Membership:
    return a_member(Role.ADMIN, name="Ada")


@pytest.fixture
def recipe(admin: Membership) -> SavedDefinition:
    return a_recipe(admin)


def sent(trigger: Trigger, secret: str, body: str = "4") -> tuple[int, dict[str, str]]:
    """Send a request as another program does; return the status and what it said."""
    bearer = {"Authorization": f"Bearer {secret}"}
    answer = Client(enforce_csrf_checks=True).post(
        f"/hooks/{trigger.pk}/", body, content_type="application/json", headers=bearer
    )
    return answer.status_code, answer.json()


def a_schedule(admin: Membership, recipe: SavedDefinition, due: datetime | None = None) -> Trigger:
    trigger = Trigger(title="Mornings", crontab="0 9 * * *", zone="Europe/Berlin", input=4)
    add_schedule(membership=admin, definition=recipe, trigger=trigger)
    if due is not None:
        Trigger.objects.update(next_at=due)
        trigger.refresh_from_db()
    return trigger


def test_a_webhook_starts_the_newest_version_with_the_body_as_its_input(
    admin: Membership, recipe: SavedDefinition
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    status, said = sent(trigger, secret)
    run = Run.objects.get()
    assert (status, said) == (202, {"run_id": str(run.pk)})
    assert (run.created_by, run.request["people"], run.request["version"]) == (admin.user, 4, 1)
    trigger.refresh_from_db()
    assert (trigger.last_run, trigger.last_error) == (run, "")
    assert secret not in str(Trigger.objects.values().get())


def test_a_wrong_secret_is_refused_and_audited_once_a_minute(
    admin: Membership, recipe: SavedDefinition
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    assert [sent(trigger, wrong)[0] for wrong in ("", "x", secret[:-1])] == [401, 401, 401]
    assert Run.objects.count() == 0
    refused = AuditEntry.objects.filter(action="trigger.refused")
    assert refused.count() == 1
    Trigger.objects.update(refused_at=timezone.now() - timedelta(minutes=2))
    sent(trigger, "x")
    assert refused.count() == 2
    page = signed_in(admin).get("/team/audit/").content.decode()
    assert "a wrong secret and was refused." in page


def with_keys(settings: Settings, *names: str) -> None:
    """Have these encryption keys, the first of which is the newest."""
    settings.ENCRYPTION_KEYS = [urlsafe_b64encode(name.ljust(32).encode()).decode() for name in names]
    keyring.cache_clear()


@pytest.fixture
def keys(settings: Settings) -> Iterator[Settings]:
    """Have encryption keys of its own for a test."""
    with_keys(settings, "old")
    yield settings
    keyring.cache_clear()


def test_a_secret_outlives_a_change_of_the_secret_key_and_a_rotation_of_the_encryption_keys(
    admin: Membership, recipe: SavedDefinition, keys: Settings
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    keys.SECRET_KEY = "another"
    assert sent(trigger, secret)[0] == 202
    with_keys(keys, "new", "old")
    assert sent(trigger, secret)[0] == 202
    with_keys(keys, "new")
    assert sent(trigger, secret)[0] == 202
    with_keys(keys, "other")
    assert sent(trigger, secret)[0] == 401


def test_a_secret_that_was_stored_under_the_secret_key_is_stored_under_the_encryption_key(
    admin: Membership, recipe: SavedDefinition, keys: Settings
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    earlier = salted_hmac("pipelines.trigger", secret, algorithm="sha256").hexdigest()
    Trigger.objects.update(secret_hash=earlier)
    assert sent(trigger, secret)[0] == 202
    keys.SECRET_KEY = "another"
    assert sent(trigger, secret)[0] == 202


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "The body is not JSON."),
        ("\udcff", 400, "The body is not JSON."),
        ('"many"', 422, "how many"),
        ("", 422, "how many"),
        ('"' + "x" * 64_000 + '"', 413, "64,000 bytes"),
    ],
)
def test_a_body_that_cannot_be_used_starts_nothing_and_says_why(
    admin: Membership, recipe: SavedDefinition, body: str, status: int, words: str
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    bearer = {"Authorization": f"Bearer {secret}"}
    raw = body.encode("utf-8", "surrogateescape")
    answer = Client().post(f"/hooks/{trigger.pk}/", raw, content_type="text/plain", headers=bearer)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert Run.objects.count() == 0


def test_a_webhook_that_is_off_or_whose_author_left_starts_nothing(
    admin: Membership, recipe: SavedDefinition
) -> None:
    trigger, secret = add_webhook(membership=admin, definition=recipe, title="Shop")
    switch_trigger(membership=admin, trigger=trigger, on=False)
    assert sent(trigger, secret) == (422, {"error": "This webhook is switched off.", "field": ""})
    switch_trigger(membership=admin, trigger=trigger, on=True)
    Membership.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    assert sent(trigger, secret)[1]["error"] == "Ada may not start runs any more."
    trigger.refresh_from_db()
    assert trigger.last_error == "Ada may not start runs any more."
    assert Client().post(f"/hooks/{recipe.pk}/").status_code == 404
    assert Client().get(f"/hooks/{trigger.pk}/").status_code == 405


def test_a_schedule_is_next_due_at_its_time_and_wakes_the_sweeper(
    admin: Membership, recipe: SavedDefinition
) -> None:
    trigger = a_schedule(admin, recipe)
    assert trigger.next_at is not None
    assert trigger.next_at > timezone.now()
    left = (trigger.next_at - timezone.now()).total_seconds()
    assert seconds_to_next() == pytest.approx(left, abs=5)
    wake_ready()
    assert Run.objects.count() == 0
    switch_trigger(membership=admin, trigger=trigger, on=False)
    assert seconds_to_next() is None


def test_what_was_missed_is_made_up_for_once(admin: Membership, recipe: SavedDefinition) -> None:
    a_schedule(admin, recipe, timezone.now() - timedelta(days=5))
    wake_ready()
    wake_ready()
    run = Run.objects.get()
    assert (run.request["people"], Trigger.objects.get().last_run) == (4, run)
    following = Trigger.objects.get().next_at
    assert following is not None
    assert following > timezone.now()


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_starts_what_is_due() -> None:
    admin = a_member(Role.ADMIN)
    a_schedule(admin, a_recipe(admin), timezone.now())

    def sweep(_: int) -> None:
        TriggerSchedule().start_due()
        connections.close_all()

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(sweep, range(4)))
    assert Run.objects.count() == 1


def test_what_cannot_start_is_kept_with_the_schedule_and_tried_at_its_next_time(
    admin: Membership, recipe: SavedDefinition
) -> None:
    trigger = a_schedule(admin, recipe, timezone.now())
    Membership.objects.update(role=Role.VIEWER)
    wake_ready()
    trigger.refresh_from_db()
    assert (trigger.last_run, trigger.last_error, trigger.is_on) == (
        None,
        "Ada may not start runs any more.",
        True,
    )
    assert trigger.next_at is not None
    assert trigger.next_at > timezone.now()


def test_an_error_of_the_program_switches_one_schedule_off_and_stops_no_other(
    admin: Membership, recipe: SavedDefinition
) -> None:
    broken = a_schedule(admin, recipe, timezone.now() - timedelta(hours=1))
    Trigger.objects.update(zone="Nowhere/Else")
    a_schedule(admin, recipe)
    Trigger.objects.exclude(pk=broken.pk).update(next_at=timezone.now())
    wake_ready()
    broken.refresh_from_db()
    assert (broken.is_on, "An error in the program" in broken.last_error) == (False, True)
    assert Run.objects.count() == 1


def test_triggers_are_added_shown_switched_and_deleted_on_their_page(
    admin: Membership, recipe: SavedDefinition
) -> None:
    browser = signed_in(admin)
    page = browser.post(PAGE, {"kind": "webhook", "webhook-title": "Shop"}).content.decode()
    secret = page.split('id="new-secret"')[0].rpartition('value="')[2].split('"')[0]
    trigger = Trigger.objects.get()
    assert sent(trigger, secret)[0] == 202
    assert 'value="Shop"' not in page
    assert secret not in browser.get(PAGE).content.decode()
    browser.post(f"{PAGE}{trigger.pk}/switch", {"on": "false"})
    assert ">off</span>" in browser.get(PAGE).content.decode()
    browser.post(f"{PAGE}{trigger.pk}/delete")
    assert (Trigger.objects.count(), Run.objects.count(), recipe.triggers.count()) == (0, 1, 0)
    said = list(AuditEntry.objects.filter(action__startswith="trigger").values_list("action", flat=True))
    assert said == ["trigger.deleted", "trigger.switched", "trigger.added"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("crontab", "now", "Write five values with spaces between them"),
        ("crontab", "0 0 30 2 *", "This is never due in the next eight years."),
        ("zone", "Nowhere", "Select a valid choice"),
        ("input", "{", "This is not JSON"),
        ("title", "", "Give it a name."),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_at_its_field(
    admin: Membership, recipe: SavedDefinition, field: str, value: str, words: str
) -> None:
    given = {"title": "Daily", "crontab": "@daily", "zone": "UTC", "input": "4"} | {field: value}
    form = {"kind": "schedule", **{f"schedule-{name}": each for name, each in given.items()}}
    answer = signed_in(admin).post(PAGE, form)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not recipe.triggers.exists()


def test_a_schedule_is_added_on_the_page(admin: Membership, recipe: SavedDefinition) -> None:
    form = {"title": "Daily", "crontab": "@daily", "zone": "Asia/Tokyo", "input": "4"}
    data = {"kind": "schedule", **{f"schedule-{name}": each for name, each in form.items()}}
    answer = signed_in(admin).post(PAGE, data, follow=True)
    assert "<code>@daily</code> in Asia/Tokyo" in answer.content.decode()
    assert recipe.triggers.get().input == 4


def test_only_admins_of_the_team_see_triggers(admin: Membership, recipe: SavedDefinition) -> None:
    operator, stranger = a_member(Role.OPERATOR, admin.team), a_member(Role.ADMIN)
    assert signed_in(operator).get(PAGE).status_code == 403
    assert signed_in(stranger).get(PAGE).status_code == 404
    trigger, _ = add_webhook(membership=admin, definition=recipe, title="Shop")
    with pytest.raises(Trigger.DoesNotExist):
        delete_trigger(membership=stranger, trigger=trigger)
    assert signed_in(stranger).post(f"{PAGE}{trigger.pk}/delete").status_code == 404


def test_a_definition_has_so_many_triggers_and_no_more(admin: Membership, recipe: SavedDefinition) -> None:
    for _ in range(MOST_TRIGGERS):
        add_webhook(membership=admin, definition=recipe, title="Shop")
    answer = signed_in(admin).post(PAGE, {"kind": "webhook", "webhook-title": "One more"})
    assert answer.status_code == 422
    assert "A recipe has at most 20 triggers. Delete one first." in answer.content.decode()
