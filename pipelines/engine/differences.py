"""What differs between two versions of a pipeline, in sentences: by meaning, not by how it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.changes import Change, Labels, differences, moves
from orchestration.expressions.places import with_texts
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import BRANCH, Pipeline, Stage
from pipelines.engine.rules import GoTo

LABELS: Labels = {
    "retry.attempts": "retries",
    "retry.on": "retried errors",
    "needs": ("no longer needs", "now needs"),
}
_STAGE = Pattern(r"\bstages\.([a-z][a-z0-9_-]*)")


def changes(old: Pipeline, new: Pipeline) -> tuple[Change, ...]:
    """Return what differs, the pipeline's own fields first; nothing for two of the same meaning."""
    renamed = _renamed(old, new)
    found = [
        Change(path=each.path, message=f"Pipeline: {each.message}")
        for each in differences(_plain_pipeline(old, renamed), _plain_pipeline(new, {}), LABELS)
    ]
    before, after = _stages(old, renamed), _stages(new, {})
    for name, message in moves(list(before), list(after), "Stage"):
        found.append(Change(path=f"stages.{name}", message=message))
    for name, (by_place, plain) in after.items():
        was_by_place, earlier = before.get(name, (by_place, plain))
        for each in differences(earlier, plain, LABELS):
            if each.path not in by_place & was_by_place:
                message = f"Stage {name}: {each.message.removeprefix('options.')}"
                found.append(Change(path=f"stages.{name}.{each.path}", message=message))
    for old_name, name in renamed.items():
        found.append(Change(path=f"stages.{name}", message=f"Stage {old_name} was renamed to {name}"))
    return tuple(found)


def _renamed(old: Pipeline, new: Pipeline) -> dict[str, str]:
    """Return the new name of each stage that has another one, and is the same otherwise."""
    old_names, new_names = ({stage.id for stage in each.stages} for each in (old, new))
    come = {stage.id: _key(stage, {}) for stage in new.stages if stage.id not in old_names}
    renamed: dict[str, str] = {}
    for stage in old.stages:  # what a stage needs mostly stands before it, and has its new name by then
        if stage.id not in new_names:
            key = _key(stage, renamed)
            name = next((each for each, content in come.items() if content == key), None)
            if name is not None:
                renamed[stage.id] = name
                del come[name]
    return renamed


def _key(stage: Stage, renamed: Mapping[str, str]) -> str:
    return json.dumps(_plain_stage(stage, renamed), sort_keys=True)


def _stages(pipeline: Pipeline, renamed: Mapping[str, str]) -> dict[str, tuple[set[str], Json]]:
    """Return by their new names which fields of stages follow from their place, and all that they say."""
    found = {}
    for stage in pipeline.stages:
        node = pipeline.graph.node(stage.id)
        by_place = {field for field in ("needs", "join") if getattr(stage, field) is None}
        needs = [renamed.get(need, need) for need in node.needs]
        plain = _plain_stage(stage, renamed) | {"needs": needs, "join": node.join}
        found[renamed.get(stage.id, stage.id)] = by_place, plain
    return found


def _plain_stage(stage: Stage, renamed: Mapping[str, str]) -> dict[str, Json]:
    """Return what a stage says beside its name, with all defaults, and with stages by their new names."""
    plain: dict[str, Json] = _with_new_places(stage.model_dump(mode="json", exclude={"id"}), renamed)
    if stage.output is not None:
        plain["output"]["to"] = list(stage.output.destinations)
    plain["retry"]["on"] = sorted(stage.retry.on)
    plain["needs"] = None if stage.needs is None else [renamed.get(need, need) for need in stage.needs]
    if stage.processor == BRANCH:
        plain["options"] = _with_new_names(plain["options"], renamed)
    if isinstance(stage.on_error, GoTo):
        plain["on_error"] = {"goto": renamed.get(stage.on_error.goto, stage.on_error.goto)}
    return plain


def _plain_pipeline(pipeline: Pipeline, renamed: Mapping[str, str]) -> Json:
    """Return what a pipeline says beside its stages, as `_plain_stage` does."""
    return _with_new_places(pipeline.model_dump(mode="json", exclude={"stages", "schema_version"}), renamed)


def _with_new_places(value: Json, renamed: Mapping[str, str]) -> Json:
    """Return a value in whose texts the places below stages have their new names."""
    if not renamed:
        return value
    return with_texts(value, lambda text: _STAGE.sub(lambda at: f"stages.{renamed.get(at[1], at[1])}", text))


def _with_new_names(value: Json, renamed: Mapping[str, str]) -> Json:
    """Return the options of a branch with the new names of the stages that it chooses between."""
    if isinstance(value, dict):
        named = {key: renamed.get(str(value[key]), value[key]) for key in ("to", "default") if key in value}
        return {key: _with_new_names(inner, renamed) for key, inner in value.items()} | named
    return [_with_new_names(inner, renamed) for inner in value] if isinstance(value, list) else value
