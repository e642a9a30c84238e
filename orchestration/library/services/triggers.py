"""What starts definitions without a person: requests with a secret, and times of a crontab."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import Error, transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from orchestra_site.accounts.models import AuditAction, AuditEntry, Membership
from orchestra_site.accounts.services import record_change
from orchestra_site.web.encryption import keyring
from orchestration.expressions.errors import ExpressionError
from orchestration.library.engine.crontab import parse_crontab
from orchestration.library.kinds import definition_kind
from orchestration.library.models import SavedDefinition, Trigger, TriggerKind
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Run
from orchestration.runs.services.starting import start_run

logger = logging.getLogger(__name__)

MOST_TRIGGERS = 20
"""Triggers of one definition."""
REFUSALS_EVERY = timedelta(minutes=1)
"""A trigger's requests with a wrong secret are audited once in this time."""
MOST_AT_ONCE = 100
FAULT = "An error in the program kept this from starting, and switched it off; the log has the details."


class WrongSecret(Exception):
    """A request did not bring the secret of its webhook."""


@transaction.atomic
def add_webhook(*, membership: Membership, definition: SavedDefinition, title: str) -> tuple[Trigger, str]:
    """Add a webhook and return it with its secret, which is stored nowhere. Raises `InvalidRequest`."""
    secret = secrets.token_urlsafe(32)
    trigger = Trigger(kind=TriggerKind.WEBHOOK, title=title, secret_hash=_hashes(secret)[0])
    _add(membership, definition, trigger)
    return trigger, secret


@transaction.atomic
def add_schedule(*, membership: Membership, definition: SavedDefinition, trigger: Trigger) -> None:
    """Add a schedule with the title, crontab, zone and input of `trigger`.

    Raises `InvalidRequest`, also where a run could not be started now.
    """
    trigger.kind = TriggerKind.SCHEDULE
    get_kind(definition.kind).check(membership, _payload(definition, trigger.input))
    try:
        trigger.next_at = next_time(trigger, timezone.now())
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="crontab") from None
    if trigger.next_at is None:
        raise InvalidRequest("This is never due in the next eight years.", field="crontab")
    _add(membership, definition, trigger)


def _add(membership: Membership, definition: SavedDefinition, trigger: Trigger) -> None:
    SavedDefinition.objects.select_for_update().get(pk=definition.pk)
    if definition.triggers.count() >= MOST_TRIGGERS:
        noun = definition_kind(definition.kind).noun
        raise InvalidRequest(f"A {noun} has at most {MOST_TRIGGERS} triggers. Delete one first.")
    trigger.team, trigger.definition, trigger.created_by = membership.team, definition, membership.user
    trigger.save(force_insert=True)
    _record(membership, AuditAction.TRIGGER_ADDED, trigger)


def _record(membership: Membership, action: AuditAction, trigger: Trigger, **more: str) -> None:
    facts = {"kind": trigger.get_kind_display().lower(), "starts": trigger.definition.name, **more}
    gone = action == AuditAction.TRIGGER_DELETED
    values = {"before": facts} if gone else {"after": facts}
    record_change(membership=membership, action=action, subject=trigger.title, **values)


@transaction.atomic
def switch_trigger(*, membership: Membership, trigger: Trigger, on: bool) -> None:
    """Switch a trigger on or off. A schedule that is switched on is next due in the future."""
    found = Trigger.objects.visible_to(membership).select_for_update().get(pk=trigger.pk)
    found.is_on = on
    found.next_at = next_time(found, timezone.now()) if on and found.crontab else None
    found.save(update_fields=["is_on", "next_at"])
    _record(membership, AuditAction.TRIGGER_SWITCHED, found, state="on" if on else "off")


@transaction.atomic
def delete_trigger(*, membership: Membership, trigger: Trigger) -> None:
    """Delete a trigger; its runs stay."""
    found = Trigger.objects.visible_to(membership).get(pk=trigger.pk)
    _record(membership, AuditAction.TRIGGER_DELETED, found)
    found.delete()


def next_time(trigger: Trigger, after: datetime) -> datetime | None:
    """Return when a schedule is due next. Raises `ExpressionError` for a crontab that is none."""
    return parse_crontab(trigger.crontab).next_after(after, ZoneInfo(trigger.zone))


