"""Letting kinds learn from runs that are over: each run counts once, each rating replaces the one before."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from orchestration.runs.kinds import all_kinds
from orchestration.runs.models import Run, RunStatus

BATCH = 100
ENDED = (RunStatus.SUCCEEDED, RunStatus.FAILED)


def learn_from_ended_runs() -> int:
    """Let the kinds of up to 100 runs that are over learn from them; return how many runs that were.

    Runs are marked in the transaction in which a kind learns: none counts twice, whichever process dies when.
    """
    kinds = {kind.name: kind for kind in all_kinds()}
    waiting = Run.objects.filter(kind__in=kinds, learned_at=None, status__in=ENDED).order_by("finished_at")
    if not waiting.exists():
        return 0
    with transaction.atomic():
        runs = list(waiting.select_for_update(skip_locked=True)[:BATCH])
        Run.objects.filter(id__in=[run.id for run in runs]).update(learned_at=timezone.now())
        by_kind: dict[str, list[Run]] = defaultdict(list)
        for run in runs:
            by_kind[run.kind].append(run)
        for name, ended in by_kind.items():
            kinds[name].learn(ended)
    return len(runs)
