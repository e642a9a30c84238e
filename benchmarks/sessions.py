"""Fifty sessions at once on the embedded profile: how soon all are done, and how live their pages stay.

One `manage.py up` runs sessions of the gallery's line-ups on the simulated models, each watched by a socket
that joins where its page would stand. A delay runs from the event's own stamp to the message that holds it.
And what an entry costs in a long session: the reducer and its row, without models or a database.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles

from benchmarks.figures import Figure, figure, main
from benchmarks.installation import Installation
from benchmarks.member import RUN, Member
from benchmarks.viewers import SETTLE_S, Arrivals, stored, watch
from collaboration.engine.lineup import read_lineup
from collaboration.engine.records import session_row
from collaboration.engine.session import advance, open_session
from collaboration.engine.state import Acted, Answered
from orchestration.runs.engine.types import Person

SESSIONS, MESSAGES = 50, 2_000
ENDS_WITHIN_S = 600.0
LINEUPS = ("research-brief", "design-review", "code-review-panel", "devils-advocate", "incident-analysis")
SUBJECTS = ("the newsletter", "the checkout", "the search page", "the sign-in", "the invoices")
TASK = (
    "Decide what to change about {} in release {}. The change may cost {} euros. Readers use their phones."
    " Say what happens to old links, and who tells the customers."
)
ENDED = (
    "select count(*) from runs_run where kind = 'session' and status in ('succeeded', 'failed', 'cancelled')"
)
FAILED = "select count(*) from runs_run where kind = 'session' and status <> 'succeeded'"


def begin(member: Member, lineup: str, task: str) -> str:
    """Start a session from its form and return the id of its run."""
    answer = member.post("/sessions/start", {"text": task, "lineup": lineup})
    found = RUN.search(answer.headers.get("location", ""))
    assert found is not None, answer.text[:2000]
    return found[1]


def used(pid: int) -> tuple[float, float]:
    """Return the seconds of processor time of a process, and the most memory it has had, in MB."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    most = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(most) / 1024


async def crowd(site: Installation, member: Member, sessions: int) -> dict[str, float]:
    """Run sessions at once, each with a viewer; return what they took."""
    ended = site.rows(ENDED)[0][0]
    cpu, memory = used(site.process.pid)
    began, subjects, last = time.monotonic(), cycle(SUBJECTS), asyncio.Event()
    seen: dict[str, Arrivals] = {}
    viewers = []
    for number in range(sessions):
        task = TASK.format(next(subjects), number, 100 * number)
        run = await asyncio.to_thread(begin, member, LINEUPS[number % len(LINEUPS)], task)
        seen[run] = {}
        viewers.append(asyncio.create_task(watch(member, run, seen[run], last)))
    started = time.monotonic() - began
    while (await asyncio.to_thread(site.rows, ENDED))[0][0] < ended + sessions:
        assert time.monotonic() < began + ENDS_WITHIN_S, "the sessions did not end"
        await asyncio.sleep(0.25)
    seconds = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    last.set()
    await asyncio.gather(*viewers)
    after_cpu, after_memory = used(site.process.pid)
    delays, lost = [], 0
    for run, arrivals in seen.items():
        events = await asyncio.to_thread(stored, site, run)
        joined = min(arrivals.values(), default=0.0)
        lost += len(events.keys() - arrivals.keys())
        delays += [at - events[seq][1] for seq, at in arrivals.items() if events[seq][1] > joined]
    return {
        "started": started,
        "seconds": seconds,
        "p95": quantiles(delays, n=20)[-1],
        "lost": float(lost),
        "cpu": (after_cpu - cpu) / sessions,
        "memory": after_memory - memory,
    }


def entries() -> tuple[float, float]:
    """Return the milliseconds that an entry costs in the first and in the last tenth of a long session."""
    people = [
        {"id": "lead", "role": "leader", "model": "m"},
        {"id": "scout", "role": "executor", "model": "m"},
        {"id": "ana", "role": "reviewer", "user": "u"},
    ]
    rules = {"negotiation": {"rounds": 0}, "limits": {"messages": 5_000}}
    lineup, problems = read_lineup({"name": "long", "participants": people, **rules})
    assert lineup is not None, problems
    state = open_session(lineup, "Describe the harbour of Genoa.", {}).state
    took: list[float] = []
    for number in range(MESSAGES):
        said = {"do": "say", "text": f"Remark {number} on the trade of Genoa, and on what it cost then."}
        began = time.perf_counter()
        step = advance(state, Acted(at=float(number), by=Person(id="u", name="Ana"), payload=said))
        session_row(state, step, float(number))
        took.append(1_000 * (time.perf_counter() - began))
        state = step.state
        for each in [each for each in state.pending.values() if each.kind == "summarise"]:
            summary = Answered(at=float(number), action=each.number, content="The trade was spoken of.")
            state = advance(state, summary).state
    tenth = MESSAGES // 10
    return median(took[:tenth]), median(took[-tenth:])


def measure(rounds: int) -> Sequence[Figure]:
    """Return the figures of several crowds, and of the reducer alone."""
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        site = Installation(Path(folder))
        site.up()
        member = site.member()
        asyncio.run(crowd(site, member, 2))  # warm-up: templates, code paths
        found = [asyncio.run(crowd(site, member, SESSIONS)) for _ in range(rounds)]
        failed = site.rows(FAILED)[0][0]
        site.stop()
    pairs = [entries() for _ in range(rounds)]
    names = {
        "seconds": (f"{SESSIONS} sessions at once, until all are done", "s", None),
        "started": ("of it, until the last was started from its page", "s", None),
        "p95": (f"stored to seen, p95, {SESSIONS} viewers", "s", 2.0),
        "lost": ("events lost", "events", 0.0),
        "cpu": ("processor time a session", "s", None),
        "memory": ("memory that they add", "MB", None),
    }
    figures = [
        figure(name, unit, [each[key] for each in found], goal) for key, (name, unit, goal) in names.items()
    ]
    return [
        *figures,
        figure("sessions without a result", "sessions", [failed], 0),
        figure(f"an entry, first of {MESSAGES} messages", "ms", [first for first, _ in pairs]),
        figure(f"an entry, last of {MESSAGES} messages", "ms", [last for _, last in pairs]),
    ]


if __name__ == "__main__":
    main(measure, rounds=1)
