"""Datasets and evaluations as tests have them."""

from __future__ import annotations

import json
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import Dataset
from orchestration.evaluation.services.datasets import import_dataset
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run

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
