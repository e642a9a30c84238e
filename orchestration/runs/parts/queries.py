"""The queries of live pages, answered for many viewers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.template.loader import render_to_string
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role
from orchestra_site.web.threads import in_thread
from orchestration.runs.kinds import get_page
from orchestration.runs.models import Run
from orchestration.runs.parts.updates import UPDATES, PageUpdate, UpdateKey, overdue_notice
from orchestration.runs.selectors.inbox import answerable, open_questions
from orchestration.runs.selectors.run_state import (
    RunProgress,
    Viewer,
    memberships,
    open_run_counts,
    open_sessions,
    run_progress,
)

Q = TypeVar("Q")
A = TypeVar("A")


class QueryBatcher(Generic[Q, A]):
    """Answers many queries with one call in a thread: what is asked meanwhile is in the next batch.

    `answer` gives one answer for each query, in their order; each is passed on when it is there, not at the
    end of the batch. Each event loop has its own batches.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Iterable[A]]) -> None:
        self._answer = answer
        self._next: WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[Q, asyncio.Future[A]]]] = (
            WeakKeyDictionary()
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, query: Q) -> A:
        """Return the answer to a query, read after it was asked."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        if loop in self._next:
            self._next[loop].append((query, future))
        else:
            self._next[loop] = [(query, future)]
            task = loop.create_task(self._answer_batches(loop))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _answer_batches(self, loop: asyncio.AbstractEventLoop) -> None:
        while batch := self._next[loop]:
            self._next[loop] = []
            try:
                await in_thread(self._answer_all, loop, batch)
            except Exception as error:  # noqa: BLE001  # raised in each that has no answer yet
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
        del self._next[loop]

    def _answer_all(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[tuple[Q, asyncio.Future[A]]]
    ) -> None:
        answers = self._answer([query for query, _ in batch])
        for (_, future), answer in zip(batch, answers, strict=True):
            loop.call_soon_threadsafe(_resolve, future, answer)


def _resolve(future: asyncio.Future[A], answer: A) -> None:
    if not future.done():
        future.set_result(answer)


class NoAccess(Enum):
    """Why a viewer is sent nothing: the page is gone, or not (any more) for this viewer as it was opened."""

    NOT_FOUND = auto()
    SIGNED_OUT = auto()
    NOT_A_MEMBER = auto()
    ROLE_CHANGED = auto()


class _Access:
    """What the viewers of a batch may see, read once for all of them."""

    def __init__(self, viewers: Collection[Viewer], teams: Iterable[UUID]) -> None:
        self._sessions = open_sessions(viewers)
        self._members = memberships(viewers, teams)
        self._hashes = {user: row.user.get_session_auth_hash() for (user, _), row in self._members.items()}

    def member(self, viewer: Viewer, team: UUID) -> Membership:
        """Return the membership of a viewer who has a role in the team."""
        return self._members[viewer.user, team]

    def role(self, viewer: Viewer, team: UUID, before: str) -> Role | NoAccess:
        """Return the viewer's role in the team, which must still be `before` unless that is empty."""
        if viewer.session not in self._sessions:
            return NoAccess.SIGNED_OUT
        member = self._members.get((viewer.user, team))
        if member is None:
            return NoAccess.NOT_A_MEMBER
        if self._hashes[viewer.user] != viewer.auth_hash:
            return NoAccess.SIGNED_OUT
        return NoAccess.ROLE_CHANGED if before not in {"", member.role} else Role(member.role)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Asks what came after an event number of a run. `role` is the viewer's so far, empty when unknown."""

    viewer: Viewer
    run: UUID
    after: int
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerUpdate:
    """What a viewer is to be sent: the next update, or the notice of a run that no worker claims.

    `more` is True when there is more after the update.
    """

    role: Role
    update: PageUpdate | None = None
    notice: str = ""
    more: bool = False


def run_updates(queries: Sequence[RunQuery]) -> Iterator[ViewerUpdate | NoAccess]:
    """Answer many viewers with three queries and one rendering for each run, number and role among them."""
    runs = run_progress(query.run for query in queries)
    access = _Access([query.viewer for query in queries], (progress.team for progress in runs.values()))
    notices: dict[UUID, str] = {}
    for query in queries:
        progress = runs.get(query.run)
        if progress is None:
            yield NoAccess.NOT_FOUND
            continue
        role = access.role(query.viewer, progress.team, query.role)
        if isinstance(role, NoAccess):
            yield role
        elif progress.seq > query.after:
            yield _viewer_update(query, progress, access.member(query.viewer, progress.team))
        else:
            if query.run not in notices:
                notices[query.run] = overdue_notice(query.run, progress, timezone.now())
            yield ViewerUpdate(role=role, notice=notices[query.run])


def _viewer_update(query: RunQuery, progress: RunProgress, member: Membership) -> ViewerUpdate | NoAccess:
    """Return the next update; who may not act is shown the same as all others who may not."""
    is_own = member.may_run and get_page(progress.kind).is_personal
    key = UpdateKey(query.run, query.after, member.may_run, member.pk if is_own else None)
    try:
        update = UPDATES.after(key)
    except Run.DoesNotExist:
        return NoAccess.NOT_FOUND
    return ViewerUpdate(
        role=Role(member.role), update=update, more=update is not None and update.seq < progress.seq
    )


@dataclass(frozen=True, slots=True)
class CountQuery:
    """Asks what a team's top bar counts for a viewer. `role` is as in `RunQuery`."""

    viewer: Viewer
    team: UUID
    role: str = ""


def running_counts(queries: Sequence[CountQuery]) -> list[tuple[Role, str] | NoAccess]:
    """Return each viewer's role and the top bar's counts as HTML."""
    teams = {query.team for query in queries}
    access = _Access([query.viewer for query in queries], teams)
    counts = open_run_counts(teams)
    questions = open_questions(counts)
    roles = [access.role(query.viewer, query.team, query.role) for query in queries]

    @cache
    def html(team: UUID, inbox_count: int) -> str:
        shown = {"open_runs": counts.get(team), "inbox_count": inbox_count, "oob": True}
        return render_to_string("components/_counts.html", shown)

    def of_viewer(query: CountQuery) -> str:
        return html(query.team, answerable(questions, access.member(query.viewer, query.team)))

    return [
        role if isinstance(role, NoAccess) else (role, of_viewer(query))
        for role, query in zip(roles, queries, strict=True)
    ]
