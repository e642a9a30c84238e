"""One page of the runs' history, read from where the last one ended.

A page costs the same wherever it lies and however many runs there are: it starts at a place in the index, and
a filter that no index answers looks through a bounded number of runs, says how far back it came, and can be
asked to go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from orchestra_site.accounts.models import Membership
from orchestra_site.web.pages import (
    NEWER,
    NEWEST_FIRST,
    OLDER,
    beyond,
    keyset_page,
    read_cursor,
    write_cursor,
)
from orchestration.runs.models import Run
from orchestration.runs.selectors.runs import (
    RunFilter,
    RunLine,
    indexed_runs,
    line_of,
    scanned,
    with_line_columns,
)

PAGE_SIZE = 25
SCANNED_RUNS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """Lines of the list, newest first, and the cursors of the pages beside it ("" where there is none).

    `stopped_at` is the time of the last run looked at when the search ended before the history did.
    """

    lines: tuple[RunLine, ...] = ()
    next: str = ""
    previous: str = ""
    stopped_at: datetime | None = None

    @property
    def has_open(self) -> bool:
        """True while a run on the page is still going on."""
        return any(not line.is_over for line in self.lines)


def run_page(membership: Membership, wanted: RunFilter, cursor: str, *, now: datetime) -> RunPage:
    """Return the runs that `wanted` keeps, from `cursor` on ("" is the newest).

    Raises Http404 for a cursor that none of our pages gave.
    """
    runs, tried = indexed_runs(membership, wanted), scanned(wanted)
    if tried:
        return _search(runs, tried, cursor, now=now)
    page = keyset_page(with_line_columns(runs), cursor=cursor, size=PAGE_SIZE)
    lines = tuple(line_of(run, now=now) for run in page.rows)
    return RunPage(lines=lines, next=page.next, previous=page.previous)


def _search(runs: QuerySet[Run], tried: Q, cursor: str, *, now: datetime) -> RunPage:
    """Try `tried` on a bounded number of `runs`, walking from `cursor` in its direction."""
    direction = OLDER
    if cursor:
        direction, place = read_cursor(runs, NEWEST_FIRST, cursor)
        runs = runs.filter(beyond(NEWEST_FIRST, place, "lt" if direction == OLDER else "gt"))
    walk = runs.order_by(*(("-created_at", "-id") if direction == OLDER else ("created_at", "id")))
    edge = walk.only(*NEWEST_FIRST)[SCANNED_RUNS - 1 : SCANNED_RUNS].first()
    found = list(with_line_columns(_up_to(walk, edge, direction).filter(tried))[: PAGE_SIZE + 1])
    shown, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
    end = shown[-1] if more else edge
    ahead = write_cursor(direction, end, NEWEST_FIRST) if end else ""
    back = OLDER if direction == NEWER else NEWER
    behind = write_cursor(back, shown[0], NEWEST_FIRST) if shown and cursor else ""
    return RunPage(
        lines=tuple(line_of(run, now=now) for run in (shown if direction == OLDER else reversed(shown))),
        next=ahead if direction == OLDER else behind,
        previous=behind if direction == OLDER else ahead,
        stopped_at=edge.created_at if edge and not more else None,
    )


def _up_to(walk: QuerySet[Run], edge: Run | None, direction: str) -> QuerySet[Run]:
    """Keep what lies before `edge`, and the run it stands on."""
    if edge is None:
        return walk
    side = "gt" if direction == OLDER else "lt"
    return walk.filter(
        Q(**{f"created_at__{side}": edge.created_at}) | Q(**{f"id__{side}e": edge.id}),
        **{f"created_at__{side}e": edge.created_at},
    )
