"""LangGraph on the same two graphs, in a process and an environment of its own.

Prints one JSON object a round, as `{name: {wall, cpu}}`: stages a second, by the clock
on the wall and by CPU time.
The argument is the number of rounds.
"""

from __future__ import annotations

import asyncio
import json
import operator
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # type: ignore[import-not-found]
from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]

STAGES, RUNS = 20, 40


class Count(TypedDict):
    """The state of the row of stages."""

    count: int


class Gathered(TypedDict):
    """The state of the fan: what the stages give is appended."""

    gathered: Annotated[list[int], operator.add]


async def _next(state: Count) -> Count:
    return {"count": state["count"] + 1}


async def _one(_: Gathered) -> Gathered:
    return {"gathered": [1]}


async def _none(_: Gathered) -> Gathered:
    return {"gathered": []}


def row(saver: Any) -> Any:  # noqa: ANN401  # of a library without types here
    """Return twenty stages, each after the one before."""
    graph = StateGraph(Count)
    names = [f"s{number}" for number in range(STAGES)]
    for name in names:
        graph.add_node(name, _next)
    for one, other in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(one, other)
    return graph.compile(checkpointer=saver)


def fan(saver: Any) -> Any:  # noqa: ANN401
    """Return twenty stages side by side, between one that comes first and one that comes last."""
    graph = StateGraph(Gathered)
    names = [f"s{number}" for number in range(STAGES)]
    for name, work in (("first", _none), *((name, _one) for name in names), ("last", _none)):
        graph.add_node(name, work)
    graph.add_edge(START, "first")
    for name in names:
        graph.add_edge("first", name)
    graph.add_edge(names, "last")
    graph.add_edge("last", END)
    return graph.compile(checkpointer=saver)


async def stages_per_second(run: Callable[[], Awaitable[Any]], stages: int) -> dict[str, float]:
    """Return how many stages a second several runs, one after the other, come to."""
    await run()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(RUNS):
        await run()
    in_all = RUNS * stages
    return {"wall": in_all / (time.perf_counter() - wall), "cpu": in_all / (time.process_time() - cpu)}


async def one_round() -> dict[str, dict[str, float]]:
    """Measure each graph in memory and with each stage stored in a file."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(str(Path(folder) / "saved.sqlite3")) as saver:
            await saver.setup()
            for name, graph, given, stages in (
                ("in a row", row, {"count": 0}, STAGES),
                ("fanned out", fan, {"gathered": []}, STAGES + 2),
            ):
                for where, kept, more in (("in memory", None, {}), ("stored", saver, {"durability": "sync"})):
                    compiled = graph(kept)

                    async def run(compiled: Any = compiled, given: Any = given, more: Any = more) -> None:  # noqa: ANN401
                        thread = {"configurable": {"thread_id": uuid.uuid4().hex}, "recursion_limit": 100}
                        await compiled.ainvoke(given, thread, **more)

                    found[f"{name}, {where}"] = await stages_per_second(run, stages)
    return found


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        print(json.dumps(asyncio.run(one_round())), flush=True)
