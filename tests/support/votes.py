"""Models that vote, for tests: what they answer, and how they rank the answers of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from orchestration.llm.engine.types import Json, Prompt, Purpose
from orchestration.strategies.engine.quality.prompts import label
from orchestration.strategies.engine.types import StrategyEvent, StrategyOutcome
from tests.support.context import Stage
from tests.support.judges import answers_in
from tests.support.models import ScriptedModel

QUESTION = "How many are there?"
LOST_FOR_WORDS = "Well, who can say? There is a lot to be said about it, and then again there is not."


def answering(**numbers: str) -> list[ScriptedModel]:
    """Return models by name that answer with a number each; an empty one says nothing that can be read."""
    return [ScriptedModel(name, [f"Answer: {n}" if n else LOST_FOR_WORDS]) for name, n in numbers.items()]


def poll(*members: ScriptedModel, helpers: Sequence[ScriptedModel] = (), **more: Json) -> Stage:
    """Return a vote to be run."""
    return Stage(strategy="voting", members=members, helpers=tuple(helpers), question=QUESTION, **more)


def answers_poll(*members: ScriptedModel, **more: Json) -> Stage:
    """Return a vote in which the answers are the ballots, whatever they are."""
    return poll(*members, usual={"ballot": "answers"}, **more)


def preferring(*texts: str, approves: Sequence[str] | None = None, **also: Json) -> Callable[[Prompt], str]:
    """Return a review's reply that ranks answers in the order of `texts`, wherever they stand."""

    def reply(prompt: Prompt) -> str:
        shown = answers_in(prompt)
        names = {text: label(place) for place, text in enumerate(shown)}
        said: dict[str, Json] = {"ranking": [names[text] for text in texts if text in names], **also}
        if approves is not None:
            said["approved"] = [names[text] for text in approves if text in names]
        return json.dumps(said)

    return reply


def reviewer(name: str, *texts: str, says: str = "", approves: Sequence[str] | None = None) -> ScriptedModel:
    """Return a model that answers `says` (else its name) and prefers answers in the order of `texts`."""
    ranks = preferring(*texts, approves=approves)
    return ScriptedModel(
        name, lambda prompt: ranks(prompt) if prompt.purpose is Purpose.RANK else says or name
    )


def mixed(**said: str) -> list[ScriptedModel]:
    """Return models that answer with a number, an empty one with a poem, and rank numbers by their order."""
    texts = {
        name: f"Answer: {number}" if number else f"{name}: {LOST_FOR_WORDS}" for name, number in said.items()
    }
    return [reviewer(name, *texts.values(), says=text) for name, text in texts.items()]


def kinds(run: Stage) -> set[Json]:
    """Return with what was voted, as the ballots tell it."""
    return {event.data["ballot"] for event in run.emitted(StrategyEvent.BALLOT_CAST)}


def how(outcome: StrategyOutcome) -> str:
    """Return why the answers were counted or reviewed."""
    [decision] = [each for each in outcome.decisions if each.kind == "ballot"]
    return f"{decision.chosen}: {decision.reason}"
