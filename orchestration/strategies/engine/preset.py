"""A preset: a strategy with options and a panel, under a name; every problem at its path."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.schemas import Schema, parse_schema, read_definition
from orchestration.expressions.values import Bounds
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.strategy import all_strategies, validate_options
from orchestration.strategies.engine.types import MOST_TOOLS, USUAL_ROUNDS, ToolRounds, listed

BOUNDS = Bounds(depth=16, nodes=5_000, characters=200_000)
LARGEST_PANEL = 50
PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class PresetDefinition(BaseModel):
    """What is saved under a name. Options are those that differ from the usual ones, or all."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = Field(1, description="Version of this format.")
    name: PresetName = Field(description="What others call the preset by.")
    title: str = Field("", title="Title", max_length=120, description="What pages call it.")
    description: str = Field("", title="Description", max_length=5_000, description="What it is for.")
    strategy: str = Field(title="Strategy", max_length=40, description="The way in which the models answer.")
    models: tuple[Words, ...] = Field(
        title="Panel", max_length=LARGEST_PANEL, description="Models by name, in order, one a line."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, title="Options", description="Of the strategy. What is not set is as usual."
    )
    tools: tuple[Words, ...] = Field(
        (), title="Tools", max_length=MOST_TOOLS, description="Tools that the models may call."
    )
    tool_rounds: ToolRounds = Field(
        USUAL_ROUNDS, description="Calls of a model for one answer, where it calls tools."
    )

    @property
    def words(self) -> str:
        """The strategy and the panel, as in a sentence."""
        found = all_strategies().get(self.strategy)
        return f"{found.title if found else self.strategy} by {listed(self.models)}"


@cache
def preset_schema() -> Schema:
    """Return the JSON Schema of a preset."""
    return parse_schema(PresetDefinition.model_json_schema())


def read_preset(document: Json) -> tuple[PresetDefinition | None, tuple[DocumentFault, ...]]:
    """Return a document as a preset, or all that is wrong with it; models and tools need not exist."""
    return read_definition(PresetDefinition, document, "preset", preset_schema(), BOUNDS, _faults)


def _faults(preset: PresetDefinition) -> Iterator[DocumentFault]:
    if not preset.models:
        yield DocumentFault("models", "The panel is empty. Choose at least one model.")
    twice = sorted({name for name in preset.models if preset.models.count(name) > 1})
    if twice:
        yield DocumentFault("models", f"On the panel twice: {listed(twice)}. Keep each once.")
    strategy = all_strategies().get(preset.strategy)
    if strategy is None:
        there_are = listed([each.title for each in all_strategies().values()])
        unknown = f"There is no strategy “{preset.strategy}”. There are: {there_are}."
        yield DocumentFault("strategy", unknown)
        return
    try:
        options = validate_options(preset.strategy, preset.options)
        if preset.models and not twice:
            strategy.check(options, preset.models)
    except InvalidOptions as wrong:
        yield from (DocumentFault(each.field, str(each)) for each in wrong.errors)
