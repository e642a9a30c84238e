"""Forms of accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict

from orchestra_site.accounts.models import Membership, Role, User


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    error_messages = {  # noqa: RUF012  # the base class declares it so
        "invalid_login": "No account has this e-mail address and password. Check both, then try again.",
        "inactive": "This account is switched off. Ask whoever runs this installation.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed on
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )

    def clean_username(self) -> str:
        """Lower-case the address, so that throttling counts all spellings as one account."""
        return str(self.cleaned_data["username"]).strip().lower()


class PasswordForm(PasswordChangeForm):
    """A new password, after the old one; wrong old ones are counted as failed sign-ins are."""

    def __init__(self, request: HttpRequest, user: User, data: QueryDict | None) -> None:
        super().__init__(user, data)
        self._request = request

    def clean_old_password(self) -> str:
        """Check it as signing in does, which locks the account for this address after too many failures."""
        given: str = self.cleaned_data["old_password"]
        if authenticate(self._request, username=self.user.email, password=given) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return given


class TeamForm(forms.Form):
    """A team's name."""

    name = forms.CharField(
        label="Team name",
        max_length=80,
        error_messages={"required": "Give the team a name.", "max_length": "Use at most 80 characters."},
    )


class RoleForm(forms.Form):
    """A role that the current member may assign."""

    role = forms.TypedChoiceField(label="Role", coerce=Role)

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = grantable_roles(membership)  # type: ignore[attr-defined]  # a ChoiceField


class InvitationForm(RoleForm):
    """The role of an invited person, and how long the link is valid."""

    days = forms.TypedChoiceField(
        label="Link is valid for",
        coerce=int,
        choices=[(1, "1 day"), (7, "7 days"), (30, "30 days")],
        initial=7,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed on
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Role.OPERATOR


class JoinForm(forms.Form):
    """The account of an invited person."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Say how the team should call you."},
    )
    email = forms.EmailField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        error_messages={"required": "Give your e-mail address: you sign in with it."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 10 characters, not a common password, not only digits.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password."},
    )

    def clean(self) -> dict[str, Any]:
        """Compare the password with the person's name and address, too."""
        data: dict[str, Any] = super().clean() or {}
        if password := data.get("password"):
            try:
                validate_password(password, User(email=data.get("email", ""), name=data.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data


def grantable_roles(membership: Membership) -> list[tuple[str, str]]:
    """Return the roles that a member may assign: only owners assign owners."""
    return [(role.value, role.label) for role in Role if membership.is_owner or role != Role.OWNER]
