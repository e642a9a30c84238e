"""What differs between two versions of a pipeline, in sentences: by meaning, not by how it is written."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.values import listed
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import BRANCH, Pipeline, Stage
from pipelines.engine.problems import LONGEST_SHOWN, Keys, path_text

LABELS = {"retry.attempts": "retries", "retry.on": "retried errors"}
_STAGE = Pattern(r"\bstages\.([a-z][a-z0-9_-]*)")
_ABSENT = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference, at a path of the newer version (of the older one for what is gone)."""

    path: str
    message: str


def changes(old: Pipeline, new: Pipeline) -> tuple[Change, ...]:
    """Return what differs, the pipeline's own fields first; nothing for two of the same meaning."""
    renamed = _renamed(old, new)
    before, after = _plain_stages(old, renamed), _plain_stages(new, {})
    by_place = _by_place(old, renamed) & _by_place(new, {})  # follows from where the stages stand
    found = [
        replace(change, message=f"Pipeline: {change.message}")
        for change in _differences(_plain_pipeline(old, renamed), _plain_pipeline(new, {}), ())
    ]
    found += _moves(list(before), list(after))
    for name, plain in after.items():
        for change in _differences(before.get(name, plain), plain, ()):
            if (name, change.path) not in by_place:
                found.append(
                    Change(path=f"stages.{name}.{change.path}", message=f"Stage {name}: {change.message}")
                )
    for earlier, name in renamed.items():
        found.append(Change(path=f"stages.{name}", message=f"Stage {earlier} was renamed to {name}"))
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


def _moves(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    """Yield which stages came, went and stand elsewhere."""
    places = {name: place for place, name in enumerate(before)}
    for name in before:
        if name not in set(after):
            yield Change(path=f"stages.{name}", message=f"Stage {name} was removed")
    kept = [name for name in after if name in places]
    for number, name in enumerate(after):
        if name not in places:
            where = f"after {after[number - 1]}" if number else "as the first"
            yield Change(path=f"stages.{name}", message=f"Stage {name} was added {where}")
    earlier = sorted(kept, key=places.__getitem__)
    swapped = [name for name, other in zip(kept, earlier, strict=True) if name != other]
    if len(swapped) == 2:  # noqa: PLR2004  # a pair
        yield Change(path=f"stages.{swapped[0]}", message=f"{swapped[1]} and {swapped[0]} were swapped")
        return
    staying = _longest_run([places[name] for name in kept])
    for number, name in enumerate(kept):
        if number not in staying:
            where = f"after {kept[number - 1]}" if number else "to the beginning"
            yield Change(path=f"stages.{name}", message=f"Stage {name} was moved {where}")


def _longest_run(places: Sequence[int]) -> frozenset[int]:
    """Return the indexes of a longest increasing run of `places`: the stages that kept their order."""
    ends: list[int] = []  # the smallest place that a run of each length ends with
    lasts: list[int] = []  # and its index
    before: list[int] = []  # the index of the one before, -1 for none
    for index, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(lasts[length - 1] if length else -1)
        ends[length : length + 1], lasts[length : length + 1] = [place], [index]
    found, index = set[int](), lasts[-1] if lasts else -1
    while index >= 0:
        found.add(index)
        index = before[index]
    return frozenset(found)


def _differences(old: Json, new: Json, at: Keys) -> Iterator[Change]:
    """Yield the differences of two values of JSON; the messages begin with the field."""
    if at == ("needs",):
        yield from _needs(old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, (*at, number))
    elif isinstance(old, bool) is not isinstance(new, bool) or old != new:
        path = path_text(at)
        label = LABELS.get(path, path.removeprefix("options."))
        yield Change(path=path, message=f"{label} {_changed(old, new)}")


def _needs(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Yield which stages are waited for, and which no longer; their order means nothing."""
    gone, come = ([name for name in one if name not in set(other)] for one, other in ((old, new), (new, old)))
    if gone:
        yield Change(path="needs", message=f"no longer needs {listed(gone)}")
    if come:
        yield Change(path="needs", message=f"now needs {listed(come)}")


def _changed(old: Json, new: Json) -> str:
    """Return how a value changed: both where they are short, the number of words where they are texts."""
    if not isinstance(old, str) or not isinstance(new, str) or _is_short(old, new):
        return f"{_said(old)} → {_said(new)}"
    earlier, later = Counter(old.split()), Counter(new.split())
    count = max((earlier - later).total(), (later - earlier).total())
    if count:
        return f"changed ({count} word{'s' * (count > 1)})"
    return "changed (white space only)" if old.split() == new.split() else "changed (words in another order)"


def _is_short(*texts: str) -> bool:
    return all(len(text) <= LONGEST_SHOWN and text.isprintable() for text in texts)


def _said(value: Json) -> str:
    """Return a value as a sentence names it."""
    if value is _ABSENT or value is None:
        return "none" if value is None else "not given"
    if isinstance(value, str):
        return f"“{value}”" if _is_short(value) else f"a text of {len(value):,} characters"
    if isinstance(value, list | dict):
        written = json.dumps(value, ensure_ascii=False)
        return written if _is_short(written) else f"{len(value):,} entr{'y' if len(value) == 1 else 'ies'}"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
