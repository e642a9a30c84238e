"""What a run of a pipeline is frozen with: definitions, all that these contain, people, models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.selectors import member_ids
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds
from orchestration.library.models import PublishedVersion
from orchestration.library.selectors import saved_definitions
from orchestration.library.services.definitions import published_version, sound
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.selectors import usable_models
from orchestration.runs.kinds import KINDS, CheckedRequest, with_children
from orchestration.strategies.engine.types import Constraints, invalid_request
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.services.strategy_runs import shared_panel
from orchestration.tools.services.registry import freeze_tools
from pipelines.engine.definition import Pipeline, pipeline_from
from pipelines.engine.plans import PipelinePlan, pipeline_plan
from pipelines.engine.processor import Uses
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.readings import contained
from pipelines.engine.upgrades import upgraded
from pipelines.engine.validation import nesting_faults
from pipelines.selectors import KIND, PIPELINES, TeamPipelines, processor_specs

INPUT_BOUNDS = Bounds()
TEMPLATE = "{{"
"""What a name begins with that is known only when its stage runs: it has to be among the run's models."""


class PipelineRequest(BaseModel):
    """What starts a run: a saved pipeline with a version, or a definition, and its input.

    With a `definition`, `pipelines` are those that it contains; without them the team's newest are meant. A
    request that was frozen before has both, and the id of the saved pipeline as its `pipeline`. `edits` stand
    in place of what stages are given or give.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(default="", alias="pipeline")
    version: Annotated[int, Field(ge=1)] | Literal["latest", "draft"] | None = "latest"
    input: Json = None
    models: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    edits: Mapping[str, Mapping[Literal["output", "input"], Json]] = Field(default_factory=dict)
    fresh: bool = False
    definition: Json = None
    pipelines: Mapping[str, Json] | None = None


def parsed_request(payload: Mapping[str, Json]) -> PipelineRequest:
    """Return a payload as a request. Raises `InvalidRequest` with the field at fault."""
    try:
        INPUT_BOUNDS.check(payload.get("input"), "The input")
        request = PipelineRequest.model_validate(payload)
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="input") from None
    except ValidationError as error:
        wrong = invalid_request(error)
        if wrong.field == "version":
            raise InvalidRequest("A version is a number, latest or draft.", field="version") from None
        raise wrong from None
    if request.constraints.min_quality is not None:
        raise InvalidRequest("A pipeline has no limit on the quality.", field="min_quality")
    return request


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenPipeline:
    """The pipeline that a run is of: its row's id and number where it has them, and all that it contains."""

    pipeline: Pipeline
    id: str = ""
    version: int | None = None
    inner: Mapping[str, Json]

    @property
    def plans(self) -> Sequence[PipelinePlan]:
        """The pipeline and those that it contains, ready to run. Raises `InvalidRequest`."""
        inner = (stored_pipeline(each["definition"]) for each in self.inner.values())
        return [pipeline_plan(each, PROCESSORS) for each in (self.pipeline, *inner)]


def chosen_pipeline(membership: Membership, request: PipelineRequest) -> ChosenPipeline:
    """Return what a request wants to run. Raises `InvalidRequest`."""
    known = TeamPipelines(membership)
    if request.definition is not None:
        reading = PIPELINES.check(request.definition, known)
        pipeline = reading.definition
        if request.pipelines is None or pipeline is None:
            pipeline = sound(reading, "The definition")
            return ChosenPipeline(pipeline=pipeline, inner=_inner(membership, pipeline))
        version = request.version if isinstance(request.version, int) else None  # frozen and checked before
        row = saved_definitions(membership, KIND).filter(name=pipeline.name).first()
        id = "" if row is None or str(row.pk) != request.name else request.name
        return ChosenPipeline(pipeline=pipeline, id=id, version=version, inner=request.pipelines)
    row = saved_definitions(membership, KIND).filter(name=request.name).first()
    if row is None:
        raise InvalidRequest(f"There is no pipeline “{request.name[:40]}” in this team.", field="pipeline")
    if request.version == "draft":
        pipeline = sound(PIPELINES.read(row.draft, known, name=row.name), "The draft")
        return ChosenPipeline(pipeline=pipeline, id=str(row.pk), inner=_inner(membership, pipeline))
    number = request.version if isinstance(request.version, int) else None
    found, pipeline = _published(membership, row.name, number)
    named = contained(pipeline, processor_specs())
    if fault := next(nesting_faults(pipeline, named, processor_specs(), known), None):
        raise InvalidRequest(fault.message, field="pipeline")
    inner = _inner(membership, pipeline)
    return ChosenPipeline(pipeline=pipeline, id=str(row.pk), version=found.number, inner=inner)


