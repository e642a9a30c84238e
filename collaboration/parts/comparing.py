"""What of a session is compared with other runs: who took part, what was decided and done, what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from collaboration.parts.reports import report_context, session_document
from orchestration.runs.kinds import ComparedDetails
from orchestration.runs.models import Run
from orchestration.strategies.engine.types import counted

LONGEST_CELL = 160


def compared_session(run: Run) -> ComparedDetails:
    """Return a session as it is laid beside other runs."""
    shown = report_context(session_document(run))
    fork = shown["d"]["fork"]
    return ComparedDetails(
        tables={
            "Participants": [(each["name"], _member(each)) for each in shown["members"]],
            "Decisions": [(each["question"], _decision(each)) for each in shown["decided"]],
            "Subtasks": [(each["title"], _subtask(each)) for each in shown["subtasks"]],
        },
        story=[(each["from"], each["text"], each["at"]) for each in shown["talk"]],
        note=f"A fork, after entry {fork['entry']}. {fork['words']}" if fork else "",
    )


def _member(each: Mapping[str, Any]) -> str:
    share = "" if each["impact"] is None else f", {each['impact']:.0%} impact"
    return f"{each['role']}, {each['model'] or 'person'}, {each['status']}{share}"


def _decision(each: Mapping[str, Any]) -> str:
    said = Counter(vote["said"] for vote in each["votes"])
    votes = ", ".join(f"{count} {word}" for word, count in said.items())
    chosen, words = each["selected"], " ".join(each["options"].get(each["selected"], "").split())
    return f"{chosen[:LONGEST_CELL]} {words[:LONGEST_CELL]} {f'({votes})' if votes else ''}".rstrip()


def _subtask(each: Mapping[str, Any]) -> str:
    score = "" if each["score"] is None else f", review {each['score']:.0%}"
    sent_back = f", sent back {counted(each['returns'], 'time')}" if each["returns"] else ""
    return f"{each['status']}, by {each['by']}{score}{sent_back}"
