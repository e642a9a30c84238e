"""What the run page shows of a session: who takes part, subtasks, decisions, and what was said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from collaboration.engine.running import ACTION, BEGAN, LOG
from collaboration.selectors import LINEUPS, session_record
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.runs.kinds import CALL_EVENTS, KindPage, Section
from orchestration.runs.models import Call, CallStatus, Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.types import counted

SESSION_EVENTS = frozenset({EventKind.STEP_ENDED, EventKind.QUESTION_ASKED, EventKind.QUESTION_ANSWERED})
SHOWN = 200
"""Messages that are shown, the newest."""
MARKS: Mapping[str, str] = {
    "waiting": "queued",
    "working": "running",
    "reviewing": "running",
    "accepted": "succeeded",
    "failed": "failed",
    "dropped": "skipped",
}
"""The look of each state of a subtask."""
SEATS: Mapping[str, str] = {"active": "done", "bench": "not_run", "lost": "lost", "left": "cancelled"}
SEAT_WORDS: Mapping[str, str] = {
    "active": "Takes part",
    "bench": "Substitute",
    "lost": "Lost",
    "left": "Left",
}


class SessionPage(KindPage):
    """The page of a run that is a session."""

    template = "collaboration/run_sections.html"
    sentence = "collaboration/_run_sentence.html"
    stylesheets = ("css/session.css",)
    sections = (
        Section(name="session-now", events=SESSION_EVENTS | CALL_EVENTS),
        Section(name="session-board", events=SESSION_EVENTS),
        Section(name="session-people", events=SESSION_EVENTS | CALL_EVENTS),
        Section(name="session-decisions", events=SESSION_EVENTS),
        Section(name="session-conversation", events=SESSION_EVENTS),
    )

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # times are those of the session
        """Return the session as its rows tell it, with what each participant cost."""
        session = session_record(state.run)
        ending = session["ending"] or {}
        names = {each["id"]: each["name"] for each in session["participants"]} | {"": "Session"}
        messages = session["messages"]
        done = sum(each["status"] == "accepted" for each in session["subtasks"])
        return {
            "calls": state.calls,
            "session": session,
            "writing": [call for call in state.calls if call.status == CallStatus.RUNNING],
            "members": list(_members(session, state.calls)),
            "subtasks": [_subtask(each, names) for each in session["subtasks"]],
            "session_decisions": [_decision(each, names) for each in session["decisions"]],
            "talk": [_message(each, names) for each in messages[-SHOWN:]],
            "earlier": max(0, len(messages) - SHOWN),
            "done": done,
            "verdict": f"{done} of {counted(len(session['subtasks']), 'subtask')} accepted",
            "shortfall": ending.get("words", "") if state.run.caveat else "",
            "method_words": _lineup_words(state.run.request),
        }

    def is_elsewhere(self, decision: Mapping[str, Json], context: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Return that the session has a list of its decisions."""
        return True

    def moment(self, step: str) -> str:
        """Return in words what was decided at a step."""
        return {BEGAN: "When it began", LOG: "What came next"}.get(step.partition("/")[0], "")

    def method(self, ref: str) -> str:
        """Return the title of a line-up of the gallery, else the name."""
        return LINEUPS.gallery[ref].title if ref in LINEUPS.gallery else ref

    def start_address(self) -> str:
        """Return the form that starts a session."""
        return reverse("sessions:start")

    def change_address(self, run: Run) -> str:
        """Return that form, filled in with the task and the line-up of `run`."""
        return f"{self.start_address()}?from={run.pk}"


def _lineup_words(request: Mapping[str, Json]) -> str:
    lineup, number = request.get("lineup") or {}, request.get("version")
    title = lineup.get("title") or lineup.get("name", "")
    return title if number is None else f"{title}, version {number}"


def _members(session: Mapping[str, Json], calls: Sequence[Call]) -> Iterator[dict[str, Any]]:
    """Yield the participants with the calls that were made for them, their cost and their impact."""
    ending = session["ending"] or {"contributions": []}
    impacts = {each["participant"]: each["impact"] for each in ending["contributions"]}
    asked = {f"{ACTION}/{each['number']}": each["participant"] for each in session["actions"]}
    costs: dict[str, Decimal] = defaultdict(Decimal)
    counts: Counter[str] = Counter()
    for call in calls:
        id = asked.get("/".join(call.step.split("/")[:2]), "")
        costs[id] += call.cost_usd or 0
        counts[id] += 1
    for each in session["participants"]:
        yield {
            **each,
            "calls": counts[each["id"]],
            "cost_usd": costs[each["id"]],
            "mark": SEATS[each["status"]],
            "word": SEAT_WORDS[each["status"]],
            "impact": impacts.get(each["id"]),
        }


def _subtask(each: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Any]:
    by = each["at_work"] or each["author"] or each["assignee"]
    return {**each, "mark": MARKS[each["status"]], "by": names.get(by, "")}


def _decision(each: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Any]:
    votes = [
        {
            **vote,
            "voter": names.get(vote["voter"], vote["voter"]),
            "shown_weight": "" if vote["weight"] == 1 else f"weight {vote['weight']:g}",
        }
        for vote in each["votes"]
    ]
    return {**each, "votes": votes}


def _message(each: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Any]:
    to = ", ".join(names.get(id, id) for id in each["to"]) or "all"
    sender = names.get(each["sender"], each["sender"])
    return {**each, "from": sender, "recipients": to, "label": each["kind"].replace("_", " ")}