def stored_pipeline(document: Json) -> Pipeline:
    """Return a definition that was checked when it was stored. Raises `InvalidRequest`."""
    pipeline, found = pipeline_from(upgraded(document)[0])
    if pipeline is None:
        raise InvalidRequest(f"This version can no longer run. {found[0].path}: {found[0].message}")
    return pipeline


def _published(
    membership: Membership, name: str, number: int | None = None
) -> tuple[PublishedVersion, Pipeline]:
    """Return a version of a pipeline, the newest without a number. Raises `InvalidRequest`."""
    found = published_version(membership, PIPELINES, name, number)
    return found, stored_pipeline(found.document).model_copy(update={"name": name})


def _inner(membership: Membership, pipeline: Pipeline) -> dict[str, Json]:
    """Return all that a pipeline contains, by name; a version that is not the newest by `name@number`."""
    found: dict[str, Json] = {}
    waiting = [pipeline]
    for outer in waiting:  # grows while it is read
        for each in contained(outer, processor_specs()):
            number = each.beside.get("version")
            key = inner_key(each.value, number)
            if key not in found:
                version, inner = _published(membership, each.value, number)
                found[key] = {"version": version.number, "definition": inner.model_dump(mode="json")}
                waiting.append(inner)
    return found


def inner_key(name: str, number: Json) -> str:
    """Return the key of a contained pipeline among those that a run was frozen with."""
    return name if number is None else f"{name}@{number}"


def stage_uses(plans: Iterable[PipelinePlan]) -> Iterator[tuple[str, Uses]]:
    """Yield the path of each stage's options with what they name."""
    for plan in plans:
        for name, stage in plan.stages.items():
            yield f"stages.{name}.options", stage.processor.uses(stage.options)


def _people(membership: Membership, plans: Iterable[PipelinePlan]) -> dict[str, str]:
    """Return the ids of the members that stages name, by the name or address that is written.

    Raises `InvalidRequest` for one that is not there.
    """
    ids = member_ids(membership)
    named = {person: at for at, uses in stage_uses(plans) for person in uses.people}
    if missing := next((person for person in named if person not in ids), None):
        message = f"There is nobody called “{missing}” in this team."
        raise InvalidRequest(message, field=f"{named[missing]}.who")
    return {person: ids[person] for person in named}


def _tools(membership: Membership, plans: Iterable[PipelinePlan]) -> dict[str, Json]:
    """Return what a run keeps of the tools that stages name. Raises `InvalidRequest` for an unknown one."""
    found: dict[str, Json] = {}
    for at, uses in stage_uses(plans):
        found |= freeze_tools(membership.team_id, uses.tools, f"{at}.{uses.tools_at}")
    return found


def _runs(membership: Membership, plans: Iterable[PipelinePlan]) -> Iterator[CheckedRequest]:
    """Yield what the run has to be frozen with for runs of other kinds inside it. Raises `InvalidRequest`."""
    for at, uses in stage_uses(plans):
        for run in uses.runs:
            try:
                if run.kind in KINDS:
                    yield KINDS[run.kind].freeze_child(membership, run.ref, run.payload)
            except InvalidRequest as error:
                raise InvalidRequest(str(error), field=f"{at}.ref") from error


def frozen_dependencies(
    membership: Membership, request: PipelineRequest, chosen: ChosenPipeline, prompt: str
) -> tuple[dict[str, Json], Sequence[Mapping[str, Json]]]:
    """Return what a run and all that runs inside it are frozen with, and the models that any may ask.

    Stages that name no models ask those of the run; a limit on the cost is shared by all. Raises
    `InvalidRequest`.
    """
    plans = chosen.plans
    children = list(_runs(membership, plans))
    usual = request.models or tuple(default_panel(usable_models(membership)))
    named = dict(pair for at, uses in stage_uses(plans) for pair in _models(uses, at).items())
    named |= {entry["spec"]["name"]: "stages" for child in children for entry in child.panel}
    stages = sum(len(plan.stages) for plan in plans)
    fields = named | dict.fromkeys(usual, "models")
    stored: dict[str, Json] = {
        "team": membership.team.name,
        "pipelines": dict(chosen.inner),
        "models": list(usual),
        "people": _people(membership, plans),
        "tools": _tools(membership, plans),
        "fresh": request.fresh,
    }
    panel = shared_panel(membership, fields, request.constraints, prompt, stages)
    return with_children(stored, children), panel


def _models(uses: Uses, at: str) -> Mapping[str, str]:
    """Return the field that names each model of a stage; a run of another kind may name some, too."""
    inner = [KINDS[run.kind].named_models(run.ref, run.payload) for run in uses.runs if run.kind in KINDS]
    named = (name for names in inner for name in names if TEMPLATE not in name)
    return dict.fromkeys(named, f"{at}.payload") | dict.fromkeys(uses.models, f"{at}.models")
