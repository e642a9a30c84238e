"""What a team adds to the built-in tools: MCP servers, credentials for HTTP requests, documents to search."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet

NAME = RegexValidator(
    r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z",
    "Use up to 40 lower-case letters, digits and hyphens, with a letter or digit at both ends.",
)


class McpServer(models.Model):
    """A server of the Model Context Protocol. The secret is encrypted and write-only.

    `tools` is what it listed last, plain JSON of `RemoteTool`; `error` is what was wrong the last time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="mcp_servers")
    name = models.CharField(max_length=40, validators=[NAME])
    base_url = models.CharField(max_length=400)
    secret = models.BinaryField(default=bytes, blank=True)
    tools = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "name"], name="mcp_server_name_in_team")
        ]

    def __str__(self) -> str:
        return self.name


class ToolCredential(models.Model):
    """What HTTP requests send in a header, to the origin `base_url` only. The secret is encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tool_credentials")
    name = models.CharField(max_length=40, validators=[NAME])
    base_url = models.CharField(max_length=400)
    header = models.CharField(max_length=80, default="Authorization")
    secret = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "name"], name="tool_credential_name_in_team")
        ]

    def __str__(self) -> str:
        return self.name


class ToolDocument(models.Model):
    """A text that the team's pipelines search; its words stand in its parts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tool_documents")
    name = models.CharField(max_length=120)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "name"], name="tool_document_name_in_team")
        ]

    def __str__(self) -> str:
        return self.name


class DocumentPart(models.Model):
    """A passage of a document, numbered from 1. The migration adds an index of its words."""

    id = models.BigAutoField(primary_key=True)
    document = models.ForeignKey(ToolDocument, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["document", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "number"], name="one_part_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.number}"
