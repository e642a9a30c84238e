"""A run with its calls, steps and events, as the run page, its socket and its JSON read it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Count, Model, Q, QuerySet
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import (
    OPEN_STATUSES,
    Call,
    CallStatus,
    Event,
    HumanQuestion,
    Rating,
    Run,
    RunStatus,
    Step,
)

# Facts that every page needs from events however old they are: nothing else keeps them.
REMEMBERED = frozenset(
    {EventKind.DECISION_MADE, EventKind.ANSWER_REUSED, EventKind.COMMAND_RECEIVED}
    | {EventKind.RUN_WAITED, EventKind.RUN_RESUMED}
)
MOST_READS = 5
MOST_QUESTIONS = 20
USUAL_RUNS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """A run as the tables have it. `new_events` are the events after the asked-for number, without a gap.

    Events are read before calls and the run's row, so that what is shown is never older than `seq`.
    `reused` holds the completions that came from the cache, by step; `questions` wait for an answer.
    `prefix` is what the tables have before the keys of its steps, where it is a part of a run.
    """

    run: Run
    new_events: tuple[Event, ...]
    remembered: tuple[Event, ...]
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]
    reused: Mapping[str, Json]
    ratings: tuple[Rating, ...]
    questions: tuple[HumanQuestion, ...]
    seq: int
    prefix: str = ""

    def recorded(self, kind: str) -> list[Mapping[str, Json]]:
        """Return the data of the remembered events of a kind, in their order."""
        return [event.data for event in self.remembered if event.kind == kind]


def visible_runs(membership: Membership) -> QuerySet[Run]:
    """Return the team's runs with what their page names."""
    return Run.objects.visible_to(membership).select_related("created_by", "rerun_of")


def has_news(run_id: UUID, *, after: int, large: Collection[str] = ()) -> bool:
    """Return whether a page shows anything that happened after event number `after`."""
    return _shown_events(run_id, large).filter(seq__gt=after).exists()


def _shown_events(run_id: UUID, large: Collection[str]) -> QuerySet[Event]:
    """Return a run's events; of those of steps none where the kind is large."""
    events = Event.objects.filter(run_id=run_id)
    return events.filter(~Q(run__kind__in=large) | Q(step="")) if large else events


def run_state(
    run_id: UUID, *, after: int = 0, remembered: Collection[str] = (), large: Collection[str] = ()
) -> RunState:
    """Read a run and what happened after event number `after`.

    Events of `remembered` kinds are read whatever their number. Of runs of `large` kinds calls, steps and the
    events of steps are not read. Raises `Run.DoesNotExist`.
    """
    kept = REMEMBERED.union(remembered)
    wanted = _shown_events(run_id, large).filter(Q(seq__gt=after) | Q(kind__in=kept))
    events = tuple(wanted.order_by("seq"))
    new_events = tuple(event for event in events if event.seq > after)
    facts = events if not after else tuple(event for event in events if event.kind in kept)
    from_cache = [event.step for event in facts if event.kind == EventKind.ANSWER_REUSED]
    reused = Step.objects.filter(run_id=run_id, key__in=from_cache)
    return RunState(
        run=Run.objects.select_related("created_by", "rerun_of").get(pk=run_id),
        new_events=new_events,
        remembered=facts,
        calls=tuple(
            Call.objects.filter(run_id=run_id)
            .exclude(run__kind__in=large)
            .order_by("started_s", "started_at", "id")
        ),
        steps=tuple(
            Step.objects.filter(run_id=run_id)
            .exclude(run__kind__in=large)
            .defer("result", "error")
            .order_by("started_s", "id")
        ),
        reused=dict(reused.values_list("key", "result")) if from_cache else {},
        ratings=tuple(Rating.objects.filter(run_id=run_id).select_related("user").order_by("at")),
        questions=tuple(
            HumanQuestion.objects.open().filter(run_id=run_id).order_by("asked_at")[:MOST_QUESTIONS]
        ),
        seq=new_events[-1].seq if new_events else after,
    )


def part_state(run: Run, prefix: str, *, remembered: Collection[str] = ()) -> RunState:
    """Read what a run has below a step, of events those that pages need; keys are as in the tables."""
    events = Event.objects.filter(run=run, step__startswith=prefix, kind__in=REMEMBERED.union(remembered))
    facts = tuple(events.order_by("seq"))
    from_cache = [event.step for event in facts if event.kind == EventKind.ANSWER_REUSED]
    calls = Call.objects.filter(run=run, step__startswith=prefix).order_by("started_s", "started_at", "id")
    steps = Step.objects.filter(run=run, key__startswith=prefix).defer("result", "error")
    reused = Step.objects.filter(run=run, key__in=from_cache).values_list("key", "result")
    return RunState(
        run=run,
        new_events=(),
        remembered=facts,
        calls=tuple(calls),
        steps=tuple(steps.order_by("started_s", "id")),
        reused=dict(reused) if from_cache else {},
        ratings=(),
        questions=(),
        seq=0,
    )


def whole_run(
    run_id: UUID, read: Callable[[UUID], RunState] = run_state, *, large: Collection[str] = ()
) -> RunState:
    """Read a run with all its events so that its row and they are of one moment, unless it goes on faster."""
    state = read(run_id)
    for _ in range(MOST_READS):
        if state.run.last_seq == state.seq or state.run.kind in large:
            break
        state = read(run_id)
    return state


