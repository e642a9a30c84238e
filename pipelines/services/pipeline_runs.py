"""The run kind `pipeline`: a definition frozen with all that it contains, then run stage by stage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.web.threads import in_database_thread
from orchestration.library.kinds import DefinitionRuns
from orchestration.library.parts import question_schema
from orchestration.library.selectors import published_versions, run_figures
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import CheckedRequest, FrozenRun, Startable, panel_entry
from orchestration.runs.models import Run
from orchestration.strategies.engine.types import Constraints
from orchestration.strategies.services import profiles
from pipelines.engine.plans import PipelinePlan, pipeline_plan
from pipelines.engine.processor import RunInfo
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.running import PipelineInput, as_text, run_pipeline
from pipelines.engine.stages import Edit, StageRunner
from pipelines.models import CachedResult
from pipelines.selectors import KIND
from pipelines.services.freezing import (
    chosen_pipeline,
    frozen_dependencies,
    inner_key,
    parsed_request,
    stored_pipeline,
)

LONGEST_KEPT = 50_000
"""Characters of a definition that is kept ready for its next run."""
MOST_EXPIRED = 100
"""Expired results that are removed whenever one is stored."""


class PipelineKind(DefinitionRuns):
    """Runs of pipelines."""

    name = KIND
    title = "Pipeline"

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a request and freeze it with the definitions, people and models that it needs.

        `{"ref", "text"}`, as the form for questions sends it, names a saved pipeline and its input.
        """
        given = {**payload, "pipeline": payload["ref"]} if "ref" in payload else dict(payload)
        request = parsed_request(given)
        chosen = chosen_pipeline(membership, request)
        plan = chosen.plans[0]
        value = given.get("input")
        if "ref" in payload:
            value = _question_input(chosen.pipeline.input.json_schema, payload.get("text"))
        _check_input(plan, value)
        if unknown := next((name for name in request.edits if name not in plan.stages), None):
            raise InvalidRequest(f"There is no stage “{unknown[:40]}”.", field="edits")
        prompt = in_words(value) or chosen.pipeline.title or chosen.pipeline.name
        stored, panel = frozen_dependencies(membership, request, chosen, prompt)
        stored |= {
            "pipeline": chosen.id,
            "name": chosen.pipeline.name,
            "version": chosen.version,
            "input": value,
            "definition": chosen.pipeline.model_dump(mode="json"),
            "constraints": _limits(request.constraints, chosen.pipeline.timeout),
            "edits": {name: dict(edit) for name, edit in request.edits.items()},
        }
        return CheckedRequest(ref=chosen.pipeline.name, prompt=prompt, request=stored, panel=panel)

    def freeze_child(self, membership: Membership, ref: str, payload: Mapping[str, Json]) -> CheckedRequest:
        """Return a pipeline by its name with all that it contains, and the models that it may ask."""
        request = parsed_request({"pipeline": ref, "version": payload.get("version", "latest")})
        chosen = chosen_pipeline(membership, request)
        stored, panel = frozen_dependencies(membership, request, chosen, ref)
        own = {"version": chosen.version, "definition": chosen.pipeline.model_dump(mode="json")}
        stored["pipelines"] |= {inner_key(ref, payload.get("version")): own}
        return CheckedRequest(ref=ref, prompt="", request=stored, panel=panel)

    def check_child(
        self, parent: FrozenRun, ref: str, payload: Mapping[str, Json], panel: Sequence[str]
    ) -> FrozenRun:
        """Freeze a pipeline inside another run, from those that this one was frozen with.

        `{"text"}` alone in its payload fills the input as the form for questions does.
        """
        key = inner_key(ref, payload.get("version"))
        frozen = parent.request.get("pipelines", {}).get(key)
        if frozen is None:
            raise InvalidRequest(f"This run was not started with the pipeline “{key[:60]}”.", field="name")
        for name in panel:
            panel_entry(parent.panel, name, role="member")
        own = {"name": ref, "version": frozen["version"], "definition": frozen["definition"]}
        value = payload.get("input")
        if "text" in payload and "input" not in payload:
            schema = stored_pipeline(frozen["definition"]).input.json_schema
            value = _question_input(schema, payload["text"])
        request = {**parent.request, **own, "input": value, "edits": {}, "constraints": {}}
        if panel:
            request["models"] = list(panel)
        return replace(parent, kind=KIND, ref=ref, request=request)

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Run the pipeline. Raises `EngineError`."""
        request = run.request
        plan = stored_plan(request["definition"])
        info = RunInfo(models=tuple(request["models"]), people=request["people"])
        cache = StageCache(team=run.team, reads=not request["fresh"])
        runner = StageRunner(processors=PROCESSORS, info=info, team=str(run.team), cache=cache)
        given = PipelineInput(
            value=request["input"],
            edits={
                name: Edit(name=at, value=v)
                for name, edit in request["edits"].items()
                for at, v in edit.items()
            },
            context={
                "run_id": str(run.run),
                "team": request["team"],
                "now": timezone.now().isoformat(timespec="seconds"),
                "pipeline": request["name"],
                "version": request["version"],
            },
            timeout=plan.pipeline.timeout if "max_latency_s" not in request["constraints"] else None,
        )
        return await run_pipeline(plan, given, runner, context)

    def choices(self, membership: Membership) -> Sequence[Startable]:
        """Return the published pipelines that a question can start, with their typical cost and time."""
        columns = ("definition__name", "document__title", "document__description", "document__input__schema")
        rows = published_versions(membership, KIND).values_list(*columns)
        newest = {name: rest for name, *rest in rows}
        figures = run_figures(membership, KIND, list(newest))
        return [
            Startable(
                ref=name,
                title=title or name,
                summary=(description or "").partition("\n")[0],
                schema=question_schema("Input", "models"),
                cost_usd=figures[name].median_usd,
                seconds=figures[name].median_s,
            )
            for name, (title, description, schema) in sorted(newest.items())
            if _text_field(schema) is not None
        ]

    def learn(self, runs: Sequence[Run]) -> None:
        """Add ended runs to the profiles of their models: what was asked in any of their strategies' runs."""
        profiles.learn_from_children(runs)


