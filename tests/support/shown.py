"""Runs that show something of their models, as rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind
from orchestration.runs.models import Call, CallStatus, Run
from tests.support.history import a_run

REASONING = "What is 17% of 2,300?"


def a_model(member: Membership, name: str, *, tier: str = "medium", price: str | None = "2") -> LanguageModel:
    """Store a simulated model."""
    provider, _ = Provider.objects.get_or_create(
        team=member.team, name="Simulated", defaults={"kind": ProviderKind.SIMULATED}
    )
    model: LanguageModel = LanguageModel.objects.create(
        team=member.team, provider=provider, name=name, remote_name=name, family=name, tier=tier
    )
    if price is not None:
        Price.objects.create(
            model=model,
            input_per_million=Decimal(price),
            output_per_million=Decimal(price),
            valid_from="2020-01-01",
        )
    return model


def candidate(name: str, overall: float, accuracy: float | None = None) -> dict[str, Any]:
    """Return an answered candidate as an outcome holds it."""
    quality = {"overall": overall, "accuracy": overall if accuracy is None else accuracy}
    return {"model": name, "step": f"ask/{name}", "state": "answered", "quality": quality}


def a_shown_run(
    member: Membership, *models: LanguageModel, chosen: str = "", prompt: str = REASONING, **columns: object
) -> Run:
    """Store a run that `models` answered, each with a judged quality of 0.9."""
    names = [model.name for model in models]
    panel = [{"spec": {"name": model.name}, "role": "member", "model": str(model.id)} for model in models]
    outcome = {"chosen": f"ask/{chosen or names[0]}", "candidates": [candidate(name, 0.9) for name in names]}
    given: dict[str, Any] = {"panel": panel, "outcome": {**outcome, "decisions": []}, "quality": 0.9}
    run = a_run(member, prompt, **{**given, **columns})
    for name in names:
        a_call(run, name)
    return run


def a_call(run: Run, model: str, status: CallStatus = CallStatus.DONE, **columns: object) -> Call:
    """Store a call of two seconds for an answer."""
    given = {"attempt": 1, "latency_s": 2.0, "input_tokens": 100, "output_tokens": 50, "cost_usd": "0.0001"}
    call: Call = Call.objects.create(
        run=run,
        step=f"ask/{model}",
        model=model,
        provider="Simulated",
        purpose="answer",
        status=status,
        **{**given, **columns},
    )
    return call
