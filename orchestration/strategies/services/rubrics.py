"""Rubrics of a team: saved as versions, restored, deleted, and frozen into runs."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.rows import locked, record, stored_whole
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, Rubric
from orchestration.strategies.models import RubricVersion, SavedRubric

TAKEN = "Your team has a rubric of this name. Choose another name."
CHANGED = "Somebody else saved this rubric while you were writing. Load the page again to see theirs."
MOST_RUBRICS = 100


def create_rubric(*, membership: Membership, rubric: Rubric) -> SavedRubric:
    """Store a rubric with its first version. Raises `InvalidRequest` at `name`."""
    if SavedRubric.objects.visible_to(membership).count() >= MOST_RUBRICS:
        raise InvalidRequest(f"A team has at most {MOST_RUBRICS} rubrics. Delete one first.", field="name")
    _check_name(rubric)
    with stored_whole(TAKEN, "name"):
        saved: SavedRubric = SavedRubric.objects.create(team=membership.team, name=rubric.name)
        _add_version(membership, saved, rubric, number=1)
        record(membership, AuditAction.RUBRIC_CREATED, saved, {}, {"criteria": len(rubric.criteria)})
    return saved


def change_rubric(*, membership: Membership, saved: SavedRubric, rubric: Rubric, based_on: int) -> int:
    """Store a rubric as the next version, and return its number; one that says the same is not stored.

    Raises `InvalidRequest` at `name`, and where `based_on` is not the newest version any more.
    """
    _check_name(rubric)
    with stored_whole(TAKEN, "name"):
        row = locked(saved, membership)
        newest = row.newest
        if newest.number != based_on:
            raise InvalidRequest(CHANGED)
        if newest.document == _document(rubric):
            return newest.number
        row.name = rubric.name
        row.save(update_fields=["name"])
        _add_version(membership, row, rubric, number=newest.number + 1)
        record(membership, AuditAction.RUBRIC_CHANGED, row, {}, {"number": newest.number + 1})
    return newest.number + 1


def restore_rubric(*, membership: Membership, version: RubricVersion) -> int:
    """Make an earlier version the newest again, under the rubric's present name; return its number."""
    saved = version.saved
    rubric = version.rubric.model_copy(update={"name": saved.name})
    return change_rubric(membership=membership, saved=saved, rubric=rubric, based_on=saved.newest.number)


@transaction.atomic
def delete_rubric(*, membership: Membership, saved: SavedRubric) -> None:
    """Delete a rubric with its versions; runs keep what they were frozen with. Raises `InvalidRequest`."""
    row = locked(saved, membership)
    record(membership, AuditAction.RUBRIC_DELETED, row, {"versions": row.versions.count()}, {})
    row.delete()


def freeze_rubric(membership: Membership, name: str) -> Mapping[str, Json]:
    """Return what a run keeps of a rubric. Raises `InvalidRequest` for one that is not there."""
    found = SavedRubric.objects.visible_to(membership).filter(name=name).prefetch_related("versions").first()
    if found is None:
        words = f"There is no rubric “{name[:60]}” in this team. See Methods > Judges."
        raise InvalidRequest(words, field="options.rubric")
    return dict(found.newest.rubric.model_dump(mode="json"))


def _check_name(rubric: Rubric) -> None:
    if rubric.name.casefold() == FIVE_DIMENSIONS.name.casefold():
        raise InvalidRequest("This is the name of the one that comes with Orchestra.", field="name")


def _document(rubric: Rubric) -> Mapping[str, Json]:
    return rubric.model_dump(mode="json", exclude={"version"})


def _add_version(membership: Membership, saved: SavedRubric, rubric: Rubric, *, number: int) -> None:
    RubricVersion.objects.create(
        saved=saved, number=number, document=_document(rubric), author=membership.user
    )
