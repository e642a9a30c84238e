"""What a live page is sent after an event: the page's own partials, rendered once for all who look on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone

from orchestration.runs.kinds import remembered_events
from orchestration.runs.models import CallStatus
from orchestration.runs.parts.run_view import Part, RunView, touched_parts, view_of
from orchestration.runs.selectors.runs_live import RunState, run_state
from orchestration.runs.selectors.viewers import Standing
from orchestration.runs.selectors.workers import any_alive, is_overdue

PAGE = "runs/run_detail.html"
MOST_KEPT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """HTML for the events `first` to `seq`.

    `running` are the calls still under way with the text of their rows, `drawn` those whose text the HTML
    contains.
    """

    html: str
    first: int
    seq: int
    running: Mapping[str, str]
    drawn: frozenset[str]
    over: bool


@dataclass(frozen=True, slots=True)
class BatchKey:
    """Whoever has seen the same events of a run and may do the same is sent the same."""

    run: UUID
    after: int
    may_run: bool


class KeptBatches:
    """The newest batches. What comes after event n never changes: a kept batch is always right to send.

    Two who ask for the same at once get it rendered once.
    """

    def __init__(self, make: Callable[[BatchKey], Batch | None], *, most: int = MOST_KEPT) -> None:
        self._make = make
        self._most = most
        self._kept: OrderedDict[BatchKey, Batch] = OrderedDict()
        self._guard = Lock()
        self._making: dict[BatchKey, Lock] = {}

    def after(self, key: BatchKey) -> Batch | None:
        """Return the next batch, None when nothing new has happened. Raises `Run.DoesNotExist`."""
        with self._guard:
            if key in self._kept:
                return self._kept[key]
            making = self._making.setdefault(key, Lock())
        with making:
            return self._kept.get(key) or self._made(key)

    def _made(self, key: BatchKey) -> Batch | None:
        try:
            batch = self._make(key)
        finally:
            with self._guard:
                self._making.pop(key, None)
        if batch is not None:
            with self._guard:
                self._kept[key] = batch
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return batch


def make_batch(key: BatchKey) -> Batch | None:
    """Read what came after `key.after` and render the parts it changes."""
    state = run_state(key.run, after=key.after, remembered=remembered_events())
    if not state.news:
        return None
    view = view_of(state, after=key.after, now=timezone.now())
    context = page_context(view, may_run=key.may_run) | {"oob": True}
    parts = touched_parts(state.news)
    own = view.page.redraw(state.news, view.own)
    pieces = [_partial(PAGE, part, context) for part in Part if part in parts]
    pieces += [_partial(view.page.template, name, context) for name in _in_order(view, own.sections)]
    pieces += [_partial(view.page.template, name, {**context, **more}) for name, more in own.pieces]
    pieces += [_partial(PAGE, name, context) for name in ("run-story-news", "live-seq")]
    return Batch(
        html="".join(pieces),
        first=view.first,
        seq=view.seq,
        running=running_texts_of(state),
        drawn=own.calls,
        over=state.run.is_over,
    )


def _in_order(view: RunView, names: frozenset[str]) -> list[str]:
    """Return the names of sections in the order in which they stand on the page."""
    return [each.name for each in (*view.page.sections, *view.page.details) if each.name in names]


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
        "workers_alive": overdue and any_alive(now),
    }


def overdue_notice(run: UUID, standing: Standing, now: datetime) -> str:
    """Return the notice of a run that nobody picks up, empty when there is no need: no event tells of it."""
    if not is_overdue(standing, now):
        return ""
    shown = {"id": run, "status": standing.status, "queued_at": standing.queued_at}
    return _partial(
        PAGE, Part.NOTICE, {"run": shown, "overdue": True, "workers_alive": any_alive(now), "oob": True}
    )


def running_texts_of(state: RunState) -> dict[str, str]:
    """Return the texts of the calls that are under way."""
    return {str(call.pk): call.text for call in state.calls if call.status == CallStatus.RUNNING}


def _partial(template: str, name: str, context: Mapping[str, Any]) -> str:
    return render_to_string(f"{template}#{name}", dict(context))


BATCHES = KeptBatches(make_batch)
