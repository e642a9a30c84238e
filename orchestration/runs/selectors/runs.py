"""The history of a team's runs: which ones a filter keeps, what a line of the list says, and a page of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextChoices,
    When,
)
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
from orchestration.runs.models import MOST_DIGITS, OPEN_STATUSES, Call, CallStatus, Rating, Run
from orchestration.runs.selectors.search import search_words, word_pattern

EXCERPT_CHARACTERS = 240
ANSWER_CHARACTERS = 600
LOOKED_AT_CHARACTERS = 50_000
"""The part of a text in which the words of a search are looked for to show them."""
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
    for word in search_words(wanted.text):
        found &= _mentions(word)
    if wanted.model:
        found &= Q(Exists(Call.objects.filter(run=OuterRef("pk"), model=wanted.model)))
    if wanted.rating:
        found &= _rated(wanted.rating)
    return found


def _mentions(word: str) -> Q:
    """Find a word in any of the texts, whatever its case and accents."""
    expression, found = word_pattern(word), Q()
    for column in SEARCHED:
        found |= Q(**{f"{column}__regex": expression})
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


def with_line_columns(runs: QuerySet[Run], *, searched: bool = False) -> QuerySet[Run]:
    """Load only what a line of the list shows: the long texts are cut in the database.

    The annotation `votes` sums the members' ratings; `found_prompt` and the like are there when `searched`.
    """
    texts = {f"found_{column}": Left(column, LOOKED_AT_CHARACTERS) for column in SEARCHED}
    return (
        runs.select_related("created_by")
        .only(
            *("id", "status", "kind", "ref", "panel", "quality", "cost_usd", "created_at", "started_at"),
            *(
                "finished_at",
                "waiting_since",
                "error_code",
                "caveat",
                "created_by__email",
                "created_by__name",
            ),
        )
        .annotate(
            excerpt=Left("prompt", EXCERPT_CHARACTERS),
            answer_excerpt=Left("answer", ANSWER_CHARACTERS),
            error_excerpt=Left("error", EXCERPT_CHARACTERS),
            votes=vote_sum(),
            **(texts if searched else {}),
        )
    )


def vote_sum() -> Coalesce:
    """Return the sum of the members' ratings of the outer run."""
    votes = Rating.objects.filter(run=OuterRef("pk")).order_by().values("run").annotate(sum=Sum("value"))
    return Coalesce(Subquery(votes.values("sum"), output_field=IntegerField()), 0)


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
        return _search(runs, tried, cursor, searched=bool(wanted.text))
    page = keyset_page(with_line_columns(runs), cursor=cursor, size=PAGE_SIZE)
    return RunPage(rows=page.rows, next=page.next, previous=page.previous)


def _search(runs: QuerySet[Run], tried: Q, cursor: str, *, searched: bool) -> RunPage:
    """Try `tried` on a bounded number of `runs`, walking from `cursor` in its direction."""
    direction = OLDER
    if cursor:
        direction, place = read_cursor(runs, NEWEST_FIRST, cursor)
        runs = runs.filter(beyond(NEWEST_FIRST, place, "lt" if direction == OLDER else "gt"))
    walk = runs.order_by(*(("-created_at", "-id") if direction == OLDER else ("created_at", "id")))
    edge = walk.only(*NEWEST_FIRST)[SCANNED_RUNS - 1 : SCANNED_RUNS].first()
    matching = up_to(walk, edge, direction).filter(tried)
    found = list(with_line_columns(matching, searched=searched)[: PAGE_SIZE + 1])
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


def up_to(walk: QuerySet[Run], edge: Run | None, direction: str) -> QuerySet[Run]:
    """Keep what lies before `edge`, and the run it stands on."""
    if edge is None:
        return walk
    side = "gt" if direction == OLDER else "lt"
    return walk.filter(
        Q(**{f"created_at__{side}": edge.created_at}) | Q(**{f"id__{side}e": edge.id}),
        **{f"created_at__{side}e": edge.created_at},
    )


COUNTED_RUNS = 10_000
COST_STEP = Decimal("1e-9")
"""The least that is stored: SQLite adds up floats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTotal:
    """How many runs a filter keeps and what they cost; `unpriced` have a call without a known price.

    `among` is the number of the newest runs that were looked at, None if it was all. `is_more` says that
    there are more than were counted.
    """

    runs: int
    cost_usd: Decimal
    unpriced: int
    among: int | None
    is_more: bool


def run_total(membership: Membership, wanted: RunFilter) -> RunTotal:
    """Return the number and the cost of the runs that `wanted` keeps, looking at a bounded number of them."""
    runs, tried = indexed_runs(membership, wanted).order_by("-created_at", "-id"), scanned(wanted)
    most = SCANNED_RUNS if tried else COUNTED_RUNS + 1
    unpriced = Call.objects.filter(run=OuterRef("pk"), status=CallStatus.DONE, cost_usd=None)
    without_price = F("kept") * _one_where(Exists(unpriced))
    looked_at = runs.annotate(kept=_one_where(tried), without_price=without_price)[:most]
    total = looked_at.aggregate(
        looked_at=Count("pk"),
        runs=Coalesce(Sum("kept"), 0),
        cost=Sum("cost_usd", filter=Q(kept=1)),
        unpriced=Coalesce(Sum("without_price"), 0),
    )
    is_cut = total["looked_at"] == most
    return RunTotal(
        runs=min(total["runs"], COUNTED_RUNS),
        cost_usd=(total["cost"] or Decimal(0)).quantize(COST_STEP, context=Context(prec=MOST_DIGITS)),
        unpriced=total["unpriced"],
        among=most if tried and is_cut else None,
        is_more=not tried and is_cut,
    )


def _one_where(condition: Q | Exists) -> Case:
    """Return 1 for the rows that fulfil a condition, 0 for others; an empty one keeps all."""
    if not condition:
        return Case(default=1, output_field=IntegerField())
    return Case(When(condition, then=1), default=0, output_field=IntegerField())
