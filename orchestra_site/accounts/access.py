"""Access to views: signed in, member of a team, with the role a view requires."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django_htmx.middleware import HtmxDetails

from orchestra_site.accounts.models import Membership, User
from orchestra_site.accounts.selectors import current_membership, user_memberships
from orchestra_site.web.pages import local_path

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., HttpResponseBase])

SESSION_TEAM = "team"


class MemberRequest(HttpRequest):
    """A request as views get it: signed in, with the current membership and all memberships of the user."""

    user: User
    htmx: HtmxDetails
    membership: Membership
    memberships: list[Membership]


MemberView = Callable[Concatenate[MemberRequest, P], HttpResponse]


class SignInRequired(MiddlewareMixin):
    """Redirects anonymous visitors to the sign-in page, unless a view has Django's `login_not_required`."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Redirect a page; answer htmx with `HX-Redirect`: it would swap the sign-in page into this one."""
        if request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        if "HX-Request" not in request.headers:
            return redirect_to_login(request.get_full_path())
        back = urlencode({"next": local_path(request, request.headers.get("HX-Current-URL", "")) or "/"})
        address = f"{reverse('accounts:sign-in')}?{back}"
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})


class CurrentTeam(MiddlewareMixin):
    """Sets `request.membership` and `request.memberships`; a user without a team gets a page that says so."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Read the memberships once per request; anonymous visitors have none."""
        if not request.user.is_authenticated:
            return None
        member = cast("MemberRequest", request)
        member.memberships = user_memberships(member.user.pk)
        current = current_membership(member.memberships, request.session.get(SESSION_TEAM))
        if current is not None:
            member.membership = current
        elif getattr(view, "team_required", True):
            return render(request, "accounts/no_team.html", status=HTTPStatus.FORBIDDEN)
        return None


def team_not_required(view: F) -> F:
    """Allow a view to users who belong to no team."""
    view.team_required = False  # type: ignore[attr-defined]  # read by CurrentTeam
    return view


def check_may_run(membership: Membership) -> None:
    """Raise `PermissionDenied` for a viewer, who may read everything and start nothing."""
    if not membership.may_run:
        raise PermissionDenied(
            f"Your role in {membership.team} is viewer: you can look, but not start or change runs. Ask an "
            "owner or admin of the team for the operator role."
        )


def check_may_configure(membership: Membership) -> None:
    """Raise `PermissionDenied` for all but owners and admins."""
    if not membership.may_configure:
        raise PermissionDenied(
            f"Only owners and admins of {membership.team} can change its settings, "
            f"and your role is {membership.get_role_display().lower()}. Ask one of them."
        )


def may_run(view: MemberView[P]) -> MemberView[P]:
    """Refuse a view to viewers."""
    return _checked(view, check_may_run)


def may_configure(view: MemberView[P]) -> MemberView[P]:
    """Refuse a view to all but owners and admins."""
    return _checked(view, check_may_configure)


def _checked(view: MemberView[P], check: Callable[[Membership], None]) -> MemberView[P]:
    @wraps(view)
    def guarded(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        check(request.membership)
        return view(request, *args, **kwargs)

    return guarded
