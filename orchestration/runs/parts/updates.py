"""HTML updates of live pages: rendered once for all viewers, queried once for many of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.web.templatetags.excerpts import SHOWN_BYTES
from orchestration.runs.kinds import PAGES, large_kinds
from orchestration.runs.models import CallStatus
from orchestration.runs.parts.frames import LARGEST_MESSAGE, fitting
from orchestration.runs.parts.run_view import PLAIN_LINE, Part, RunView, StoryLine, run_view, touched_parts
from orchestration.runs.selectors.inbox import answerable, open_questions
from orchestration.runs.selectors.run_state import (
    RunProgress,
    any_worker,
    has_news,
    is_overdue,
    open_run_counts,
    run_state,
)

PAGE = "runs/run_detail.html"
MOST_KEPT = 256
MOST_KNOWN = SHOWN_BYTES + 1
"""Characters of a text that an update keeps: as many as tell whether a page shows all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageUpdate:
    """HTML for the events up to `seq`: `pieces` that are sent in this order, each small enough for a message.

    What is swapped whole comes first; a piece of the story brings the number that the page has reached by it.
    So a page that reconnects between two pieces misses nothing and gets nothing twice. `running` are the
    calls still under way with the text of their rows, `drawn` those whose text the HTML contains.
    """

    pieces: tuple[str, ...]
    seq: int
    running: Mapping[str, str]
    drawn: frozenset[str]


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """What an update depends on: viewers with the same key are sent the same.

    `member` is the id of the viewer's membership where each is shown something else.
    """

    run: UUID
    after: int
    may_run: bool
    member: UUID | None = None


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
    remembered = frozenset[str]().union(*(page.remembered for page in PAGES.values()))
    large = large_kinds()
    if large and not has_news(key.run, after=key.after, large=large):
        return None
    state = run_state(key.run, after=key.after, remembered=remembered, large=large)
    if not state.new_events:
        return None
    member = None if key.member is None else Membership.objects.filter(pk=key.member).first()
    view = run_view(state, after=key.after, now=timezone.now(), member=member)
    context = page_context(view, may_run=key.may_run) | {"oob": True}
    parts = touched_parts(state.new_events)
    own = view.page.redraw(state.new_events, view.own)
    pieces = [_partial(PAGE, part, context) for part in Part if part in parts]
    standing = [section.name for section in (*view.page.sections, *view.page.details)]
    pieces += [_partial(view.page.template, name, context) for name in standing if name in own.sections]
    pieces += [_partial(view.page.template, name, {**context, **more}) for name, more in own.pieces]
    swapped = map(fitting, pieces)
    running = {str(c.pk): c.text[:MOST_KNOWN] for c in state.calls if c.status == CallStatus.RUNNING}
    return PageUpdate(
        pieces=(*swapped, *_story(view, context, view.story)), seq=view.seq, running=running, drawn=own.calls
    )


def _story(view: RunView, context: Mapping[str, Any], lines: Sequence[StoryLine]) -> list[str]:
    """Return the lines as pieces for messages, each with the number of its last event."""
    first, last = lines[0].event.seq, lines[-1].event.seq
    shown = {**context, "view": replace(view, story=tuple(lines), first=first, seq=last)}
    html = "".join(_partial(PAGE, name, shown) for name in ("run-story-new", "live-seq"))
    if len(html.encode()) <= LARGEST_MESSAGE:
        return [html]
    if len(lines) > 1:
        middle = len(lines) // 2
        return _story(view, context, lines[:middle]) + _story(view, context, lines[middle:])
    return _story(view, context, [replace(lines[0], template=PLAIN_LINE)])


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
    """Give every page the counts of its top bar and the address of their socket (a context processor)."""
    membership = getattr(request, "membership", None)
    if membership is None or getattr(request, "htmx", False):
        return {}
    team = membership.team_id
    counts = open_run_counts({team})
    asked = answerable(open_questions(counts), membership)
    return {"open_runs": counts.get(team), "inbox_count": asked, "team_socket": f"/ws/team/{team}/"}
