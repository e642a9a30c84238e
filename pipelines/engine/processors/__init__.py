"""The processors that there are, by name. Adding one is a file here, its test, and its line in the table."""

from __future__ import annotations

from pipelines.engine.processor import Processor
from pipelines.engine.processors.aggregate import Aggregate
from pipelines.engine.processors.map import MapProcessor
from pipelines.engine.processors.model import ModelProcessor
from pipelines.engine.processors.passing import Branch, TransformProcessor, Validate
from pipelines.engine.processors.run import PipelineProcessor, RunProcessor, ToolProcessor
from pipelines.engine.processors.waiting import HumanProcessor, WaitProcessor

PROCESSORS: dict[str, Processor] = {}
PROCESSORS |= {
    each.name: each
    for each in (
        ModelProcessor(),
        TransformProcessor(),
        Validate(),
        Branch(),
        ToolProcessor(),
        MapProcessor(PROCESSORS),
        Aggregate(),
        PipelineProcessor(),
        HumanProcessor(),
        WaitProcessor(),
        RunProcessor(),
    )
}
