"""How pipelines are read as definitions of the library: checked, compared, with what the team has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError

from orchestra_site.accounts.models import Membership
from orchestration.expressions.changes import Change
from orchestration.expressions.upgrades import UnsupportedVersion
from orchestration.library.kinds import (
    ContainedDefinition,
    DefinitionKind,
    DefinitionReading,
    NewestVersions,
)
from orchestration.llm.engine.types import Json
from orchestration.tools.services.registry import team_tools
from pipelines.engine.definition import Pipeline, Problem, pipeline_from, problem_at
from pipelines.engine.differences import changes
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.processor import Uses
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.readings import contained
from pipelines.engine.upgrades import upgraded
from pipelines.engine.validation import document_problems

KIND = "pipeline"
"""The kind of runs of pipelines, and of their definitions."""
PipelineReading = DefinitionReading[Pipeline, Problem]


@cache
def processor_specs() -> Mapping[str, ProcessorSpec]:
    """Return the processors as validation sees them, by name."""
    return {name: processor.spec for name, processor in PROCESSORS.items()}


class PipelineDefinitions(DefinitionKind[Pipeline]):
    """Pipelines as saved definitions."""

    name = KIND
    noun = "pipeline"
    plural = "pipelines"
    namespace = "pipelines"
    page = "pipelines:pipeline"
    fresh: ClassVar = {"stages": []}
    gallery_folder = Path(__file__).parent / "gallery"

    def check(self, written: Json, known: Mapping[str, Pipeline], *, name: str = "") -> PipelineReading:
        """Check a definition; the pipelines of a team as `known` bring its tools, too."""
        try:
            document, upgrades = upgraded(written)
        except UnsupportedVersion as error:
            return DefinitionReading(problems=(problem_at(str(error), "schema_version"),))
        pipeline, found = document_problems(document, processor_specs(), known)
        if name and pipeline is not None and pipeline.name != name:
            message = f"This pipeline is called “{name}”; its page can rename it."
            found = (problem_at(message, "name"), *found)
        if pipeline is not None and isinstance(known, TeamPipelines):
            found = (*found, *_unknown_tools(pipeline, known))
        return DefinitionReading(document=document, definition=pipeline, upgrades=upgrades, problems=found)

    def stored(self, document: Json) -> Pipeline | None:
        """Return a stored definition, None for one of a version that cannot be read any more."""
        try:
            return pipeline_from(upgraded(document)[0])[0]
        except UnsupportedVersion:
            return None

    def changes(self, old: Pipeline, new: Pipeline) -> Sequence[Change]:
        """Return what differs, the pipeline's own fields first."""
        return changes(old, new)

    def contained(self, definition: Pipeline) -> Iterable[ContainedDefinition]:
        """Return the pipelines that one contains."""
        found = contained(definition, processor_specs())
        return [ContainedDefinition(kind=KIND, name=each.value) for each in found]

    def example(self, document: Mapping[str, Json]) -> Json:
        """Return the first example of the input's schema."""
        declared = document.get("input")
        schema = declared.get("schema") if isinstance(declared, dict) else None
        examples = schema.get("examples") if isinstance(schema, dict) else None
        return examples[0] if isinstance(examples, list) and examples else None

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what starts a run of the newest version."""
        return {"pipeline": name, "version": "latest", "input": value}

    def known(self, membership: Membership) -> TeamPipelines:
        """Return the newest versions of the team's pipelines."""
        return TeamPipelines(membership)


PIPELINES = PipelineDefinitions()


class TeamPipelines(NewestVersions[Pipeline]):
    """The newest published versions of a team's pipelines by name, with the tools that these may call."""

    def __init__(self, membership: Membership) -> None:
        super().__init__(PIPELINES, membership)
        self._team = membership.team_id

    @cached_property
    def tools(self) -> Collection[str]:
        """The names of the tools that the team's pipelines may call."""
        return team_tools(self._team).keys()

    def __getitem__(self, name: str) -> Pipeline:
        """Return the newest version of a pipeline, which may have had another name when it was published."""
        return super().__getitem__(name).model_copy(update={"name": name})


def _unknown_tools(pipeline: Pipeline, known: TeamPipelines) -> Iterator[Problem]:
    for stage in pipeline.stages:
        processor = PROCESSORS.get(stage.processor)
        try:
            uses = processor.uses(processor.Options.model_validate(stage.options)) if processor else Uses()
        except ValidationError:  # a problem of its own
            continue
        for name in uses.tools:
            if name not in known.tools:
                message = f"There is no tool called “{name}”. The page Tools lists those of the team."
                field = f"options.{uses.tools_at}"
                where = {"path": f"stages.{stage.id}.{field}", "field": field}
                yield Problem(message=message, stage=stage.id, **where)
