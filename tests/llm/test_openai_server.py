"""The loopback server as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.openai_server", "--port", "0", "--model", "gamma"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


def test_it_prints_its_port_serves_counts_and_behaves(address: str) -> None:
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        assert client.get("/v1/models").json()["data"] == [{"id": "gamma"}]
        client.post("/_behave", json={"gamma": {"text": "As told."}, "*": {"status": 503, "body": "{}"}})
        said = client.post("/v1/chat/completions", json={"model": "gamma"}).json()
        assert said["choices"][0]["message"]["content"] == "As told."
        assert client.post("/v1/chat/completions", json={"model": "other"}).status_code == 503
        stats = client.get("/_stats").json()
    assert (stats["chats"], stats["open"], stats["by_model"]) == (2, 0, {"gamma": 1, "other": 1})
