"""The team's page: members and their roles, invitations, the audit log."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts import services
from orchestra_site.accounts.access import SESSION_TEAM, MemberRequest, may_configure
from orchestra_site.accounts.errors import AccountsError
from orchestra_site.accounts.forms import InvitationForm, RoleForm, TeamForm, grantable_roles
from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import audit_log, members_of, open_invitations
from orchestra_site.web.paging import keyset_page
from orchestra_site.web.posted import posted

AUDIT_PAGE = 50


@require_safe
def show_team(request: MemberRequest) -> HttpResponse:
    """Show who is in the team and who is invited."""
    return render(request, "accounts/team_detail.html", team_page(request))


@require_http_methods(["GET", "POST"])
@may_configure
def create(request: MemberRequest) -> HttpResponse:
    """Make another team, owned by who makes it, and switch to it."""
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
    """Give the team another name."""
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _refused(request, team_form=form)
    services.rename_team(membership=request.membership, name=form.cleaned_data["name"])
    messages.success(request, "The team has its new name.")
    return redirect("accounts:team")


@require_POST
@may_configure
def change_role(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Give a member another role."""
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
    """Take a member out of the team."""
    member = _member(request, member_id)
    try:
        services.remove_member(membership=request.membership, member=member)
    except AccountsError as error:
        return _refused(request, problem=str(error))
    messages.success(request, f"{member.user} no longer belongs to {member.team}.")
    return redirect("accounts:team")


@require_safe
@may_configure
def show_audit(request: MemberRequest) -> HttpResponse:
    """Show who changed what, the newest first."""
    page = keyset_page(
        audit_log(request.membership), cursor=request.GET.get("cursor", ""), size=AUDIT_PAGE, keys=("id",)
    )
    return render(request, "accounts/audit_list.html", {"page": page})


def team_page(request: MemberRequest, **shown: object) -> dict[str, Any]:
    """Return what the team's page shows; `shown` replaces parts of it, such as a form with its errors."""
    membership = request.membership
    page: dict[str, Any] = {"members": members_of(membership), "roles": grantable_roles(membership)}
    if membership.may_configure:
        page["invitations"] = open_invitations(membership)
        page["invitation_form"] = InvitationForm(membership=membership)
        page["team_form"] = TeamForm(initial={"name": membership.team.name})
    return page | shown


def _refused(request: MemberRequest, **shown: object) -> HttpResponse:
    context = team_page(request, **shown)
    return render(request, "accounts/team_detail.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _member(request: MemberRequest, member_id: UUID) -> Membership:
    return get_object_or_404(members_of(request.membership).select_related("team"), pk=member_id)
