"""Changes to a team's pipelines: drafts, versions, names. All but the saving of drafts is audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestra_site.web.patterns import MULTILINE, Pattern
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import NAME
from orchestration.expressions.values import listed
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.rows import stored_whole
from orchestration.runs.models import TERMINAL, Run
from pipelines.engine.definition import Pipeline, Problem
from pipelines.engine.differences import changes
from pipelines.models import PublishedVersion, SavedPipeline
from pipelines.selectors import KIND, DraftReading, TeamPipelines, containing, published_pipeline, read_draft

LONGEST_DRAFT = 1_000_000
TAKEN = "Your team has a pipeline of this name. Choose another name."
NAME_LINE = Pattern(r"^name:.*$", MULTILINE)


class DraftConflict(InvalidRequest):
    """Somebody has saved the draft since: `theirs` is what stands there now, nothing was changed."""

    def __init__(self, theirs: SavedPipeline) -> None:
        who = theirs.draft_saved_by or "Somebody"
        super().__init__(f"{who} has saved this draft since you opened it. Your text was not saved.")
        self.theirs = theirs


class InvalidDefinition(InvalidRequest):
    """A definition has `problems`, and no run could start with it."""

    def __init__(self, what: str, found: Sequence[Problem]) -> None:
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        first = f"{found[0].path}: {found[0].message}".removeprefix(": ")
        super().__init__(f"{what} has {count} and cannot run. {first}", field="definition")
        self.problems = found


def sound(reading: DraftReading, what: str) -> Pipeline:
    """Return the pipeline of a definition without problems. Raises `InvalidDefinition`."""
    if reading.pipeline is None or reading.problems:
        raise InvalidDefinition(what, reading.problems)
    return reading.pipeline


def blank_draft(name: str) -> str:
    """Return the draft that a pipeline begins with."""
    return write_yaml({"schema_version": 1, "name": name, "title": "", "description": "", "stages": []})


def named_draft(text: str, name: str) -> str:
    """Return a draft with another name, and the rest of it as it was written."""
    renamed = NAME_LINE.sub(lambda _: f"name: {name}", text, count=1)
    document = _document(renamed)
    return write_yaml({**document, "name": name}) if document.get("name", name) != name else renamed


def _example(document: Mapping[str, Json]) -> Json:
    """Return the first example of an input that a definition gives, None where it gives none."""
    declared = document.get("input")
    schema = declared.get("schema") if isinstance(declared, dict) else None
    examples = schema.get("examples") if isinstance(schema, dict) else None
    return examples[0] if isinstance(examples, list) and examples else None


def _document(text: str) -> dict[str, Json]:
    """Return what a draft says, nothing where it cannot be read."""
    try:
        document = read_document(text, "yaml")
    except ExpressionError:
        return {}
    return document if isinstance(document, dict) else {}


@transaction.atomic
def create_pipeline(
    *, membership: Membership, name: str, text: str = "", source: str = "", sample: Json = None
) -> SavedPipeline:
    """Store a pipeline with a draft, blank without `text`; `source` says where that came from.

    Raises `InvalidRequest` at `name`.
    """
    _check_name(name)
    pipeline = SavedPipeline(team=membership.team, name=name, created_by=membership.user, sample=sample)
    if sample is None:
        pipeline.sample = _example(_document(text))
    _write(pipeline, named_draft(text, name) if text else blank_draft(name), membership)
    with stored_whole(TAKEN, "name"):
        pipeline.save(force_insert=True)
    _record(membership, AuditAction.PIPELINE_CREATED, name, after={"source": source})
    return pipeline


@transaction.atomic
def save_draft(
    *, membership: Membership, pipeline: SavedPipeline, text: str, based_on: int, sample: Json = None
) -> SavedPipeline:
    """Store a draft as it was written, with its problems; `based_on` is the number of the draft it changes.

    A `sample` replaces the stored one. Raises `DraftConflict`, and `InvalidRequest` for an over-long text.
    """
    row = locked(membership, pipeline)
    if text != row.draft and based_on != row.draft_number:
        raise DraftConflict(row)
    row.sample = row.sample if sample is None else sample
    if text != row.draft:
        _write(row, text, membership)
        row.draft_number += 1
    row.save()
    return row


@transaction.atomic
def publish(
    *, membership: Membership, pipeline: SavedPipeline, based_on: int, note: str = ""
) -> PublishedVersion:
    """Publish the draft as the next version.

    Raises `InvalidDefinition`, `DraftConflict` where the draft is another one than the member saw, and
    `InvalidRequest` where nothing has changed.
    """
    row = locked(membership, pipeline)
    if based_on != row.draft_number:
        raise DraftConflict(row)
    reading = read_draft(row.draft, TeamPipelines(membership), name=row.name)
    pipeline_read = sound(reading, "The draft")
    earlier = list(row.versions.order_by("-number"))
    newest = published_pipeline(earlier[0]) if earlier else None
    if newest is not None and not changes(newest, pipeline_read):
        raise InvalidRequest(f"Nothing has changed since version {earlier[0].number}.")
    same = next((each.number for each in earlier if each.document == reading.document), None)
    version = PublishedVersion.objects.create(
        pipeline=row,
        number=earlier[0].number + 1 if earlier else 1,
        document=reading.document,
        note=note,
        author=membership.user,
        restored_from=same,
    )
    after = {"number": version.number, "note": note}
    _record(membership, AuditAction.PIPELINE_PUBLISHED, row.name, after=after)
    return version


@transaction.atomic
def restore(*, membership: Membership, pipeline: SavedPipeline, number: int, based_on: int) -> SavedPipeline:
    """Make a version the draft again. Raises `DraftConflict`, and `InvalidRequest` for no such version."""
    version = pipeline.versions.filter(number=number).first()
    if version is None:
        raise InvalidRequest(f"There is no version {number}.", field="number")
    text = named_draft(write_yaml(version.document), pipeline.name)
    row = save_draft(membership=membership, pipeline=pipeline, text=text, based_on=based_on)
    _record(membership, AuditAction.PIPELINE_RESTORED, row.name, after={"number": number})
    return row


@transaction.atomic
def rename(*, membership: Membership, pipeline: SavedPipeline, name: str) -> SavedPipeline:
    """Give a pipeline another name; its runs follow. Raises `InvalidRequest` at `name`."""
    _check_name(name)
    row = locked(membership, pipeline)
    before = row.name
    if name == before:
        return row
    _check_not_contained(membership, row, "renamed")
    row.name = name
    _write(row, named_draft(row.draft, name), membership)
    row.draft_number += 1
    with stored_whole(TAKEN, "name"):
        row.save()
    Run.objects.visible_to(membership).filter(kind=KIND, ref=before).update(ref=name)
    was, now = {"name": before}, {"name": name}
    _record(membership, AuditAction.PIPELINE_RENAMED, name, before=was, after=now)
    return row


@transaction.atomic
def delete(*, membership: Membership, pipeline: SavedPipeline) -> None:
    """Delete a pipeline with its versions; its runs stay. Raises `InvalidRequest` while one goes on."""
    row = locked(membership, pipeline)
    _check_not_contained(membership, row, "deleted")
    runs = Run.objects.visible_to(membership).filter(kind=KIND, ref=row.name)
    if runs.exclude(status__in=TERMINAL).exists():
        raise InvalidRequest("A run of it still goes on. Cancel it or wait for its end, then delete.")
    _record(membership, AuditAction.PIPELINE_DELETED, row.name, before={"versions": row.versions.count()})
    row.delete()


def locked(membership: Membership, pipeline: SavedPipeline) -> SavedPipeline:
    """Return the row as it stands now, locked for this transaction. Raises `InvalidRequest` if it is gone."""
    rows = SavedPipeline.objects.visible_to(membership).select_for_update()
    found: SavedPipeline | None = rows.filter(pk=pipeline.pk).first()
    if found is None:
        raise InvalidRequest("This pipeline was deleted in the meantime.")
    return found


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            "A name begins with a small letter and has small letters, digits, - and _; 40 at most.",
            field="name",
        )


def _check_not_contained(membership: Membership, pipeline: SavedPipeline, done: str) -> None:
    if others := containing(membership, pipeline.name):
        raise InvalidRequest(f"It cannot be {done} while others contain it: {listed(others)}.", field="name")


def _write(pipeline: SavedPipeline, text: str, membership: Membership) -> None:
    """Set the draft, and what is shown of it as far as it can be read."""
    if len(text) > LONGEST_DRAFT:
        raise InvalidRequest(
            f"A definition has at most {LONGEST_DRAFT:,} characters, this one {len(text):,}.", field="draft"
        )
    pipeline.draft, pipeline.draft_saved_at, pipeline.draft_saved_by = text, timezone.now(), membership.user
    if document := _document(text):
        title, description = (document.get(each) for each in ("title", "description"))
        pipeline.title = title[:120] if isinstance(title, str) else ""
        pipeline.description = description[:5000] if isinstance(description, str) else ""


def _record(membership: Membership, action: AuditAction, name: str, **values: Any) -> None:  # noqa: ANN401
    record_change(membership=membership, action=action, subject=name, **values)
