"""What a run's page says of its answer: the final answer, who agrees, why it was chosen, and what was set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.strategies.engine.consensus.spelling import normalise
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import AS_SHARE, counted
from orchestration.strategies.engine.voting.options import BallotKind
from orchestration.strategies.parts.ballots import ShownVote
from orchestration.strategies.parts.methods import value_words
from orchestration.strategies.selectors import strategy_name

LONGEST_HEADLINE = 60
LONGEST_EXPLANATION = 1_500
"""Characters of an answer up to which its final answer is shown large, though no other model was compared."""
FEWEST_COMPARED = 2
CONCLUDING = ("vote", "select")
"""Decisions on the answer itself, in the order in which they are made."""


def headline(run: Run) -> Mapping[str, str | bool] | None:
    """Return the final answer of a run whose answer has a short one, None where the text is the answer.

    That is its `text`, and `is_all` where the answer says no more than that.
    """
    candidate = _chosen(run)
    final = " ".join(str(candidate.get("extracted") or "").split())
    compared: int = (candidate.get("quality") or {}).get("compared") or 0
    is_explained = len(run.answer) <= LONGEST_EXPLANATION or compared >= FEWEST_COMPARED
    if not 0 < len(final) <= LONGEST_HEADLINE or not is_explained:
        return None
    whole = " ".join(run.answer[: 3 * LONGEST_HEADLINE].split())
    says_more = len(whole) > 2 * LONGEST_HEADLINE or normalise(whole) != normalise(final)
    return {"text": final, "is_all": not says_more}


def verdict(run: Run, vote: ShownVote | None) -> str:
    """Return in words how many agree with the answer of a run, empty where nothing was compared."""
    if vote is not None and vote.counting:
        agreeing, of = vote.counting - len(vote.dissenters), vote.counting
        of_answers = vote.options.ballot is BallotKind.ANSWERS
        noun, agree = ("model", "agree") if of_answers else ("voter", "prefer it")
        if vote.voters > len(run.request.get("models") or ()) > 0:  # several answers of a model are voters
            noun = "answer"
    else:
        quality = _chosen(run).get("quality") or {}
        agreeing, of = quality.get("agreeing") or 0, quality.get("compared") or 0
        noun, agree = ("model" if of == _usable_answers(run) else "comparable answer"), "agree"
    if of < FEWEST_COMPARED or not agreeing:
        return ""
    if agreeing == 1 and agree == "agree":
        return f"none of the other {counted(of - 1, noun)} agrees"
    return f"{agreeing} of {counted(of, noun)} {agree}"


def _chosen(run: Run) -> Mapping[str, Any]:
    outcome: Mapping[str, Any] = run.outcome or {}
    candidates: Sequence[Mapping[str, Any]] = outcome.get("candidates") or ()
    return next((each for each in candidates if each.get("step") == outcome.get("chosen")), {})


def _usable_answers(run: Run) -> int:
    """Return how many models gave an answer that can be used."""
    candidates: Sequence[Mapping[str, Any]] = (run.outcome or {}).get("candidates") or ()
    return sum(
        each.get("state") == "answered" and (each.get("quality") or {}).get("usable", True)
        for each in candidates
    )


def reason(decisions: Iterable[Mapping[str, Json]]) -> str:
    """Return why the answer was chosen: the reasons of the last vote and of the last choice."""
    last = {decision["kind"]: str(decision.get("reason", "")) for decision in decisions}
    return " ".join(last[kind] for kind in CONCLUDING if kind in last)


def settings(run: Run) -> list[tuple[str, str]]:
    """Return the options that are not as the strategy sets them, and the tools, as labels and values."""
    strategy = all_strategies().get(strategy_name(run))
    if strategy is None:
        return []
    given: Mapping[str, Json] = run.request.get("options") or {}
    fields = strategy.Options.model_fields
    tools = [("Tools", ", ".join(sorted(run.request["tools"])))] if run.request.get("tools") else []
    if rounds := run.request.get("tool_rounds"):
        tools.append(("Most rounds", str(rounds)))
    in_words = partial(value_words, none="none", switch=("no", "yes"))
    return tools + [
        (
            field.title or name.replace("_", " ").capitalize(),
            in_words(given[name], is_share=field.json_schema_extra == AS_SHARE),
        )
        for name, field in fields.items()
        if name in given and given[name] != field.get_default(call_default_factory=True)
    ]
