"""How soon an event that was stored is with those who watch the run, and whether each reaches everyone once.

One `manage.py up` carries out runs of simulated models; viewers are sockets of this process, joined where the
page would stand. The time runs from the event's own stamp, set just before it is committed, to the message
that holds it.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.typing import Origin

from benchmarks.figures import Figure, figure, main
from benchmarks.installation import Installation
from benchmarks.member import Member

EVENT = re.compile(r'<li id="event-(\d+)"')
PANEL = ("sim-swift", "sim-scout", "sim-sage")
CROWDS = ((1, 0.15), (50, 0.15), (500, 1.0))
LONGEST_S, SETTLE_S = 60.0, 5.0
ENDED = {"run_succeeded", "run_failed", "run_cancelled"}

Arrivals = dict[int, float]


async def watch(member: Member, run: str, seen: Arrivals, last: asyncio.Event) -> None:
    """Note when each event of a run arrives, until `last` says that all have had the time to."""
    address = f"{member.address.replace('http://', 'ws://')}ws/runs/{run}/?after=0"
    origin, headers = Origin(member.address.rstrip("/")), {"cookie": member.cookies}
    async with connect(
        address, origin=origin, additional_headers=headers, max_size=None, open_timeout=LONGEST_S
    ) as socket:
        while not last.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    message = str(await socket.recv())
                now = time.time()
                for number in map(int, EVENT.findall(message)):
                    assert number not in seen, f"event {number} came twice"
                    seen[number] = now


def stored(site: Installation, run: str) -> dict[int, tuple[str, float]]:
    """Return each event's kind and stamp."""
    rows = site.rows("select seq, kind, at from runs_event where run_id = ?", [UUID(run).hex])
    return {seq: (kind, datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) for seq, kind, at in rows}


async def crowd(site: Installation, member: Member, viewers: int) -> list[float]:
    """Return the seconds from stamp to arrival, of every event at every viewer that had joined by then."""
    run = await asyncio.to_thread(member.ask, "What is 17 * 23?", PANEL, "voting", **{"options.waves": "1"})
    seen: list[Arrivals] = [{} for _ in range(viewers)]
    last = asyncio.Event()
    tasks = [asyncio.create_task(watch(member, run, each, last)) for each in seen]
    ends = time.monotonic() + LONGEST_S
    while not ENDED & {kind for kind, _ in (await asyncio.to_thread(stored, site, run)).values()}:
        assert time.monotonic() < ends, "the run did not end"
        await asyncio.sleep(0.2)
    events = await asyncio.to_thread(stored, site, run)
    await asyncio.sleep(SETTLE_S)
    last.set()
    await asyncio.gather(*tasks)
    assert all(each.keys() == events.keys() for each in seen), "an event was lost"
    joined = [min(each.values()) for each in seen]
    return [
        arrived - events[seq][1]
        for each, since in zip(seen, joined, strict=True)
        for seq, arrived in each.items()
        if events[seq][1] > since
    ]


def measure(rounds: int) -> Sequence[Figure]:
    """Return the 95th percentile of each crowd's delays, over several runs."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        site = Installation(Path(folder), ORCHESTRA_SIMULATED_PACE="4")
        site.up()
        member = site.member()
        asyncio.run(crowd(site, member, 1))  # warm-up: templates, code paths
        for viewers, goal in CROWDS:
            delays = [asyncio.run(crowd(site, member, viewers)) for _ in range(rounds)]
            worst = [quantiles(each, n=20)[-1] for each in delays]
            figures.append(figure(f"stored to seen, p95, {viewers} viewers", "s", worst, goal))
        site.stop()
    return figures


if __name__ == "__main__":
    main(measure, rounds=3)
