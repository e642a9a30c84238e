"""What a person can do in a session now, by its records: what pages offer, and nothing that is refused.

The engine decides once more when it is done: meanwhile something may have happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collaboration.engine.answers import ActionKind
from collaboration.engine.people import COMMANDS
from collaboration.engine.phases import Phase
from collaboration.engine.records import Row
from collaboration.engine.roles import ParticipantRole, powers
from orchestration.llm.engine.types import Json

EDITS = frozenset({"take", "return", "add", "change", "drop", "reassign"})
JUDGES = frozenset({"approve", "send_back"})
OF_SUBTASKS = ("take", "return", "approve", "send_back", "change", "reassign", "drop")
"""What can be done with one subtask, in the order in which it is offered."""
OPEN = frozenset({"waiting", "working", "reviewing"})
JOIN = frozenset({"join"})


def seat(session: Mapping[str, Json], user: str) -> Row | None:
    """Return the participant that a user is, None for one who does not take part (any more)."""
    mine = (each for each in session["participants"] if user and each["user"] == user)
    return next((each for each in mine if each["status"] == "active"), None)


def pending(session: Mapping[str, Json]) -> list[Row]:
    """Return the actions that are under way."""
    numbers = set(session["pending"])
    return [each for each in session["actions"] if each["number"] in numbers]


def offers(session: Mapping[str, Json], me: Row | None) -> frozenset[str]:
    """Return the names of the commands that a person can give now, `me` being the participant that they are.

    Of what is done with a subtask (`OF_SUBTASKS`) it is that which may be possible with some of them.
    """
    if not session["phase"] or Phase(session["phase"]).has_ended:
        return frozenset()
    if me is None:
        return JOIN
    held = powers(ParticipantRole(me["role"]), is_person=True)
    allowed = {name for name, each in COMMANDS.items() if each.power is None or each.power in held}
    return frozenset(allowed - JOIN - _closed(session, me))


def _closed(session: Mapping[str, Json], me: Row) -> set[str]:
    """Return the commands for which this is not the time."""
    closed = {"pause" if session["paused"] else "resume"}
    if session["phase"] not in {Phase.EXECUTING, Phase.REVIEWING}:
        closed |= EDITS
    if session["phase"] != Phase.NEGOTIATING or session["outcome"] is not None:
        closed |= {"propose", "stance"}
    votes = {each["participant"] for each in pending(session) if each["kind"] == ActionKind.VOTE}
    return closed if me["id"] in votes else {*closed, "vote"}


def subtask_offers(
    session: Mapping[str, Json], me: Row | None, subtask: Row, offered: Collection[str]
) -> tuple[str, ...]:
    """Return what of `offered` a person can do with a subtask."""
    if me is None or subtask["status"] not in OPEN:
        return ()
    has_mine = subtask["status"] == "working" and subtask["assignee"] == me["id"]
    fits = {
        "take": not has_mine and subtask["status"] != "reviewing",
        "return": has_mine,
        **dict.fromkeys(JUDGES, may_judge(session, me, subtask["id"], subtask["author"])),
    }
    return tuple(name for name in OF_SUBTASKS if name in offered and fits.get(name, True))


def may_judge(session: Mapping[str, Json], me: Row | None, about: str, author: str) -> bool:
    """Tell whether a subtask, or the result ("") is being reviewed, and not the person's own work."""
    asked = any(each["kind"] == ActionKind.REVIEW and each["about"] == about for each in pending(session))
    return asked and me is not None and author != me["id"]
