"""Inviting people, and joining by a link."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts import services
from orchestra_site.accounts.access import SESSION_TEAM, MemberRequest, may_configure, team_not_required
from orchestra_site.accounts.errors import AccountsError, AddressTaken, InvitationClosed
from orchestra_site.accounts.forms import InvitationForm, JoinForm
from orchestra_site.accounts.models import Invitation, Membership
from orchestra_site.accounts.selectors import invitation_for
from orchestra_site.accounts.views.team import team_page
from orchestra_site.web.posted import posted

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105  # a class, not a secret


@require_POST
@may_configure
@never_cache
def invite(request: MemberRequest) -> HttpResponse:
    """Make an invitation link and show it, this once."""
    form = InvitationForm(request.POST, membership=request.membership)
    if not form.is_valid():
        page = team_page(request, invitation_form=form)
        return render(request, "accounts/team_detail.html", page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    invitation, token = services.create_invitation(
        membership=request.membership,
        role=form.cleaned_data["role"],
        now=timezone.now(),
        valid_for=timedelta(days=form.cleaned_data["days"]),
    )
    link = request.build_absolute_uri(reverse("accounts:join", args=[token]))
    page = team_page(request, new_invitation=invitation, new_link=link)
    return render(request, "accounts/team_detail.html", page)


@require_POST
@may_configure
def withdraw(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """Make an invitation link worthless."""
    invitation = get_object_or_404(Invitation.objects.visible_to(request.membership), pk=invitation_id)
    try:
        services.withdraw_invitation(membership=request.membership, invitation=invitation, now=timezone.now())
    except AccountsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The invitation is withdrawn: its link no longer works.")
    return redirect("accounts:team")


@sensitive_post_parameters("password")
@login_not_required
@team_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let the holder of a link join: with a new account, or as who they are signed in as."""
    invitation = invitation_for(token)
    if invitation is None:
        return render(request, "accounts/invitation_closed.html", status=HTTPStatus.NOT_FOUND)
    form = None if request.user.is_authenticated else JoinForm(posted(request))
    if request.method == "POST":
        try:
            membership = _accepted(request, invitation, form)
        except InvitationClosed:
            return render(request, "accounts/invitation_closed.html", status=HTTPStatus.NOT_FOUND)
        if membership is not None:
            return _welcome(request, membership)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form and form.is_bound else HTTPStatus.OK
    return render(request, "accounts/join.html", {"invitation": invitation, "form": form}, status=status)


def _accepted(request: HttpRequest, invitation: Invitation, form: JoinForm | None) -> Membership | None:
    """Join, or return None when the form needs another look."""
    now = timezone.now()
    if request.user.is_authenticated:
        return services.accept_invitation(invitation=invitation, user=request.user, now=now)
    if form is None or not form.is_valid():
        return None
    try:
        return services.register_invited(invitation=invitation, now=now, **form.cleaned_data)
    except AddressTaken as error:
        form.add_error("email", str(error))
        return None


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    if not request.user.is_authenticated:
        login(request, membership.user, backend=PASSWORD_BACKEND)
    request.session[SESSION_TEAM] = str(membership.team_id)
    messages.success(request, f"Welcome to {membership.team}.")
    return redirect("/")
