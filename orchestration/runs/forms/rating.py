"""What a member thinks of an answer."""

from __future__ import annotations

from django import forms


class RatingForm(forms.Form):
    """Good or bad, and why."""

    value = forms.TypedChoiceField(
        choices=[("1", "Good"), ("-1", "Bad")],
        coerce=int,
        error_messages={"required": "Choose good or bad.", "invalid_choice": "A rating is good or bad."},
    )
    comment = forms.CharField(
        max_length=500, required=False, error_messages={"max_length": "A comment has at most 500 characters."}
    )

    def first_error(self) -> str:
        """Return what is wrong first, empty when nothing is."""
        return next((str(errors[0]) for errors in self.errors.values()), "")
