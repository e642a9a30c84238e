"""The history of a team's runs: which ones a filter keeps, what a line of the list says, and a page of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, TextChoices
from django.db.models.functions import Coalesce, Left

from orchestra_site.accounts.models import Membership
from orchestra_site.web.pages import (
    NEWER,
    NEWEST_FIRST,
    OLDER,
    Page,
    beyond,
    keyset_page,
    read_cursor,
    write_cursor,
)
from orchestration.runs.models import Call, Rating, Run
from orchestration.runs.selectors.run_state import OPEN_STATUSES

EXCERPT_CHARACTERS = 240
SEARCHED = ("prompt", "answer", "error")
OPEN = "open"
"""Stands for every status of a run that is not over."""
OPEN_AT_MOST = 2_000


class RatingFilter(TextChoices):
    """What members thought of an answer."""

    GOOD = "good", "Rated good"
    BAD = "bad", "Rated bad"
    NONE = "none", "Not rated"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs to show; an empty field keeps all. `until` is exclusive, US dollars are inclusive.

    `method` is a kind and a name inside it; an empty kind is any.
    """

    text: str = ""
    status: str = ""
    method: tuple[str, str] | None = None
    model: str = ""
    member: UUID | None = None
    rating: RatingFilter | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None


def indexed_runs(membership: Membership, wanted: RunFilter) -> QuerySet[Run]:
    """Return the team's runs narrowed by what one index in the list's order answers."""
    found: QuerySet[Run] = Run.objects.visible_to(membership)
    if wanted.status == OPEN:
        going_on = found.filter(status__in=OPEN_STATUSES).order_by().values_list("pk", flat=True)
        # Ids first and nothing beside them: given the team, SQLite walks the whole history to find these few.
        found = Run.objects.filter(pk__in=list(going_on[:OPEN_AT_MOST]))
    elif wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.since:
        found = found.filter(created_at__gte=wanted.since)
    if wanted.until:
        found = found.filter(created_at__lt=wanted.until)
    return found.filter(**_of_method(wanted)) if not wanted.status else found


def _of_method(wanted: RunFilter) -> dict[str, str]:
    """Return the columns that name the method, those that are given."""
    kind, ref = wanted.method or ("", "")
    return {name: value for name, value in (("kind", kind), ("ref", ref)) if value}


def scanned(wanted: RunFilter) -> Q:
    """Return the conditions that have to be tried on every row."""
    tried = {
        "created_by_id": wanted.member,
        "cost_usd__gte": wanted.min_cost,
        "cost_usd__lte": wanted.max_cost,
    }
    found = Q(**{name: value for name, value in tried.items() if value not in {None, ""}})
    if wanted.status:
        found &= Q(**_of_method(wanted))
    if wanted.text:
        found &= _mentions(wanted.text)
    if wanted.model:
        found &= Q(Exists(Call.objects.filter(run=OuterRef("pk"), model=wanted.model)))
    if wanted.rating:
        found &= _rated(wanted.rating)
    return found


def _mentions(text: str) -> Q:
    """Find `text` whatever its case; SQLite folds ASCII letters only, so others are tried in each case."""
    spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize()}
    found = Q()
    for spelling in sorted(spellings):
        for column in SEARCHED:
            found |= Q(**{f"{column}__icontains": spelling})
    return found


def _rated(rating: RatingFilter) -> Q:
    """Keep runs that a member rated so, or that have no rating."""
    ratings = Rating.objects.filter(run=OuterRef("pk"))
    match rating:
        case RatingFilter.GOOD:
            return Q(Exists(ratings.filter(value=1)))
        case RatingFilter.BAD:
            return Q(Exists(ratings.filter(value=-1)))
        case RatingFilter.NONE:
            return ~Q(Exists(ratings))


def with_line_columns(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Load only what a line of the list shows: the long texts are cut in the database.

    The annotation `votes` sums the members' ratings.
    """
    votes = Rating.objects.filter(run=OuterRef("pk")).order_by().values("run").annotate(sum=Sum("value"))
    return (
        runs.select_related("created_by")
        .only(
            *("id", "status", "kind", "ref", "panel", "quality", "cost_usd", "created_at", "started_at"),
            *("finished_at", "waiting_since", "error_code", "created_by__email", "created_by__name"),
        )
        .annotate(
            excerpt=Left("prompt", EXCERPT_CHARACTERS),
            error_excerpt=Left("error", EXCERPT_CHARACTERS),
            votes=Coalesce(Subquery(votes.values("sum"), output_field=IntegerField()), 0),
        )
    )


PAGE_SIZE = 25
SCANNED_RUNS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage(Page[Run]):
    """A page of runs that `with_line_columns` loaded.

    `stopped_at` is the time of the last run looked at when the search ended before the history did.
    """

    stopped_at: datetime | None = None

    @property
    def has_open(self) -> bool:
        """True while a run on the page is still going on."""
        return any(not run.is_over for run in self.rows)


def run_page(membership: Membership, wanted: RunFilter, cursor: str) -> RunPage:
    """Return the runs that `wanted` keeps, from `cursor` on ("" is the newest).

    Raises Http404 for a cursor that none of our pages gave.
    """
    runs, tried = indexed_runs(membership, wanted), scanned(wanted)
    if tried:
        return _search(runs, tried, cursor)
    page = keyset_page(with_line_columns(runs), cursor=cursor, size=PAGE_SIZE)
    return RunPage(rows=page.rows, next=page.next, previous=page.previous)


def _search(runs: QuerySet[Run], tried: Q, cursor: str) -> RunPage:
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
        rows=shown if direction == OLDER else shown[::-1],
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
