"""A session on plain values whose rows are stored as a recorder does it, for tests of its page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.test import Client

from collaboration.engine.lineup import LineUp
from collaboration.engine.records import Row, session_row
from collaboration.engine.state import Acted, Entry, SessionStep
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import EventKind, Person, RunEvent
from orchestration.runs.models import Run, RunStatus, Step
from orchestration.runs.parts.updates import PageUpdate, UpdateKey, render_update
from orchestration.runs.services.events import emit_events
from tests.support.history import a_run, signed_in
from tests.support.rooms import TASK, Room, line_up


class StoredRoom(Room):
    """A session that is fed by hand; each row is committed with its event."""

    def __init__(
        self,
        member: Membership,
        lineup: LineUp | None = None,
        replies: Mapping[Any, Json] | None = None,
        task: str = TASK,
    ) -> None:
        group = lineup or line_up()
        super().__init__(group, replies, task)
        request = {"text": task, "lineup": group.model_dump(mode="json"), "constraints": {}}
        self.run: Run = a_run(
            member,
            task,
            kind="session",
            ref=group.name,
            status=RunStatus.RUNNING,
            request=request,
            finished_at=None,
        )
        emit_events(self.run, [RunEvent(kind=EventKind.RUN_QUEUED)])
        self._store(0, session_row(None, self.steps[0], 0.0))

    def feed(self, entry: Entry) -> SessionStep:
        before = self.state
        step = super().feed(entry)
        self._store(len(self.entries), session_row(before, step, entry.at))
        return step

    def _store(self, number: int, row: Row) -> None:
        key, kind = f"session/{number}", StepKind.RECORD
        times = {"started_s": 0.0, "seconds": 0.0}
        Step.objects.create(run=self.run, key=key, kind=kind, status="done", result=row, **times)
        data = {"key": key, "kind": str(kind), "status": "done"}
        emit_events(self.run, [RunEvent(kind=EventKind.STEP_ENDED, step=key, data=data)])

    @property
    def seq(self) -> int:
        """The number of the newest event."""
        self.run.refresh_from_db()
        return self.run.last_seq

    def join(self, member: Membership, role: str) -> None:
        self.act_as(member, "join", role=role)

    def act_as(self, member: Membership, do: str, **fields: Json) -> None:
        by = Person(id=str(member.user_id), name=str(member.user))
        self.feed(Acted(at=self.tick(), by=by, payload={"do": do, **fields}))

    def page(self, member: Membership, query: str = "") -> str:
        return self.browse(signed_in(member), query)

    def browse(self, client: Client, query: str = "") -> str:
        return client.get(f"/runs/{self.run.pk}/{query}").content.decode()

    def update(self, after: int, member: Membership | None = None) -> PageUpdate:
        """Return what a member's page is sent, that of a viewer without one."""
        key = UpdateKey(self.run.pk, after, member is not None, member.pk if member else None)
        update = render_update(key)
        assert update is not None
        return update

    def html(self, after: int, member: Membership | None = None) -> str:
        return "".join(self.update(after, member).pieces)


def drawn(html: str) -> set[str]:
    """Return the parts of the room that an update draws anew."""
    return set(re.findall(r'id="session-([a-z]+)"[^>]* hx-swap-oob="true"', html))


def commands(html: str) -> set[str]:
    """Return the commands whose buttons or forms a page has."""
    return set(re.findall(r'name="do" value="([a-z_]+)"', html))
