"""Sessions in the states that their room is seen in, with people in them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_site.accounts.models import Membership
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import HumanQuestion, Run, RunStatus
from orchestration.runs.services.events import emit_events
from tests.support.rooms import JUDGE, LED, QUIET, SAGE, SCOUT, line_up
from tests.support.stored_rooms import StoredRoom

ARABIC_TASK = "صِف تجارة جنوة. صِف تجارة مرسيليا. قارن بين الميناءين."
LONG_NAME = "The participant whose name is as long as names of participants may be in a room"
TOTALS = {"cost_usd": "0", "calls": 0}


def furnished_rooms(owner: Membership, others: Membership) -> Mapping[str, Run]:
    """Return a session that has just begun, one that negotiates, one at work, one that has ended."""
    return {
        "session-new": StoredRoom(owner).run,
        "session-debate": _debate(owner, others).run,
        "session-work": _work(owner, others).run,
        "session-ended": _ended(owner, others).run,
    }


def _debate(owner: Membership, others: Membership) -> StoredRoom:
    room = StoredRoom(owner, line_up(LED, {**SCOUT, "name": LONG_NAME}, SAGE, JUDGE), task=ARABIC_TASK)
    room.play("negotiating")
    room.join(owner, "leader")
    room.join(others, "specialist")
    room.act_as(others, "propose", text="نسأل مديري الميناء أولًا، ثم نقارن بين الأسعار.\n\n" * 6)
    room.act_as(owner, "stance", proposal="P1", stance="oppose", reason="It leaves out the ferries.")
    room.answer_next()
    return room


def _work(owner: Membership, others: Membership) -> StoredRoom:
    room = StoredRoom(owner, line_up(LED, SCOUT, SAGE, negotiation=QUIET)).play("executing")
    room.join(owner, "specialist")
    room.join(others, "observer")
    room.act_as(owner, "take", subtask="s1")
    room.act_as(owner, "add", title="Ferries " + "between Genoa and Marseille " * 6, needs=["s1"])
    room.act_as(owner, "drop", subtask="s9")
    room.answer({"text": "## Trade\n\n| Good | Tons |\n|---|---|\n| Silk | 12 |"}, "work", "sage")
    room.act_as(owner, "pause")
    audience = {"users": [str(owner.user_id)], "roles": []}
    for number in range(2):
        text = f"Do this subtask.\n\ns{number}: Describe the trade of Genoa."
        HumanQuestion.objects.create(run=room.run, step=f"action/9{number}/ask", text=text, audience=audience)
    return room


def _ended(owner: Membership, others: Membership) -> StoredRoom:
    room = StoredRoom(owner)
    room.join(others, "reviewer")
    room.play()
    end = {"status": RunStatus.SUCCEEDED, "answer": room.state.result, "finished_at": room.run.created_at}
    emit_events(room.run, [RunEvent(kind=EventKind.RUN_SUCCEEDED, data=TOTALS)], **end)
    return room
