"""A RabbitMQ that answers nothing, its connections left open: it is not taken for one that has the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.installation import Installation
from tests.support.rabbitmq_server import needs_rabbitmq, running_rabbitmq

pytestmark = [pytest.mark.e2e, needs_rabbitmq]
QUEUES_TWICE = """
from uuid import uuid4
import django
django.setup()
from orchestration.runs.services.queueing import queue_run
print(queue_run(uuid4()), flush=True)
input()
print(queue_run(uuid4()), flush=True)
"""


def test_a_run_that_a_hung_rabbitmq_did_not_confirm_waits_for_the_sweeper(tmp_path: Path) -> None:
    with running_rabbitmq(tmp_path) as broker:
        settings = Installation(tmp_path / "var", ORCHESTRA_BROKER_URL=broker.url).environment
        process = subprocess.Popen(
            [sys.executable, "-c", QUEUES_TWICE],
            cwd=ROOT,
            env=settings | {"DJANGO_SETTINGS_MODULE": "orchestra_site.settings.dev"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        broker.freeze()
        told, log = process.communicate("\n", timeout=45)
    assert told == "False\n"
    assert "wait until the sweeper queues them again" in log
