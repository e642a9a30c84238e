"""What a cascade cost against asking the dearest model alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.cascade.levels import expected_cost
from orchestration.engine.strategies.wording import dollars
from orchestration.engine.types import Candidate, Request


def against_the_dearest(
    dearest: ChatModel, candidates: Sequence[Candidate], request: Request, *, drafted: bool
) -> str:
    """Say what the answers cost and what the dearest model alone would have cost; empty without prices.

    What it did cost counts where it answered the plain question; else it is taken to write as much as the
    others did on average. Judges are not counted: the dearest model alone would have had none.
    """
    asked = [candidate for candidate in candidates if candidate.state == "answered"]
    if any(candidate.cost_usd is None for candidate in asked):
        return ""
    name = dearest.spec.name
    paid = sum((candidate.cost_usd or Decimal(0) for candidate in asked), Decimal(0))
    own = [candidate.cost_usd for candidate in asked if candidate.model == name and not drafted]
    lengths = [candidate.usage.output_tokens for candidate in asked]
    typical = round(sum(lengths) / len(lengths)) if lengths else 0
    alone = own[0] if own else expected_cost(dearest.spec, request.system + request.text, typical)
    if alone is None:
        return ""
    about = "" if own else "about "
    told = f"The answers cost {dollars(paid)}; {name} alone {about}{dollars(alone)}"
    if paid <= alone:
        return f"{told}: {about}{dollars(alone - paid)} saved."
    return f"{told}: {about}{dollars(paid - alone)} more was spent, nothing saved."
