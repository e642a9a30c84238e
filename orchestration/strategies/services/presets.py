"""Presets are saved, and frozen with the runs that are started with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.library.kinds import DefinitionRuns
from orchestration.library.models import PublishedVersion
from orchestration.library.parts import definition_lines, question_schema
from orchestration.library.selectors import saved_definitions
from orchestration.library.services.definitions import (
    check_name,
    create_definition,
    publish,
    published_version,
    save_draft,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import CheckedRequest, FrozenRun, Startable
from orchestration.runs.models import Run
from orchestration.strategies.engine.preset import PresetDefinition
from orchestration.strategies.selectors import PRESET, PRESETS
from orchestration.strategies.services.strategy_runs import StrategyKind

FROZEN_PRESETS = "presets"
"""Where the request of a parent has the presets that its parts may be answered by."""
OWN = (PRESET, "version", "ref", FROZEN_PRESETS)
"""What the request of a preset's run has beside that of its strategy."""
PER_RUN = ("text", "system", "constraints", "response_schema")


@transaction.atomic
def save_preset(membership: Membership, name: str, *, note: str = "", **fields: Json) -> PublishedVersion:
    """Publish a preset with these fields: a new one, or a new version of the one of this name.

    Without a title and a description a version keeps those of the one before. Raises `InvalidRequest` at the
    field that is wrong, as `options.rounds` or `models`; also where the draft has changes that are not
    published, which would be lost, and where nothing has changed.
    """
    check_name(name)
    row = saved_definitions(membership, PRESET).filter(name=name).first()
    newest = None if row is None else row.versions.first()
    kept = {each: newest.document.get(each, "") for each in ("title", "description")} if newest else {}
    document = {**PRESETS.blank(name), **kept, **fields}
    for problem in PRESETS.check(document, {}, name=name).problems:
        raise InvalidRequest(problem.message, field=problem.path)
    text = write_yaml(document)
    if row is None:
        row = create_definition(membership=membership, kind=PRESETS, name=name, text=text)
    else:
        if newest is None or PRESETS.read(row.draft, {}).document != newest.document:
            unpublished = f"The draft of “{name}” has changes that are not published. Publish them first"
            raise InvalidRequest(f"{unpublished}, or choose another name.", field="name")
        row = save_draft(membership=membership, definition=row, text=text, based_on=row.draft_number)
    return publish(membership=membership, definition=row, based_on=row.draft_number, note=note)


def chosen_preset(
    membership: Membership, name: Json, version: Json = "latest"
) -> tuple[PresetDefinition, int | None]:
    """Return a preset and the number of its version; `draft` has none. Raises `InvalidRequest`."""
    wanted = str(name or "")
    row = saved_definitions(membership, PRESET).filter(name=wanted).first()
    if row is None:
        missing = f"There is no preset “{wanted[:40]}”. Methods lists those of the team."
        raise InvalidRequest(missing, field=PRESET)
    if version == "draft":
        reading = PRESETS.read(row.draft, {}, name=row.name)
        if reading.definition is None or reading.problems:
            unfit = "The draft has problems and cannot run. Its page shows them."
            raise InvalidRequest(unfit, field="version")
        return reading.definition, None
    if version != "latest" and (not isinstance(version, int) or isinstance(version, bool)):
        raise InvalidRequest("A version is a number, latest or draft.", field="version")
    found = published_version(membership, PRESETS, wanted, None if version == "latest" else version)
    preset = PRESETS.published(found)
    if preset is None:
        raise InvalidRequest("This version cannot be read any more. Publish it anew.", field="version")
    return preset, found.number


class PresetKind(DefinitionRuns, StrategyKind):
    """Runs of a strategy as a preset has it."""

    name = PRESET
    title = "Preset"

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Check a question for a preset; freeze the version that is used, with its strategy and panel.

        `{"ref", "text"}` names a preset; beside these there are `system`, `constraints` and `version`.
        """
        name = payload.get("ref") or payload.get(PRESET)
        preset, number = chosen_preset(membership, name, payload.get("version") or "latest")
        checked = super().check(membership, strategy_payload(preset, payload))
        request = {**checked.request, PRESET: str(name), "version": number}
        return replace(checked, ref=str(name), request=request)

    def freeze_child(self, membership: Membership, ref: str, payload: Mapping[str, Json]) -> CheckedRequest:
        """Return what a parent is frozen with: the preset by its name, and its models and tools."""
        preset, number = chosen_preset(membership, ref, payload.get("version") or "latest")
        later = {"text": "A question that comes later."}
        checked = super().check(membership, strategy_payload(preset, later))
        stored = {"document": preset.model_dump(mode="json"), "version": number}
        request: dict[str, Json] = {FROZEN_PRESETS: {ref: stored}}
        if "tools" in checked.request:
            request["tools"] = checked.request["tools"]
        return CheckedRequest(ref=ref, prompt="", request=request, panel=checked.panel)

    def check_child(
        self,
        parent: FrozenRun,
        ref: str,
        payload: Mapping[str, Json],
        panel: Sequence[str],  # noqa: ARG002  # a preset has a panel of its own
    ) -> FrozenRun:
        """Freeze a child run by a preset that its parent was frozen with."""
        known = parent.request.get(FROZEN_PRESETS, {}).get(ref)
        if known is None:
            raise InvalidRequest(f"This run was not started with the preset “{ref[:60]}”.", field=PRESET)
        preset = PresetDefinition.model_validate(known["document"])
        child = super().check_child(parent, preset.strategy, strategy_payload(preset, payload), preset.models)
        request = {**child.request, PRESET: ref, "version": known["version"]}
        return replace(child, kind=PRESET, ref=ref, request=request)

    def named_models(self, ref: str, payload: Mapping[str, Json]) -> Sequence[str]:  # noqa: ARG002
        """Return nothing: `freeze_child` has the models of a preset."""
        return ()

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Run the strategy as it was frozen. Raises `EngineError`."""
        request = {name: value for name, value in run.request.items() if name not in OWN}
        return await super().execute(replace(run, ref=request["strategy"], request=request), context)

    def choices(self, membership: Membership) -> Sequence[Startable]:
        """Return the published presets, with their typical cost and time."""
        return [
            line.startable(question_schema("Question", "system"), f"{preset.words}.")
            for line in definition_lines(membership, PRESETS).values()
            if line.is_published and (preset := PRESETS.stored(line.document)) is not None
        ]

    def payload(self, run: Run) -> Mapping[str, Json]:
        """Return what starts the same run again: with the same version, where it was a published one."""
        own = {name: run.request[name] for name in PER_RUN if name in run.request}
        return {**own, "ref": run.ref, "version": run.request.get("version") or "draft"}


def strategy_payload(preset: PresetDefinition, asked: Mapping[str, Json]) -> dict[str, Json]:
    """Return the payload of the strategy of a preset, with what is asked this time."""
    tools = {"tools": preset.tools, "tool_rounds": preset.tool_rounds} if preset.tools else {}
    own = {name: asked[name] for name in PER_RUN if name in asked}
    return {**own, "strategy": preset.strategy, "models": preset.models, "options": preset.options, **tools}
