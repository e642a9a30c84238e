"""Line-ups as pages show them, whatever state their document is in: who takes part, by which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collaboration.selectors import KIND, LINEUPS, PARTICIPANTS, newest_documents
from collaboration.services.freezing import ANY, ANY_MODEL
from orchestra_site.accounts.models import Membership
from orchestration.expressions.listed import items_in
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import RunFigures, listed_definitions, run_figures
from orchestration.llm.engine.types import Json


def shown_participants(document: Json, people: Mapping[str, str] | None = None) -> list[dict[str, Json]]:
    """Return the participants of a document that have an id, each as it is written, and `who` it is in words.

    `people` are names of users by their ids.
    """
    return [{**each, "who": _who(each, people or {})} for each in items_in(document, PARTICIPANTS)]


def _who(each: Mapping[str, Json], people: Mapping[str, str]) -> str:
    if model := each.get("model"):
        return ANY_MODEL if model == ANY else str(model)
    if user := each.get("user"):
        return people.get(str(user), str(user))
    return f"whoever is {each['team_role']} in the team" if each.get("team_role") else "nobody yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class LineUpLine:
    """A line-up in a list: one that the team has saved, or one of the gallery, which has no `definition`."""

    name: str
    title: str
    description: str
    definition: SavedDefinition | None
    participants: Sequence[Mapping[str, Json]]
    figures: RunFigures


def lineup_lines(membership: Membership) -> Mapping[str, LineUpLine]:
    """Return by name the team's line-ups, in their newest version or as a draft, then the gallery's."""
    rows = listed_definitions(membership, KIND).defer(None)
    documents = newest_documents(membership)
    found: list[tuple[str, str, str, SavedDefinition | None, Json]] = [
        (row.name, str(row), row.description, row, documents.get(row.name) or _document(row.draft))
        for row in rows
    ]
    found += [
        (each.name, each.title, each.description, None, _document(each.text))
        for each in LINEUPS.gallery.values()
        if each.name not in documents
    ]
    figures = run_figures(membership, KIND, [name for name, *_ in found])
    return {
        name: LineUpLine(
            name=name,
            title=title,
            description=description,
            definition=row,
            participants=shown_participants(document),
            figures=figures[name],
        )
        for name, title, description, row, document in found
    }


def _document(text: str) -> Json:
    return LINEUPS.read(text, {}).document
