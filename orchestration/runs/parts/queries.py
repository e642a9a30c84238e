"""The queries of live pages, answered for many viewers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.template.loader import render_to_string
from django.utils import timezone

from orchestra_site.web.threads import in_thread
from orchestration.runs.models import Run
from orchestration.runs.parts.updates import UPDATES, PageUpdate, UpdateKey, overdue_notice
from orchestration.runs.selectors.run_state import RunProgress, memberships, open_run_counts, run_progress

Q = TypeVar("Q")
A = TypeVar("A")


class QueryBatcher(Generic[Q, A]):
    """Answers many queries with one call in a thread: what is asked meanwhile is in the next batch.

    `answer` returns one answer for each query, in their order. Each event loop has its own batches.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], list[A]]) -> None:
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
                answers = await in_thread(self._answer, [query for query, _ in batch])
            except Exception as error:  # noqa: BLE001  # raised in each that asked
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        del self._next[loop]


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Asks what came after an event number of a run."""

    user: UUID
    run: UUID
    after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerUpdate:
    """What a viewer is to be sent: the next update, or the notice of a run that no worker claims.

    `found` is False when the run is gone, `member` when the viewer may no longer see it; `more` is True when
    there is more after the update.
    """

    found: bool = True
    member: bool = True
    update: PageUpdate | None = None
    notice: str = ""
    more: bool = False


def run_updates(queries: Sequence[RunQuery]) -> list[ViewerUpdate]:
    """Answer many viewers with two queries and one rendering for each run, number and role among them."""
    runs = run_progress(query.run for query in queries)
    members = memberships((query.user for query in queries), (progress.team for progress in runs.values()))
    notices: dict[UUID, str] = {}
    answers = []
    for query in queries:
        progress = runs.get(query.run)
        member = members.get((query.user, progress.team)) if progress else None
        if progress is None:
            answers.append(ViewerUpdate(found=False))
        elif member is None:
            answers.append(ViewerUpdate(member=False))
        elif progress.seq > query.after:
            answers.append(_viewer_update(query, progress, may_run=member.may_run))
        else:
            if query.run not in notices:
                notices[query.run] = overdue_notice(query.run, progress, timezone.now())
            answers.append(ViewerUpdate(notice=notices[query.run]))
    return answers


def _viewer_update(query: RunQuery, progress: RunProgress, *, may_run: bool) -> ViewerUpdate:
    try:
        update = UPDATES.after(UpdateKey(query.run, query.after, may_run))
    except Run.DoesNotExist:
        return ViewerUpdate(found=False)
    return ViewerUpdate(update=update, more=update is not None and update.seq < progress.seq)


@dataclass(frozen=True, slots=True)
class CountQuery:
    """Asks how many of a team's runs are under way."""

    user: UUID
    team: UUID


def running_counts(queries: Sequence[CountQuery]) -> list[str | None]:
    """Return the top bar's count as HTML for each query, None for users who are not in the team."""
    members = memberships((query.user for query in queries), (query.team for query in queries))
    counts = open_run_counts({query.team for query in queries})
    count = "components/_running_count.html"
    html = {
        team: render_to_string(count, {"open_runs": counts.get(team, 0), "oob": True}) for _, team in members
    }
    return [html[query.team] if (query.user, query.team) in members else None for query in queries]
