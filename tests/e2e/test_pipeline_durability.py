"""A pipeline whose process is killed in the middle: what ended is not repeated, the question still waits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from uuid import UUID

import pytest

from orchestra_site.settings.environment import ROOT
from orchestration.expressions.documents import write_yaml
from orchestration.llm.engine.types import Json
from tests.support.engines import until
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.provider_process import ProviderProcess

pytestmark = pytest.mark.e2e

MODELS = ["m1", "m2", "m3", "m4", "m5"]
RUN = re.compile(r"/runs/([0-9a-f-]{36})/")
ANSWER = re.compile(r'action="(/runs/[0-9a-f-]{36}/answer/[0-9a-f-]{36})"')


def _asks(model: str) -> dict[str, Json]:
    prompt = "What is 17 * 23? {{ previous | truncate(40) }}"
    return {"id": f"ask-{model}", "processor": "model", "options": {"prompt": prompt, "models": [model]}}


def _plain(number: int) -> dict[str, Json]:
    return {"id": f"plain-{number}", "processor": "transform", "input": {"transforms": ["strip"]}}


APPROVE = {
    "id": "approve",
    "processor": "human",
    "options": {"text": "Go on?", "form": {"enum": ["yes", "no"]}, "deadline": 3600, "default": "no"},
}
STAGES = [
    _plain(1),
    _asks("m1"),
    _plain(2),
    _asks("m2"),
    _plain(3),
    _asks("m3"),
    APPROVE,
    _plain(4),
    _asks("m4"),
    _plain(5),
    _asks("m5"),
    _plain(6),
]


def _started(installation: Installation, member: Member) -> str:
    file = installation.folder / "twelve.yaml"
    file.write_text(write_yaml({"name": "twelve", "stages": STAGES}), encoding="utf-8")
    command = [sys.executable, "manage.py", "pipeline", "import", str(file)]
    subprocess.run(command, cwd=ROOT, env=installation.environment, check=True, capture_output=True)
    answer = member.post("/pipelines/twelve/run", {"version": "draft", "answer": "begin"})
    found = RUN.search(answer.headers.get("location", ""))
    assert found is not None, answer.text[:3000]
    return found[1]


def _rows(installation: Installation, run: str) -> dict[str, str]:
    """Return how each stage ended that has ended."""
    query = "select key, result from runs_step where run_id = ? and kind = 'record'"
    found = installation.rows(query, [UUID(run).hex])
    return {key: json.loads(result)["status"] for key, result in found}


def _status(installation: Installation, run: str) -> str:
    return str(installation.rows("select status from runs_run where id = ?", [UUID(run).hex])[0][0])


def test_a_pipeline_goes_on_after_a_kill_and_its_question_still_waits(
    installation: Installation, provider: ProviderProcess
) -> None:
    provider.behave(m3={"text": "391", "first_delay_s": 60}, every={"text": "391"})
    installation.up()
    installation.furnish(provider.base_url, *MODELS)
    run = _started(installation, installation.member())
    until(lambda: len(_rows(installation, run)) == 5 and provider.asked().get("m3") == 1)
    installation.kill()
    provider.behave(m3={"text": "391"}, every={"text": "391"})
    installation.up()
    until(lambda: _status(installation, run) == "waiting")
    installation.kill()
    installation.up()
    member = installation.member()
    assert _status(installation, run) == "waiting"
    asking = ANSWER.search(member.client.get("/inbox/").text)
    assert asking is not None
    assert member.post(asking[1], {"answer": "yes"}, form_at="/inbox/").status_code < 400
    until(lambda: _status(installation, run) == "succeeded")
    assert _rows(installation, run) == dict.fromkeys((stage["id"] for stage in STAGES), "succeeded")
    assert dict(provider.asked()) == {"m1": 1, "m2": 1, "m3": 2, "m4": 1, "m5": 1}
