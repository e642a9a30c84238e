"""One's own account: signing in and out, password, the current team, joining a team by a link."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts import services
from orchestra_site.accounts.access import SESSION_TEAM, MemberRequest, team_not_required
from orchestra_site.accounts.forms import JoinForm, PasswordForm, SignInForm
from orchestra_site.accounts.models import Invitation, Membership
from orchestra_site.accounts.selectors import invitation_for
from orchestra_site.accounts.services import AddressTaken, InvitationClosed
from orchestra_site.web.pages import local_path, posted

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105  # a class, not a secret


@sensitive_post_parameters("password")
@login_not_required
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign a person in and redirect to the page that they requested."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    target = local_path(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL)
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
    """Change the user's password; their other sessions end."""
    form = PasswordForm(request, request.user, posted(request))
    if form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password is changed. Other devices are signed out.")
        return redirect("accounts:password")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/password_change.html", {"form": form}, status=status)


@require_POST
def switch_team(request: MemberRequest) -> HttpResponse:
    """Make another of the user's teams the current one."""
    wanted = request.POST.get("team", "")
    if wanted not in {str(membership.team_id) for membership in request.memberships}:
        raise Http404("You belong to no such team.")
    request.session[SESSION_TEAM] = wanted
    return redirect(settings.LOGIN_REDIRECT_URL)


@sensitive_post_parameters("password")
@login_not_required
@team_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Add the visitor of an invitation link to the team, with a new account or as the signed-in user."""
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
            if not request.user.is_authenticated:
                login(request, membership.user, backend=PASSWORD_BACKEND)
            request.session[SESSION_TEAM] = str(membership.team_id)
            messages.success(request, f"Welcome to {membership.team}.")
            return redirect("/")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form and form.is_bound else HTTPStatus.OK
    return render(request, "accounts/join.html", {"invitation": invitation, "form": form}, status=status)


def _accepted(request: HttpRequest, invitation: Invitation, form: JoinForm | None) -> Membership | None:
    """Accept the invitation; return None if the form is invalid."""
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
