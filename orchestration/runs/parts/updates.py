"""HTML updates of live pages: rendered once for all viewers, queried once for many of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from orchestra_site.web.threads import in_thread
from orchestration.runs.kinds import remembered_events
from orchestration.runs.models import CallStatus, Run
from orchestration.runs.parts.run_view import Part, RunView, run_view, touched_parts
from orchestration.runs.selectors.run_state import (
    RunProgress,
    any_worker,
    is_overdue,
    memberships,
    open_run_counts,
    run_progress,
    run_state,
)

PAGE = "runs/run_detail.html"
MOST_KEPT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class PageUpdate:
    """HTML for the events up to `seq`.

    `running` are the calls still under way with the text of their rows, `drawn` those whose text the HTML
    contains.
    """

    html: str
    seq: int
    running: Mapping[str, str]
    drawn: frozenset[str]


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """What an update depends on: viewers with the same key are sent the same."""

    run: UUID
    after: int
    may_run: bool


class UpdateCache:
    """The newest updates. What comes after event n never changes, so that a kept update never goes stale.

    Of two that ask for the same update at once, one renders it.
    """

    def __init__(self, make: Callable[[UpdateKey], PageUpdate | None], *, most: int = MOST_KEPT) -> None:
        self._make = make
        self._most = most
        self._kept: OrderedDict[UpdateKey, PageUpdate] = OrderedDict()
        self._guard = Lock()
        self._making: dict[UpdateKey, Lock] = {}

    def after(self, key: UpdateKey) -> PageUpdate | None:
        """Return the next update, None when nothing new has happened. Raises `Run.DoesNotExist`."""
        with self._guard:
            if key in self._kept:
                return self._kept[key]
            making = self._making.setdefault(key, Lock())
        with making:
            return self._kept.get(key) or self._made(key)

    def _made(self, key: UpdateKey) -> PageUpdate | None:
        try:
            update = self._make(key)
        finally:
            with self._guard:
                self._making.pop(key, None)
        if update is not None:
            with self._guard:
                self._kept[key] = update
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return update


def render_update(key: UpdateKey) -> PageUpdate | None:
    """Read what came after `key.after` and render the parts it changes."""
    state = run_state(key.run, after=key.after, remembered=remembered_events())
    if not state.new_events:
        return None
    view = run_view(state, after=key.after, now=timezone.now())
    context = page_context(view, may_run=key.may_run) | {"oob": True}
    parts = touched_parts(state.new_events)
    own = view.page.redraw(state.new_events, view.own)
    pieces = [_partial(PAGE, part, context) for part in Part if part in parts]
    standing = [section.name for section in (*view.page.sections, *view.page.details)]
    pieces += [_partial(view.page.template, name, context) for name in standing if name in own.sections]
    pieces += [_partial(view.page.template, name, {**context, **more}) for name, more in own.pieces]
    pieces += [_partial(PAGE, name, context) for name in ("run-story-new", "live-seq")]
    running = {str(call.pk): call.text for call in state.calls if call.status == CallStatus.RUNNING}
    return PageUpdate(html="".join(pieces), seq=view.seq, running=running, drawn=own.calls)


def page_context(view: RunView, *, may_run: bool) -> dict[str, Any]:
    """Return the context that every partial of the run page is rendered with."""
    now = timezone.now()
    overdue = is_overdue(view.run, now)
    return {
        **view.own,
        "view": view,
        "run": view.run,
        "may_run": may_run,
        "overdue": overdue,
        "workers_alive": overdue and any_worker(now),
    }


def overdue_notice(run: UUID, progress: RunProgress, now: datetime) -> str:
    """Return the notice of a run that no worker claims, empty if it is not overdue: it has no event."""
    if not is_overdue(progress, now):
        return ""
    shown = {"id": run, "status": progress.status, "queued_at": progress.queued_at}
    return _partial(
        PAGE, Part.NOTICE, {"run": shown, "overdue": True, "workers_alive": any_worker(now), "oob": True}
    )


def _partial(template: str, name: str, context: Mapping[str, Any]) -> str:
    return render_to_string(f"{template}#{name}", dict(context))


UPDATES = UpdateCache(render_update)


def topbar(request: HttpRequest) -> dict[str, Any]:
    """Give every page the running count and the address of the socket that keeps it (a context processor)."""
    membership = getattr(request, "membership", None)
    if membership is None or getattr(request, "htmx", False):
        return {}
    team = membership.team_id
    return {"open_runs": open_run_counts({team}).get(team, 0), "team_socket": f"/ws/team/{team}/"}


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
