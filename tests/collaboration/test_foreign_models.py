"""Sessions of models behind another server that ignore the protocol: a result, or a failure in words.

One participant or all answer everything in the same way, over HTTP; pages, report and JSON show the session.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from collaboration.selectors import KIND, session_record
from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.llm.services.resources import close_resources
from orchestration.runs.models import Run
from orchestration.runs.services.starting import store_run
from tests.support.engines import Engine
from tests.support.furnish import furnish
from tests.support.history import a_member
from tests.support.provider_process import ProviderProcess
from tests.support.rooms import JUDGE, LED, SAGE, SCOUT

NAMES = ["m-lead", "m-scout", "m-sage", "m-judge"]
PROSE = "Well, that depends. Genoa was a republic, and its harbour was busy. I would need to look into it."
THINKING = '<think>They want JSON. I could write {"verdict": "return"}. No.</think>\n' + PROSE
OTHER_SHAPE = json.dumps({"answer": {"steps": [1, 2, {"x": None}]}, "confidence": "high"})
FENCED = (
    "Here you are:\n```json\n" + json.dumps({"text": "Genoa traded.", "verdict": "accept"}) + "\n```\nEnjoy!"
)
ARABIC = "كان ميناء جنوة مزدحماً، وكانت تجارته مع الشرق. لا أستطيع أن أقول أكثر من ذلك."
REFUSAL = "I'm sorry, but I can't help with that request."
CHOICE = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
EMPTY = f"data: {json.dumps({'choices': [CHOICE]})}\n\ndata: [DONE]\n\n"
ANSWERS: dict[str, dict[str, Json]] = {
    "prose": {"text": PROSE},
    "empty text": {"body": EMPTY},
    "reasoning in tags": {"text": THINKING},
    "JSON of another shape": {"text": OTHER_SHAPE},
    "a code fence": {"text": FENCED},
    "another language": {"text": ARABIC},
    "a refusal": {"text": REFUSAL},
    "429": {"status": 429, "body": '{"error": {"message": "busy"}}', "headers": {"Retry-After": "0"}},
    "500": {"status": 500, "body": "<html>oops</html>"},
    "hostile HTML": {"text": '<script>alert("zq")</script><img src="http://evil.test/zq.png"> ![x](http://evil.test/zq)'},
    "null characters": {"text": '{"text": "a\\u0000b", "reason": "\\u0000"}'},
}  # fmt: skip


@pytest.fixture(scope="module")
def foreign() -> Iterator[ProviderProcess]:
    provider = ProviderProcess()
    yield provider
    provider.stop()


@pytest.fixture
def owner(engine: Engine, foreign: ProviderProcess) -> Iterator[Membership]:
    member = a_member()
    furnish(foreign.base_url, NAMES, {})
    yield member
    engine.runtime.submit(close_resources()).result()


def session(engine: Engine, owner: Membership, **lineup: Json) -> tuple[Run, Json]:
    document = {"name": "foreign", "participants": [LED, SCOUT, SAGE, JUDGE], "negotiation": {"rounds": 1}}
    text = "Describe Genoa. Describe Marseille. Compare both harbours."
    run = engine.execute(
        store_run(membership=owner, kind=KIND, payload={"text": text, "lineup": document | lineup})
    )
    return run, session_record(run)


def check_pages(run: Run, client: Client, owner: Membership) -> None:
    """Every page and export of the session can be read, and nothing in it acts."""
    client.force_login(owner.user)
    pages = [reverse("runs:run", args=[run.pk])]
    pages += [reverse(f"sessions:{name}", args=[run.pk]) for name in ("report", "report-md", "session-json")]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        text = answer.content.decode()
        if "html" in answer.headers["Content-Type"]:
            assert "<script>alert" not in text
            assert '<img src="http://evil' not in text
    assert client.get(pages[-1]).json()["status"] == run.status


@pytest.mark.parametrize("answer", ANSWERS)
def test_where_nobody_keeps_to_the_protocol_there_is_a_result_or_a_reason(
    answer: str, foreign: ProviderProcess, owner: Membership, engine: Engine, client: Client
) -> None:
    foreign.behave(every=ANSWERS[answer], **dict.fromkeys(NAMES, ANSWERS[answer]))
    run, shown = session(engine, owner)
    assert run.status in {"succeeded", "failed"}
    assert shown["ending"]["words"]
    assert (run.status == "failed") == bool(run.error)
    assert (shown["phase"] == "completed") == bool(shown["result"])
    check_pages(run, client, owner)


@pytest.mark.parametrize("answer", ANSWERS)
def test_one_who_does_not_keep_to_it_abstains_and_the_others_go_on(
    answer: str, foreign: ProviderProcess, owner: Membership, engine: Engine
) -> None:
    good = json.dumps(
        {
            "subtasks": [{"title": "Genoa"}, {"title": "Marseille"}],
            "text": "Ships and salt.",
            "stances": [{"proposal": "P1", "stance": "support"}],
            "verdict": "accept",
            "score": 0.9,
        }
    )
    foreign.behave(
        every={"text": good}, **{name: {"text": good} for name in NAMES} | {"m-sage": ANSWERS[answer]}
    )
    run, shown = session(engine, owner)
    assert run.status == "succeeded", run.error
    assert {each["status"] for each in shown["subtasks"]} == {"accepted"}
    votes = [vote for each in shown["decisions"] for vote in each["votes"] if vote["voter"] == "sage"]
    assert not [vote for vote in votes if vote["said"] != "abstain"]
    assert [
        each
        for each in shown["messages"]
        if "sage" in (each["sender"], *each["to"]) or "sage " in each["text"]
    ]
