"""The team's page: members and their roles, invitations, the audit log."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts import services
from orchestra_site.accounts.access import SESSION_TEAM, MemberRequest, may_configure
from orchestra_site.accounts.forms import InvitationForm, RoleForm, TeamForm, grantable_roles
from orchestra_site.accounts.models import Invitation, Membership
from orchestra_site.accounts.parts.audit import audit_days
from orchestra_site.accounts.selectors import audit_log, audit_people, open_invitations, team_members
from orchestra_site.accounts.services import AccountsError
from orchestra_site.web.pages import keyset_page, posted

AUDIT_PAGE = 50


@require_safe
def show_team(request: MemberRequest) -> HttpResponse:
    """Show who is in the team and who is invited."""
    return render(request, "accounts/team_detail.html", team_page(request))


@require_http_methods(["GET", "POST"])
@may_configure
def create(request: MemberRequest) -> HttpResponse:
    """Create a team owned by the user, and switch to it."""
    form = TeamForm(posted(request))
    if form.is_valid():
        team = services.create_team(form.cleaned_data["name"], request.user)
        request.session[SESSION_TEAM] = str(team.pk)
        messages.success(request, f"{team} is made, and you work in it now. Invite the others.")
        return redirect("accounts:team")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/team_create.html", {"form": form}, status=status)


@require_POST
@may_configure
def rename(request: MemberRequest) -> HttpResponse:
    """Rename the team."""
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _refused(request, team_form=form)
    services.rename_team(membership=request.membership, name=form.cleaned_data["name"])
    messages.success(request, "The team has its new name.")
    return redirect("accounts:team")


@require_POST
@may_configure
def change_role(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Change the role of a member."""
    member = _member(request, member_id)
    form = RoleForm(request.POST, membership=request.membership)
    if not form.is_valid():
        return _refused(request, problem="Choose one of the roles that you can give.")
    try:
        services.change_role(membership=request.membership, member=member, role=form.cleaned_data["role"])
    except AccountsError as error:
        return _refused(request, problem=str(error))
    messages.success(request, f"{member.user} is now {form.cleaned_data['role'].label.lower()}.")
    return redirect("accounts:team")


@require_POST
@may_configure
def remove(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Remove a member from the team."""
    member = _member(request, member_id)
    try:
        services.remove_member(membership=request.membership, member=member)
    except AccountsError as error:
        return _refused(request, problem=str(error))
    messages.success(request, f"{member.user} no longer belongs to {member.team}.")
    return redirect("accounts:team")


@require_POST
@may_configure
@never_cache
def invite(request: MemberRequest) -> HttpResponse:
    """Create an invitation link and show it, only this once."""
    form = InvitationForm(request.POST, membership=request.membership)
    if not form.is_valid():
        return _refused(request, invitation_form=form)
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
    """Withdraw an invitation."""
    invitation = get_object_or_404(Invitation.objects.visible_to(request.membership), pk=invitation_id)
    try:
        services.withdraw_invitation(membership=request.membership, invitation=invitation, now=timezone.now())
    except AccountsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The invitation is withdrawn: its link no longer works.")
    return redirect("accounts:team")


@require_safe
@may_configure
def show_audit(request: MemberRequest) -> HttpResponse:
    """Show who changed what, the newest first; on request the changes by one person."""
    people = audit_people(request.membership)
    who = next((name for name in people if name == request.GET.get("who")), "")
    page = keyset_page(
        audit_log(request.membership, who),
        cursor=request.GET.get("cursor", ""),
        size=AUDIT_PAGE,
        keys=("id",),
    )
    shown = {"page": page, "days": audit_days(page.rows), "people": people, "who": who}
    return render(request, "accounts/audit_list.html", shown)


def team_page(request: MemberRequest, **shown: object) -> dict[str, Any]:
    """Return the context of the team's page; `shown` replaces parts, such as a form with errors."""
    membership = request.membership
    page: dict[str, Any] = {"members": team_members(membership), "roles": grantable_roles(membership)}
    if membership.may_configure:
        page["invitations"] = open_invitations(membership)
        page["invitation_form"] = InvitationForm(membership=membership)
        page["team_form"] = TeamForm(initial={"name": membership.team.name})
    return page | shown


def _refused(request: MemberRequest, **shown: object) -> HttpResponse:
    context = team_page(request, **shown)
    return render(request, "accounts/team_detail.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _member(request: MemberRequest, member_id: UUID) -> Membership:
    return get_object_or_404(team_members(request.membership).select_related("team"), pk=member_id)
