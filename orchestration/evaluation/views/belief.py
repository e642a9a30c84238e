"""The page of what a team believes: its coefficients with what they rest on, records, and the reset."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestration.evaluation.parts.belief import belief_overview
from orchestration.evaluation.services.coefficients import reset_coefficients


@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    """Show which coefficients are in use and why, and what is known of models."""
    return render(request, "evaluation/belief.html", {"belief": belief_overview(request.membership)})


@require_POST
@may_configure
def reset(request: MemberRequest) -> HttpResponse:
    """Put the team's coefficients back to those that ship."""
    if reset_coefficients(membership=request.membership):
        words = "The coefficients that ship are in use. What is graded from now on is learned from."
    else:
        words = "There was nothing to forget."
    messages.success(request, words)
    return redirect("evaluation:belief")
