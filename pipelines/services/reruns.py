"""Runs that go on from another one: what ended well there is taken over, the rest runs again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal, cast

from orchestra_site.accounts.models import Membership
from orchestration.graphs.scheduling import EndStatus
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.starting import Origin, start_run
from pipelines.engine.definition import Pipeline
from pipelines.engine.running import STARTED
from pipelines.selectors import KIND
from pipelines.services.freezing import chosen_pipeline, inner_key, parsed_request, stored_pipeline

SAME: Final = "same"
MAP = "map"


def resume(*, membership: Membership, run: Run) -> Run:
    """Start a run that goes on where another one of the same definition failed or was cancelled.

    Raises `InvalidRequest`.
    """
    pipeline, rows = _ended(run)
    if run.status == "succeeded" and not _stopped(pipeline, rows):
        raise InvalidRequest("All of its stages have ended well: there is nothing to resume.")
    return _rerun(membership, run, _resumed(pipeline, rows, run.request["pipelines"]), run.request, {})


def rerun_from(
    *,
    membership: Membership,
    run: Run,
    stage: str,
    edit: Mapping[str, Json] | None = None,
    version: int | Literal["same", "latest", "draft"] = SAME,
) -> Run:
    """Start a run that takes over what does not depend on `stage`, and runs that and the rest again.

    `edit` is `{"input": …}` or `{"output": …}`, which the stage is given or gives instead. On another version
    only stages are taken over that it defines in the same way. Raises `InvalidRequest`.
    """
    pipeline, rows = _ended(run)
    request: Mapping[str, Json] = run.request
    newer = pipeline
    if version != SAME:
        shared = {name: run.request[name] for name in ("input", "models", "constraints", "fresh")}
        request = {**shared, "pipeline": run.request["name"], "version": version}
        newer = chosen_pipeline(membership, parsed_request(request)).pipeline
    if stage not in {each.id for each in newer.stages}:
        raise InvalidRequest(f"There is no stage “{stage[:40]}” in it.", field="stage")
    kept = kept_stages(pipeline, newer, rows, {stage, *_stopped(pipeline, rows)})
    return _rerun(membership, run, kept, request, {stage: dict(edit)} if edit else {})


def _ended(run: Run) -> tuple[Pipeline, Mapping[str, Mapping[str, Json]]]:
    """Return the pipeline of a run that is over, and the rows of its stages. Raises `InvalidRequest`."""
    if not run.is_over:
        raise InvalidRequest("It still goes on. Cancel it, or wait for its end.")
    pipeline = stored_pipeline(run.request["definition"])
    rows = dict(run.steps.filter(kind="record", result__isnull=False).values_list("key", "result"))
    children = run.steps.filter(kind="child", status="done", key__endswith="/run")
    done = {key: {"status": EndStatus.SUCCEEDED} for key in children.values_list("key", flat=True)}
    return pipeline, {**done, **cast("dict[str, Json]", rows)}


def _stopped(pipeline: Pipeline, rows: Mapping[str, Mapping[str, Json]], inside: str = "") -> set[str]:
    """Return the stages because of which a run could not go on: what it passed over stays as it was."""
    found = set()
    for stage in pipeline.stages:
        row = rows.get(inside + stage.id, {"status": EndStatus.CANCELLED})
        passed = stage.optional or row.get("handled", "").startswith("goto:")
        if row["status"] == EndStatus.CANCELLED or (row["status"] == EndStatus.FAILED and not passed):
            found.add(stage.id)
    return found


def _resumed(
    pipeline: Pipeline, rows: Mapping[str, Mapping[str, Json]], inner: Mapping[str, Json], inside: str = ""
) -> Iterator[str]:
    """Yield the keys of the stages that a resumed run keeps, also of pipelines whose own stages failed."""
    again = _stopped(pipeline, rows, inside)
    here = {stage.id for stage in pipeline.stages if inside + stage.id in rows}
    kept = set(kept_stages(pipeline, pipeline, here, again))
    yield from (inside + name for name in pipeline.graph.order if name in kept)
    for stage in pipeline.stages:
        below = f"{inside}{stage.id}/"
        is_second = any(key.startswith(f"{below}2/") for key in rows)  # its inner stages have other keys
        if stage.id in again and not is_second and kept.issuperset(pipeline.graph.waits_for[stage.id]):
            key = inner_key(str(stage.options.get("name")), stage.options.get("version"))
            if stage.processor == KIND and key in inner:
                yield from _resumed(stored_pipeline(inner[key]["definition"]), rows, inner, f"{below}1/run/")
            if stage.processor == MAP:
                yield from _kept_items(rows, f"{below}1/item-")


def kept_stages(old: Pipeline, new: Pipeline, rows: Collection[str], again: Collection[str]) -> Iterator[str]:
    """Yield the stages of a newer definition whose results in an earlier run still hold.

    Those in `again` run again, and so does what waits for them, what is defined otherwise, or has not ended.
    """
    before = {stage.id: (stage, old.graph.node(stage.id)) for stage in old.stages}
    now = {stage.id: (stage, new.graph.node(stage.id)) for stage in new.stages}
    kept: set[str] = set()
    for name in new.graph.order if old.variables == new.variables else ():
        is_same = name in rows and name not in again and before.get(name) == now[name]
        if is_same and kept.issuperset(new.graph.waits_for[name]):
            kept.add(name)
            yield name


def _kept_items(rows: Mapping[str, Mapping[str, Json]], begin: str) -> Iterator[str]:
    """Yield the keys of the items of a list that were done."""
    for key, row in rows.items():
        inside = key.removeprefix(begin).partition("/")[2] if key.startswith(begin) else None
        if inside in {"", "run"} and row["status"] == EndStatus.SUCCEEDED:
            yield key


def _rerun(
    membership: Membership,
    run: Run,
    kept: Iterator[str],
    request: Mapping[str, Json],
    edits: Mapping[str, Json],
) -> Run:
    """Start the run with the steps of the stages that it keeps."""
    names = list(kept)
    began = {name.rpartition("/")[0] for name in names}
    wanted = [f"{inside}/{STARTED}".removeprefix("/") for inside in began]
    started = run.steps.filter(key__in=wanted).values_list("key", flat=True)
    keys = [*names, *(f"{name}/" for name in names), *started]
    earlier = {name: edit for name, edit in run.request["edits"].items() if name in names}
    payload = {**request, "edits": {**earlier, **edits}}
    origin = Origin(replaying=run, keys=keys)
    return start_run(membership=membership, kind=KIND, payload=payload, origin=origin)
