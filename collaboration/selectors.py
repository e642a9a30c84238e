"""Line-ups as definitions of the library, and the records of sessions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import ClassVar
from uuid import UUID

from django.db.models import OuterRef, Subquery

from collaboration.engine.lineup import LineUp, read_lineup
from collaboration.engine.records import Row, gathered
from collaboration.engine.running import ROWS
from orchestra_site.accounts.models import Membership
from orchestration.expressions.changes import Change, Labels, differences, moves
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.listed import items_in
from orchestration.library.kinds import ContainedDefinition, DefinitionKind, DefinitionReading
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind
from orchestration.runs.models import OPEN_STATUSES, Run, Step
from orchestration.runs.selectors.runs import with_line_columns

KIND = "session"
"""The kind of runs that are sessions, and of the line-ups that they are started with."""
PARTICIPANTS = "participants"
ANY, ANY_MODEL = "any", "any of the usual models"
"""The name of a model that stands for one of those that a session is started with, and its words."""
LineUpReading = DefinitionReading[LineUp, DocumentFault]
MOST_KEPT = 64
"""Sessions whose rows a process keeps."""
OPEN_SHOWN, ENDED_SHOWN = 20, 10
"""Sessions that the list shows: of those that go on and of those that are over."""
LABELS: Labels = {"skills": ("no longer has", "now has"), "tools": ("no longer uses", "now uses")}


class LineUps(DefinitionKind[LineUp]):
    """Line-ups as saved definitions."""

    name = KIND
    noun = "line-up"
    plural = "line-ups"
    namespace = "sessions"
    page = "sessions:line-up"
    fresh: ClassVar = {"participants": []}
    gallery_folder = Path(__file__).parent / "gallery"

    def check(self, written: Json, known: Mapping[str, LineUp], *, name: str = "") -> LineUpReading:  # noqa: ARG002  # none contains another
        """Check a line-up; whether its models and people are there is checked when a session starts."""
        lineup, found = read_lineup(written)
        if name and lineup is not None and lineup.name != name:
            message = f"This line-up is called “{name}”; its page can rename it."
            found = (DocumentFault("name", message), *found)
        return DefinitionReading(document=written, definition=lineup, problems=found)

    def stored(self, document: Json) -> LineUp | None:
        """Return a stored line-up, None for one that cannot be read any more."""
        return read_lineup(document)[0]

    def changes(self, old: LineUp, new: LineUp) -> Sequence[Change]:
        """Return what differs, the line-up's own fields first."""
        one, other = ({**each.model_dump(mode="json"), "participants": None} for each in (old, new))
        found = [
            Change(path=each.path, message=f"Line-up: {each.message}")
            for each in differences(one, other, LABELS)
        ]
        before, after = ({each.id: each for each in lineup.participants} for lineup in (old, new))
        for id, message in moves(list(before), list(after), "Participant"):
            found.append(Change(path=f"participants.{id}", message=message))
        for id in (each for each in after if each in before):
            pair = (before[id].model_dump(mode="json"), after[id].model_dump(mode="json"))
            for each in differences(*pair, LABELS):
                message = f"Participant {id}: {each.message}"
                found.append(Change(path=f"participants.{id}.{each.path}", message=message))
        return found

    def contained(self, definition: LineUp) -> Iterable[ContainedDefinition]:
        """Return the pipelines that do subtasks."""
        named = dict.fromkeys(each.pipeline for each in definition.participants if each.pipeline)
        return [ContainedDefinition(kind="pipeline", name=name) for name in named]

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what starts a session with the newest version, about a task as text or under `text`."""
        text = value.get("text") if isinstance(value, dict) else value
        return {"lineup": name, "version": "latest", "text": text}


LINEUPS = LineUps()


class SessionRows:
    """The rows of the sessions that are looked at. They never change: a process reads each of them once."""

    def __init__(self, *, most: int = MOST_KEPT) -> None:
        self._most = most
        self._guard = Lock()
        self._kept: OrderedDict[UUID, tuple[int, Mapping[int, Row]]] = OrderedDict()

    def of(self, run: UUID) -> Mapping[int, Row]:
        """Return the rows of a session by their numbers, in order."""
        with self._guard:
            newest, known = self._kept.get(run, (0, {}))
        steps = Step.objects.filter(run_id=run, id__gt=newest, kind=StepKind.RECORD)
        found = list(
            steps.filter(key__startswith=f"{ROWS}/").order_by("id").values_list("id", "key", "result")
        )
        if not found:
            return known
        new = {int(key.removeprefix(f"{ROWS}/")): row for _, key, row in found if row}
        rows = dict(sorted({**known, **new}.items()))
        with self._guard:
            if self._kept.get(run, (0, {}))[0] <= found[-1][0]:
                self._kept[run] = (found[-1][0], rows)
            self._kept.move_to_end(run)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return rows


SESSION_ROWS = SessionRows()


def session_record(run: Run) -> dict[str, Json]:
    """Return a session as its rows tell it: what is shown, and exported as JSON."""
    return gathered(run.prompt, SESSION_ROWS.of(run.pk).values())


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


def newest_sessions(membership: Membership) -> tuple[Sequence[Run], Sequence[Run]]:
    """Return the team's sessions that go on, each with its `phase`, and the last ones that are over."""
    runs = Run.objects.visible_to(membership).filter(kind=KIND).order_by("-created_at", "-id")
    rows = Step.objects.filter(run=OuterRef("pk"), key__startswith=f"{ROWS}/", result__has_key="phase")
    phase = Subquery(rows.order_by("-id").values("result__phase")[:1])
    going_on = with_line_columns(runs.filter(status__in=OPEN_STATUSES)).annotate(phase=phase)
    over = with_line_columns(runs.exclude(status__in=OPEN_STATUSES))
    return list(going_on[:OPEN_SHOWN]), list(over[:ENDED_SHOWN])
