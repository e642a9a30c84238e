"""kill -9 of a whole installation at random instants, while sessions of models are at work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, at_most, none_of, reported
from benchmarks.faults.provider import number_of
from benchmarks.faults.world import MODELS, World
from collaboration.engine.running import ROWS
from collaboration.selectors import KIND, session_record
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Call, CallStatus, Run
from orchestration.runs.services.starting import store_run

INSTANTS_S = (1.0, 6.0)
SECONDS = (0.05, 0.6)
LINEUP: Json = {
    "name": "killed",
    "participants": [
        {"id": "lead", "role": "leader", "model": MODELS[0]},
        {"id": "scout", "role": "executor", "model": MODELS[1]},
        {"id": "sage", "role": "specialist", "model": MODELS[2]},
        {"id": "judge", "role": "reviewer", "model": MODELS[0]},
    ],
    "negotiation": {"rounds": 2},
}


def sessions(world: World, *, runs: int, strikes: int) -> list[Finding]:
    """Begin sessions while it is down, start it, and kill it at a random instant, again and again."""
    world.provider.seconds, in_flight = SECONDS, 0
    for number in range(strikes):
        world.installation.kill()
        in_flight += Call.objects.filter(run__in=world.runs(), status=CallStatus.RUNNING).count()
        for _ in range(runs * (number + 1) // strikes - runs * number // strikes):
            _begin(world)
        world.restart()
        time.sleep(world.random.uniform(*INSTANTS_S))
    world.wait_for_the_end()
    stored = world.runs()
    return [*_journal(world, stored, in_flight), *audit(stored, world.installation.printed)]


def _begin(world: World) -> None:
    number = world.next_number()
    text = f"Question {number}: describe harbour {number}. Describe its trade. Compare it with another."
    payload = {"text": text, "lineup": LINEUP}
    world.asked.append(str(store_run(membership=Membership.objects.get(), kind=KIND, payload=payload).id))


def _journal(world: World, runs: Sequence[Run], in_flight: int) -> list[Finding]:
    """Compare what the provider was asked and what is shown with the tables."""
    numbers = {number_of(run.prompt) for run in runs}
    asked = Counter({key: times for key, times in world.provider.asked.items() if key[0] in numbers})
    calls = list(Call.objects.filter(run__in=runs).select_related("run"))
    rows = Counter((number_of(call.run.prompt), call.model) for call in calls)
    steps = Counter((call.run_id, call.step) for call in calls)
    ways = Counter(f"{run.status} {run.error_code}".strip() for run in runs)
    return [
        reported("sessions", len(runs)),
        reported("how they ended", ", ".join(f"{count} {way}" for way, count in sorted(ways.items()))),
        reported("calls that the provider saw", asked.total()),
        at_most("repeated calls", sum(times - 1 for times in steps.values()), in_flight),
        none_of("calls that no row knows of", (asked - rows).total()),
        none_of("sessions whose rows have a gap", sum(_has_gap(run) for run in runs)),
        none_of("sessions that say or vote something twice", sum(_repeats(run) for run in runs)),
    ]


def _has_gap(run: Run) -> bool:
    keys = run.steps.filter(key__startswith=f"{ROWS}/").values_list("key", flat=True)
    numbers = sorted(int(key.removeprefix(f"{ROWS}/")) for key in keys)
    said = [each["number"] for each in session_record(run)["messages"]]
    return numbers != list(range(len(numbers))) or said != list(range(1, len(said) + 1))


def _repeats(run: Run) -> bool:
    session = session_record(run)
    votes = [
        (each["number"], vote["voter"], vote["option"], vote["said"] == "vote")
        for each in session["decisions"]
        for vote in each["votes"]
    ]
    actions = [each["number"] for each in session["actions"]]
    return len(set(votes)) != len(votes) or len(set(actions)) != len(actions)
