"""Wall time of strategies over the ideal, alone and with 32 runs at once.

The whole engine works: claim, journal, calls over HTTP to a loopback server that answers after 100 ms. The
ideal is what the slowest needed model takes: 100 ms, plus nothing. `in the engine` counts from the strategy's
first line to its last; `claim to end` adds taking the run up and writing it down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

DELAY_MS = 100
PANEL = 3
AT_ONCE = 32

folder = tempfile.TemporaryDirectory(prefix="orchestra-bench-")
os.environ["ORCHESTRA_DATA_DIR"] = folder.name
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestra_site.settings.dev"
os.environ["ORCHESTRA_LOG_LEVEL"] = "ERROR"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from benchmarks.figures import Figure, figure, main  # noqa: E402
from orchestra_site.accounts.models import Membership, Role, Team, User  # noqa: E402
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind  # noqa: E402
from orchestration.llm.services.resources import LoopThread, close_resources  # noqa: E402
from orchestration.runs.engine.context import RunContext  # noqa: E402
from orchestration.runs.engine.types import Outcome  # noqa: E402
from orchestration.runs.kinds import FrozenRun, register  # noqa: E402
from orchestration.runs.models import Run  # noqa: E402
from orchestration.runs.services.execution import execute_run  # noqa: E402
from orchestration.runs.services.runtime import Runtime  # noqa: E402
from orchestration.runs.services.starting import store_run  # noqa: E402
from orchestration.strategies.services.strategy_runs import StrategyKind  # noqa: E402

inside: list[float] = []


class TimedKind(StrategyKind):
    """Strategies, timed between the claim and the end."""

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Execute the run and keep how long that took, in seconds."""
        started = time.perf_counter()
        outcome = await super().execute(run, context)
        inside.append(time.perf_counter() - started)
        return outcome


@contextmanager
def upstream() -> Iterator[str]:
    """Run the loopback provider."""
    command = [sys.executable, "-m", "benchmarks.upstream", str(DELAY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.terminate()


def furnish(base_url: str) -> tuple[Membership, tuple[str, ...]]:
    """Make a team with a panel."""
    call_command("migrate", verbosity=0)
    team, user = Team.objects.create(name="Bench"), User.objects.create(email="bench@example.com")
    kind = ProviderKind.OPENAI_COMPATIBLE
    provider = Provider.objects.create(team=team, name="loopback", kind=kind, base_url=base_url)
    names = tuple(f"m{number}" for number in range(PANEL))
    for name in names:
        model = LanguageModel.objects.create(
            team=team, provider=provider, name=name, remote_name=name, max_concurrency=256
        )
        Price.objects.create(model=model, input_per_million=Decimal(1), output_per_million=Decimal(4))
    return Membership.objects.create(team=team, user=user, role=Role.OWNER), names


def run_at_once(runtime: Runtime, runs: Sequence[Run]) -> list[float]:
    """Carry runs out side by side and return how long each took."""

    async def timed(run: Run) -> float:
        started = time.perf_counter()
        await execute_run(runtime, run.id)
        return time.perf_counter() - started

    return [future.result(60) for future in [runtime.submit(timed(run)) for run in runs]]


def measure(rounds: int) -> list[Figure]:
    """Return the ratios for both strategies."""
    register(TimedKind())
    thread = LoopThread()
    thread.start()
    runtime = Runtime(thread.loop)
    runtime.start()
    figures: list[Figure] = []
    with upstream() as base_url:
        member, names = furnish(base_url)
        for name in ("parallel", "sequential"):
            request = {"text": "What is 17 * 23?", "strategy": name, "models": names}
            for at_once, goal in ((1, 1.02), (AT_ONCE, 1.10)):
                times: list[float] = []
                for round_ in range(rounds * (AT_ONCE // at_once if at_once == 1 else 1) + 1):
                    runs = [
                        store_run(membership=member, kind="strategy", payload=request) for _ in range(at_once)
                    ]
                    if round_ == 0:
                        inside.clear()
                        run_at_once(runtime, runs)  # warm-up: connections, code paths
                        inside.clear()
                        continue
                    times += run_at_once(runtime, runs)
                assert not Run.objects.exclude(status="succeeded").exists()
                ideal = DELAY_MS / 1000
                where = f"{name}, {at_once} at once"
                figures.append(
                    figure(f"{where}, in the engine", "x ideal", [t / ideal for t in inside], goal)
                )
                figures.append(figure(f"{where}, claim to end", "x ideal", [t / ideal for t in times]))
    thread.wait_for(runtime.stop(), 10)
    thread.wait_for(close_resources(), 10)
    thread.stop()
    return figures


if __name__ == "__main__":
    main(measure, rounds=3)
