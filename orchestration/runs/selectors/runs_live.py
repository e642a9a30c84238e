"""What the run page and its socket read: one run, its calls, its events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.events import EventKind
from orchestration.runs.models import Call, CallStatus, Event, HumanQuestion, Rating, Run, RunStatus, Step

# Facts that every page needs from events however old they are: nothing else keeps them.
REMEMBERED = frozenset({EventKind.DECISION_MADE, EventKind.ANSWER_REUSED, EventKind.COMMAND_RECEIVED})
MOST_READS = 5
OPEN = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """A run as the tables have it. `news` are the events after the asked-for number, without a gap.

    Events are read before calls and the run's row, so that what is shown is never older than `seq`.
    `reused` holds the completions that came from the cache, by step.
    """

    run: Run
    news: tuple[Event, ...]
    remembered: tuple[Event, ...]
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]
    reused: Mapping[str, Json]
    ratings: tuple[Rating, ...]
    question: HumanQuestion | None
    seq: int


def visible_runs(membership: Membership) -> QuerySet[Run]:
    """Return the team's runs with what their page names."""
    return Run.objects.visible_to(membership).select_related("created_by", "rerun_of")


def run_state(run_id: UUID, *, after: int = 0, remembered: Collection[str] = ()) -> RunState:
    """Read a run and what happened after event number `after`.

    Events of `remembered` kinds are read whatever their number. Raises `Run.DoesNotExist`.
    """
    kept = REMEMBERED.union(remembered)
    told = Event.objects.filter(run_id=run_id).filter(Q(seq__gt=after) | Q(kind__in=kept))
    events = tuple(told.order_by("seq"))
    news = tuple(event for event in events if event.seq > after)
    facts = events if not after else tuple(event for event in events if event.kind in kept)
    from_cache = [event.step for event in facts if event.kind == EventKind.ANSWER_REUSED]
    return RunState(
        run=Run.objects.select_related("created_by", "rerun_of").get(pk=run_id),
        news=news,
        remembered=facts,
        calls=tuple(Call.objects.filter(run_id=run_id).order_by("started_s", "started_at", "id")),
        steps=tuple(Step.objects.filter(run_id=run_id).defer("result", "error").order_by("started_s", "id")),
        reused=_reused(run_id, from_cache),
        ratings=tuple(Rating.objects.filter(run_id=run_id).select_related("user").order_by("at")),
        question=HumanQuestion.objects.filter(run_id=run_id, answered_at=None).order_by("asked_at").first(),
        seq=news[-1].seq if news else after,
    )


def whole_run(run_id: UUID, read: Callable[[UUID], RunState] = run_state) -> RunState:
    """Read a run with all its events so that its row and they are of one moment, unless it goes on faster."""
    state = read(run_id)
    for _ in range(MOST_READS):
        if state.run.last_seq == state.seq:
            break
        state = read(run_id)
    return state


def _reused(run_id: UUID, steps: Sequence[str]) -> dict[str, Json]:
    """Return the stored completions of `steps`."""
    if not steps:
        return {}
    return dict(Step.objects.filter(run_id=run_id, key__in=steps).values_list("key", "result"))


def team_of_run(run_id: UUID) -> UUID | None:
    """Return the team a run belongs to, None when there is no such run."""
    team: UUID | None = Run.objects.filter(pk=run_id).values_list("team_id", flat=True).first()
    return team


def running_texts(run_id: UUID, calls: Iterable[str] | None = None) -> dict[str, str]:
    """Return the text so far of the run's running calls (of `calls` only, when given), by call id."""
    rows = Call.objects.filter(run_id=run_id, status=CallStatus.RUNNING)
    if calls is not None:
        rows = rows.filter(pk__in=list(calls))
    return {str(pk): text for pk, text in rows.values_list("pk", "text")}


def open_run_counts(teams: Collection[UUID]) -> dict[UUID, int]:
    """Return how many runs of each of `teams` are not over; a team without any is left out."""
    runs = Run.objects.filter(team_id__in=teams, status__in=OPEN).order_by()
    return dict(runs.values_list("team_id").annotate(count=Count("pk")))


def recent_calls(membership: Membership, models: Sequence[str], *, runs: int = 50) -> QuerySet[Call]:
    """Return the finished calls to `models` in the team's newest runs: what their next call will be like."""
    newest = Run.objects.visible_to(membership).order_by("-created_at", "-id").values("pk")[:runs]
    return Call.objects.filter(run_id__in=newest, model__in=models, status=CallStatus.DONE)