def stored_plan(definition: Json) -> PipelinePlan:
    """Return a stored definition ready to run; a usual one is made ready once. Raises `InvalidRequest`."""
    text = json.dumps(definition)
    return kept_plan(text) if len(text) <= LONGEST_KEPT else kept_plan.__wrapped__(text)


@lru_cache(maxsize=50)
def kept_plan(definition: str) -> PipelinePlan:
    """Return a definition in JSON ready to run, kept for its next run, or for the next claim of one."""
    return pipeline_plan(stored_pipeline(json.loads(definition)), PROCESSORS)


def in_words(value: Json) -> str:
    """Return an input as people read it: the text where it is one or has one field of text, else JSON."""
    if value is None:
        return ""
    texts = [each for each in value.values() if isinstance(each, str)] if isinstance(value, dict) else []
    return texts[0] if len(texts) == 1 else as_text(value)


def _check_input(plan: PipelinePlan, value: Json) -> None:
    """Raise `InvalidRequest` at the place where the input does not fit the declared schema."""
    if plan.schema is not None and (found := plan.schema.problems(value)):
        at = found[0].path
        path = f"input{at}" if at.startswith("[") or not at else f"input.{at}"
        raise InvalidRequest(f"The input does not fit: {at or 'it'} {found[0].message}.", field=path)


def _limits(constraints: Constraints, timeout: float | None) -> dict[str, Json]:
    """Return the limits of a run: its time is bounded by the pipeline's own, too."""
    seconds = [each for each in (constraints.max_latency_s, timeout) if each is not None]
    limits = {**constraints.model_dump(mode="json"), "max_latency_s": min(seconds, default=None)}
    return {name: value for name, value in limits.items() if value is not None}


def _question_input(schema: Json, text: Json) -> Json:
    """Return the input of a pipeline whose only text is a question."""
    field = _text_field(schema)
    return {field: text} if field else text


def _text_field(schema: Json) -> str | None:
    """Return the field of an input that a question fills: "" is the whole input, None there is none."""
    if not schema or not isinstance(schema, dict) or schema.get("type") == "string":
        return ""
    fields, needed = schema.get("properties", {}), schema.get("required", [])
    texts = [name for name, each in fields.items() if isinstance(each, dict) and each.get("type") == "string"]
    sole = [name for name in texts if not {*needed} - {name}]
    return "text" if "text" in sole else next(iter(sole), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageCache:
    """The results of a team's stages; without `reads` they are only stored."""

    team: UUID
    reads: bool = True

    async def get(self, key: str) -> Mapping[str, Json] | None:
        """Return a result that has not expired."""
        rows = CachedResult.objects.filter(team_id=self.team, key=key, expires_at__gt=timezone.now())
        outputs = rows.values_list("output", flat=True)
        return await in_database_thread(outputs.first) if self.reads else None

    async def put(self, key: str, value: Mapping[str, Json], ttl_s: float) -> None:
        """Store a result for some seconds."""
        await in_database_thread(self._write, key, value, ttl_s)

    def _write(self, key: str, value: Mapping[str, Json], ttl_s: float) -> None:
        now = timezone.now()
        row = {"output": dict(value), "stored_at": now, "expires_at": now + timedelta(seconds=ttl_s)}
        CachedResult.objects.update_or_create(team_id=self.team, key=key, defaults=row)
        expired = CachedResult.objects.filter(expires_at__lte=now).values_list("pk", flat=True)
        CachedResult.objects.filter(pk__in=list(expired[:MOST_EXPIRED])).delete()
