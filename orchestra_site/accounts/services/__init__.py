"""Changes to people and teams."""

from orchestra_site.accounts.services.audit import AuditAction, record_change
from orchestra_site.accounts.services.demo import DEMO_EMAIL, ensure_demo_team, readable_password
from orchestra_site.accounts.services.invitations import (
    accept_invitation,
    create_invitation,
    register_invited,
    withdraw_invitation,
)
from orchestra_site.accounts.services.members import change_role, remove_member
from orchestra_site.accounts.services.teams import create_team, rename_team

__all__ = [
    "DEMO_EMAIL",
    "AuditAction",
    "accept_invitation",
    "change_role",
    "create_invitation",
    "create_team",
    "ensure_demo_team",
    "readable_password",
    "record_change",
    "register_invited",
    "remove_member",
    "rename_team",
    "withdraw_invitation",
]
