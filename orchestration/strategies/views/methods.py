"""The Methods page, and a page for each strategy."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orchestra_site.accounts.access import MemberRequest
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.parts.methods import MethodCard, profile_table
from orchestration.strategies.selectors import NEWEST, method_records, models_with_profiles


@require_safe
def methods(request: MemberRequest) -> HttpResponse:
    """Show every strategy with this team's record, and what its models have shown."""
    strategies = all_strategies()
    records = method_records(request.membership, strategies)
    cards = [MethodCard(strategy=strategy, record=records[name]) for name, strategy in strategies.items()]
    table = profile_table(models_with_profiles(request.membership))
    return render(request, "strategies/method_list.html", {"cards": cards, "table": table, "newest": NEWEST})


@require_safe
def method(request: MemberRequest, name: str) -> HttpResponse:
    """Explain one strategy."""
    try:
        strategy = get_strategy(name)
    except InvalidRequest as unknown:
        raise Http404(str(unknown)) from None
    card = MethodCard(strategy=strategy, record=method_records(request.membership, [name])[name])
    return render(request, "strategies/method_detail.html", {"card": card, "newest": NEWEST})