def check_secret(trigger: Trigger, secret: str) -> None:
    """Compare the secret of a request with that of its webhook. Raises `WrongSecret`.

    One that was stored under an earlier key is stored again under the newest.
    """
    hashes = _hashes(secret)
    if not any(constant_time_compare(trigger.secret_hash, each) for each in hashes):
        _audit_refusal(trigger)
        raise WrongSecret
    if trigger.secret_hash != hashes[0]:
        Trigger.objects.filter(pk=trigger.pk).update(secret_hash=hashes[0])


def _hashes(secret: str) -> list[str]:
    """Return a secret's HMACs in hex: under each encryption key, the newest first, and the secret key.

    Hashes were under the secret key before they were under the encryption keys.
    """
    earlier = salted_hmac("pipelines.trigger", secret, algorithm="sha256").hexdigest()
    return [*keyring().hashes(secret, context="trigger"), earlier]


def start_by_request(trigger: Trigger, value: Json) -> Run:
    """Start what a webhook starts, with the body of a request as its input.

    Raises `InvalidRequest` for a webhook that is off and for an input that does not fit.
    """
    if not trigger.is_on:
        raise InvalidRequest("This webhook is switched off.")
    return _start(trigger, value)


def _audit_refusal(trigger: Trigger) -> None:
    """Audit a wrong secret, not more than once a minute: anyone who knows the address can send one."""
    now = timezone.now()
    lately = Trigger.objects.filter(pk=trigger.pk, refused_at__gt=now - REFUSALS_EVERY)
    with transaction.atomic():
        if Trigger.objects.filter(pk=trigger.pk).exclude(pk__in=lately).update(refused_at=now):
            AuditEntry.objects.create(
                team_id=trigger.team_id,
                actor_name="Somebody",
                action=AuditAction.TRIGGER_REFUSED,
                subject=trigger.title,
                after={"starts": trigger.definition.name},
            )


def _start(trigger: Trigger, value: Json) -> Run:
    """Start a run as the member who made the trigger, and keep what became of it. Raises `InvalidRequest`."""
    try:
        payload, kind = _payload(trigger.definition, value), trigger.definition.kind
        run = start_run(membership=_starter(trigger), kind=kind, payload=payload)
    except InvalidRequest as refusal:
        _keep(trigger, None, str(refusal))
        raise
    _keep(trigger, run, "")
    return run


def _payload(definition: SavedDefinition, value: Json) -> Mapping[str, Json]:
    return definition_kind(definition.kind).payload(definition.name, value)


def _keep(trigger: Trigger, run: Run | None, error: str) -> None:
    changes = {"last_at": timezone.now(), "last_run": run, "last_error": error}
    Trigger.objects.filter(pk=trigger.pk).update(**changes)


def _starter(trigger: Trigger) -> Membership:
    """Return the membership of the member who made the trigger. Raises `InvalidRequest`."""
    found = Membership.objects.filter(team=trigger.team_id, user=trigger.created_by, user__is_active=True)
    membership: Membership | None = found.select_related("team", "user").first()
    if membership is None or not membership.may_run:
        raise InvalidRequest(f"{trigger.created_by or 'Who made this trigger'} may not start runs any more.")
    return membership


class TriggerSchedule:
    """Starts the schedules that are due, from the sweeper of any process."""

    def start_due(self) -> None:
        """Start each due schedule once; what was missed while nothing ran is made up for once."""
        now = timezone.now()
        due = Trigger.objects.filter(is_on=True, next_at__lte=now).order_by("next_at")
        for trigger in due.select_related("definition", "created_by")[:MOST_AT_ONCE]:
            try:
                self._start(trigger, now)
            except Error:
                raise
            except Exception:
                logger.exception("Schedule %s failed with an error of the program; it is off.", trigger.pk)
                Trigger.objects.filter(pk=trigger.pk).update(is_on=False, last_error=FAULT)

    @transaction.atomic
    def _start(self, trigger: Trigger, now: datetime) -> None:
        """Start a schedule unless another process has: the run and the next time are stored together."""
        this_time = Trigger.objects.filter(pk=trigger.pk, is_on=True, next_at=trigger.next_at)
        if this_time.update(next_at=next_time(trigger, now)):
            with suppress(InvalidRequest):  # kept with the trigger
                _start(trigger, trigger.input)

    def seconds_to_next(self) -> float | None:
        """Return how long it is until the next schedule is due, None when none is on."""
        at = Trigger.objects.filter(is_on=True).aggregate(at=Min("next_at"))["at"]
        return None if at is None else (at - timezone.now()).total_seconds()