def running_texts(
    run_id: UUID, calls: Iterable[str] | None = None, *, large: Collection[str] = ()
) -> dict[str, str]:
    """Return the text so far of the run's running calls (of `calls` only, when given), by call id.

    Those of `large` kinds are shown nowhere and not read.
    """
    rows = Call.objects.filter(run_id=run_id, status=CallStatus.RUNNING).exclude(run__kind__in=large)
    if calls is not None:
        rows = rows.filter(pk__in=list(calls))
    return {str(pk): text for pk, text in rows.values_list("pk", "text")}


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """How many runs of a team are queued or running, and how many wait for somebody or something."""

    running: int = 0
    waiting: int = 0


def open_run_counts(teams: Collection[UUID]) -> dict[UUID, OpenRuns]:
    """Return how many runs of each of `teams` are not over; a team without any is left out."""
    waiting = Q(status=RunStatus.WAITING)
    runs = Run.objects.filter(team_id__in=teams, status__in=OPEN_STATUSES).order_by().values("team_id")
    counts = runs.annotate(running=Count("pk", filter=~waiting), waiting=Count("pk", filter=waiting))
    return {each["team_id"]: OpenRuns(each["running"], each["waiting"]) for each in counts}


def usual_seconds(run: Run) -> float | None:
    """Return the median time of the team's newest runs of the same kind and name, None without any."""
    ended = Run.objects.filter(team_id=run.team_id, kind=run.kind, ref=run.ref, status=RunStatus.SUCCEEDED)
    spans = ended.order_by("-created_at", "-id").values_list("started_at", "finished_at")[:USUAL_RUNS]
    took = [(finished - started).total_seconds() for started, finished in spans if started and finished]
    return median(took) if took else None


def recent_calls(membership: Membership, models: Sequence[str], *, runs: int = 50) -> QuerySet[Call]:
    """Return the finished calls to `models` in the team's newest runs: what their next call will be like."""
    newest = Run.objects.visible_to(membership).order_by("-created_at", "-id").values("pk")[:runs]
    return Call.objects.filter(run_id__in=newest, model__in=models, status=CallStatus.DONE)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has come: the number of its newest event, and since when it waits for a worker."""

    team: UUID
    seq: int
    status: str
    queued_at: datetime
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a live page: a user, with the session that opened the socket.

    `auth_hash` is what the session knows of the user's password.
    """

    user: UUID
    session: str
    auth_hash: str


def open_sessions(viewers: Iterable[Viewer]) -> set[str]:
    """Return the keys of those viewers' sessions that have not ended or expired."""
    keys = {viewer.session for viewer in viewers}
    now = timezone.now()
    return set(Session.objects.filter(pk__in=keys, expire_date__gt=now).values_list("pk", flat=True))


def memberships(viewers: Iterable[Viewer], teams: Iterable[UUID]) -> dict[tuple[UUID, UUID], Membership]:
    """Return the viewers' memberships in `teams` as they are now, with their users, by user and team."""
    users = {viewer.user for viewer in viewers}
    found = Membership.objects.filter(user_id__in=users, team_id__in=set(teams), user__is_active=True)
    return {(member.user_id, member.team_id): member for member in found.select_related("user")}


def run_progress(runs: Iterable[UUID]) -> dict[UUID, RunProgress]:
    """Return how far each of `runs` has come; one that is gone is left out."""
    columns = ("pk", "team_id", "last_seq", "status", "queued_at", "kind")
    rows = Run.objects.filter(pk__in=set(runs)).values_list(*columns)
    return {
        pk: RunProgress(team, seq, RunStatus(status), queued, kind)
        for pk, team, seq, status, queued, kind in rows
    }


PICKED_UP_WITHIN = timedelta(seconds=20)
"""A queued run that no worker has claimed by then is overdue."""


def any_worker(now: datetime) -> bool:
    """Return whether some worker has a lease that has not expired."""
    return Run.objects.filter(status=RunStatus.RUNNING, lease_until__gt=now).exists()


def is_overdue(run: Run | RunProgress, now: datetime) -> bool:
    """Return whether a run has been queued for longer than a worker takes to claim one."""
    return run.status == RunStatus.QUEUED and now - run.queued_at > PICKED_UP_WITHIN


RUN = (
    *("id", "kind", "ref", "prompt", "request", "panel", "seed", "status", "created_at", "started_at"),
    *(
        "finished_at",
        "answer",
        "quality",
        "caveat",
        "error",
        "error_code",
        "cost_usd",
        "calls_started",
        "output",
    ),
    "outcome",
)
CALL = (
    *("id", "step", "attempt", "model", "provider", "purpose", "status", "text", "input_tokens"),
    *("output_tokens", "cached_input_tokens", "usage_estimated"),
    *("input_price", "output_price", "cached_input_price", "cost_usd", "maybe_billed"),
    *("finish", "error", "error_code", "started_at", "started_s", "latency_s", "first_token_s"),
)
STEP = ("key", "kind", "status", "started_s", "seconds")
EVENT = ("seq", "kind", "step", "at", "data")


def raw_run(state: RunState) -> dict[str, Any]:
    """Return the run with its calls, steps and events; money is in US dollars, times are in seconds."""
    return {
        **_columns(state.run, RUN),
        "rerun_of": state.run.rerun_of_id,
        "asked_by": str(state.run.created_by) if state.run.created_by else None,
        "calls": [_columns(call, CALL) for call in state.calls],
        "steps": [_columns(step, STEP) for step in state.steps],
        "events": [_columns(event, EVENT) for event in state.new_events],
    }


def _columns(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
