"""What pipelines store beside their definitions, which the library has: results kept for reuse."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team


class CachedResult(models.Model):
    """What a stage gave for an input, to be used again until `expires_at`. `key` is a digest of both."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    output = models.JSONField(null=True)
    stored_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "key"], name="one_result_a_key")]

    def __str__(self) -> str:
        return self.key
