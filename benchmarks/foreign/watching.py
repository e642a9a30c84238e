"""Looking at a run while it is under way, over the socket of its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.member import Member
from benchmarks.waiting import until

PATCH = re.compile(r'<div id="text-([0-9a-f-]{36})" hx-swap-oob="(innerHTML|beforeend)">([^<]*)</div>')
OVER = {"succeeded", "failed", "cancelled"}
END_WITHIN_S = 120.0
SILENCE_S = 0.5
"""So long says a socket nothing before the run is looked at, which would take time that the texts use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """A call's text has grown to `length` characters on the page."""

    call: str
    length: int


def growths(member: Member, run: str) -> Iterator[Growth]:
    """Yield every growth of a text that a page open since the run's start sees, until the run is over."""
    lengths: dict[str, int] = {}
    address = f"{member.address.replace('http://', 'ws://')}ws/runs/{run}/?after=0"
    origin, headers = Origin(member.address.rstrip("/")), {"cookie": member.cookies}
    with connect(address, origin=origin, additional_headers=headers, max_size=None) as socket:
        while True:
            try:
                message = str(socket.recv(timeout=SILENCE_S))
            except TimeoutError:
                if member.run(run)["status"] in OVER:
                    return
                continue
            for call, swap, text in PATCH.findall(message):
                before = lengths.get(call, 0)
                lengths[call] = len(text) + (before if swap == "beforeend" else 0)
                if lengths[call] > before:
                    yield Growth(call=call, length=lengths[call])


def ended(member: Member, run: str) -> dict[str, Any]:
    """Wait until a run is over and return it."""

    def look() -> dict[str, Any]:
        told = member.run(run)
        return told if told["status"] in OVER else {}

    return until(look, END_WITHIN_S, "the run's end")


def calls_of(run: dict[str, Any], model: str) -> list[dict[str, Any]]:
    """Return a model's calls in a run."""
    return [call for call in run["calls"] if call["model"] == model]
