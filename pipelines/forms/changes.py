"""What the buttons of the editor do to a definition."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from orchestration.expressions.fields import NAME
from orchestration.llm.engine.errors import InvalidRequest
from pipelines.engine import editing
from pipelines.engine.editing import renamed
from pipelines.forms.cards import Card
from pipelines.selectors import processor_specs

NAME_RULE = "a small letter, then small letters, digits, - or _; 40 at most."


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """What a change makes of a document, the stage that is open afterwards, and what was done in words."""

    document: editing.Document
    stage: str
    words: str = ""


def _with_processor(document: editing.Document, part: editing.Document) -> editing.Document:
    """Return a stage with the options that its new processor begins with."""
    rest = {name: value for name, value in part.items() if name != "options"}
    spec = processor_specs().get(str(part.get("processor")))
    made = editing.new_stage(document, spec) if spec is not None else {}
    return rest | ({"options": made["options"]} if "options" in made else {})


def done(document: editing.Document, opened: Card, part: editing.Document, data: QueryDict) -> Changed:
    """Return what a POST makes of a document: the part of the open card, and what a button does.

    Raises `InvalidRequest` for a name that cannot be used.
    """
    stage, part = opened.stage, opened.with_row(part, data.get("row", ""))
    if stage and part.get("processor") != opened.notes.part.get("processor"):
        part = _with_processor(document, part)
    return _with_button(editing.with_stage(document, stage, part) if stage else part, stage, data)


def _with_button(document: editing.Document, stage: str, data: QueryDict) -> Changed:
    verb = data.get("do", "")
    if verb.startswith("add"):
        return _added(document, stage, data)
    if not verb or not stage:
        return Changed(document=document, stage=stage)
    if verb in {"up", "down"}:
        return Changed(document=editing.moved(document, stage, 1 if verb == "down" else -1), stage=stage)
    if verb == "duplicate":
        copied, copy = editing.duplicated(document, stage)
        return Changed(document=copied, stage=copy, words=f"{copy} is a copy of {stage}.")
    if verb == "remove":
        return Changed(document=editing.removed(document, stage), stage="", words=f"{stage} was removed.")
    new = data.get("new", "")
    if not NAME.fullmatch(new) or (new != stage and editing.stage_in(document, new) is not None):
        raise InvalidRequest(f"A stage needs a name that no other one has: {NAME_RULE}", field="new")
    changed = renamed(document, stage, new, processor_specs())
    return Changed(document=changed, stage=new, words=f"{stage} is now called {new}.")


def _added(document: editing.Document, stage: str, data: QueryDict) -> Changed:
    spec = processor_specs().get(data.get("processor", ""))
    if spec is None:
        raise InvalidRequest("Choose what the new stage does.")
    stages = editing.stages_in(document)
    beside = stage or (stages[-1]["id"] if stages else "")
    is_before = data.get("do") == "add:before" and beside
    new = editing.new_stage(document, spec)
    added = editing.added_before if is_before else editing.added_after
    return Changed(document=added(document, new, beside), stage=new["id"], words=f"{new['id']} was added.")
