"""kill -9 of a whole installation at random instants, while it evaluates strategies on a dataset."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, at_most, exactly, none_of, reported
from benchmarks.faults.provider import number_of
from benchmarks.faults.world import MODELS, World
from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import Dataset, ItemOutcome
from orchestration.evaluation.selectors import NAME
from orchestration.evaluation.services.datasets import import_dataset
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Call, CallStatus, Run
from orchestration.runs.services.starting import store_run

INSTANTS_S = (0.5, 1.5)
SECONDS = (0.05, 0.3)
SKILLS = {"m1": 0.6, "m2": 0.75, "m3": 0.9}
STRATEGIES = ("voting", "cascade", "expert")
COMPARED = ("item__number", "configuration", "correct", "score", "answer", "quality", "cost_usd", "failed")
"""What a kill must not change of an outcome; calls that it cut off count, for they may have been billed."""


def evaluations(world: World, *, items: int, strikes: int) -> list[Finding]:
    """Evaluate undisturbed, and then the same from the same seed under kills, up to `strikes` of them."""
    world.provider.seconds, world.provider.text = SECONDS, _text
    dataset = _dataset(world, items)
    calm = _evaluation(dataset)
    world.wait_for_the_end()
    asked_before = Counter(world.provider.asked)
    world.installation.kill()
    killed = _evaluation(dataset)
    Run.objects.filter(pk=killed.pk).update(seed=calm.seed, panel=calm.panel)
    in_flight = struck = 0
    while struck < strikes and not _is_over(killed):
        world.restart()
        time.sleep(world.random.uniform(*INSTANTS_S))
        world.installation.kill()
        struck += 1
        in_flight += Call.objects.filter(run=killed, status=CallStatus.RUNNING).count()
    world.restart()
    world.wait_for_the_end()
    asked = Counter(world.provider.asked) - asked_before
    runs = list(Run.objects.filter(pk__in=[calm.pk, killed.pk]))
    return [
        reported("kills while it went on", struck),
        *_journal(killed, asked, in_flight),
        *_outcomes(calm, killed, items * len(STRATEGIES)),
        *audit(runs, world.installation.printed),
    ]


def _text(number: int, model: str) -> str:
    """Return what a model answers, always the same: the sum that is asked for, or the next number."""
    is_right = Random(f"{number}/{model}").random() < SKILLS[model]
    return f"Answer: {number + 374 + (not is_right)}"


def _dataset(world: World, items: int) -> Dataset:
    numbers = [world.next_number() for _ in range(items)]
    rows = [
        {"prompt": f"Question {number}: how much is {number} + 374?", "reference": str(number + 374)}
        for number in numbers
    ]
    raw = "\n".join(map(json.dumps, rows)).encode()
    return import_dataset(membership=Membership.objects.get(), name=f"Sums from {numbers[0]}", raw=raw)[0]


def _evaluation(dataset: Dataset) -> Run:
    configurations = [{"strategy": name, "models": list(MODELS)} for name in STRATEGIES]
    payload: dict[str, Json] = {"dataset": str(dataset.pk), "configurations": configurations}
    return store_run(membership=Membership.objects.get(), kind=NAME, payload=payload)


def _is_over(run: Run) -> bool:
    return Run.objects.get(pk=run.pk).is_over


def _journal(run: Run, asked: Counter[tuple[int, str]], in_flight: int) -> Sequence[Finding]:
    """Compare what the provider was asked with the tables."""
    calls = list(Call.objects.filter(run=run))
    numbers = {item.number: number_of(item.prompt) for item in Dataset.objects.get(pk=run.ref).items.all()}
    rows = Counter((numbers[_item(call)], call.model) for call in calls)
    steps = Counter(call.step for call in calls)
    return [
        reported("calls that the provider saw", asked.total()),
        reported("calls in flight at the kills", in_flight),
        at_most("repeated calls", sum(times - 1 for times in steps.values()), in_flight),
        none_of("calls that no row knows of", (asked - rows).total()),
    ]


def _item(call: Call) -> int:
    return int(call.step.partition("/")[0].removeprefix("item-"))


def _outcomes(calm: Run, killed: Run, wanted: int) -> Sequence[Finding]:
    """Compare the outcomes of both."""
    kept = [set(ItemOutcome.objects.filter(run=run).values_list(*COMPARED)) for run in (calm, killed)]
    answers = [Run.objects.get(pk=run.pk).answer for run in (calm, killed)]
    return [
        exactly("outcomes", ItemOutcome.objects.filter(run=killed).count(), wanted),
        none_of("outcomes other than without kills", len(kept[0] ^ kept[1])),
        exactly("the advice is that of the other", str(answers[0] == answers[1]), "True"),
    ]
