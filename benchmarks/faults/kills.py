"""kill -9 of a whole installation at random instants, while runs are asked and executed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, at_most, none_of, reported
from benchmarks.faults.provider import number_of
from benchmarks.faults.world import World
from orchestration.runs.models import Call, CallStatus, Run, Step

Key = tuple[int, str]
INSTANTS_S = (0.2, 2.5)


class Kills:
    """Counts, at every kill, what was in flight, and how often ended steps had been asked by then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.in_flight = 0
        self._ended: dict[Key, int] = {}

    def kill(self) -> None:
        """Kill it, note what it left, and start it again."""
        self._world.installation.kill()
        runs = self._world.runs()
        self.in_flight += Call.objects.filter(run__in=runs, status=CallStatus.RUNNING).count()
        for key in steps_ended(runs):
            self._ended.setdefault(key, self._world.provider.asked[key])
        self._world.restart()

    def asked_again(self) -> int:
        """Return how many calls were made for steps that had ended."""
        return sum(self._world.provider.asked[key] - before for key, before in self._ended.items())


def kills(world: World, *, runs: int, strikes: int) -> list[Finding]:
    """Ask `runs` questions, evenly spread over `strikes` kills, and look at what is left of them."""
    record = Kills(world)
    waiting = 0
    for number in range(strikes):
        waiting += runs * (number + 1) // strikes - runs * number // strikes
        waiting = _ask_until_killed(world, record, waiting)
    for _ in range(waiting):
        world.ask()
    world.wait_for_the_end()
    stored = world.runs()
    return [*_journal(world, record, stored), *audit(stored, world.installation.printed)]


def _ask_until_killed(world: World, record: Kills, questions: int) -> int:
    """Ask while the clock of the next kill runs; return how many questions it came before."""
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(_ask_until_cut_off, world, questions)
        time.sleep(world.random.uniform(*INSTANTS_S))
        record.kill()
        return asking.result()


def _ask_until_cut_off(world: World, questions: int) -> int:
    """Ask one question after the other; return how many could not be asked."""
    for left in range(questions, 0, -1):
        try:
            world.ask()
        except httpx.TransportError:
            return left
    return 0


def _journal(world: World, record: Kills, runs: Sequence[Run]) -> list[Finding]:
    """Compare what the provider was asked with what the tables say."""
    numbers = {number_of(run.prompt) for run in runs}
    asked = Counter({key: times for key, times in world.provider.asked.items() if key[0] in numbers})
    calls = list(Call.objects.filter(run__in=runs).select_related("run"))
    rows = Counter(_key(call) for call in calls)
    lost = Counter(_key(call) for call in calls if call.status == CallStatus.LOST)
    repeats = sum(times - 1 for times in asked.values())
    unmarked = [call for call in calls if call.status == CallStatus.LOST and not call.maybe_billed]
    statuses = Counter(f"{run.status} {run.error_code}".strip() for run in runs)
    return [
        reported("runs accepted", len(world.asked)),
        reported(
            "how they ended", ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        ),
        reported("calls that the provider saw", asked.total()),
        reported("calls in flight at the kills", record.in_flight),
        at_most("repeated calls", repeats, record.in_flight),
        none_of("accepted runs that are not stored", len(set(world.asked) - {str(run.id) for run in runs})),
        none_of("calls for steps that had ended", record.asked_again()),
        none_of(
            "repeats without a lost call before them", sum((asked - lost - Counter(set(asked))).values())
        ),
        none_of("lost calls not marked as maybe billed", len(unmarked)),
        none_of("calls that no row knows of", (asked - rows).total()),
    ]


def steps_ended(runs: Sequence[Run]) -> set[Key]:
    """Return the question and model of every step of `runs` that asked a model and has ended."""
    ended = set(Step.objects.filter(run__in=runs, kind="ask").values_list("run_id", "key"))
    calls = Call.objects.filter(run__in=runs).select_related("run")
    return {_key(call) for call in calls if (call.run_id, call.step) in ended}


def _key(call: Call) -> Key:
    return number_of(call.run.prompt), call.model
