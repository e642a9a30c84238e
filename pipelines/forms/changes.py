"""What the buttons of the editor do to a definition."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from orchestration.expressions.fields import NAME
from orchestration.llm.engine.errors import InvalidRequest
from pipelines.engine import editing
from pipelines.engine.editing import Document, stage_in, stages_in
from pipelines.forms.cards import Card
from pipelines.selectors import processor_specs

SIDES = ("after", "before")
NAME_RULE = "a small letter, then small letters, digits, - or _; 40 at most."


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """What a change makes of a document, the stage that is open afterwards, and what was done in words."""

    document: Document
    stage: str
    words: str = ""


def done(document: Document, opened: Card, part: Document, data: QueryDict) -> Changed:
    """Return what a POST makes of a document: the part of the open card, and what a button does.

    Raises `InvalidRequest` for a name that cannot be used.
    """
    stage, verb, part = opened.stage, data.get("do", ""), opened.with_row(part, data.get("row", ""))
    if stage and part.get("processor") != opened.part.get("processor"):
        part = _with_processor(document, part)
    document = editing.with_stage(document, stage, part) if stage else part
    if verb == "add":
        return _added(document, data)
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
    if not NAME.fullmatch(new) or (new != stage and stage_in(document, new) is not None):
        raise InvalidRequest(f"A stage needs a name that no other one has: {NAME_RULE}", field="new")
    changed = editing.renamed(document, stage, new, processor_specs())
    return Changed(document=changed, stage=new, words=f"{stage} is now called {new}.")


def _with_processor(document: Document, part: Document) -> Document:
    """Return a stage with the options that its new processor begins with."""
    rest = {name: value for name, value in part.items() if name != "options"}
    spec = processor_specs().get(str(part.get("processor")))
    made = editing.new_stage(document, spec) if spec is not None else {}
    return rest | ({"options": made["options"]} if "options" in made else {})


def _added(document: Document, data: QueryDict) -> Changed:
    """Return a document with a stage after another one, before one, between two, or at the end."""
    spec = processor_specs().get(data.get("processor", ""))
    if spec is None:
        raise InvalidRequest("Choose what the new stage does.")
    new, names = editing.new_stage(document, spec), [stage["id"] for stage in stages_in(document)]
    after, before = (data.get(side, "") if data.get(side) in names else "" for side in SIDES)
    if before:
        added = editing.added_between(document, new, after, before)
    else:
        added = editing.added_after(document, new, after or (names[-1] if names else ""))
    return Changed(document=added, stage=new["id"], words=f"{new['id']} was added.")
