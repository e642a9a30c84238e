"""Who does which subtask: who fits it best, with no one given much more than the others.

Subtasks are dealt in the order of their dependencies. Nobody gets more than an equal share, rounded up, and
`SLACK`; whom the plan names is taken where that allows it. People are given work only where the plan names
them or where there are no models: they would be waited for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from collaboration.engine.lineup import Participant
from collaboration.engine.plan import Plan, Subtask
from collaboration.engine.selection import Records, fit

SLACK = 1
LOAD = 0.2
"""How much fit one subtask that somebody has already costs."""


def most_load(subtasks: int, workers: int) -> int:
    """Return how many subtasks one of several workers may be given."""
    return -(-subtasks // workers) + SLACK


def assign(plan: Plan, workers: Sequence[Participant], records: Records) -> Mapping[str, tuple[str, str]]:
    """Return for each subtask that has not ended who does it, and why. There is at least one worker."""
    load: Counter[str] = Counter()
    most = most_load(len(plan.subtasks), len(workers))
    found: dict[str, tuple[str, str]] = {}
    for subtask in map(plan.named, plan.graph.order):
        if not subtask.status.has_ended:
            free = [each for each in workers if load[each.id] < most]
            found[subtask.id] = best_worker(subtask, free, load, records)
            load[found[subtask.id][0]] += 1
    return found


def best_worker(
    subtask: Subtask, workers: Sequence[Participant], load: Mapping[str, int], records: Records
) -> tuple[str, str]:
    """Return who of those that have not failed at a subtask does it, and why; "" where nobody is left."""
    able = [each for each in workers if each.id not in subtask.failed_by]
    if any(each.id == subtask.assignee for each in able):
        return subtask.assignee, "It is named for it."
    models = [each for each in able if not each.is_person] or able
    scores = {each.id: fit(each, records, subtask.text, subtask.skills) for each in models}
    if not scores:
        return "", "Nobody is left who can do it."
    best = max(scores, key=lambda id: scores[id] - LOAD * load[id])
    return best, f"Fits it with {scores[best]:.2f}, and has {load[best]} more to do."
