"""Sessions whose process is killed in every phase: nothing is said or asked twice, questions still wait."""

from __future__ import annotations

import json
from functools import partial
from uuid import UUID

import pytest

from collaboration.engine.records import gathered
from orchestration.llm.engine.types import Json
from tests.support.engines import until
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.provider_process import ProviderProcess

pytestmark = pytest.mark.e2e

TASK = "Describe Genoa. Describe Marseille."
ROLES: dict[str, dict[str, Json]] = {
    "lead": {"role": "leader"},
    "scout": {"role": "executor"},
    "sage": {"role": "specialist", "specialty": "Marseille"},
}
BOSS: Json = {"id": "boss", "role": "reviewer", "user": "demo@orchestra.local"}
ARBITER: Json = {"rule": "arbitration", "arbiter": "boss"}


def line_up(name: str, rounds: int) -> Json:
    """Return a line-up whose models are called after it; its person only reviews."""
    seats = [{"id": id, "model": f"{name}-{id}", **role} for id, role in ROLES.items()]
    return {
        "name": name,
        "participants": [*seats, BOSS],
        "negotiation": {"rounds": rounds},
        "conflict": ARBITER,
    }


ANSWER = {
    "subtasks": [{"title": "Genoa", "assignee": "scout"}, {"title": "Marseille", "assignee": "sage"}],
    "stances": [{"proposal": "P1", "stance": "support", "reason": "Good."}],
    "text": "Ships, salt and silk.",
}
QUICK: dict[str, Json] = {"text": json.dumps(ANSWER)}
SLOW: dict[str, Json] = {**QUICK, "first_delay_s": 2.5}
RUNNING = "select count(*) from runs_call where run_id = ? and status = 'running'"
WAITING = """
    select count(*) from runs_humanquestion asked where run_id = ?
    and not exists (select 1 from runs_step step where step.run_id = asked.run_id and step.key = asked.step)
"""
HANGING: dict[str, Json] = {"hang": True}


MODELS = [f"{name}-{id}" for name in ("first", "second") for id in ROLES]


class KilledSession:
    """A session of an installation that is killed and started again."""

    def __init__(self, site: Installation, provider: ProviderProcess, name: str, rounds: int) -> None:
        self._site, self._provider, self._name = site, provider, name
        lineup = json.dumps(line_up(name, rounds))
        self.run = site.script("tests.support.begin_session", lineup, TASK).split()[-1]

    @property
    def session(self) -> dict[str, Json]:
        query = "select key, result from runs_step where run_id = ? and kind = 'record'"
        rows = {int(key.partition("/")[2]): json.loads(row) for key, row in self._query(query)}
        assert sorted(rows) == list(range(len(rows)))
        return gathered(TASK, [rows[number] for number in sorted(rows)])

    @property
    def status(self) -> str:
        return str(self._query("select status from runs_run where id = ?")[0][0])

    @property
    def questions(self) -> int:
        """How many questions wait: no step has ended in their places."""
        return int(self._query(WAITING)[0][0])

    def _query(self, query: str) -> list[tuple[Json, ...]]:
        return self._site.rows(query, [UUID(self.run).hex])

    def up(self, **behaviours: Json) -> None:
        """Start it; the models answer quickly but for those of which something else is said."""
        self.behave(**behaviours)
        self._site.up()

    def behave(self, **behaviours: Json) -> None:
        named = {f"{self._name}-{name}": behaviour for name, behaviour in behaviours.items()}
        self._provider.behave(**dict.fromkeys(MODELS, QUICK) | named)

    def kill_when_asked(self, *, open_calls: int = 1, **times: int) -> None:
        """Kill it once models have been asked that often, and so many calls are under way."""
        named = {f"{self._name}-{name}": count for name, count in times.items()}
        until(
            lambda: (
                self._provider.asked().items() >= named.items() and self._provider.open_calls() == open_calls
            )
        )
        until(lambda: self._query(RUNNING)[0][0] == open_calls)
        self._site.kill()

    @property
    def asked(self) -> dict[str, int]:
        asked = self._provider.asked()
        return {id: asked.get(f"{self._name}-{id}", 0) for id in ROLES}

    def act(self, member: Member, do: str, **fields: str) -> None:
        path = f"/runs/{self.run}/message"
        answer = member.post(path, {"do": do, **fields}, form_at=f"/runs/{self.run}/")
        assert answer.status_code < 400, answer.text[:2000]


def test_sessions_killed_in_every_phase_come_to_their_results(
    installation: Installation, provider: ProviderProcess
) -> None:
    installation.up()
    installation.furnish(provider.base_url, *MODELS)
    installation.kill()
    first = KilledSession(installation, provider, "first", 1)
    kill_while_models_work(first)
    second = KilledSession(installation, provider, "second", 0)
    second.up()
    until(lambda: (first.status, first.questions, second.questions) == ("waiting", 2, 2))
    second.act(installation.member(), "pause")
    until(lambda: second.session["paused"])
    installation.kill()
    second.up(lead=HANGING)
    finish_after_the_pause(second, installation.member())
    member = installation.member()
    assert member.client.get("/inbox/").text.count("/answer/") >= 3
    for subtask in ("s1", "s2"):
        first.act(member, "approve", subtask=subtask, reason="Fine.")
    for session in (first, second):
        until(partial(has_result, session))
        session.act(member, "approve")
    until(lambda: (first.status, second.status) == ("succeeded", "succeeded"))
    check(first, {"lead": 3, "scout": 3, "sage": 4}, ["lead", "sage", "scout"])
    check(second, {"lead": 3, "scout": 1, "sage": 1}, [])


def has_result(session: KilledSession) -> bool:
    """Tell whether the result is there, and waits to be approved."""
    return bool(session.session["result"]) and session.questions == 1


def kill_while_models_work(session: KilledSession) -> None:
    session.up(lead=HANGING)
    session.kill_when_asked(lead=1)
    session.up(sage=HANGING)
    session.kill_when_asked(lead=2, scout=1, sage=1)
    assert session.session["phase"] == "negotiating"
    session.up(scout=HANGING, sage=SLOW)
    session.kill_when_asked(scout=2, sage=3, open_calls=2)
    assert session.session["phase"] == "executing"


def finish_after_the_pause(session: KilledSession, member: Member) -> None:
    """Approve in the pause, go on after it, and kill it while the result is assembled."""
    session.act(member, "approve", subtask="s1", reason="Fine.")
    assert session.session["paused"]
    session.act(member, "resume")
    session.act(member, "approve", subtask="s2")
    session.kill_when_asked(lead=2)
    assert session.session["phase"] == "reviewing"
    session.up()


def check(killed: KilledSession, asked: dict[str, int], voters: list[str]) -> None:
    """Nothing was said, voted or asked twice; only calls that were cut off were repeated."""
    session = killed.session
    assert killed.asked == asked
    assert [each["number"] for each in session["messages"]] == list(range(1, len(session["messages"]) + 1))
    said = [(each["sender"], each["kind"], each["text"], each["about"]) for each in session["messages"]]
    assert len(set(said)) == len(said)
    assert sorted(vote["voter"] for each in session["decisions"] for vote in each["votes"]) == voters
    assert {each["id"]: each["author"] for each in session["subtasks"]} == {"s1": "scout", "s2": "sage"}
    assert (session["phase"], session["result"]) == ("completed", ANSWER["text"])
