"""Datasets and evaluations as tests have them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import Dataset, ItemOutcome
from orchestration.evaluation.services.datasets import import_dataset
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run
from tests.support.history import a_run

SUMS = {f"What is {number}% of 2,300?": str(23 * number) for number in range(11, 41)}
PAIR = ("sim-swift", "sim-sage")


def a_dataset(member: Membership, name: str = "Sums", items: int = 4, **columns: str) -> Dataset:
    rows = [{"prompt": prompt, "reference": right, **columns} for prompt, right in SUMS.items()]
    raw = "\n".join(map(json.dumps, rows[:items])).encode()
    return import_dataset(membership=member, name=name, raw=raw)[0]


def a_payload(dataset: Dataset, *strategies: str, **given: Any) -> dict[str, Json]:  # noqa: ANN401  # plain JSON
    configurations = [
        {"strategy": name, "models": list(PAIR)} for name in strategies or ("voting", "sequential")
    ]
    return {"dataset": str(dataset.pk), "configurations": configurations, **given}


def an_evaluation(member: Membership, dataset: Dataset, *strategies: str, **given: Any) -> Run:  # noqa: ANN401  # as above
    return store_run(membership=member, kind="evaluation", payload=a_payload(dataset, *strategies, **given))


def a_written_evaluation(member: Membership, dataset: Dataset) -> Run:
    """Return an evaluation that is over, as rows alone: its first item is right under one of two."""
    labels = ("plain", "with a name that is rather long")
    asked = [{"label": label, "strategy": "voting", "options": {}, "models": list(PAIR)} for label in labels]
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
        )
    return run
