"""Datasets, and what each item of one came to in an evaluation."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.runs.models import DollarsField, Run


class Dataset(models.Model):
    """Questions with references. Its items never change, so that an evaluation names what it ran on.

    `source` says where they came from. One that an evaluation has used is only taken out of the lists when it
    is removed (`removed_at`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=200, blank=True)
    size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    removed_at = models.DateTimeField(null=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["team", "-created_at", "-id"], name="dataset_list")]

    def __str__(self) -> str:
        return self.name


class DatasetItem(models.Model):
    """A question with its reference; `key` is the file's id.

    `scorer` is empty for that of the evaluation, `priority` for that of the configuration.
    """

    id = models.BigAutoField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=100)
    prompt = models.TextField()
    reference = models.TextField(blank=True)
    task_type = models.CharField(max_length=100)
    scorer = models.CharField(max_length=20, blank=True)
    priority = models.CharField(max_length=10, blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "number"], name="one_item_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.prompt[:60]}"


class ItemOutcome(models.Model):
    """What an item came to under one configuration of an evaluation, counted from 0.

    `correct` is None where nothing could tell (`failed` says whether there was an answer at all). `answers`
    has the answer of each model: `{"model", "text", "extracted", "correct"}`. `route` is how Auto came to its
    method (see `services.routes`), None under other configurations.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="item_outcomes")
    item = models.ForeignKey(DatasetItem, on_delete=models.CASCADE, related_name="outcomes")
    configuration = models.PositiveSmallIntegerField()
    correct = models.BooleanField(null=True)
    score = models.FloatField(null=True)
    reason = models.CharField(max_length=400, blank=True)
    answer = models.TextField(blank=True)
    quality = models.FloatField(null=True)
    seconds = models.FloatField(null=True)
    calls = models.PositiveIntegerField(default=0)
    cost_usd = DollarsField(max_digits=16, decimal_places=9, null=True)
    escalated = models.BooleanField(default=False)
    failed = models.BooleanField(default=False)
    answers = models.JSONField(default=list)
    route = models.JSONField(null=True)

    class Meta:
        ordering: ClassVar = ["item", "configuration"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "item", "configuration"], name="one_outcome_an_item")
        ]

    def __str__(self) -> str:
        return f"{self.item_id}/{self.configuration} of {self.run_id}"
