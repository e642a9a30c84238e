"""Changes that a button makes: done or refused, and told on the page that comes next."""

from __future__ import annotations

from typing import Protocol

from django.contrib import messages

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.models import Membership
from orchestration.engine.errors import InvalidRequest


class Change(Protocol):
    """A service with everything but who does it."""

    def __call__(self, *, membership: Membership) -> object:
        """Make the change. Raises `InvalidRequest`."""


def carry_out(request: MemberRequest, change: Change, *, said: str) -> None:
    """Make the change and say so, or say why it was refused."""
    try:
        change(membership=request.membership)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
