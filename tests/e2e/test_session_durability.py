"""A session whose process is killed in every phase: nothing is said or asked twice, questions still wait."""

from __future__ import annotations

import json
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
MODELS = ["m-lead", "m-scout", "m-sage"]
PARTICIPANTS: list[Json] = [
    {"id": "lead", "role": "leader", "model": "m-lead"},
    {"id": "scout", "role": "executor", "model": "m-scout"},
    {"id": "sage", "role": "specialist", "specialty": "Marseille", "model": "m-sage"},
    {"id": "boss", "role": "reviewer", "user": "demo@orchestra.local"},
]
LINEUP: Json = {
    "name": "harbours",
    "participants": PARTICIPANTS,
    "negotiation": {"rounds": 1},
    "conflict": {"rule": "arbitration", "arbiter": "boss"},
}
ANSWER = {
    "subtasks": [{"title": "Genoa", "assignee": "scout"}, {"title": "Marseille", "assignee": "sage"}],
    "stances": [{"proposal": "P1", "stance": "support", "reason": "Good."}],
    "text": "Ships, salt and silk.",
}
QUICK: dict[str, Json] = {"text": json.dumps(ANSWER)}
SLOW: dict[str, Json] = {**QUICK, "first_delay_s": 2.5}
RUNNING = "select count(*) from runs_call where run_id = ? and status = 'running'"
HANGING: dict[str, Json] = {"hang": True}


class KilledSession:
    """A session of an installation that is killed and started again."""

    def __init__(self, site: Installation, provider: ProviderProcess) -> None:
        self._site, self._provider = site, provider
        site.up()
        site.furnish(provider.base_url, *MODELS)
        site.kill()
        self.run = site.script("tests.support.begin_session", json.dumps(LINEUP), TASK).split()[-1]

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
        query = "select count(*) from runs_humanquestion where run_id = ? and answered_at is null"
        return int(self._query(query)[0][0])

    def _query(self, query: str) -> list[tuple[Json, ...]]:
        return self._site.rows(query, [UUID(self.run).hex])

    def up(self, **behaviours: Json) -> None:
        """Start it; the models answer quickly but for those of which something else is said."""
        self.behave(**behaviours)
        self._site.up()

    def behave(self, **behaviours: Json) -> None:
        named = {f"m-{name}": behaviour for name, behaviour in behaviours.items()}
        self._provider.behave(**dict.fromkeys(MODELS, QUICK) | named)

    def kill_when_asked(self, *, open_calls: int = 1, **times: int) -> None:
        """Kill it once models have been asked that often, and so many calls are under way."""
        named = {f"m-{name}": count for name, count in times.items()}
        until(lambda: self.asked.items() >= named.items() and self._provider.open_calls() == open_calls)
        until(lambda: self._query(RUNNING)[0][0] == open_calls)
        self._site.kill()

    @property
    def asked(self) -> dict[str, int]:
        return self._provider.asked()

    def act(self, member: Member, do: str, **fields: str) -> None:
        path = f"/runs/{self.run}/message"
        answer = member.post(path, {"do": do, **fields}, form_at=f"/runs/{self.run}/")
        assert answer.status_code < 400, answer.text[:2000]


def test_a_session_killed_in_every_phase_comes_to_its_result(
    installation: Installation, provider: ProviderProcess
) -> None:
    killed = KilledSession(installation, provider)
    killed.up(lead=HANGING)
    killed.kill_when_asked(lead=1)
    killed.up(sage=HANGING)
    killed.kill_when_asked(lead=2, scout=1, sage=1)
    assert killed.session["phase"] == "negotiating"
    killed.up(scout=HANGING, sage=SLOW)
    killed.kill_when_asked(scout=2, sage=3, open_calls=2)
    assert killed.session["phase"] == "executing"
    killed.up()
    until(lambda: (killed.status, killed.questions) == ("waiting", 2))
    killed.act(installation.member(), "pause")
    until(lambda: killed.session["paused"])
    installation.kill()
    killed.up(lead=HANGING)
    member = installation.member()
    assert member.client.get("/inbox/").text.count("/answer/") >= 2
    killed.act(member, "approve", subtask="s1", reason="Fine.")
    assert killed.session["paused"]
    killed.act(member, "resume")
    killed.act(member, "approve", subtask="s2")
    killed.kill_when_asked(lead=3)
    assert killed.session["phase"] == "reviewing"
    killed.up()
    until(lambda: killed.session["result"] and killed.questions == 1)
    killed.act(installation.member(), "approve")
    until(lambda: killed.status == "succeeded")
    check(killed)


def check(killed: KilledSession) -> None:
    """Nothing was said, voted or asked twice; only calls that were cut off were repeated."""
    session = killed.session
    assert dict(killed.asked) == {"m-lead": 4, "m-scout": 3, "m-sage": 4}
    assert [each["number"] for each in session["messages"]] == list(range(1, len(session["messages"]) + 1))
    said = [(each["sender"], each["kind"], each["text"], each["about"]) for each in session["messages"]]
    assert len(set(said)) == len(said)
    votes = [vote["voter"] for each in session["decisions"] for vote in each["votes"]]
    assert sorted(votes) == ["lead", "sage", "scout"]
    assert {each["id"]: each["author"] for each in session["subtasks"]} == {"s1": "scout", "s2": "sage"}
    assert (session["phase"], session["result"]) == ("completed", ANSWER["text"])
