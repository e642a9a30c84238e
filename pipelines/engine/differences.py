"""What differs between two versions of a pipeline, in sentences: by meaning, not by how it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.changes import Change, differences, moves
from orchestration.expressions.values import listed
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import BRANCH, Pipeline, Stage

LABELS = {"retry.attempts": "retries", "retry.on": "retried errors"}
_STAGE = Pattern(r"\bstages\.([a-z][a-z0-9_-]*)")


def changes(old: Pipeline, new: Pipeline) -> tuple[Change, ...]:
    """Return what differs, the pipeline's own fields first; nothing for two of the same meaning."""
    renamed = _renamed(old, new)
    before, after = _plain_stages(old, renamed), _plain_stages(new, {})
    by_place = _by_place(old, renamed) & _by_place(new, {})  # follows from where the stages stand
    found = [
        replace(change, message=f"Pipeline: {change.message}")
        for change in differences(_plain_pipeline(old, renamed), _plain_pipeline(new, {}), LABELS)
    ]
    found += [
        Change(path=f"stages.{name}", message=message)
        for name, message in moves(list(before), list(after), "Stage")
    ]
    for name, plain in after.items():
        for change in _stage_changes(before.get(name, plain), plain):
            if (name, change.path) not in by_place:
                message = f"Stage {name}: {change.message.removeprefix('options.')}"
                found.append(Change(path=f"stages.{name}.{change.path}", message=message))
    for earlier, name in renamed.items():
        found.append(Change(path=f"stages.{name}", message=f"Stage {earlier} was renamed to {name}"))
    return tuple(found)


def _stage_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    """Yield the differences of two stages; what they need is compared without regard to its order."""
    for key in dict.fromkeys((*old, *new)):
        if key == "needs":
            yield from _needs_changes(old[key], new[key])
        else:
            yield from differences(old[key], new[key], LABELS, (key,))


def _needs_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    if gone := [name for name in old if name not in new]:
        yield Change(path="needs", message=f"no longer needs {listed(gone)}")
    if come := [name for name in new if name not in old]:
        yield Change(path="needs", message=f"now needs {listed(come)}")


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


def _plain_stages(pipeline: Pipeline, renamed: Mapping[str, str]) -> dict[str, dict[str, Json]]:
    """Return by its new name what each stage says, with the needs and the join that it has by its place."""
    nodes = {stage.id: pipeline.graph.node(stage.id) for stage in pipeline.stages}
    return {
        renamed.get(stage.id, stage.id): _plain_stage(stage, renamed)
        | {"needs": [renamed.get(need, need) for need in nodes[stage.id].needs], "join": nodes[stage.id].join}
        for stage in pipeline.stages
    }


def _by_place(pipeline: Pipeline, renamed: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the stages, by their new names, and the fields of them that are not written."""
    return {
        (renamed.get(stage.id, stage.id), field)
        for stage in pipeline.stages
        for field in ("needs", "join")
        if getattr(stage, field) is None
    }


def _plain_stage(stage: Stage, renamed: Mapping[str, str]) -> dict[str, Json]:
    """Return what a stage says beside its name, with all defaults, and with stages by their new names."""
    plain = stage.model_dump(mode="json", exclude={"id"})
    if stage.output is not None:
        plain["output"]["to"] = list(stage.output.destinations)
    plain["retry"]["on"] = sorted(stage.retry.on)
    named = {"on_error": {"goto"}, "options": {"to", "default"} if stage.processor == BRANCH else set()}
    plain = {name: _with_names(value, renamed, named.get(name, set())) for name, value in plain.items()}
    needs = None if stage.needs is None else [renamed.get(need, need) for need in stage.needs]
    return plain | {"needs": needs}


def _plain_pipeline(pipeline: Pipeline, renamed: Mapping[str, str]) -> Json:
    """Return what a pipeline says beside its stages, as `_plain_stage` does."""
    plain = pipeline.model_dump(mode="json", exclude={"stages", "schema_version"})
    return _with_names(plain, renamed, set())


def _with_names(value: Json, renamed: Mapping[str, str], named: set[str]) -> Json:
    """Return a value with the new names of stages: in sources, and whole under the keys in `named`."""
    if isinstance(value, str):
        return (
            _STAGE.sub(lambda at: f"stages.{renamed.get(at.group(1), at.group(1))}", value)
            if renamed
            else value
        )
    if isinstance(value, dict):
        return {
            key: renamed.get(inner, inner)
            if key in named and isinstance(inner, str)
            else _with_names(inner, renamed, named)
            for key, inner in value.items()
        }
    return [_with_names(inner, renamed, named) for inner in value] if isinstance(value, list) else value
