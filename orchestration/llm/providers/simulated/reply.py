"""What a simulated model writes to a prompt, by the prompt's purpose."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.llm.engine.types import Json, Prompt, Purpose
from orchestration.llm.providers.simulated.attempt import Asked, Attempt, asked_of, attempt, taken
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.judging.blocks import read_case
from orchestration.llm.providers.simulated.judging.synthesis import synthesis
from orchestration.llm.providers.simulated.judging.verdicts import ranking, verdicts
from orchestration.llm.providers.simulated.solvers.classifying import pick
from orchestration.llm.providers.simulated.solvers.tasks import pick_task
from orchestration.llm.providers.simulated.structured import structured
from orchestration.llm.providers.simulated.wording import declined, explained


def reply_to(profile: SimulatedProfile, prompt: Prompt) -> str:
    """Write the whole answer."""
    asked = asked_of(prompt)
    case = read_case(asked.question)
    if case is not None:
        match prompt.purpose:
            case Purpose.JUDGE:
                return verdicts(profile, case, asked.draw)
            case Purpose.RANK | Purpose.REVIEW:
                return ranking(profile, case, asked.draw)
            case Purpose.AGGREGATE:
                return synthesis(profile, case, asked.draw)
            case _:
                pass
    return _answer(profile, prompt, asked)


def _answer(profile: SimulatedProfile, prompt: Prompt, asked: Asked) -> str:
    made = None
    if prompt.purpose == Purpose.CLASSIFY and prompt.response_schema:
        made = _labelled(profile, asked, prompt.response_schema)
    made = made or attempt(profile, asked)
    if made is None:
        return declined(profile)
    written = structured(profile, made, prompt.response_schema) if prompt.response_schema else None
    return written or explained(profile, made, asked.question)


def _labelled(profile: SimulatedProfile, asked: Asked, schema: Mapping[str, Json]) -> Attempt | None:
    """Classify by the labels that the schema allows."""
    allowed = [
        option
        for wanted in (schema, *schema.get("properties", {}).values())
        for option in wanted.get("enum", ())
    ]
    labels = [str(option) for option in allowed]
    solution = (pick_task(labels, asked.question) or pick(labels, asked.question)) if labels else None
    return taken(profile, asked, solution) if solution else None
