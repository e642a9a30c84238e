"""Stages a second of the pipeline engine, beside LangGraph on the same graphs; 200 pipelines at once.

Twenty stages that do nothing in a row, and side by side between two others; in memory, and with each stage
stored in a SQLite file. In memory the whole runner works over a journal that keeps its records in a list.
Stored, a run is claimed, executed, journaled and ended as any other is, through the one writer.

Each comparison is made by the clock on the wall, and by the CPU time of all threads of the process, which
other work on the machine hardly changes. Our rounds and those of the peer alternate.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

folder = tempfile.TemporaryDirectory(prefix="orchestra-bench-")
os.environ["ORCHESTRA_DATA_DIR"] = folder.name
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestra_site.settings.dev"
os.environ["ORCHESTRA_LOG_LEVEL"] = "ERROR"

import django  # noqa: E402

django.setup()

from benchmarks.environments import python_with  # noqa: E402
from benchmarks.figures import Figure, figure, main  # noqa: E402
from orchestra_site.accounts.models import Membership  # noqa: E402
from orchestra_site.accounts.selectors import first_member  # noqa: E402
from orchestration.expressions.documents import read_document  # noqa: E402
from orchestration.llm.engine.types import Delta, Json  # noqa: E402
from orchestration.llm.services.registry.seeding import prepare_installation  # noqa: E402
from orchestration.llm.services.resources import LoopThread, close_resources  # noqa: E402
from orchestration.runs.engine.budget import Limits  # noqa: E402
from orchestration.runs.engine.claim import ClaimState, Dependencies, ReplayState  # noqa: E402
from orchestration.runs.engine.context import RunContext  # noqa: E402
from orchestration.runs.engine.records import Record  # noqa: E402
from orchestration.runs.models import Run, RunStatus  # noqa: E402
from orchestration.runs.services.execution import execute_run  # noqa: E402
from orchestration.runs.services.runtime import Runtime  # noqa: E402
from orchestration.runs.services.starting import store_run  # noqa: E402
from pipelines.engine.definition import pipeline_from  # noqa: E402
from pipelines.engine.plans import PipelinePlan, pipeline_plan  # noqa: E402
from pipelines.engine.processor import RunInfo  # noqa: E402
from pipelines.engine.processors import PROCESSORS  # noqa: E402
from pipelines.engine.running import PipelineInput, run_pipeline  # noqa: E402
from pipelines.engine.stages import StageRunner  # noqa: E402

STAGES, RUNS, STORED_RUNS, AT_ONCE = 20, 100, 20, 200
PEER = Path(__file__).parent / "langgraph"
SUPPORT = Path(__file__).parent.parent / "pipelines" / "gallery" / "support_reply.yaml"


def _stage(id: str, *needs: str) -> dict[str, Json]:
    return {"id": id, "processor": "transform", "needs": list(needs)}


NAMES = [f"s{number}" for number in range(STAGES)]
GRAPHS = {
    "in a row": [_stage(name, *NAMES[max(0, place - 1) : place]) for place, name in enumerate(NAMES)],
    "fanned out": [_stage("first"), *(_stage(name, "first") for name in NAMES), _stage("last", *NAMES)],
}


@dataclass
class ListLog:
    """A journal that keeps its records in a list."""

    records: list[Record] = field(default_factory=list)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def write(self, *records: Record) -> Awaitable[None]:
        """Keep records; they are committed at once."""
        self.records += records
        if not self.done.done():
            self.done.set_result(None)
        return self.done

    def show(self, call: str, delta: Delta) -> None:
        """Show nothing."""


def _no_child(*_: object) -> Any:  # noqa: ANN401
    raise NotImplementedError


def _context() -> RunContext:
    dependencies = Dependencies(
        log=ListLog(),
        clock=time.monotonic,
        wall_clock=lambda: datetime.now(UTC),
        new_id=lambda: "",
        child=_no_child,
    )
    return RunContext(ClaimState(dependencies=dependencies, limits=Limits(), replay=ReplayState(), seed=1))


def _definition(name: str) -> dict[str, Json]:
    return {"schema_version": 1, "name": "bench", "stages": GRAPHS[name]}


class Rate(NamedTuple):
    """Stages a second, by the clock on the wall and by CPU time."""

    wall: float
    cpu: float


async def _rate(stages: int, works: Iterable[Awaitable[object]]) -> Rate:
    """Return the stages a second of works of so many stages in all, one after the other."""
    wall, cpu = time.perf_counter(), time.process_time()
    for work in works:
        await work
    return Rate(stages / (time.perf_counter() - wall), stages / (time.process_time() - cpu))


async def in_memory(plan: PipelinePlan) -> Rate:
    """Return the rate of runs one after the other."""
    runner = StageRunner(processors=PROCESSORS, info=RunInfo())
    await run_pipeline(plan, PipelineInput(value=1), runner, _context())
    runs = (run_pipeline(plan, PipelineInput(value=1), runner, _context()) for _ in range(RUNS))
    return await _rate(RUNS * len(plan.stages), runs)


def stored(member: Membership, runtime: Runtime, name: str) -> Rate:
    """Return the rate of runs one after the other, from the claim to the end of each."""
    payload = {"definition": _definition(name), "input": 1}
    runs = [store_run(membership=member, kind="pipeline", payload=payload) for _ in range(STORED_RUNS + 1)]
    runtime.submit(execute_run(runtime, runs[0].id)).result(60)

    works = (execute_run(runtime, run.id) for run in runs[1:])
    return runtime.submit(_rate(STORED_RUNS * len(GRAPHS[name]), works)).result(120)


def many_at_once(member: Membership, runtime: Runtime) -> tuple[float, float]:
    """Return the seconds that 200 support pipelines take until each waits for a person, and the MB used."""
    definition = read_document(SUPPORT.read_text(encoding="utf-8"), "yaml")
    payload = {"definition": definition, "input": {"text": "Where is my order 1234?"}}
    runs = [store_run(membership=member, kind="pipeline", payload=payload) for _ in range(AT_ONCE)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    for future in [runtime.submit(execute_run(runtime, run.id)) for run in runs]:
        future.result(300)
    seconds = time.perf_counter() - started
    ended = Run.objects.filter(pk__in=[run.pk for run in runs])
    assert set(ended.values_list("status", flat=True)) <= {RunStatus.WAITING, RunStatus.SUCCEEDED}
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def measure(rounds: int) -> list[Figure]:
    """Return ours, the peer's and the ratio of each round's pair."""
    prepare_installation()
    member = first_member("")
    assert member is not None
    python = python_with(PEER / "requirements.txt", "langgraph")
    plans = {}
    for name in GRAPHS:
        read, _ = pipeline_from(_definition(name))
        assert read is not None
        plans[name] = pipeline_plan(read, PROCESSORS)
    thread = LoopThread()
    thread.start()
    runtime = Runtime(thread.loop)
    runtime.start()
    ours: dict[str, list[Rate]] = {}
    peers: dict[str, list[Rate]] = {}
    loads: list[tuple[float, float]] = []
    for _ in range(rounds):
        for name, plan in plans.items():
            ours.setdefault(f"{name}, in memory", []).append(asyncio.run(in_memory(plan)))
            ours.setdefault(f"{name}, stored", []).append(stored(member, runtime, name))
        command = [str(python), str(PEER / "peer.py"), "1"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for name, value in json.loads(printed).items():
            peers.setdefault(name, []).append(Rate(**value))
    loads += [many_at_once(member, runtime) for _ in range(rounds)]
    thread.wait_for(runtime.stop(), 10)
    thread.wait_for(close_resources(), 10)
    thread.stop()
    return [*_compared(ours, peers), *_loads(loads)]


def _compared(ours: Mapping[str, Sequence[Rate]], peers: Mapping[str, Sequence[Rate]]) -> list[Figure]:
    figures = []
    for name, rates in ours.items():
        pairs = list(zip(rates, peers[name], strict=True))
        figures.append(figure(f"{name}, ours", "stages/s", [mine.wall for mine, _ in pairs]))
        figures.append(figure(f"{name}, LangGraph", "stages/s", [theirs.wall for _, theirs in pairs]))
        by_wall = [mine.wall / theirs.wall for mine, theirs in pairs]
        figures.append(figure(f"{name}, ratio", "x LangGraph", by_wall, 8))
        by_cpu = [mine.cpu / theirs.cpu for mine, theirs in pairs]
        figures.append(figure(f"{name}, ratio by CPU time", "x LangGraph", by_cpu, 8))
    return figures


def _loads(loads: Sequence[tuple[float, float]]) -> list[Figure]:
    return [
        figure(f"{AT_ONCE} support pipelines at once", "s", [seconds for seconds, _ in loads]),
        figure("memory that they add", "MB", [memory for _, memory in loads]),
    ]


if __name__ == "__main__":
    main(measure, rounds=5)
