"""The request that `auto` takes: a question, limits, and what the choice of the method has to respect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.routing.engine.rules import Priority
from orchestration.strategies.engine.types import (
    AS_SHARE,
    MOST_ROUNDS,
    MOST_TOOLS,
    USUAL_ROUNDS,
    Constraints,
    invalid_request,
)

LONGEST_PROMPT = 200_000
PLANNED = "plan"
"""The key under which a run has the plan of its request."""
MOST_NAMED = 50
ModelNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=120)], ...],
    Field(
        max_length=MOST_NAMED, json_schema_extra={"items": {"type": "string", "format": FieldFormat.MODEL}}
    ),
]


class AutoRequest(BaseModel):
    """What `auto` answers. Of a stored run it reads these fields; what was planned is left out.

    `tools` are the names of those that models may call; a stored run has them by name as they were frozen.
    `models` are those that may be asked, in the order in which panels ask them; empty: the usual panel.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    text: str
    system: str = ""
    models: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    dial: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Cheap or best",
        description="0 % is cheap and fast, 100 % the best answer at any price. Empty: as the team has it.",
        json_schema_extra=AS_SHARE,
    )
    priority: Priority = Field(
        default=Priority.NORMAL, title="Priority", description="A critical one requires consensus."
    )
    method: str = Field(
        default="",
        max_length=260,
        title="Method",
        description="Or name one: it is tried first, the others only if it fails.",
    )
    require_consensus: bool = Field(
        default=False,
        title="Require consensus",
        description="More than half of several models have to agree.",
    )
    require_explanation: bool = Field(
        default=False, title="Require an explanation", description="The answer has to say how it came about."
    )
    preferred: ModelNames = Field(
        default=(),
        title="Preferred models",
        description="One a line. Methods that ask one of these, if any can.",
    )
    required: ModelNames = Field(
        default=(), title="Required models", description="One a line. Only methods that ask all of these."
    )
    excluded: ModelNames = Field(
        default=(), title="Excluded models", description="One a line. These are not asked."
    )
    tools: tuple[str, ...] = Field(default=(), max_length=MOST_TOOLS)
    tool_rounds: int = Field(default=USUAL_ROUNDS, ge=2, le=MOST_ROUNDS)
    baseline: bool = Field(
        default=False,
        title="Ask one model, too",
        description="The best single model answers beside the method, to compare; it is paid for.",
    )

    @field_validator("tools", mode="before")
    @classmethod
    def _names(cls, given: Json) -> Json:
        return tuple(dict.fromkeys(given)) if isinstance(given, list | tuple | Mapping) else given

    @field_validator("method")
    @classmethod
    def _stripped(cls, given: str) -> str:
        return given.strip()

    @property
    def needs_consensus(self) -> bool:
        """Whether several models have to agree."""
        return self.require_consensus or self.priority is Priority.CRITICAL


def parsed_auto(payload: Mapping[str, Json]) -> AutoRequest:
    """Return a payload, or what a run stored of one, as a request. Raises `InvalidRequest` with the field."""
    unknown = sorted(set(payload) - set(AutoRequest.model_fields) - {"ref"})
    if unknown and PLANNED not in payload:
        raise InvalidRequest(f"Auto has no option “{unknown[0][:60]}”.", field=unknown[0][:60])
    try:
        request = AutoRequest.model_validate(payload)
    except ValidationError as error:
        raise invalid_request(error) from None
    if not request.text.strip():
        raise InvalidRequest("Write what you want to ask.", field="text")
    for name, text in (("text", request.text), ("system", request.system)):
        if len(text) > LONGEST_PROMPT:
            most = f"at most {LONGEST_PROMPT:,} can be sent. Shorten it."
            raise InvalidRequest(f"This has {len(text):,} characters; {most}", field=name)
    clash = set(request.excluded) & {*request.required}
    if clash:
        raise InvalidRequest(f"{min(clash)} is both required and excluded.", field="excluded")
    return request
