"""The run kind `session`: a task and a line-up frozen with all that they need, then run to a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils import timezone

from collaboration.engine.people import payload_fault, posted_command
from collaboration.engine.phases import Phase
from collaboration.engine.running import SessionInput, run_session
from collaboration.selectors import KIND, LINEUPS
from collaboration.services.forks import session_start
from collaboration.services.freezing import (
    chosen_lineup,
    frozen_lineup,
    model_names,
    parsed_session,
    stored_lineup,
)
from orchestra_site.accounts.models import Membership
from orchestration.library.kinds import DefinitionRuns
from orchestration.library.parts import definition_lines, question_schema
from orchestration.llm.engine.errors import CodedError, InvalidRequest
from orchestration.llm.engine.types import Json, plain
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import CheckedRequest, FrozenRun, Startable, panel_entry
from orchestration.runs.models import Run
from orchestration.strategies.services import profiles
from orchestration.strategies.services.strategy_runs import live_models

USUAL_LINEUP = "research-brief"
LINEUPS_KEY = "lineups"


class SessionFailed(CodedError):
    """A session ended without a result: the code says why."""


class SessionKind(DefinitionRuns):
    """Runs that are sessions."""

    name = KIND
    title = "Session"
    pauses_itself = True

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a task and its line-up; freeze them with models, people, pipelines, tools and limits.

        `{"ref", "text"}`, as the form for questions sends it, names a line-up and the task.
        """
        request = parsed_session({"lineup": USUAL_LINEUP, **payload} | _by_ref(payload))
        lineup, number = chosen_lineup(membership, request.lineup, request.version)
        frozen = frozen_lineup(membership, lineup, request)
        constraints = request.constraints.model_dump(mode="json")
        limits = {name: value for name, value in constraints.items() if value is not None}
        own = {"text": request.text, "version": number, "constraints": limits}
        if request.fork is not None:
            own["fork"] = request.fork
            session_start({**frozen.request, **own}, 0)
        return CheckedRequest(
            ref=lineup.name, prompt=request.text, request={**frozen.request, **own}, panel=frozen.panel
        )

    def freeze_child(self, membership: Membership, ref: str, payload: Mapping[str, Json]) -> CheckedRequest:
        """Return what a parent is frozen with: a line-up by its name, or the one that its payload has."""
        lineup, _ = chosen_lineup(membership, payload.get("lineup", ref), payload.get("version", "latest"))
        request = parsed_session({"text": "A task that is known later."})
        frozen = frozen_lineup(membership, lineup, request)
        own = {name: frozen.request[name] for name in ("lineup", "records")}
        rest = {name: value for name, value in frozen.request.items() if name not in {*own, "models", "team"}}
        return CheckedRequest(
            ref=ref, prompt="", request={**rest, LINEUPS_KEY: {ref: own}}, panel=frozen.panel
        )

    def check_child(
        self, parent: FrozenRun, ref: str, payload: Mapping[str, Json], panel: Sequence[str]
    ) -> FrozenRun:
        """Freeze a session inside another run: of a line-up that this one was frozen with."""
        known = parent.request.get(LINEUPS_KEY, {}).get(ref)
        if known is None:
            message = f"This run was not started with the line-up “{ref[:60]}”."
            raise InvalidRequest(message, field="lineup")
        text = parsed_session({"text": payload.get("text", "")}).text
        for name in panel:
            panel_entry(parent.panel, name, role="member")
        request = {**parent.request, **known, "text": text, "constraints": {}}
        return replace(parent, kind=KIND, ref=ref, request=request)

    def check_message(self, run: Run, payload: Json) -> Json:  # noqa: ARG002  # the engine knows who may do what
        """Return what a person does, `{"do": ...}`; plain text is said to all. Raises `InvalidRequest`."""
        if isinstance(payload, dict) and "do" not in payload:
            payload = {"do": "say", **payload}
        if fault := payload_fault(payload):
            raise InvalidRequest(fault, field="text")
        return payload

    def posted_message(self, posted: Mapping[str, Sequence[str]]) -> Json:
        """Return the command that a form of the room sends: its fields that are filled in."""
        name = (posted.get("do") or [""])[-1]
        return posted_command(name, posted) if name else None

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Run the session to its end. Raises `SessionFailed` where there is no result."""
        lineup, models = stored_lineup(run.request["lineup"]), await live_models(run, context)
        given = SessionInput(
            start=session_start(run.request, run.seed),
            models={name: models[name] for name in model_names(lineup)},
            clock=timezone.now,
        )
        state = await run_session(given, context)
        ending = state.ending
        if ending is None or state.phase is not Phase.COMPLETED:
            words, code = ("It has no end.", "no_end") if ending is None else (ending.words, ending.caveat)
            raise SessionFailed(words, code=code)
        data = {"support": ending.consensus, "contributions": plain(list(ending.contributions))}
        return Outcome(
            answer=state.result,
            output=state.result,
            score=ending.quality,
            data={**data, "words": ending.words},
            caveat=ending.caveat,
        )

    def choices(self, membership: Membership) -> Sequence[Startable]:
        """Return the published line-ups and those of the gallery, with their typical cost and time."""
        lines = sorted(definition_lines(membership, LINEUPS).items())
        schema = question_schema("Task", "models")
        return [line.startable(schema) for _, line in lines if line.is_published]

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the titles of all line-ups, those of the gallery first."""
        return {**{name: entry.title for name, entry in LINEUPS.gallery.items()}, **saved}

    def learn(self, runs: Sequence[Run]) -> None:
        """Add ended sessions to the profiles of their models."""
        profiles.learn_from_runs(runs)


def _by_ref(payload: Mapping[str, Json]) -> dict[str, Json]:
    return {"lineup": payload["ref"]} if "ref" in payload else {}
