"""A second kind of run, registered by itself: two models with panels of their own, a person, and a child.

What `runs` offers to every kind is tried with it as well as with strategies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template import engines
from django.urls import reverse
from pydantic import BaseModel, ValidationError

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, Message, Prompt, Purpose
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import PanelRole, freeze
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome, Question, RunEvent
from orchestration.runs.kinds import (
    CALL_EVENTS,
    KINDS,
    PAGES,
    CheckedRequest,
    FrozenRun,
    KindPage,
    RunKind,
    Section,
    Startable,
    register,
)
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.types import Constraints
from orchestration.strategies.services import profiles
from orchestration.strategies.services.strategy_runs import live_models

NAME, REF = "second", "board"
TEMPLATES = Path(__file__).parent / "templates"
OPENED, CLOSED = "topic_was_opened_for_discussion", "topic_closed"


class SecondRequest(BaseModel):
    """A text, who writes about it, who checks that, and whether a person has to approve.

    After the writers it waits `remark_s` seconds for a person's remark, which the checkers are then given.
    """

    text: str
    writers: tuple[str, ...]
    checkers: tuple[str, ...]
    approve: bool = False
    remark_s: float = 0.0
    constraints: Constraints = Constraints()
    ref: str = REF


async def board(request: SecondRequest, models: Mapping[str, ChatModel], context: RunContext) -> Outcome:
    """Have the writers write and the checkers check, a person approve, and a strategy answer."""
    await context.emit(RunEvent(kind=OPENED, data={"topic": request.text}))
    written = [
        (await context.ask(models[name], _prompt(request.text, Purpose.PROPOSE), f"write/{name}")).text
        for name in request.writers
    ]
    remark = await context.receive("remark", request.remark_s) if request.remark_s else None
    remarked = remark.payload["text"] if remark else ""
    text = f"{request.text}\n{remarked}".strip()
    checked = [
        (await context.ask(models[name], _prompt(text, Purpose.ANSWER), f"check/{name}")).text
        for name in request.checkers
    ]
    said = "yes"
    if request.approve:
        asked = Question(text="Shall it stay like this?", schema={"enum": ["yes", "no"]})
        said = await context.ask_human(asked, "approve")
    payload = {"text": request.text, "options": {"max_parallel": 2}}
    child = await context.run_child("strategy", "parallel", payload, panel=request.checkers, step="child")
    await context.emit(RunEvent(kind=CLOSED, data={"approved": said, "parts": 2}))
    parts = {"written": written, "checked": checked, "child": child["data"]["candidates"]}
    output = {"answer": child["answer"]}
    data = {**parts, "approved": said, "remark": remarked}
    return Outcome(answer=child["answer"], output=output, score=0.5, data=data)


class SecondKind(RunKind):
    name = NAME
    title = "Second kind"

    def __init__(self, boards: int = 1) -> None:
        self.boards = boards

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        try:
            request = SecondRequest.model_validate(payload)
        except ValidationError as error:
            detail = error.errors()[0]
            raise InvalidRequest(detail["msg"], field=".".join(map(str, detail["loc"]))) from None
        if not request.text.strip():
            raise InvalidRequest("Write what this is about.", field="text")
        models = {model.name: model for model in LanguageModel.objects.filter(team_id=membership.team_id)}
        for name in (*request.writers, *request.checkers):
            if name not in models:
                raise InvalidRequest(f"There is no model {name!r}.", field="options.writers")
        named = dict.fromkeys((*request.writers, *request.checkers))
        return CheckedRequest(
            ref=request.ref,
            prompt=request.text,
            request=request.model_dump(mode="json"),
            panel=[freeze(models[name], PanelRole.MEMBER) for name in named],
        )

    def check_message(self, run: Run, payload: Json) -> Json:
        if not run.request.get("remark_s"):
            raise InvalidRequest("This board takes no remarks.")
        if "badword" in payload["text"]:
            raise InvalidRequest("Say it politely.", field="text")
        return {"text": payload["text"].strip()}

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        return await board(
            SecondRequest.model_validate(run.request), await live_models(run, context), context
        )

    def choices(self, membership: Membership) -> Sequence[Startable]:  # noqa: ARG002  # the same for all
        schema = SecondRequest.model_json_schema()
        schema["properties"].pop("ref")
        board = Startable(ref=REF, title="A board", summary="Two write, one checks.", schema=schema)
        more = range(1, self.boards)
        return [board, *(replace(board, ref=f"{REF}-{n}", title=f"A board, {n}") for n in more)]

    def learn(self, runs: Sequence[Run]) -> None:
        profiles.learn_from_runs(runs)


class SecondPage(KindPage):
    template = "second/sections.html"
    sentence = "second/sentence.html"
    sections = (Section(name="second-board", events=CALL_EVENTS | {OPENED}),)
    sentences = {OPENED: "second/opened.html"}  # noqa: RUF012  # read only
    remembered = frozenset({OPENED})

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # tells no time
        opened: Mapping[str, Any] = next(
            (event.data for event in state.remembered if event.kind == OPENED), {}
        )
        return {
            "calls": state.calls,
            "topic": opened.get("topic", ""),
            "answered_by": "from the board",
            "message_label": "Your remark" if state.run.request.get("remark_s") else "",
        }

    def method(self, ref: str) -> str:
        return f"Second: {ref}"

    def change_address(self, run: Run) -> str:
        return f"{reverse('strategies:ask')}?from={run.pk}"


def _prompt(text: str, purpose: Purpose) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),), purpose=purpose)


def register_second_kind(boards: int = 1) -> None:
    """Make the kind known, with so many boards to start, and its templates."""
    dirs = engines["django"].engine.dirs  # type: ignore[attr-defined]
    if TEMPLATES not in dirs:
        dirs.append(TEMPLATES)
    register(SecondKind(boards), SecondPage())


@contextmanager
def second_kind(boards: int = 1) -> Iterator[str]:
    """Have the second kind for as long as the block lasts."""
    register_second_kind(boards)
    try:
        yield NAME
    finally:
        del KINDS[NAME], PAGES[NAME]
