"""The room of a session on its run page, live: what everybody sees, what one member sees, and what changes.

People steer a session by messages, which are part of its log; so its own pause stands on the page in place of
the run's, and cancelling the run, which gives no result, behind the menu.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from collaboration.engine.offers import may_judge, offers, seat, subtask_offers
from collaboration.engine.people import USER
from collaboration.engine.phases import Phase
from collaboration.engine.records import Row, gathered
from collaboration.engine.replaying import LOG
from collaboration.engine.roles import ParticipantRole
from collaboration.engine.running import BEGAN, ROWS
from collaboration.parts import room
from collaboration.parts.comparing import compared_session
from collaboration.selectors import LINEUPS, SESSION_ROWS
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.runs.kinds import (
    CALL_EVENTS,
    END_EVENTS,
    START_EVENTS,
    ComparedDetails,
    KindPage,
    Redraw,
    Section,
)
from orchestration.runs.models import Event, Run
from orchestration.runs.parts.waterfall import elapsed_s
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.types import counted

SHOWN = 200
"""Messages that are shown, the newest, unless all are asked for."""
BAR, PEOPLE, NOW, COMPOSER = "session-bar", "session-people", "session-now", "session-composer"
BOARD, DEBATE, DECISIONS, OUTCOME = "session-board", "session-debate", "session-decisions", "session-outcome"
ALL = frozenset({BAR, PEOPLE, NOW, COMPOSER, BOARD, DEBATE, DECISIONS, OUTCOME})
TOUCHED: Mapping[str, frozenset[str]] = {
    "phase": ALL,
    "paused": frozenset({BAR, PEOPLE}),
    "participants": ALL - {DECISIONS, NOW},
    "pending": frozenset({PEOPLE, DEBATE, OUTCOME}),
    "subtasks": frozenset({BAR}),
    "proposals": frozenset({DEBATE}),
    "round": frozenset({DEBATE}),
    "outcome": frozenset({DEBATE, COMPOSER}),
    "decisions": frozenset({DECISIONS}),
    "result": frozenset({OUTCOME}),
    "ending": frozenset({OUTCOME, PEOPLE}),
}
"""The parts that are drawn anew where a row has a field; subtasks and messages are drawn one by one."""
OF_CALLS = frozenset({BAR, PEOPLE, NOW})
PLACES: Mapping[str, str] = {
    **dict.fromkeys(("pause", "resume", "end"), BAR),
    **dict.fromkeys(("stance", "vote"), DEBATE),
    **dict.fromkeys(("take", "return", "add", "change", "drop", "reassign", "approve", "send_back"), BOARD),
}
"""Where a command is given; what is not named is given in the composer."""


class SessionPage(KindPage):
    """The page of a run that is a session."""

    template = "collaboration/run_sections.html"
    sentence = "collaboration/_run_sentence.html"
    stylesheets = ("css/graph.css", "css/session.css")
    actions = "collaboration/_run_actions.html"
    menu = "collaboration/_run_menu.html"
    sections = (Section(name="session-room"),)
    reply = "session-said"
    is_personal = True

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:
        """Return the room as its rows tell it; `talk` is what has been said by the events of `state`."""
        rows = SESSION_ROWS.of(state.run.pk)
        session = gathered(state.run.prompt, rows.values())
        names, ending = room.names_of(session), session["ending"] or {}
        subtasks = room.subtasks(session, names)
        done = sum(each["status"] == "accepted" for each in subtasks)
        cost = sum((call.cost_usd for call in state.calls if call.cost_usd is not None), Decimal(0))
        numbers = [number for number in _numbers(state.new_events) if number in rows]
        return {
            "calls": state.calls,
            "session": session,
            "new_rows": (new := [rows[number] for number in numbers]),
            "replanned": room.shape(rows, until=min(numbers, default=0)) != room.shape(rows),
            "phases": room.phases(session, state.run),
            "used": room.limits(state.run, elapsed_s(state, now) or 0.0, cost),
            "members": list(room.members(session, state.calls)),
            "writing": list(room.writing(session, state.calls, names)),
            "subtasks": subtasks,
            "plan": room.plan_graph(subtasks),
            "proposals": room.proposals(session, rows.values(), names),
            "rules": (state.run.request.get("lineup") or {}).get("negotiation"),
            "decided": [room.decision(each, names) for each in session["decisions"]],
            "contributions": [
                {**each, "name": names[each["participant"]]} for each in ending.get("contributions", ())
            ],
            "new_messages": (said := [each for row in new for each in row.get("messages", ())]),
            **_talk(said, session, frozenset()),
            "side": _side(session),
            "workers": room.workers(session),
            "roles": [str(role) for role in ParticipantRole if role is not ParticipantRole.OBSERVER],
            "done": done,
            "verdict": f"{done} of {counted(len(subtasks), 'subtask')} accepted",
            "shortfall": ending.get("words", "") if state.run.caveat else "",
            "method_words": _lineup_words(state.run.request),
        }

    def personal(self, context: Mapping[str, Any], member: Membership) -> dict[str, Any]:
        """Return who the member is in the session, what they can do, and what is said to them alone."""
        if not member.may_run:
            return {}
        session, user = context["session"], str(member.user_id)
        me = seat(session, user)
        offered = offers(session, me)
        own = frozenset(filter(None, (f"{USER}{user}", me["id"] if me else "")))
        return {
            "me": me,
            "offered": offered,
            "to_judge": may_judge(session, me, "", session["assembled_by"]) and "approve" in offered,
            "subtasks": [
                {**each, "offers": subtask_offers(session, me, each, offered)} for each in context["subtasks"]
            ],
            **_talk(context["new_messages"], session, own),
            "refusal": _refusal(session["messages"], own),
            "is_addressed": any(_concerns(each, own) for each in context["new_messages"]),
        }

    def chosen(self, state: RunState, query: Mapping[str, str], now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Return that all messages are shown, where the address says so."""
        return {"shown_messages": ":", "earlier": 0} if query.get("talk") == "all" else {}

    def redraw(self, events: Sequence[Event], context: Mapping[str, Any]) -> Redraw:
        """Return the parts that events change; messages are added to those that are there."""
        kinds, rows = {event.kind for event in events}, context["new_rows"]
        touched = frozenset().union(*(TOUCHED.get(name, frozenset()) for row in rows for name in row))
        if kinds & CALL_EVENTS:
            touched |= OF_CALLS
        if kinds & (START_EVENTS | END_EVENTS):
            touched = ALL
        pieces: list[tuple[str, Mapping[str, Any]]] = [(name, {}) for name in sorted(touched)]
        if context["replanned"] and BOARD not in touched:
            pieces.append((BOARD, {}))
        elif BOARD not in touched:
            pieces += _board_pieces(context, {each["id"] for row in rows for each in row.get("subtasks", ())})
        if context["talk"]:
            pieces.append(("session-new", {}))
        if context.get("is_addressed"):
            pieces += [("session-refusal", {"place": place}) for place in (BAR, COMPOSER, BOARD, DEBATE)]
        running = context["writing"] if NOW in touched else ()
        return Redraw(pieces=pieces, calls=frozenset(str(each["call"].pk) for each in running))

    def is_elsewhere(self, decision: Mapping[str, Json], context: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Return that the session has a list of its decisions."""
        return True

    def moment(self, step: str) -> str:
        """Return in words what was decided at a step."""
        return {BEGAN: "When it began", LOG: "What came next"}.get(step.partition("/")[0], "")

    def agreement(self, run: Run) -> float | None:
        """Return the share of support that the approach had."""
        found: float | None = (run.outcome or {}).get("support")
        return found

    def compared(self, run: Run) -> ComparedDetails:
        """Return who took part, what was decided, done and said."""
        return compared_session(run)

    def method(self, ref: str) -> str:
        """Return the title of a line-up of the gallery, else the name."""
        return LINEUPS.gallery[ref].title if ref in LINEUPS.gallery else ref

    def start_address(self) -> str:
        """Return the form that starts a session."""
        return reverse("sessions:start")


def _lineup_words(request: Mapping[str, Json]) -> str:
    lineup, number = request.get("lineup") or {}, request.get("version")
    title = lineup.get("title") or lineup.get("name", "")
    return "" if number is None else f"{title}, version {number}"


def _numbers(events: Sequence[Event]) -> Iterator[int]:
    """Yield the numbers of the rows that events tell of."""
    for event in events:
        prefix, _, number = event.step.partition("/")
        if event.kind == EventKind.STEP_ENDED and prefix == ROWS and number.isdecimal():
            yield int(number)


def _talk(said: Sequence[Row], session: Mapping[str, Json], own: Collection[str]) -> dict[str, Any]:
    """Return what is said to all, and what is said to one of `own` alone."""
    names, people = room.names_of(session), room.people(session)
    talk = [
        room.message(each, names)
        for each in said
        if not room.is_private(each, people) or set(own).intersection(each["to"])
    ]
    return {"talk": talk, "shown_messages": f"-{SHOWN}:", "earlier": max(0, len(talk) - SHOWN)}


def _side(session: Mapping[str, Json]) -> str:
    """Return what stands beside the conversation at first."""
    if session["ending"]:
        return "outcome"
    return "debate" if session["phase"] == Phase.NEGOTIATING else "board"


def _concerns(message: Row, own: Collection[str]) -> bool:
    """Tell whether a message is by one of `own`, says that they joined, or refuses them something."""
    refuses = message["kind"] == "error" and set(own).intersection(message["to"])
    return bool(refuses) or message["sender"] in own or message["about"] in own


def _refusal(messages: Sequence[Row], own: Collection[str]) -> dict[str, Any] | None:
    """Return why the last thing that somebody did was refused, None where it was done."""
    last = next((each for each in reversed(messages) if _concerns(each, own)), None)
    if last is None or last["kind"] != "error":
        return None
    move = last["data"]
    return {
        "place": PLACES.get(move.get("do", ""), COMPOSER),
        "words": last["text"],
        "text": move.get("text") or move.get("reason") or move.get("title") or "",
    }


def _board_pieces(
    context: Mapping[str, Any], ids: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the subtasks that changed, each with its place in the graph."""
    plan = context["plan"]
    for each in context["subtasks"]:
        if each["id"] in ids:
            yield "session-subtask", {"each": each}
            yield "session-node", {"node": plan.nodes[each["id"]], "side": plan.directions[0]}
