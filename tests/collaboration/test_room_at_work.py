"""People act in the room of a session under way: from the form to the engine, and back over the socket."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.test import Client

from collaboration.selectors import KIND, session_record
from orchestra_site.accounts.models import Membership, Role
from orchestra_site.web.threads import in_thread
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run
from tests.support.engines import Engine, until
from tests.support.history import a_member, signed_in
from tests.support.rooms import QUIET
from tests.support.sockets import LiveSocket, live_socket
from tests.support.stored_rooms import StoredRoom, commands

TASK = "Describe the trade of Genoa. Describe the trade of Marseille."
GROUP = (
    {"id": "lead", "role": "leader", "model": "sim-sage"},
    {"id": "scout", "role": "executor", "model": "sim-swift"},
)


@pytest.fixture
def ana(transactional_db: None) -> Membership:
    member = a_member(name="Ana")
    add_simulated(membership=member)
    return member


def begun(engine: Engine, ana: Membership, boss: str, **rules: Json) -> Run:
    """Start a session in which Ana has a seat, too."""
    seat = {"id": "boss", "role": boss, "user": str(ana.user_id)}
    lineup = {"name": "small", "participants": [*GROUP, seat], **rules}
    run = store_run(membership=ana, kind=KIND, payload={"text": TASK, "lineup": lineup})
    engine.start(run)
    return run


class Acting:
    """A member in the room: `do` posts a form, as the page does."""

    def __init__(self, engine: Engine, run: Run, member: Membership) -> None:
        self.engine, self.run, self.client = engine, run, signed_in(member)

    @property
    def session(self) -> Mapping[str, Json]:
        return session_record(self.run)

    def do(self, name: str, **fields: Json) -> None:
        """Give a command that the page offers, and wait until it has been worked in."""
        assert name in commands(self.client.get(f"/runs/{self.run.pk}/").content.decode()), name
        known = self.received
        answer = self.client.post(f"/runs/{self.run.pk}/message", {"do": name, **fields})
        assert answer.status_code == 302
        self.run.refresh_from_db()
        if self.run.status == "queued":  # it was parked: nothing but people was waited for
            self.engine.start(self.run)
        until(lambda: self.received > known)
        until(self.has_row_of_the_last_message)

    @property
    def received(self) -> int:
        """How many messages the session has received."""
        return self.run.steps.filter(key__startswith="message/", status="done").count()

    def end(self) -> None:
        """End the session, unless it has ended by itself by now."""
        self.client.post(f"/runs/{self.run.pk}/message", {"do": "end"})
        until(lambda: Run.objects.get(pk=self.run.pk).is_over)

    def has_row_of_the_last_message(self) -> bool:
        """Tell whether all that was received has left its row."""
        notes = self.run.steps.filter(key__startswith="log/").values_list("key", "result")
        entries = [key.partition("/")[2] for key, note in notes if note and note["from"] == "message"]
        rows = {f"session/{number}" for number in entries}
        return len(entries) >= self.received and self.run.steps.filter(key__in=rows).count() == len(rows)

    def reaches(self, phase: str, kind: str) -> None:
        """Wait until the session is in a phase and somebody is asked for something."""
        until(lambda: self.session["phase"] == phase and self._asked(kind))

    def _asked(self, kind: str) -> bool:
        session = self.session
        asked = {each["kind"] for each in session["actions"] if each["number"] in session["pending"]}
        return kind in asked

    @property
    def refused(self) -> list[str]:
        return [each["text"] for each in self.session["messages"] if each["kind"] == "error"]


def test_all_that_people_do_with_a_plan_comes_from_the_page_into_the_records(
    ana: Membership, engine: Engine
) -> None:
    acting = Acting(engine, begun(engine, ana, "reviewer", negotiation=QUIET), ana)
    bob = Acting(engine, acting.run, a_member(Role.OPERATOR, ana.team, "Bob"))
    acting.reaches("executing", "review")
    bob.do("join", role="executor")
    bob.do("pause")
    bob.do("say", text="Keep it short.", to="lead")
    bob.do("ask", text="How long shall it be?", to="scout")
    bob.do("redirect", text="Write about ferries, too.")
    bob.do("add", title="Ferries")
    new = bob.session["subtasks"][-1]["id"]
    bob.do("change", subtask=new, title="Ferries of both")
    bob.do("reassign", subtask=new, assignee="scout")
    bob.do("take", subtask=new)
    bob.do("return", subtask=new)
    bob.do("drop", subtask=new)
    acting.do("send_back", subtask="s1", reason="Too short.")
    bob.do("resume")
    acting.reaches("executing", "review")
    acting.do("approve", subtask="s1")
    bob.do("leave")
    acting.do("end")
    until(lambda: Run.objects.get(pk=acting.run.pk).is_over)
    assert (acting.refused, bob.session["subtasks"][-1]["status"]) == ([], "dropped")
    said = [
        each["text"] for each in acting.session["messages"] if each["sender"].startswith(("boss", "person"))
    ]
    assert "Bob changes s" in " ".join(said)
    assert said[-1] == "Ana ends the session."


def test_people_propose_take_stances_and_vote_from_the_page(ana: Membership, engine: Engine) -> None:
    rules = {"negotiation": {"rounds": 1, "threshold": 1.0}, "conflict": {"rule": "voting"}}
    acting = Acting(engine, begun(engine, ana, "specialist", **rules), ana)
    acting.reaches("negotiating", "stance")
    acting.do("propose", text="Let us ask the harbour masters.")
    own = next(each["id"] for each in acting.session["proposals"] if each["by"] == "boss")
    acting.do("stance", proposal="P1", stance="oppose", reason="Too little.")
    until(lambda: acting._asked("vote"))
    acting.do("vote", option=own, reason="It is mine.")
    until(lambda: acting.session["decisions"][1:])
    decision = next(each for each in acting.session["decisions"] if each["kind"] == "conflict")
    votes = {(each["voter"], each["said"], each["option"]) for each in decision["votes"]}
    assert {("boss", "oppose", "P1"), ("boss", "vote", own)} <= votes
    assert acting.refused == []
    acting.end()


def told(text: str, socket: LiveSocket) -> bool:
    return text in socket.html


@pytest.mark.django_db(transaction=True)
async def test_an_open_page_is_sent_what_is_for_its_reader() -> None:
    room, ana, mine, others = await in_thread(_two_pages)
    seq = await in_thread(lambda: room.seq)
    address = f"/ws/runs/{room.run.pk}/?after={seq}"
    async with live_socket(address, mine) as own, live_socket(address, others) as other:
        await in_thread(lambda: room.act("u-nobody", "say", text="Nobody hears this."))
        await in_thread(lambda: room.act_as(ana, "propose", text="By sea."))
        await in_thread(lambda: room.act_as(ana, "say", text="Good morning."))
        for socket in (own, other):
            await socket.until(lambda each: told("Good morning.", each))
    assert "Nothing is being negotiated now." in own.html
    assert "Nothing is being negotiated now." not in other.html
    assert "Join the session first." not in own.html + other.html
    assert own.html.count("Good morning.") == other.html.count("Good morning.") == 1


def _two_pages() -> tuple[StoredRoom, Membership, Client, Client]:
    ana = a_member(name="Ana")
    room = StoredRoom(ana)
    room.join(ana, "leader")
    return room, ana, signed_in(ana), signed_in(a_member(Role.OPERATOR, ana.team, "Bob"))
