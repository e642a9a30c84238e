"""Definitions of a team: the draft that people write, the versions they published, what starts their runs."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.runs.models import Run


class SavedDefinition(models.Model):
    """A definition of a team, known by its name among those of its kind, which is that of its runs.

    `draft` is YAML as it was written, which may have problems; `draft_number` grows with every change of it.
    `title` and `description` are those of the draft, as far as it could be read. `sample` is an input to try
    it on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="definitions")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=40)
    title = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    draft = models.TextField()
    draft_number = models.PositiveIntegerField(default=1)
    draft_saved_at = models.DateTimeField(default=timezone.now)
    draft_saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    sample = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "kind", "name"], name="one_definition_a_name")
        ]

    def __str__(self) -> str:
        return self.title or self.name


class PublishedVersion(models.Model):
    """A version of a definition, which never changes: `document` as published, in its schema version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    definition = models.ForeignKey(SavedDefinition, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    note = models.CharField(max_length=500, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    published_at = models.DateTimeField(default=timezone.now)
    restored_from = models.PositiveIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["definition", "number"], name="one_definition_version_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.definition.name} v{self.number}"


class TriggerKind(models.TextChoices):
    """What starts a run without a person."""

    WEBHOOK = "webhook", "Webhook"
    SCHEDULE = "schedule", "Schedule"


class Trigger(models.Model):
    """Starts the newest version of a definition: for a request with the secret, or by a crontab.

    Its runs are those of `created_by`, whose role has to allow that. Of a secret only `secret_hash` is
    stored, an HMAC-SHA-256 in hex. `next_at` is when a schedule is due, `last_error` why its last run did not
    start.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    definition = models.ForeignKey(SavedDefinition, on_delete=models.CASCADE, related_name="triggers")
    kind = models.CharField(max_length=10, choices=TriggerKind.choices)
    title = models.CharField(max_length=80)
    secret_hash = models.CharField(max_length=64, blank=True)
    crontab = models.CharField(max_length=120, blank=True)
    zone = models.CharField(max_length=60, blank=True)
    input = models.JSONField(null=True)
    is_on = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, db_index=True)
    last_at = models.DateTimeField(null=True)
    last_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    last_error = models.TextField(blank=True)
    refused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def zone_words(self) -> str:
        """The time zone as people read it: America/New York."""
        return self.zone.replace("_", " ")
