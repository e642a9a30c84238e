"""What fast and misbehaving models do to everything else.

Models of `tests.support.misbehaviour`, and healthy ones beside them, are asked on a loop of this process,
whose turns are timed; their server is a process of its own. Then one `manage.py up` reads a stream of 65,000
events while pages are fetched.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, figure, main
from benchmarks.installation import Installation
from benchmarks.member import Member
from benchmarks.waiting import until
from orchestration.llm.engine.errors import ModelError
from tests.support.misbehaviour import KINDS
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.transport import PROMPT, SHORT, chat_model, loopback_client

EVENTS, PIECE = 65_000, 16
FLOOD = Behaviour(text="sixteen letters " * EVENTS, piece=PIECE, chunk=4096)
HEALTHY = ("healthy", "healthy too")  # the server answers unknown models well
PAGES = ("/", "/runs/", "/models/")
ROUNDS_OF_PAGES = 10
STORED = """
from orchestra_site.accounts.models import Team
from orchestration.llm.models import LanguageModel, Provider
team = Team.objects.get()
provider = Provider.objects.create(team=team, name="flood", kind="openai_compatible", base_url="{address}")
LanguageModel.objects.create(
    team=team, provider=provider, name="flood", remote_name="flood", max_output_tokens=500_000
)
"""


def serve(told: Connection) -> None:
    """Serve every kind of misbehaving model and the flood, and send the address, until this is killed."""

    async def serving() -> None:
        server = OpenAIServer()
        server.by_model = {name: behaviour for name, (behaviour, _) in KINDS.items()} | {"flood": FLOOD}
        await server.start()
        told.send(server.base_url)
        await asyncio.Event().wait()

    asyncio.run(serving())


@contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own; give its address."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        assert here.poll(20), "the server did not start"
        yield here.recv()
    finally:
        process.kill()
        process.join()


async def longest_turn(base_url: str) -> float:
    """Ask every misbehaving model at once; return the longest time that the loop did not turn, in seconds."""
    longest, last = 0.0, time.perf_counter()

    async def turning() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    async with loopback_client() as client:

        async def ask(name: str) -> None:
            model = chat_model(client, base_url, deadlines=SHORT)
            model.spec = type(model.spec)(name=name, provider="p", remote_name=name, max_output_tokens=64)
            with suppress(ModelError):
                await model.complete(PROMPT)

        task = asyncio.create_task(turning())
        await asyncio.gather(*map(ask, [*KINDS, *HEALTHY]))
        task.cancel()
    return longest


def slowest(member: Member) -> float:
    """Return the seconds that the slowest of the pages took."""
    worst = 0.0
    for page in PAGES:
        began = time.perf_counter()
        assert member.client.get(page).is_success
        worst = max(worst, time.perf_counter() - began)
    return worst


def resident(site: Installation) -> float:
    """Return the megabytes that the process has in memory."""
    status = Path(f"/proc/{site.process.pid}/status").read_text(encoding="utf-8")
    (line,) = (each for each in status.splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def flooded(site: Installation, member: Member) -> tuple[float, float, float]:
    """Return how much slower the slowest page was, how much memory stayed, and the seconds of the stream."""
    usual = median(slowest(member) for _ in range(ROUNDS_OF_PAGES))
    before, began = resident(site), time.perf_counter()
    run = member.ask(f"Count up to {began}.", ["flood"], "parallel")
    during = [slowest(member)]
    while member.run(run)["status"] in {"queued", "running"}:
        during.append(slowest(member))
    took = time.perf_counter() - began
    time.sleep(2)
    return max(during) / usual, resident(site) / before - 1, took


def measure(rounds: int) -> Sequence[Figure]:
    """Return the longest turn of the loop, and what a flood does to pages and memory."""
    with serving() as address, tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        turns = [1000 * asyncio.run(longest_turn(address)) for _ in range(rounds)]
        site = Installation(Path(folder))
        site.up()
        stored = site.manage("shell", "-c", STORED.format(address=address))
        assert stored.returncode == 0, stored.stderr
        member = until(site.member, 10, "signing in")
        flooded(site, member)  # warm-up: templates, code paths, buffers
        floods = [flooded(site, member) for _ in range(rounds)]
        site.stop()
    return [
        figure("loop blocked by misbehaving models", "ms", turns, 200),
        figure("slowest page during a flood, to usual", "x", [each[0] for each in floods], 3),
        figure("memory that stays after a flood", "%", [100 * each[1] for each in floods], 20),
        figure("a flood of 65,000 events", "s", [each[2] for each in floods]),
    ]


if __name__ == "__main__":
    main(measure, rounds=3)
