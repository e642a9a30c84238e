"""The processor `wait`: the run pauses for a time, or until a moment, without holding a worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field

from orchestration.runs.engine.context import RunContext
from pipelines.engine.options import AS_TEMPLATE
from pipelines.engine.problems import Keys
from pipelines.engine.processor import ActiveProcessor, ProcessorFailed, ProcessorOptions, StageResult, Work
from pipelines.engine.rules import LONGEST_TIMEOUT_S
from pipelines.engine.stages import off_loop
from pipelines.engine.values import shortened


class WaitOptions(ProcessorOptions):
    """How long, or until when."""

    seconds: float | None = Field(
        default=None, ge=0, le=LONGEST_TIMEOUT_S, title="Seconds", description="How long the run waits."
    )
    until: str | None = Field(
        default=None,
        title="Until",
        description="Date and time with its zone, as in 2030-01-31T09:00:00+01:00 or {{ input.send_at }}.",
        json_schema_extra=AS_TEMPLATE,
    )


class WaitProcessor(ActiveProcessor):
    """Waits, then passes its input on."""

    name = "wait"
    title = "Wait"
    summary = "Waits for some time or until a moment, then passes its input on."
    Options = WaitOptions
    cacheable = False

    def faults(self, options: Any) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401
        """Yield that it is not clear how long it waits, or that the moment cannot be read."""
        if (options.seconds is None) == (options.until is None):
            yield (), "Give either seconds or a moment to wait for."
        elif options.until is not None and "{" not in options.until:
            try:
                _moment(options.until)
            except ProcessorFailed as error:
                yield ("until",), str(error)

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the input; a moment that has passed is not waited for. Raises `ProcessorFailed`."""
        options: WaitOptions = work.options
        if options.until is None:
            await context.wait("wait", options.seconds or 0.0)
            return StageResult(value=work.input)
        until = _moment(await off_loop(work.scope.size, work.render, options.until))
        await context.wait("wait", until)
        return StageResult(value=work.input, details={"until": until.isoformat()})


def _moment(written: str) -> datetime:
    """Return a date and time with a zone. Raises `ProcessorFailed` with the code `bad_moment`."""
    example = "It is written as in 2030-01-31T09:00:00+01:00."
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise ProcessorFailed(
            f"{shortened(written)} is no date and time. {example}", error_code="bad_moment"
        ) from None
    if moment.tzinfo is None:
        raise ProcessorFailed(f"{shortened(written)} has no time zone. {example}", error_code="bad_moment")
    return moment
