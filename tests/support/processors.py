"""Processors as validation sees them, for tests."""

from __future__ import annotations

from orchestration.expressions.values import ANY, ValueType
from orchestration.llm.engine.types import Json
from pipelines.engine.options import ProcessorSpec


def processor(
    name: str, options: Json = None, gives: tuple[ValueType, ...] = ANY, *, cacheable: bool = True
) -> ProcessorSpec:
    """Return a processor with these options, none of which is required."""
    schema = {"type": "object", "properties": options or {}, "additionalProperties": False}
    return ProcessorSpec(name=name, options_schema=schema, gives=gives, cacheable=cacheable)


def text(meaning: str) -> Json:
    """Return the schema of an option of a format."""
    return {"type": "string", "format": meaning}


CASE = {"type": "object", "properties": {"when": text("condition"), "to": text("stage")}}
PROCESSORS = {
    each.name: each
    for each in (
        processor("model", {"prompt": text("template"), "models": {"type": "array"}}, (ValueType.TEXT,)),
        processor("transform"),
        processor("branch", {"cases": {"type": "array", "items": CASE}, "default": text("stage")}),
        processor("pipeline", {"name": text("pipeline")}),
        processor("validate", {"schema": {"format": "json-schema"}}),
        processor("aggregate", {"from": {"format": "source"}, "pick": text("pick")}),
        processor("map", {"stage": {"format": "inline-stage"}}, (ValueType.LIST,)),
        processor("human", {"text": text("template")}, (ValueType.OBJECT,), cacheable=False),
    )
}
