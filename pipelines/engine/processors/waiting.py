"""The processors `human` and `wait`: for an answer or for time; the run waits without holding a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import misfit
from orchestration.expressions.places import Keys
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import off_loop, shortened
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Audience, Question
from pipelines.engine.processor import (
    ActiveProcessor,
    ProcessorFailed,
    ProcessorOptions,
    SchemaFields,
    StageResult,
    TemplateText,
    Uses,
    Work,
)
from pipelines.engine.rules import LONGEST_TIMEOUT_S

ROLES, VIEWER = ("owner", "admin", "operator"), "viewer"
"""Those who may answer; viewers look on."""


class HumanOptions(ProcessorOptions):
    """What is asked, of whom, until when."""

    text: TemplateText = Field(title="Question")
    """As in Send this? {{ previous }}"""
    form: SchemaFields = None
    """JSON Schema of the answer: an object with several fields, or one value. Empty: text."""
    who: tuple[Annotated[str, Field(max_length=254)], ...] = Field(default=(), max_length=50)
    """Roles and members. Empty: all who may run."""
    deadline: float | None = Field(default=None, gt=0, le=LONGEST_TIMEOUT_S, title="Deadline (s)")
    """Seconds to answer in."""
    at_deadline: Literal["default", "fail"] = Field(default="default", title="At the deadline")
    """Take the default, or fail."""
    default: Json = None
    """The answer if there is none by then."""


class HumanProcessor(ActiveProcessor):
    """Asks a person."""

    name = "human"
    title = "Person"
    summary = "Asks a person by a form in the inbox, and goes on with the answer."
    Options = HumanOptions
    cacheable = False

    def faults(self, options: Any) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401
        """Yield what is missing at the deadline, and a default that does not fit the form."""
        has_default = "default" in options.model_fields_set
        if options.deadline is None and (has_default or options.at_deadline == "fail"):
            yield ("deadline",), "What happens at the deadline is said, but not when that is."
        if options.deadline is not None and not has_default and options.at_deadline == "default":
            yield ("default",), "Nobody may answer in time: give a default, or let the stage fail then."
        if VIEWER in options.who:
            yield ("who", options.who.index(VIEWER)), "Viewers look on; they cannot answer."
        if has_default and options.form is not None:
            with suppress(ExpressionError):  # said at the form
                if message := misfit(parse_schema(options.form), options.default):
                    yield ("default",), f"The default does not fit the form: {message}."

    def uses(self, options: Any) -> Uses:  # noqa: ANN401
        """Return the members that are named; the names of roles are no members."""
        return Uses(people=[name for name in options.who if name not in ROLES])

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the answer. Raises `ProcessorFailed` with the code `no_answer`."""
        options: HumanOptions = work.options
        by_deadline = options.at_deadline == "default"
        question = Question(
            text=await off_loop(work.scope.size, work.render, options.text),
            schema=options.form or {},
            deadline_s=options.deadline,
            default=options.default if by_deadline else None,
            fails=not by_deadline,
            audience=self._audience(work),
        )
        answer = await context.ask_human(question, "question")
        if answer is None and not by_deadline:
            raise ProcessorFailed("Nobody answered until the deadline.", code="no_answer")
        return StageResult(value=answer)

    def _audience(self, work: Work) -> Audience:
        roles = tuple(name for name in work.options.who if name in ROLES)
        named = self.uses(work.options).people
        users = tuple(work.info.people[name] for name in named if name in work.info.people)
        if named and not users and not roles:
            raise ProcessorFailed(
                f"None of {', '.join(named)} is a member of the team any more: nobody can answer.",
                code="no_answer",
            )
        return Audience(roles=roles, users=users)


class WaitOptions(ProcessorOptions):
    """How long, or until when."""

    seconds: float | None = Field(default=None, ge=0, le=LONGEST_TIMEOUT_S)
    """How long the run waits."""
    until: TemplateText | None = None
    """Date and time with its zone, as in 2030-01-31T09:00:00+01:00 or {{ input.send_at }}."""


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
    fault = "has no time zone"
    try:
        moment = datetime.fromisoformat(written.strip())
        if moment.tzinfo is not None:
            return moment
    except ValueError:
        fault = "is no date and time"
    message = f"{shortened(written)} {fault}. It is written as in 2030-01-31T09:00:00+01:00."
    raise ProcessorFailed(message, code="bad_moment")
