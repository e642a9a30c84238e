"""Changes to a team's definitions: drafts, versions, names. All but the saving of drafts is audited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from orchestration.library.kinds import (
    DEFINITION_KINDS,
    ContainedDefinition,
    D,
    DefinitionKind,
    DefinitionReading,
    Remark,
    definition_kind,
)
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.library.selectors import published_versions, saved_definitions
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.rows import stored_whole
from orchestration.runs.models import TERMINAL, Run

LONGEST_DRAFT = 1_000_000
NAME_LINE = Pattern(r"^name:.*$", MULTILINE)


class DraftConflict(InvalidRequest):
    """Somebody has saved the draft since: `theirs` is what stands there now, nothing was changed."""

    def __init__(self, theirs: SavedDefinition) -> None:
        who = theirs.draft_saved_by or "Somebody"
        super().__init__(f"{who} has saved this draft since you opened it. Nothing was changed.")
        self.theirs = theirs


class InvalidDefinition(InvalidRequest):
    """A definition has `problems`, and no run could start with it."""

    def __init__(self, what: str, found: Sequence[Remark]) -> None:
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        first = f"{found[0].path}: {found[0].message}".removeprefix(": ")
        super().__init__(f"{what} has {count} and cannot run. {first}", field="definition")
        self.problems = found


def sound(reading: DefinitionReading[D, Remark], what: str) -> D:
    """Return the definition of a reading without problems. Raises `InvalidDefinition`."""
    if reading.definition is None or reading.problems:
        raise InvalidDefinition(what, reading.problems)
    return reading.definition


def named_draft(text: str, name: str) -> str:
    """Return a draft with another name, and the rest of it as it was written."""
    renamed = NAME_LINE.sub(lambda _: f"name: {name}", text, count=1)
    document = _document(renamed)
    return write_yaml({**document, "name": name}) if document.get("name", name) != name else renamed


def _document(text: str) -> dict[str, Json]:
    """Return what a draft says, nothing where it cannot be read."""
    try:
        document = read_document(text, "yaml")
    except ExpressionError:
        return {}
    return document if isinstance(document, dict) else {}


def published_version(
    membership: Membership, kind: DefinitionKind[Any], name: str, number: int | None = None
) -> PublishedVersion:
    """Return a version of a definition, the newest without a number. Raises `InvalidRequest`."""
    rows = published_versions(membership, kind.name).filter(definition__name=name)
    found = rows.filter(**({} if number is None else {"number": number})).order_by("-number").first()
    if found is None:
        missing = f"has no version {number}" if number is not None else "is not published yet"
        raise InvalidRequest(f"The {kind.noun} “{name[:40]}” {missing}.", field="version")
    return found


@transaction.atomic
def create_definition(
    *,
    membership: Membership,
    kind: DefinitionKind[Any],
    name: str,
    text: str = "",
    source: str = "",
) -> SavedDefinition:
    """Store a definition with a draft, blank without `text`; `source` says where that came from.

    Raises `InvalidRequest` at `name`.
    """
    check_name(name)
    row = SavedDefinition(team=membership.team, kind=kind.name, name=name, created_by=membership.user)
    row.sample = kind.example(_document(text))
    _write(row, named_draft(text, name) if text else write_yaml(kind.blank(name)), membership)
    with stored_whole(_taken(row), "name"):
        row.save(force_insert=True)
    _record(membership, AuditAction.DEFINITION_CREATED, row, after={"source": source})
    return row


@transaction.atomic
def save_draft(
    *, membership: Membership, definition: SavedDefinition, text: str, based_on: int, sample: Json = None
) -> SavedDefinition:
    """Store a draft as it was written, with its problems; `based_on` is the number of the draft it changes.

    A `sample` replaces the stored one. Raises `DraftConflict`, and `InvalidRequest` for an over-long text.
    """
    row = locked(membership, definition)
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
    *, membership: Membership, definition: SavedDefinition, based_on: int, note: str = ""
) -> PublishedVersion:
    """Publish the draft as the next version.

    Raises `InvalidDefinition`, `DraftConflict` where the draft is another one than the member saw, and
    `InvalidRequest` where nothing has changed.
    """
    row = locked(membership, definition)
    if based_on != row.draft_number:
        raise DraftConflict(row)
    kind = definition_kind(row.kind)
    reading = kind.read(row.draft, kind.known(membership), name=row.name)
    read = sound(reading, "The draft")
    earlier = list(row.versions.order_by("-number"))
    newest = kind.published(earlier[0]) if earlier else None
    if newest is not None and not kind.changes(newest, read):
        raise InvalidRequest(f"Nothing has changed since version {earlier[0].number}.")
    same = next((each.number for each in earlier if each.document == reading.document), None)
    version = PublishedVersion.objects.create(
        definition=row,
        number=earlier[0].number + 1 if earlier else 1,
        document=reading.document,
        note=note,
        author=membership.user,
        restored_from=same,
    )
    after = {"number": version.number, "note": note}
    _record(membership, AuditAction.DEFINITION_PUBLISHED, row, after=after)
    return version


@transaction.atomic
def restore(
    *, membership: Membership, definition: SavedDefinition, number: int, based_on: int
) -> SavedDefinition:
    """Make a version the draft again. Raises `DraftConflict`, and `InvalidRequest` for no such version."""
    version = definition.versions.filter(number=number).first()
    if version is None:
        raise InvalidRequest(f"There is no version {number}.", field="number")
    text = named_draft(write_yaml(version.document), definition.name)
    row = save_draft(membership=membership, definition=definition, text=text, based_on=based_on)
    _record(membership, AuditAction.DEFINITION_RESTORED, row, after={"number": number})
    return row


@transaction.atomic
def rename(*, membership: Membership, definition: SavedDefinition, name: str) -> SavedDefinition:
    """Give a definition another name; its runs follow. Raises `InvalidRequest` at `name`."""
    check_name(name)
    row = locked(membership, definition)
    before = row.name
    if name == before:
        return row
    _check_not_contained(membership, row, "renamed")
    row.name = name
    _write(row, named_draft(row.draft, name), membership)
    row.draft_number += 1
    with stored_whole(_taken(row), "name"):
        row.save()
    Run.objects.visible_to(membership).filter(kind=row.kind, ref=before).update(ref=name)
    _record(membership, AuditAction.DEFINITION_RENAMED, row, before={"name": before}, after={"name": name})
    return row


@transaction.atomic
def delete(*, membership: Membership, definition: SavedDefinition) -> None:
    """Delete a definition with its versions; its runs stay. Raises `InvalidRequest` while one goes on."""
    row = locked(membership, definition)
    _check_not_contained(membership, row, "deleted")
    runs = Run.objects.visible_to(membership).filter(kind=row.kind, ref=row.name)
    if runs.exclude(status__in=TERMINAL).exists():
        raise InvalidRequest("A run of it still goes on. Cancel it or wait for its end, then delete.")
    _record(membership, AuditAction.DEFINITION_DELETED, row, before={"versions": row.versions.count()})
    row.delete()


def locked(membership: Membership, definition: SavedDefinition) -> SavedDefinition:
    """Return the row as it stands now, locked for this transaction. Raises `InvalidRequest` if it is gone."""
    rows = SavedDefinition.objects.visible_to(membership).select_for_update()
    found: SavedDefinition | None = rows.filter(pk=definition.pk).first()
    if found is None:
        noun = definition_kind(definition.kind).noun
        raise InvalidRequest(f"This {noun} was deleted in the meantime.")
    return found


def check_name(name: str) -> None:
    """Raise `InvalidRequest` for what is no name of a definition."""
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            "A name begins with a small letter and has small letters, digits, - and _; 40 at most.",
            field="name",
        )


def _taken(row: SavedDefinition) -> str:
    return f"Your team has a {definition_kind(row.kind).noun} of this name. Choose another name."


def _check_not_contained(membership: Membership, row: SavedDefinition, done: str) -> None:
    if others := sorted(containing(membership, row)):
        raise InvalidRequest(f"It cannot be {done} while others contain it: {listed(others)}.", field="name")


def containing(membership: Membership, row: SavedDefinition) -> set[str]:
    """Return the names of the definitions, of any kind, whose newest version or draft contains one."""
    wanted = ContainedDefinition(kind=row.kind, name=row.name)
    return {
        name
        for kind in DEFINITION_KINDS.values()
        for name, definition in _parsed(membership, kind, row.name)
        if wanted in kind.contained(definition) and (kind.name, name) != (row.kind, row.name)
    }


def _parsed(membership: Membership, kind: DefinitionKind[D], text: str) -> Iterator[tuple[str, D]]:
    """Yield the newest versions of a kind, and the drafts in which a text stands, as far as they are read."""
    known = kind.known(membership)
    drafts = saved_definitions(membership, kind.name).filter(draft__contains=text)
    found = [(name, known.get(name)) for name in known]
    found += [(row.name, kind.read(row.draft, {}).definition) for row in drafts]
    yield from ((name, definition) for name, definition in found if definition is not None)


def _write(row: SavedDefinition, text: str, membership: Membership) -> None:
    """Set the draft, and what is shown of it as far as it can be read."""
    if len(text) > LONGEST_DRAFT:
        raise InvalidRequest(
            f"A definition has at most {LONGEST_DRAFT:,} characters, this one {len(text):,}.", field="draft"
        )
    row.draft, row.draft_saved_at, row.draft_saved_by = text, timezone.now(), membership.user
    if document := _document(text):
        title, description = (document.get(each) for each in ("title", "description"))
        row.title = title[:120] if isinstance(title, str) else ""
        row.description = description[:5000] if isinstance(description, str) else ""


def _record(
    membership: Membership,
    action: AuditAction,
    row: SavedDefinition,
    *,
    before: Mapping[str, Json] | None = None,
    after: Mapping[str, Json] | None = None,
) -> None:
    """Audit a change; the entry says what kind of definition it is of."""
    facts = {**(after or {}), "of": definition_kind(row.kind).noun}
    record_change(membership=membership, action=action, subject=row.name, before=before, after=facts)
