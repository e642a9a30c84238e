"""Runs that go on from another one: what ended well there is taken over, the rest runs again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    kept = dict(_resumed(pipeline, rows, run.request["pipelines"], _Part()))
    return _rerun(membership, run, kept, run.request, {})


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
    same = {name: name for name in kept}
    return _rerun(membership, run, same, request, {stage: dict(edit)} if edit else {})


def _ended(run: Run) -> tuple[Pipeline, Mapping[str, Mapping[str, Json]]]:
    """Return the pipeline of a run that is over, and the rows of its stages. Raises `InvalidRequest`."""
    if not run.is_over:
        raise InvalidRequest("It still goes on. Cancel it, or wait for its end.")
    pipeline = stored_pipeline(run.request["definition"])
    rows = run.steps.filter(kind="record", result__isnull=False).values_list("key", "result")
    return pipeline, cast("dict[str, Json]", dict(rows))


def _stopped(pipeline: Pipeline, rows: Mapping[str, Mapping[str, Json]], inside: str = "") -> set[str]:
    """Return the stages because of which a run could not go on: what it passed over stays as it was."""
    found = set()
    for stage in pipeline.stages:
        row = rows.get(inside + stage.id, {"status": EndStatus.CANCELLED})
        passed = stage.optional or row.get("handled", "").startswith("goto:")
        if row["status"] == EndStatus.CANCELLED or (row["status"] == EndStatus.FAILED and not passed):
            found.add(stage.id)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A part of a run by the begin of its keys: in the run that is over, and in the one that goes on."""

    was: str = ""
    becomes: str = ""

    def below(self, was: str, becomes: str) -> _Part:
        """Return a part of this one."""
        return _Part(was=self.was + was, becomes=self.becomes + becomes)


def _resumed(
    pipeline: Pipeline, rows: Mapping[str, Mapping[str, Json]], inner: Mapping[str, Json], part: _Part
) -> Iterator[tuple[str, str]]:
    """Yield the keys of the stages that a resumed run keeps, and their keys in it.

    Of a stage that failed, what had ended in its last attempt is kept for its next one, the first in the run.
    """
    again = _stopped(pipeline, rows, part.was)
    here = {stage.id for stage in pipeline.stages if part.was + stage.id in rows}
    kept = set(kept_stages(pipeline, pipeline, here, again))
    yield from ((part.was + name, part.becomes + name) for name in pipeline.graph.order if name in kept)
    for stage in pipeline.stages:
        attempt = _last_attempt(rows, f"{part.was}{stage.id}/")
        is_same = attempt == 1 or "attempt" not in json.dumps(stage.options)
        if stage.id in again and is_same and kept.issuperset(pipeline.graph.waits_for[stage.id]):
            below = part.below(f"{stage.id}/{attempt}/", f"{stage.id}/1/")
            key = inner_key(str(stage.options.get("name")), stage.options.get("version"))
            if stage.processor == KIND and key in inner:
                of_child = stored_pipeline(inner[key]["definition"])
                yield from _resumed(of_child, rows, inner, below.below("run/", "run/"))
            if stage.processor == MAP:
                yield from _kept_items(rows, below)


def _last_attempt(rows: Iterable[str], begin: str) -> int:
    """Return the number of the last attempt of which something inside a stage has a row; 1 for none."""
    found = (key.removeprefix(begin).partition("/")[0] for key in rows if key.startswith(begin))
    return max((int(number) for number in found if number.isdecimal()), default=1)


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


def _kept_items(rows: Mapping[str, Mapping[str, Json]], part: _Part) -> Iterator[tuple[str, str]]:
    """Yield the keys of the items of a list that were done, and those in the run that goes on."""
    for key, row in rows.items():
        item = key.removeprefix(part.was) if key.startswith(part.was) else "/"
        if "/" not in item and row["status"] == EndStatus.SUCCEEDED:
            yield key, part.becomes + item


def _rerun(
    membership: Membership,
    run: Run,
    kept: Mapping[str, str],
    request: Mapping[str, Json],
    edits: Mapping[str, Json],
) -> Run:
    """Start the run with the steps of the stages that it keeps."""
    keys = {**kept, **{f"{was}/": f"{becomes}/" for was, becomes in kept.items()}}
    began = {was.rpartition("/")[0]: becomes.rpartition("/")[0] for was, becomes in kept.items()}
    wanted = {
        f"{was}/{STARTED}".removeprefix("/"): f"{becomes}/{STARTED}".removeprefix("/")
        for was, becomes in began.items()
    }
    started = run.steps.filter(key__in=wanted).values_list("key", flat=True)
    keys |= {key: wanted[key] for key in started}
    earlier = {name: edit for name, edit in run.request["edits"].items() if name in kept}
    payload = {**request, "edits": {**earlier, **edits}}
    origin = Origin(replaying=run, keys=keys)
    return start_run(membership=membership, kind=KIND, payload=payload, origin=origin)
