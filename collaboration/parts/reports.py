"""A session as a document: the record from which its report is printed, saved as Markdown, exported as JSON.

What only a person was told, that a move of theirs was refused, is left out: a document leaves the team, and
nothing followed from the move. What a model was told about an answer that could not be used is part of it: it
says why a stance is missing, and what the second answer cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string
from django.utils.text import Truncator

from collaboration.engine.phases import Phase
from collaboration.engine.records import gathered
from collaboration.parts import room
from collaboration.selectors import SESSION_ROWS
from orchestration.llm.engine.types import Json, plain
from orchestration.runs.models import Run

ENDED = (Phase.COMPLETED, Phase.FAILED)
OF_DECISIONS = ("number", "question", "options", "votes", "selected", "rationale", "at", "entry")
LONGEST_TITLE = 140
OF_MEMBERS = ("id", "name", "role", "specialty", "model", "status", "why", "calls")


def session_document(run: Run) -> dict[str, Json]:
    """Return the whole record of a session as plain JSON; docs/sessions.md has its keys.

    Money is US dollars, times are seconds, scores and impacts run from 0 to 1; the impacts sum to 1. Where a
    session waits for a person its status is `waiting`, and it goes on where a worker is.
    """
    rows = SESSION_ROWS.of(run.pk).values()
    session = gathered(run.prompt, rows)
    ending, start, end = session["ending"] or {}, run.started_at, run.finished_at
    members = list(room.members(session, list(run.calls.only("run", "step", "cost_usd"))))
    people = room.people(session)
    said = [each for each in session["messages"] if not room.is_private(each, people)]
    written = {
        "run_id": run.id,
        "session_id": run.id,
        "status": run.status,
        "phase": session["phase"],
        "task": session["task"],
        "lineup": _lineup(run),
        "result": session["result"] or None,
        "conclusion": ending.get("words"),
        "consensus": ending.get("consensus"),
        "quality": ending.get("quality"),
        "participants": [_only(each, OF_MEMBERS) | {"cost_usd": float(each["cost_usd"])} for each in members],
        "subtasks": session["subtasks"],
        "proposals": _proposals(session, room.rounds(rows)),
        "decisions": [{"type": each["kind"], **_only(each, OF_DECISIONS)} for each in session["decisions"]],
        "messages": said,
        "withheld": len(session["messages"]) - len(said),
        "contributions": ending.get("contributions", []),
        "cost_by_role": _by_role(members),
        "phases": _phases(session),
        "entries": session["entries"],
        "fork": session["fork"] and {**session["fork"], "cost_usd": float(session["fork"]["cost_usd"])},
        "cost_usd": float(run.cost_usd),
        "latency_s": round((end - start).total_seconds(), 3) if start and end else 0.0,
        "started_at": _moment(start),
        "finished_at": _moment(end),
        "error": run.error or None,
        "caveat": run.caveat or None,
    }
    found: dict[str, Json] = plain(written)
    return found


def _only(each: Mapping[str, Json], names: Sequence[str]) -> dict[str, Json]:
    return {name: each[name] for name in names}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _lineup(run: Run) -> dict[str, Json]:
    lineup = run.request.get("lineup") or {}
    return {
        "name": run.ref,
        "title": lineup.get("title") or run.ref,
        "version": run.request.get("version"),
    }


def _proposals(session: Mapping[str, Json], rounds: Mapping[str, Json]) -> list[dict[str, Json]]:
    return [{**each, "rounds": rounds.get(each["id"], [])} for each in session["proposals"]]


def _by_role(members: Sequence[Mapping[str, Any]]) -> list[dict[str, Json]]:
    """Return what each role cost, the dearest first."""
    costs: dict[str, Decimal] = defaultdict(Decimal)
    calls: dict[str, int] = defaultdict(int)
    for each in members:
        costs[each["role"]] += each["cost_usd"]
        calls[each["role"]] += each["calls"]
    found = [{"role": role, "calls": calls[role], "cost_usd": float(costs[role])} for role in costs]
    return sorted(found, key=lambda each: -each["cost_usd"])


def _phases(session: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the phases in order, each with its first second of session time, and how long it took."""
    found: list[dict[str, Json]] = []
    for each in session["messages"]:
        if not found or found[-1]["phase"] != each["phase"]:
            found.append({"phase": each["phase"], "at": each["at"] if found else 0.0})
    ends = [*(each["at"] for each in found[1:]), session["seconds"]]
    pairs = zip(found, ends, strict=False)
    return [{**each, "seconds": end - each["at"]} for each, end in pairs if each["phase"] not in ENDED]


def report_context(document: Mapping[str, Json]) -> dict[str, Any]:
    """Return a document with the names of those it is about, as its page and its Markdown show it."""
    names = room.names_of(document)
    impacts = {each["participant"]: each["impact"] for each in document["contributions"]}
    return {
        "d": document,
        "title": Truncator(" ".join(document["task"].split())).chars(LONGEST_TITLE),
        "members": [{**each, "impact": impacts.get(each["id"])} for each in document["participants"]],
        "contributions": [{**each, "name": names[each["participant"]]} for each in document["contributions"]],
        "subtasks": [_subtask(each, names) for each in document["subtasks"]],
        "proposals": [{**each, "by": names.get(each["by"], each["by"])} for each in document["proposals"]],
        "decided": [room.decision({"kind": each["type"], **each}, names) for each in document["decisions"]],
        "talk": [room.message(each, names) for each in document["messages"]],
        "last_fork": document["entries"] - (document["phase"] in ENDED),
    }


def _subtask(each: Mapping[str, Json], names: room.Names) -> dict[str, Any]:
    by = names.get(each["author"] or each["assignee"], "nobody")
    return {**each, "by": by, "mark": room.MARKS[each["status"]]}


def report_markdown(document: Mapping[str, Json]) -> str:
    """Return a document as Markdown, out of which no text of people and models can break."""
    text: str = render_to_string("collaboration/session_report.md", report_context(document))
    while "\n\n\n" in text:  # of a part that is not there: a text that is quoted has none
        text = text.replace("\n\n\n", "\n\n")
    return f"{text.strip()}\n"
