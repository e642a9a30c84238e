"""How long the server takes for one edit of a pipeline of 40 stages, 8 side by side, and for the page itself.

An edit is what a pause in typing sends: the card of a stage is read, the draft stored, the whole definition
checked, the graph drawn, and what has changed of the page rendered. The time is the processor's from the
request to the answer, without the network. Each edit changes the text: nothing is answered from before.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

folder = tempfile.TemporaryDirectory(prefix="orchestra-bench-")
os.environ["ORCHESTRA_DATA_DIR"] = folder.name
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestra_site.settings.dev"
os.environ["ORCHESTRA_LOG_LEVEL"] = "ERROR"

import django  # noqa: E402

django.setup()

from django.test import Client  # noqa: E402

from benchmarks.figures import Figure, figure, main  # noqa: E402
from orchestra_site.accounts.selectors import first_member  # noqa: E402
from orchestration.expressions.documents import write_yaml  # noqa: E402
from orchestration.library.models import SavedDefinition  # noqa: E402
from orchestration.library.services.definitions import create_definition  # noqa: E402
from orchestration.llm.engine.types import Json  # noqa: E402
from orchestration.llm.services.registry.seeding import prepare_installation  # noqa: E402
from pipelines.selectors import PIPELINES  # noqa: E402

STAGES, WIDE, EDITS, GOAL_MS = 40, 8, 20, 100.0
ADDRESS = "/pipelines/forty/"
HTMX = {"HX-Request": "true"}


def definition() -> dict[str, Json]:
    """Return the pipeline: stages that ask models and stages that transform, each with a mapping."""
    stages: list[Json] = []
    for number in range(STAGES):
        needs = [f"s{number - WIDE}"] if number >= WIDE else []
        source = "previous" if needs else "input.text"
        mapping = {"from": source, "transforms": ["strip", {"truncate": 4000}]}
        asks = {"processor": "model", "options": {"prompt": "Improve this: {{ previous }}"}}
        stage = asks if number % 2 and needs else {"processor": "transform"}
        stages.append(
            {"id": f"s{number}", **stage, "needs": needs, "input": mapping, "when": "size(input) > 0"}
        )
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "examples": [{"text": "Hello"}]}
    return {"schema_version": 1, "name": "forty", "input": {"schema": schema}, "stages": stages}


def measure(rounds: int) -> list[Figure]:
    """Return the times of edits and of whole pages, each the median of a round."""
    prepare_installation()
    member = first_member("")
    assert member is not None
    create_definition(
        membership=member, kind=PIPELINES, name="forty", text=write_yaml(definition()), source=""
    )
    browser = Client(headers={"Host": "localhost"})
    browser.force_login(member.user)
    edits = {
        "a prompt is typed": lambda number: _card(
            "s17", "does", {"options.prompt": f"Try {number}: {{{{ previous }}}}"}
        ),
        "a mapping is changed": lambda number: _card(
            "s16", "input", {"input.transforms[1]:with": f"{number}"}
        ),
        "a stage is added on a line": lambda _: {
            "do": "add",
            "processor": "transform",
            "after": "s8",
            "before": "s16",
        },
    }
    browser.get(ADDRESS)
    found = {name: [_edits(browser, make) for _ in range(rounds)] for name, make in edits.items()}
    found["the page"] = [_ms(lambda: browser.get(f"{ADDRESS}?stage=s17")) for _ in range(rounds)]
    return [figure(name, "ms CPU", values, GOAL_MS) for name, values in found.items()]


def _card(stage: str, tab: str, fields: dict[str, str]) -> dict[str, str]:
    return {"stage": stage, "tab": tab, "typed": "yes", **fields}


def _edits(browser: Client, make: Callable[[int], dict[str, str]]) -> float:
    """Return the time of an edit, the mean of twenty on a fresh draft."""
    row = SavedDefinition.objects.get()
    row.draft = write_yaml(definition())
    row.save()
    total = 0.0
    for number in range(1, EDITS + 1):
        data = {"based_on": str(SavedDefinition.objects.get().draft_number), **make(number)}
        total += _ms(partial(browser.post, ADDRESS, data, headers=HTMX))
    return total / EDITS


def _ms(request: Callable[[], Any]) -> float:
    started = time.process_time()
    answer = request()
    assert answer.status_code == 200, answer.content
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main(measure, rounds=5)
