"""Sessions side by side: where they part, and what was decided and done otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from collaboration.parts.reports import report_context, session_document
from orchestration.runs.models import Run
from orchestration.strategies.engine.types import counted

Shown = Mapping[str, Any]
LONGEST_CELL = 160


def compared_sessions(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what differs between sessions; each line says whether all of them have the same."""
    found = [report_context(session_document(run)) for run in runs]
    return {
        "partings": [_parting(found[0], other, number) for number, other in enumerate(found[1:], start=2)],
        "tables": [
            ("Participants", list(_lines(found, "members", lambda each: each["name"], _member))),
            ("Decisions", list(_lines(found, "decided", lambda each: each["question"], _decision))),
            ("Subtasks", list(_lines(found, "subtasks", lambda each: each["title"], _subtask))),
        ],
    }


def _parting(first: Shown, other: Shown, number: int) -> dict[str, Any]:
    """Return up to which message two sessions are the same, and what each says next."""
    pairs = zip(first["talk"], other["talk"], strict=False)
    same = next((n for n, (a, b) in enumerate(pairs) if _said(a) != _said(b)), None)
    same = min(len(first["talk"]), len(other["talk"])) if same is None else same
    fork = other["d"]["fork"] or {}
    return {
        "number": number,
        "same": same,
        "at": first["talk"][same - 1]["at"] if same else 0.0,
        "fork": fork if fork.get("of") == first["d"]["run_id"] else None,
        "next": [shown["talk"][same] if same < len(shown["talk"]) else None for shown in (first, other)],
    }


def _said(message: Shown) -> tuple[str, str]:
    return message["sender"], message["text"]


def _lines(
    found: Sequence[Shown], name: str, key: Callable[[Shown], str], cell: Callable[[Shown], str]
) -> Iterator[dict[str, Any]]:
    """Yield a line for each thing that one of the sessions has, with what each says of it."""
    columns: list[dict[tuple[str, int], str]] = []
    for shown in found:
        seen: Counter[str] = Counter()
        column = {}
        for each in shown[name]:
            words = " ".join(key(each).split())
            seen[words.casefold()] += 1
            column[words, seen[words.casefold()]] = cell(each)
        columns.append(column)
    for line in dict.fromkeys(key for column in columns for key in column):
        cells = [column.get(line, "") for column in columns]
        yield {"words": line[0], "cells": cells, "differs": len(set(cells)) > 1}


def _member(each: Shown) -> str:
    share = "" if each["impact"] is None else f", {each['impact']:.0%} impact"
    return f"{each['role']}, {each['model'] or 'person'}, {each['status']}{share}"


def _decision(each: Shown) -> str:
    said = Counter(vote["said"] for vote in each["votes"])
    votes = ", ".join(f"{count} {word}" for word, count in said.items())
    chosen = each["selected"][:LONGEST_CELL]
    words = " ".join(each["options"].get(each["selected"], "").split())[:LONGEST_CELL]
    return f"{chosen}{f': {words}' if words else ''}{f' ({votes})' if votes else ''}"


def _subtask(each: Shown) -> str:
    score = "" if each["score"] is None else f", review {each['score']:.0%}"
    sent_back = f", sent back {counted(each['returns'], 'time')}" if each["returns"] else ""
    return f"{each['status']}, by {each['by']}{score}{sent_back}"
