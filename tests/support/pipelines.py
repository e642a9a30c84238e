"""Pipelines of a team, for tests: saved, published, run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import create_definition, publish
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run
from pipelines.engine.processor import ActiveProcessor, ProcessorFailed, StageResult, Work
from pipelines.engine.processors import PROCESSORS
from pipelines.selectors import PIPELINES, processor_specs
from pipelines.services.pipeline_runs import kept_plan
from tests.support.definitions import document, stage

UPPER = {"from": "input.text", "transforms": ["upper"]}


def written(*stages: Json, **fields: Json) -> str:
    """Return a definition in YAML; without stages it writes the input's text in capitals."""
    return write_yaml(document(*(stages or (stage("loud", processor="transform", input=UPPER),)), **fields))


def a_draft(member: Membership, *stages: Json, name: str = "support", **fields: Json) -> SavedDefinition:
    """Store a pipeline with a draft."""
    return create_definition(
        membership=member, kind=PIPELINES, name=name, text=written(*stages, name=name, **fields)
    )


def a_pipeline(member: Membership, *stages: Json, name: str = "support", **fields: Json) -> SavedDefinition:
    """Store a pipeline with a published version."""
    row = a_draft(member, *stages, name=name, **fields)
    publish(membership=member, definition=row, based_on=row.draft_number)
    return row


def a_pipeline_run(member: Membership, name: str = "support", **payload: Json) -> Run:
    """Store a queued run of a pipeline, always of one seed: simulated models fail by it at times."""
    given = {"pipeline": name, "input": {"text": "hello"}, **payload}
    run = store_run(membership=member, kind="pipeline", payload=given)
    run.seed = 1
    run.save(update_fields=["seed"])
    return run


class Flaky(ActiveProcessor):
    """Gives its input back; fails while its stage or input is among those that `fail`; counts its work.

    Whether it failed is journaled, as it is of models, tools and children.
    """

    name = "flaky"
    title = "Flaky"
    summary = "Fails at times."

    def __init__(self) -> None:
        self.fail: set[str] = set()
        self.code = "processor_failed"
        self.worked: Counter[str] = Counter()

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        if context.recall("fails") is None:
            self.worked[work.stage] += 1
        if await context.decide("fails", bool({work.stage, str(work.input)} & self.fail)):
            raise ProcessorFailed("Not today.", code=self.code)
        return StageResult(value=work.input)


@contextmanager
def flaky_processor() -> Iterator[Flaky]:
    """Have the processor for as long as the block lasts."""
    processor, known = Flaky(), PROCESSORS
    known[processor.name] = processor
    processor_specs.cache_clear()
    kept_plan.cache_clear()
    try:
        yield processor
    finally:
        del known[processor.name]
        processor_specs.cache_clear()
        kept_plan.cache_clear()
