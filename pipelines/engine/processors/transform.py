"""The processor `transform`: its mappings do the work."""

from __future__ import annotations

from pipelines.engine.processor import PureProcessor, StageResult, Work


class TransformProcessor(PureProcessor):
    """Gives its input: what is done to it stands in the mappings of the stage."""

    name = "transform"
    title = "Transform"
    summary = "Picks, joins, cuts or converts values; what it does is written in its input and output."

    def compute(self, work: Work) -> StageResult:
        """Return the input."""
        return StageResult(value=work.input)
