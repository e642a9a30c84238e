"""What kinds learn from runs that are over and from ratings, and the thread in which they do."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from django.db import Error, connections, transaction
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.web.logs import ThrottledWarning
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.kinds import all_kinds
from orchestration.runs.models import ENDED_BY_THEMSELVES, Rating, Run
from orchestration.runs.services.events import emit_events

BATCH = 100


def learn_from_ended_runs() -> int:
    """Let the kinds of up to 100 runs that are over learn from them; return how many runs that were.

    Runs are marked in the transaction in which a kind learns: none counts twice, whichever process dies when.
    """
    kinds = [kind.name for kind in all_kinds()]
    waiting = Run.objects.filter(kind__in=kinds, learned_at=None, status__in=ENDED_BY_THEMSELVES).order_by(
        "finished_at"
    )
    if not waiting.exists():
        return 0
    with transaction.atomic():
        runs = list(waiting.select_for_update(skip_locked=True)[:BATCH])
        learn_from(runs)
    return len(runs)


def learn_from(runs: Sequence[Run]) -> None:
    """Let the kinds learn from runs that they have not; call it in the transaction that locked them."""
    Run.objects.filter(id__in=[run.id for run in runs]).update(learned_at=timezone.now())
    by_kind: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_kind[run.kind].append(run)
    for kind in all_kinds():
        if kind.name in by_kind:
            kind.learn(by_kind[kind.name])


_AWAY = ThrottledWarning(
    logging.getLogger(__name__), "The profiles cannot be updated (%s); trying again after the next run."
)

GATHER_S = 0.25
LEAVE_WITHIN_S = 0.5


class ProfileUpdater:
    """Looks once at its start, for what an earlier process left, and whenever a run has ended.

    `learn` processes some runs and returns how many.
    """

    def __init__(self, learn: Callable[[], int] = learn_from_ended_runs) -> None:
        self._learn_from_ended_runs = learn
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="profile-updater", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that a run has ended."""
        self._wake.set()

    def stop(self) -> None:
        """Take in what has ended, and stop."""
        self._over.set()
        self._wake.set()
        self._thread.join(LEAVE_WITHIN_S)

    def _work(self) -> None:
        while not self._over.is_set():
            self._wake.wait()
            self._over.wait(GATHER_S)
            self._wake.clear()
            self._learn()
        connections.close_all()

    def _learn(self) -> None:
        try:
            while self._learn_from_ended_runs() and not self._over.is_set():
                self._over.wait(GATHER_S)
        except Error as error:
            _AWAY.warn(error)
            connections.close_all()


LONGEST_COMMENT = 500


@transaction.atomic
def rate_run(*, membership: Membership, run: Run, value: int, comment: str = "") -> Rating:
    """Store or change the member's rating of a run: 1 good, -1 bad.

    Raises `InvalidRequest` for another value, a comment over 500 characters, or a run that is not over.
    """
    if value not in {1, -1}:
        raise InvalidRequest("A rating is good or bad.", field="value")
    if len(comment) > LONGEST_COMMENT:
        raise InvalidRequest(f"A comment has at most {LONGEST_COMMENT} characters.", field="comment")
    locked = Run.objects.visible_to(membership).select_for_update().get(id=run.id)
    if not locked.is_over:
        raise InvalidRequest("A run can be rated once it is over.", field="value")
    rating, _ = Rating.objects.update_or_create(
        run=locked, user=membership.user, defaults={"value": value, "comment": comment}
    )
    for kind in all_kinds():
        if kind.name == locked.kind:
            kind.learn_rating(locked)
    data = {"by": str(membership.user), "value": value, "comment": comment}
    emit_events(locked, [RunEvent(kind=EventKind.RUN_RATED, data=data)])
    return rating
