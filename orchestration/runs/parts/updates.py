"""HTML updates of live pages: rendered once for all viewers, queried once for many of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from orchestration.runs.kinds import PAGES
from orchestration.runs.models import CallStatus
from orchestration.runs.parts.run_view import Part, RunView, run_view, touched_parts
from orchestration.runs.selectors.run_state import (
    RunProgress,
    any_worker,
    is_overdue,
    open_run_counts,
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
    remembered = frozenset[str]().union(*(page.remembered for page in PAGES.values()))
    state = run_state(key.run, after=key.after, remembered=remembered)
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
