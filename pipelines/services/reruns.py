"""Runs that go on from another one: what ended well there is taken over, the rest runs again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.starting import Origin, start_run
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.running import STARTED
from pipelines.engine.scheduling import StageStatus
from pipelines.selectors import KIND
from pipelines.services.freezing import chosen_pipeline, parsed_request, stored_pipeline

SAME: Final = "same"


def resume(*, membership: Membership, run: Run) -> Run:
    """Start a run that goes on where another one of the same definition failed or was cancelled.

    Raises `InvalidRequest`.
    """
    pipeline, rows = _ended(run)
    again = _stopped(pipeline, rows)
    if not again and run.status == "succeeded":
        raise InvalidRequest("All of its stages have ended well: there is nothing to resume.")
    return _rerun(membership, run, kept_stages(pipeline, pipeline, rows, again), run.request, {})


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
    names = [stage.id for stage in pipeline.stages]
    rows = run.steps.filter(kind="record", key__in=names).values_list("key", "result")
    return pipeline, {name: row for name, row in rows if row is not None}


def _stopped(pipeline: Pipeline, rows: Mapping[str, Mapping[str, Json]]) -> set[str]:
    """Return the stages that did not end well enough for others to go on."""
    return {stage.id for stage in pipeline.stages if _stopped_it(stage, rows.get(stage.id))}


def _stopped_it(stage: Stage, row: Mapping[str, Json] | None) -> bool:
    """Return whether a run could not go on because of a stage: one that it passed over stays as it was."""
    if row is None or row["status"] == StageStatus.CANCELLED:
        return True
    is_passed = stage.optional or row["handled"].startswith("goto:")
    return bool(row["status"] == StageStatus.FAILED and not is_passed)


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


def _rerun(
    membership: Membership,
    run: Run,
    kept: Iterator[str],
    request: Mapping[str, Json],
    edits: Mapping[str, Json],
) -> Run:
    """Start the run with the steps of the stages that it keeps."""
    names = list(kept)
    started = run.steps.filter(key=STARTED).values_list("key", flat=True)
    keys = [*names, *(f"{name}/" for name in names), *(started if names else ())]
    earlier = {name: edit for name, edit in run.request["edits"].items() if name in names}
    payload = {**request, "edits": {**earlier, **edits}}
    origin = Origin(replaying=run, keys=keys)
    return start_run(membership=membership, kind=KIND, payload=payload, origin=origin)
