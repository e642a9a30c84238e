"""Users, teams, who belongs to which, and the audit log."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NoReturn, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a member may do, from most to least."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    OPERATOR = "operator", "Operator"
    VIEWER = "viewer", "Viewer"


class AuditAction(StrEnum):
    """Every change that the audit log records: what, and how. `parts.sentences` has the words for it."""

    TEAM_CREATED = "team.created"
    TEAM_RENAMED = "team.renamed"
    ROLE_CHANGED = "member.role_changed"
    MEMBER_JOINED = "member.joined"
    MEMBER_REMOVED = "member.removed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    PROVIDER_CONNECTED = "provider.connected"
    PROVIDER_CHANGED = "provider.changed"
    PROVIDER_KEY_SET = "provider.key_set"
    PROVIDER_KEY_REMOVED = "provider.key_removed"
    PROVIDER_ENABLED = "provider.enabled"
    PROVIDER_DISABLED = "provider.disabled"
    PROVIDER_DELETED = "provider.deleted"
    MODEL_ADDED = "model.added"
    MODEL_CHANGED = "model.changed"
    MODEL_DELETED = "model.deleted"
    PRICE_SET = "price.set"
    RUN_DELETED = "run.deleted"
    MCP_SERVER_ADDED = "mcp_server.added"
    MCP_SERVER_CHANGED = "mcp_server.changed"
    MCP_SERVER_REMOVED = "mcp_server.removed"
    CREDENTIAL_ADDED = "credential.added"
    CREDENTIAL_CHANGED = "credential.changed"
    CREDENTIAL_REMOVED = "credential.removed"
    DOCUMENT_ADDED = "document.added"
    DOCUMENT_REMOVED = "document.removed"
    DEFINITION_CREATED = "definition.created"
    DEFINITION_IMPORTED = "definition.imported"
    DEFINITION_PUBLISHED = "definition.published"
    DEFINITION_RESTORED = "definition.restored"
    DEFINITION_RENAMED = "definition.renamed"
    DEFINITION_DELETED = "definition.deleted"
    TRIGGER_ADDED = "trigger.added"
    TRIGGER_SWITCHED = "trigger.switched"
    TRIGGER_DELETED = "trigger.deleted"
    TRIGGER_REFUSED = "trigger.refused"
    RUBRIC_CREATED = "rubric.created"
    RUBRIC_CHANGED = "rubric.changed"
    RUBRIC_DELETED = "rubric.deleted"
    ROUTER_RESET = "router.reset"
    COEFFICIENTS_RESET = "coefficients.reset"
    DATASET_ADDED = "dataset.added"
    DATASET_REMOVED = "dataset.removed"
    EVALUATION_STARTED = "evaluation.started"


class AppendOnly(TypeError):
    """A row of an append-only table would be changed or deleted."""


class TeamQuerySet(models.QuerySet[Any]):
    """Rows with a `team`: every read starts with `visible_to`."""

    def visible_to(self, membership: Membership) -> Self:
        """Return the rows of the member's team."""
        return self.filter(team_id=membership.team_id)


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> User:
        """Create a user with a hashed password."""
        user = self.model(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this address, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in, known by e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Team(models.Model):
    """The people who share a workspace; everything belongs to a team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

    @property
    def is_owner(self) -> bool:
        """True for those who may also decide about owners."""
        return self.role == Role.OWNER

    @property
    def may_run(self) -> bool:
        """True for those who may start and steer runs: everyone but viewers."""
        return self.role != Role.VIEWER

    @property
    def may_configure(self) -> bool:
        """True for those who may change providers, models and members: owners and admins."""
        return self.role in {Role.OWNER, Role.ADMIN}


class InvitationQuerySet(TeamQuerySet):
    """Invitations, open or not."""

    def open_at(self, now: datetime) -> Self:
        """Return those that can be accepted: not used, withdrawn or expired, still their sender's to give.

        A sender who left the team or was demoted since may no longer give somebody the role.
        """
        sender = Membership.objects.filter(team=models.OuterRef("team"), user=models.OuterRef("created_by"))
        as_owner = models.Exists(sender.filter(role=Role.OWNER))
        as_admin = models.Exists(sender.filter(role=Role.ADMIN)) & ~models.Q(role=Role.OWNER)
        return self.filter(as_owner | as_admin, accepted_at=None, withdrawn_at=None, expires_at__gt=now)


class Invitation(models.Model):
    """A link that lets one person join a team. Only the hash of its token is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"invitation to {self.team} as {self.get_role_display().lower()}"


class AuditQuerySet(TeamQuerySet):
    """Audit entries, which can be read and added only."""

    def update(self, **_fields: object) -> NoReturn:
        """Refuse."""
        raise AppendOnly("The audit log is append-only: its entries cannot be changed.")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnly("The audit log is append-only: its entries cannot be deleted.")


class AuditEntry(models.Model):
    """One change of a setting: who, what, before, after, when. Append-only."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="audit_entries")
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["team", "-id"], name="audit_by_team")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed on
        """Store a new entry. Raises AppendOnly for one that is stored already."""
        if not self._state.adding:
            raise AppendOnly("The audit log is append-only: its entries cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refuse."""
        raise AppendOnly("The audit log is append-only: its entries cannot be deleted.")


def hash_token(token: str) -> str:
    """Return the SHA-256 of an invitation's token in hex. The token is random and long: no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
