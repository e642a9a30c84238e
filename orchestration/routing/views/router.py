"""The page of the router: the rules in force, what was learned of each method, and its reset."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestration.library.selectors import listed_definitions
from orchestration.routing.engine.arms import WEIGHTS, ResultSource, Utility
from orchestration.routing.models import RouterCell
from orchestration.routing.parts.overview import learned_methods, optimisation_line, rule_lines
from orchestration.routing.parts.regret import regret_context
from orchestration.routing.selectors import (
    KIND,
    RULES,
    USUAL_RULES,
    drifted_methods,
    method_titles,
    rules_in_force,
    spent_exploring,
    usable_names,
)
from orchestration.routing.services.learning import reset_router
from orchestration.routing.services.regret import measured_regret


@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    """Show what decides on methods: rules, optimisations, dial, and what was learned."""
    member = request.membership
    chosen, saved = rules_in_force(member), list(listed_definitions(member, KIND))
    titles = method_titles(member, usable_names(member))
    rules = chosen.rules
    context = {
        "kind": RULES,
        "rules": rules,
        "version": chosen.version,
        "lines": rule_lines(rules.model_dump(mode="json"), titles),
        "optimisations": [(each, optimisation_line(each)) for each in rules.optimisations],
        "utility": Utility.from_dial(rules.dial).sentence,
        "spent": spent_exploring(member, timezone.now()),
        "offered": [titles.get(ref, ref) for ref in rules.methods],
        "usual": next((each for each in saved if each.name == USUAL_RULES), None),
        "others": [each for each in saved if each.name != USUAL_RULES],
        **regret_context(measured_regret(member, timezone.now()), titles),
        "posterior": WEIGHTS[ResultSource.POSTERIOR],
        "learned": learned_methods(RouterCell.objects.visible_to(member), titles, drifted_methods(member)),
    }
    return render(request, "routing/router.html", context)


@require_POST
@may_configure
def reset(request: MemberRequest) -> HttpResponse:
    """Forget what was learned of one method, or of all."""
    ref = request.POST.get("ref", "")
    count = reset_router(membership=request.membership, ref=ref)
    words = "It starts anew from what is expected of the models." if count else "There was nothing to forget."
    messages.success(request, words)
    return redirect("routing:list")
