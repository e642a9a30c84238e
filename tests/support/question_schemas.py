"""Schemas of questions to people: forms as pipelines ask for them, and hostile ones."""

from __future__ import annotations

from orchestration.llm.engine.types import Json

APPROVAL: dict[str, Json] = {
    "type": "object",
    "properties": {
        "decision": {"enum": ["approve", "reject"], "title": "Decision"},
        "comment": {"type": "string", "title": "Comment", "description": "Sent to the author."},
    },
    "required": ["decision"],
}
REVIEW: dict[str, Json] = {
    "type": "object",
    "properties": {
        "headline": {"type": "string", "maxLength": 60, "title": "Headline", "default": "Rain in May"},
        "summary": {"type": "string", "title": "Summary", "description": "Three sentences <b>at most</b>."},
        "score": {"type": "integer", "minimum": 1, "maximum": 5, "title": "Score"},
        "weight": {"type": "number", "exclusiveMinimum": 0, "title": "Weight"},
        "urgent": {"type": "boolean", "title": "Urgent"},
        "tone": {"enum": ["calm", "neutral", "sharp", "formal"], "title": "Tone"},
        "topics": {"type": "array", "items": {"enum": ["people", "money", "weather"]}, "maxItems": 2},
        "day": {"type": "string", "format": "date", "title": "Day of publication"},
        "links": {"type": "object", "title": "Links"},
    },
    "required": ["headline", "score", "tone"],
}


def nested(depth: int) -> dict[str, Json]:
    """Return a schema with objects in objects."""
    schema: dict[str, Json] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"in": schema}}
    return schema


HOSTILE: dict[str, dict[str, Json]] = {
    "ten thousand fields": {"properties": {f"field {n}": {"type": "string"} for n in range(2_000)}},
    "more parts than are read": {"properties": {f"field {n}": {"type": "string"} for n in range(30_000)}},
    "a thousand levels": nested(400),
    "ten levels": nested(10),
    "a pattern that explodes elsewhere": {"type": "string", "pattern": "^(a+)+$"},
    "a pattern that is none": {"type": "string", "pattern": "("},
    "many choices": {"enum": [str(n) for n in range(5_000)]},
    "a choice of things": {"enum": [{"a": [1]}, None, [], 10**30]},
    "bounds that are no numbers": {"type": "integer", "minimum": "low", "maximum": []},
    "a huge bound": {"type": "number", "maximum": 10**400},
    "texts in wrong places": {"properties": [], "required": 7, "title": {}, "description": []},
    "a field that is none": {"properties": {"a": 3, "": True, "b": {"enum": {}, "type": ["null"]}}},
    "names with marks": {"properties": {'"><script>x</script>': {"title": "<b>", "description": "<i>x</i>"}}},
    "a reference": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "alternatives": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "nothing fits": {"not": {}},
    "a share of too much": {"type": "number", "format": "share", "minimum": -5, "maximum": 10**400},
    "an odd amount of money": {"type": "integer", "format": "dollars", "default": "x"},
    "a model of nobody": {"type": "string", "format": "model", "enum": []},
    "a circle": {
        "properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}},
    },
    "items that are none": {
        "properties": {"a": {"type": "array", "items": {"enum": []}}, "b": {"type": "array", "items": [1]}}
    },
}
"""Each has to be shown in some way, and to refuse or take what is sent, in words."""
