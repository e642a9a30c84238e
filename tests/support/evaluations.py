"""Datasets and evaluations as tests have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import Dataset, ItemOutcome
from orchestration.evaluation.services.datasets import import_dataset
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Call, Run
from orchestration.runs.services.starting import store_run
from tests.support.history import a_run
from tests.support.rule_sets import a_rule_set, rule

SUMS = {f"What is {number}% of 2,300?": str(23 * number) for number in range(11, 41)}
PAIR = ("sim-swift", "sim-sage")


def a_dataset(member: Membership, name: str = "Sums", items: int = 4, **columns: str) -> Dataset:
    rows = [{"prompt": prompt, "reference": right, **columns} for prompt, right in SUMS.items()]
    return imported(member, name, rows[:items])


def imported(member: Membership, name: str, rows: Iterable[Mapping[str, str]]) -> Dataset:
    raw = "\n".join(map(json.dumps, rows)).encode()
    return import_dataset(membership=member, name=name, raw=raw)[0]


def a_payload(dataset: Dataset, *strategies: str, **given: Any) -> dict[str, Json]:  # noqa: ANN401  # plain JSON
    configurations = [
        {"strategy": name, "models": list(PAIR)} for name in strategies or ("voting", "sequential")
    ]
    return {"dataset": str(dataset.pk), "configurations": configurations, **given}


def an_evaluation(member: Membership, dataset: Dataset, *strategies: str, **given: Any) -> Run:  # noqa: ANN401  # as above
    return store_run(membership=member, kind="evaluation", payload=a_payload(dataset, *strategies, **given))


PANEL = ("sim-swift", "sim-sage", "sim-scholar")
VOTE = "What is 9% of 700?"
REVIEW = "Classify this review as positive, negative or neutral: "
MIXED = [
    *({"prompt": each, "reference": SUMS[each]} for each in list(SUMS)[:3] + list(SUMS)[6:24:17]),
    {"prompt": "What is 50% of 90?", "reference": "45", "priority": "critical"},
    {"prompt": f'{REVIEW}"It broke at once, and I want my money back."', "reference": "negative"},
    {"prompt": f'{REVIEW}"I love it, the best I ever had."', "reference": "positive"},
]
"""Sums, one of them critical, and reviews. The simulated models disagree on two sums and a review."""
RULES = (
    rule("sums", "strategy/voting", when={"condition": "kind == 'number'"}),
    rule("reviews", "strategy/cascade"),
)
WATCHING: Mapping[str, Json] = {"runs": 20, "minutes": 60, "least": 3}
OPTIMISATIONS: list[dict[str, Json]] = [
    {"id": "slow", "signal": "latency", "limit": 60, "remedy": "raise timeout", **WATCHING},
    {
        "id": "poor",
        "signal": "quality",
        "limit": 0.5,
        "remedy": "switch method",
        "to": "strategy/parallel",
        **WATCHING,
    },
    {"id": "flaky", "signal": "retries", "limit": 0.2, "remedy": "reduce parallelism", **WATCHING},
    {"id": "busy", "signal": "overload", "limit": 0.9, "remedy": "use other models", **WATCHING},
    {"id": "idle", "signal": "latency", "limit": 900, "remedy": "reuse answers", **WATCHING},
]
"""A rule for each signal, and one whose limit is not reached."""


def watching_rule_sets(member: Membership) -> None:
    """Publish `auto` with a rule for each signal, and `plain` without any."""
    a_rule_set(member, *RULES, optimisations=OPTIMISATIONS, fall_back_below=0.9)
    a_rule_set(member, *RULES, name="plain", fall_back_below=0.9)


def go_badly(runs: Iterable[Run]) -> None:
    """Inject latency, low quality, retries and overload into runs that are over."""
    ids = [run.pk for run in runs]
    found, calls = Run.objects.filter(pk__in=ids), Call.objects.filter(run__in=ids)
    found.update(started_at=F("finished_at") - timedelta(seconds=90), quality=0.2)
    calls.update(attempt=2)
    calls.filter(model=PAIR[1]).update(error_code="rate_limited")


def a_written_evaluation(member: Membership, dataset: Dataset) -> Run:
    """Return an evaluation that is over, as rows alone: its first item is right under one of two."""
    labels = ("plain", "with a name that is rather long")
    strategies = ("voting", "auto")
    asked = [
        {"label": label, "strategy": name, "options": {}, "models": list(PAIR)}
        for label, name in zip(labels, strategies, strict=True)
    ]
    request = {
        "dataset": str(dataset.pk),
        "dataset_name": dataset.name,
        "scorer": {"kind": "answer"},
        "first": None,
        "items": dataset.size,
        "constraints": {},
        "configurations": asked,
    }
    columns: dict[str, Any] = {
        "kind": "evaluation",
        "ref": str(dataset.pk),
        "request": request,
        "status": "succeeded",
    }
    run = a_run(member, f"{dataset.name}: evaluated", answer="Use plain.", **columns)
    said = {"model": PAIR[0], "extracted": "253", "correct": True}
    for place in range(2):
        ItemOutcome.objects.create(
            run=run,
            item=dataset.items.get(number=1),
            configuration=place,
            correct=place == 0,
            answer="It is <b>253</b>.",
            quality=0.9,
            seconds=1.5 + place,
            calls=2,
            cost_usd=Decimal("0.002") * (place + 1),
            answers=[said, {**said, "model": PAIR[1]}],
            route=a_route() if place else None,
        )
    return run


def a_route(**fields: Json) -> dict[str, Json]:
    """Return how Auto came to vote on an item, as its outcome keeps it."""
    link = {
        "ref": "strategy/voting",
        "title": "Voting",
        "level": "strategy",
        "models": list(PAIR),
        "options": {},
    }
    return {
        "method": "strategy/voting",
        "title": "Voting",
        "decided_by": "score",
        "rule": "",
        "reason": "Voting is expected to be worth most of 3 methods.",
        "needed": 0.4,
        "watched": [a_watched_rule(acts=False), a_watched_rule(id="busy")],
        "first": link,
        "without": link,
        "timeout_factor": 1.0,
        "priority": "critical",
        "needs_consensus": True,
        "answered": "strategy/voting",
        "reused": "",
        "attempts": [an_attempt(quality=0.2, agreement=0.4, ok=False), an_attempt(ref="model/sage")],
        **fields,
    }


def an_attempt(**fields: Json) -> dict[str, Json]:
    """Return an attempt of a route, good enough unless told otherwise."""
    known = {"ref": "strategy/voting", "title": "Voting", "failure": "", "shortfall": "", "quality": 0.9}
    return {**known, "agreement": 1.0, "ok": True, "correct": True, **fields}


def a_watched_rule(**fields: Json) -> dict[str, Json]:
    """Return an optimisation rule of a route, which acts unless told otherwise."""
    known = {"id": "slow", "signal": "latency", "limit": "at least 60 s", "remedy": "raise timeout", "to": ""}
    seen = {"observed": "a run takes 90.0 s (median)", "runs": 3, "why_not": "its limit is not reached"}
    return {**known, **seen, "acts": True, **fields}
