"""The page of a line-up: read by viewers, edited by operators."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from collaboration.forms import (
    FIELDS,
    SEAT,
    TABS,
    WHOLE_FIELDS,
    WHOLE_TABS,
    LineUpCard,
    seat_path,
    team_choices,
)
from collaboration.selectors import ANY, LINEUPS, PARTICIPANTS, shown_participants
from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import member_names
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.listed import Document, all_items, free_id, items_in
from orchestration.expressions.places import value_at
from orchestration.library.views.editor import YAML, DefinitionEditor, Opened, PlacedProblem
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.types import Json


class LineUpEditor(DefinitionEditor):
    """Participants as parts, and the rules and limits of the whole."""

    kind = LINEUPS
    page = "collaboration/lineup_edit.html"
    word = "participant"
    listed = PARTICIPANTS
    part_tabs, whole_tabs = TABS, WHOLE_TABS

    def card(self, membership: Membership, document: Document, part: str, tab: str) -> LineUpCard:
        """Return the card of a participant, or of the line-up."""
        team = team_choices(membership)
        return LineUpCard(document, part, tab, team, read_only=not membership.may_run)

    def added(self, document: Document, data: QueryDict) -> tuple[Document, str]:
        """Return a document with a participant more, a model or a person; the first of all leads."""
        role = "specialist" if items_in(document, PARTICIPANTS) else "leader"
        seat = {"role": role, "model": ANY}
        if data.get("as") == "person":
            seat = {"role": "reviewer", "team_role": "operator"}
        id = free_id(document, PARTICIPANTS, seat["role"])
        return {**document, PARTICIPANTS: [*all_items(document, PARTICIPANTS), {"id": id, **seat}]}, id

    def renamed(self, document: Document, part: str, new: str) -> Document:
        """Return a document in which a participant has another id, also as the arbiter."""
        changed, conflict = super().renamed(document, part, new), document.get("conflict")
        if isinstance(conflict, dict) and conflict.get("arbiter") == part:
            return {**changed, "conflict": {**conflict, "arbiter": new}}
        return changed

    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return the participants in words, and each problem at its place."""
        reading = LINEUPS.check(opened.written, {}, name=opened.definition.name)
        found = reading.problems if opened.fault is None else (DocumentFault("", str(opened.fault)),)
        problems = [_placed(each, opened.written) for each in found]
        return {
            "participants": shown_participants(opened.written, member_names(request.membership)),
            "lineup": reading.definition,
            "problems": problems,
            "wrong": {each.part for each in problems},
        }


def _placed(problem: DocumentFault, document: Json) -> PlacedProblem:
    """Return a problem with the participant and the tab at which it is mended."""
    head, _, field = problem.path.partition(".")
    number = head.removeprefix(f"{PARTICIPANTS}[").removesuffix("]")
    id = value_at(document, (PARTICIPANTS, int(number), "id")) if number.isdecimal() else ""
    is_named = isinstance(id, str) and id != ""
    field, fields = (seat_path(field), FIELDS) if is_named else (problem.path, WHOLE_FIELDS)
    name = ("model" if field == SEAT else field).partition(".")[0].partition("[")[0]
    tab = next((tab for tab, names in fields.items() if name in names), next(iter(TABS)))
    return PlacedProblem(
        part=id if is_named else "",
        tab=tab if problem.path else YAML,
        field=field,
        label=(problem.path and " · ".join(filter(None, [id if is_named else "", field]))) or "the line-up",
        message=problem.message,
    )


EDITOR = LineUpEditor()


@require_http_methods(READ_OR_SEND)
def lineup(request: MemberRequest, name: str) -> HttpResponse:
    """Show a line-up; a POST changes its draft or stores its text."""
    return EDITOR.edit(request, name)
