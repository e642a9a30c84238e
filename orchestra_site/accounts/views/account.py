"""One's own account: signing in and out, password, which team one works in."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts.access import SESSION_TEAM, MemberRequest, team_not_required
from orchestra_site.accounts.forms import SignInForm
from orchestra_site.web.posted import posted


@sensitive_post_parameters("password")
@login_not_required
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign a person in and send them where they wanted to go."""
    target = _safe_target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request, posted(request))
    if form.is_valid():
        login(request, form.get_user())
        return redirect(target)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/sign_in.html", {"form": form, "next": target}, status=status)


@require_POST
@team_not_required
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@sensitive_post_parameters()
@team_not_required
@require_http_methods(["GET", "POST"])
def change_password(request: MemberRequest) -> HttpResponse:
    """Let a person choose another password; their other sessions end."""
    form = PasswordChangeForm(request.user, posted(request))
    if form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password is changed. Other devices are signed out.")
        return redirect("accounts:password")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/password_change.html", {"form": form}, status=status)


@require_POST
def switch_team(request: MemberRequest) -> HttpResponse:
    """Work in another of one's teams."""
    wanted = request.POST.get("team", "")
    if wanted not in {str(membership.team_id) for membership in request.memberships}:
        raise Http404("You belong to no such team.")
    request.session[SESSION_TEAM] = wanted
    return redirect(settings.LOGIN_REDIRECT_URL)


def _safe_target(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else resolve_url(settings.LOGIN_REDIRECT_URL)
