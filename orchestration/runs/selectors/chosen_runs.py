"""Whole runs beside one another: those that a member chose, or all that a filter keeps, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import CharField, Count, F, Q, Sum, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.http import Http404

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import team_members
from orchestra_site.web.pages import NEWEST_FIRST, OLDER, beyond
from orchestration.llm.models import LanguageModel
from orchestration.runs.models import Call, CallStatus, Run
from orchestration.runs.selectors.run_state import visible_runs
from orchestration.runs.selectors.runs import RunFilter, indexed_runs, scanned, up_to, vote_sum

BATCH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTotals:
    """Tokens of a run's calls, and how many answered without a known price."""

    input_tokens: int = 0
    output_tokens: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


NO_CALLS = CallTotals()


def call_totals(runs: Collection[UUID]) -> dict[UUID, CallTotals]:
    """Return the totals of each run that has calls."""
    without_price = Count("pk", filter=Q(status=CallStatus.DONE, cost_usd=None))
    rows = Call.objects.filter(run__in=runs).order_by().values_list("run_id")
    totals = rows.annotate(Sum("input_tokens"), Sum("output_tokens"), without_price=without_price)
    return {
        run: CallTotals(input_tokens=inputs, output_tokens=outputs, unpriced=unpriced)
        for run, inputs, outputs, unpriced in totals
    }


def chosen_runs(membership: Membership, chosen: Sequence[str]) -> list[Run]:
    """Return the team's runs with these ids, each once, in their order. Raises Http404 if one is missing."""
    try:
        ids = list(dict.fromkeys(UUID(each) for each in chosen))
    except ValueError as error:
        raise Http404("This is not the address of a run.") from error
    found = visible_runs(membership).in_bulk(ids)
    if len(found) < len(ids):
        raise Http404("A run was deleted, or belongs to another team.")
    return [found[each] for each in ids]


def matching_batches(membership: Membership, wanted: RunFilter) -> Iterator[list[Run]]:
    """Yield all runs that `wanted` keeps, newest first, reading up to 200 at a time; some batches are empty.

    The annotation `votes` sums the members' ratings, `single` is that of the outcome. No query stays open
    between two batches.
    """
    tried = scanned(wanted)
    rest = indexed_runs(membership, wanted).order_by("-created_at", "-id")
    while True:
        edge = rest.only(*NEWEST_FIRST)[BATCH - 1 : BATCH].first()
        found = up_to(rest, edge, OLDER).filter(tried).select_related("created_by")
        rows = found.annotate(votes=vote_sum(), single=F("outcome__single"))
        yield list(rows.defer("request", "outcome", "output"))
        if edge is None:
            return
        rest = rest.filter(beyond(NEWEST_FIRST, (edge.created_at, edge.pk), "lt"))


def models_and_members(membership: Membership) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the names of the team's models, and the ids and names of its members, with one query."""
    models = LanguageModel.objects.visible_to(membership).values_list("name", Value("")).order_by()
    members = (
        team_members(membership)
        .order_by()
        .values_list(
            Coalesce(NullIf("user__name", Value("")), "user__email", output_field=CharField()),
            Cast("user_id", CharField()),
        )
    )
    found = sorted(models.union(members, all=True))
    people = [(str(UUID(id)), name) for name, id in found if id]
    return [name for name, id in found if not id], people
