"""The cards of the editor: the fields of each tab, made from the schemas of a stage and its processor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from django import forms

from orchestration.expressions.fields import part_schema
from orchestration.expressions.listed import Document
from orchestration.expressions.places import GONE, Keys, value_at
from orchestration.expressions.transforms.lists import TRANSFORMS
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.cards import PartCard
from orchestration.tools.forms.documents import EMPTY, Choices, PartField, Rows, in_one_line
from orchestration.tools.forms.schemas import JsonField, resolved
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.editing import stage_in, stages_in
from pipelines.engine.options import OptionFormat
from pipelines.engine.processors import PROCESSORS

TRIED = "tried"
TABS = {
    "does": "What it does",
    "input": "Input",
    "output": "Output",
    "fails": "If it fails",
    "yaml": "YAML",
    TRIED: "Last try",
}
TAB_OF = {
    **dict.fromkeys(("input", "variables"), "input"),
    "output": "output",
    **dict.fromkeys(("on_error", "optional", "retry", "timeout", "cache", "error_handling"), "fails"),
}
"""The tab of each field of a stage and of a pipeline; of all others, what it does."""
ELSEWHERE = {"id", "name", "schema_version", "stages"}
"""What has no field on a card: names are changed by their own form."""
GROUPS = {"retry": "Try again", "cache": "Use an earlier result", "error_handling": "When a stage fails"}
FOLDED = {"when", "needs", "join", "quorum", "parallel"}
OFFERED = {*map(str, (OptionFormat.SOURCE, OptionFormat.SOURCES, OptionFormat.STAGE, OptionFormat.PIPELINE))}
OFFERED |= {"to", "on_error", "needs"}
"""The formats and the names of fields at which something is offered."""


class Card(PartCard):
    """The fields of one tab for a stage, or for the pipeline where `stage` is empty."""

    folded_names = FOLDED
    groups = GROUPS

    def __init__(self, document: Document, stage: str, tab: str, *, read_only: bool = False) -> None:
        schema = part_schema(Stage if stage else Pipeline)
        known = schema["properties"].keys() - ELSEWHERE
        ordered = dict.fromkeys((*TAB_OF, *schema["properties"]))
        names = [name for name in ordered if name in known and TAB_OF.get(name, "does") == tab]
        super().__init__(stage_in(document, stage) or document, schema, names, read_only=read_only)

    def drawn(self, place: Keys, shape: Json, schema: Mapping[str, Json]) -> Iterator[PartField | Rows]:
        """Yield the fields for a value: options are those of the processor, transforms are rows."""
        value = value_at(self.part, place)
        if place == ("options",):
            processor = PROCESSORS.get(str(self.part.get("processor")))
            shape = schema = processor.spec.options_schema if processor else {}
        if place[-1] == "transforms" and (value is GONE or isinstance(value, list)):
            yield self.rows(place, resolved(shape, schema), "strip", self._transform)
        elif place != ("options",) or value is not GONE or "properties" in shape:
            yield from super().drawn(place, shape, schema)

    def _transform(self, place: Keys) -> Iterator[PartField]:
        """Yield the fields of one transform: its name, and its parameters where it has some."""
        names = [(name, name.replace("_", " ")) for name in TRANSFORMS]
        made = forms.ChoiceField(label="Transform", choices=names)
        field = PartField(notes=self.notes, place=place, made=made, half="name")
        spec = TRANSFORMS.get(str(field.shown(self.part)))
        made.help_text = spec.sentence if spec else ""
        yield field
        if spec is None or spec.main or value_at(self.part, place) != spec.name:
            example = spec.written if spec else ""
            hint = in_one_line(next(iter(example.values()))) if isinstance(example, dict) else ""
            given = JsonField(label="With", required=False)
            yield PartField(notes=self.notes, place=place, made=given, half="with", placeholder=hint)

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value; what may stand there is offered by its format or its name."""
        name, form = str(place[-1]), str(shape.get("format", ""))
        offers = next((each for each in (form, name) if each in OFFERED), offers)
        field = super().field(place, shape, offers=offers, only=only or offers == OptionFormat.STAGE)
        if name == "processor":
            choices = [(each.name, each.title) for each in PROCESSORS.values()]
            return replace(field, made=forms.ChoiceField(label=field.made.label, choices=choices))
        if offers == "needs":
            words = "Nothing ticked: it follows the stage that is written before it."
            made = forms.MultipleChoiceField(label=field.made.label, help_text=words)
            return replace(field, made=made)
        return field


def offered(
    document: Document, stage: str, pipeline: Pipeline | None, pipelines: Iterable[str]
) -> Mapping[str, Choices]:
    """Return what may stand at fields of a stage, or of the pipeline, each with its words."""
    names = [each["id"] for each in stages_in(document)]
    others = [name for name in names if name != stage]
    graph = pipeline.graph if pipeline is not None and stage in pipeline.graph.waits_for else None
    ended = [name for name in others if graph is None or graph.has_ended(name, stage)]
    after = graph.following(stage) if graph is not None else ()
    later = others[names.index(stage) :] if stage in names else []
    schema, variables = value_at(document, ("input", "schema", "properties")), document.get("variables")
    kept = [f"variable.{name}" for name in variables] if isinstance(variables, dict) else []
    read = [f"input.{name}" for name in schema] if isinstance(schema, dict) else []
    read += [*kept, *(f"stages.{name}.output" for name in ended)]
    rules = [("fail", "Fail"), ("skip", "Skip the stage"), ('{"default": null}', "Go on without its output")]
    rules += [(in_one_line({"goto": name}), f"Go to {name}") for name in later]
    rules += [(in_one_line({"pipeline": name}), f"Run the pipeline {name} instead") for name in pipelines]
    sources = [
        ("previous", "previous: what the stage before gives"),
        ("input", "input: all of it"),
        *_same(read),
    ]
    targets = [("next", "next: the stages that follow"), ("final", "final: the output of the pipeline")]
    return {
        OptionFormat.SOURCE: sources,
        OptionFormat.SOURCES: sources,
        OptionFormat.STAGE: [("", "None"), *_same(others)],
        OptionFormat.PIPELINE: _same(pipelines),
        "to": [*targets, *_same(kept)],
        "on_error": rules,
        "needs": [
            (EMPTY, "Nothing: starts at once"),
            *_same(name for name in others if name not in after),
        ],
    }


def _same(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return choices that are shown as they are written."""
    return [(name, name) for name in names]
