"""The processors that there are, by name. Adding one is a file here, its test, and its line in the table."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.engine.processor import Processor
from pipelines.engine.processors.branch import Branch
from pipelines.engine.processors.transform import TransformProcessor
from pipelines.engine.processors.validate import Validate

PROCESSORS: Mapping[str, Processor] = {
    each.name: each for each in (TransformProcessor(), Validate(), Branch())
}
