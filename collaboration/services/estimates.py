"""What a session will cost, before it starts: from its line-up, prices and earlier calls."""

from __future__ import annotations

from collaboration.engine.estimating import expected_calls
from collaboration.engine.lineup import LineUp
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, estimate_tokens
from orchestration.llm.selectors import usable_models
from orchestration.llm.services.panel import model_spec
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.estimating import Draft, Estimate, in_order, in_waves
from orchestration.strategies.services.estimates import past_calls


def estimate_session(*, membership: Membership, lineup: LineUp, text: str) -> Estimate | None:
    """Estimate a session about a task; None where no model takes part that can be asked.

    A call reads the task, and as much of the conversation as the line-up allows. How long it takes
    depends on what is done at the same time: pages say what earlier sessions took.
    """
    known = {model.name: model_spec(model) for model in usable_models(membership)}
    calls = [each for each in expected_calls(lineup) if each[0].model in known]
    if not calls:
        return None
    draft = Draft(
        task=classify(text).task,
        words=estimate_tokens(text) + TOKENS_PER_MESSAGE,
        past=past_calls(membership, sorted({each.model for each, *_ in calls})),
        answers=1,
        read=(0, lineup.limits.context_tokens),
    )
    parts = [
        in_waves([draft.call(known[each.model], purpose, 1)], (few, most), size=most)
        for each, purpose, few, most in calls
    ]
    return in_order(parts)
