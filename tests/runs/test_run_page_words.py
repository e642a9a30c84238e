"""The log of a run in words: what was asked, decided and recorded, without the keys of steps."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Capability, Purpose
from orchestration.runs.models import CallStatus, asked_to
from tests.support.reading import read_text
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(member: Membership) -> RunRows:
    rows = RunRows.queued(member, "sim-swift", "sim-sage")
    rows.start()
    return rows


def log(browser: Client, rows: RunRows) -> str:
    page = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    story = page[page.index('id="run-story"') : page.index("</ol>", page.index('id="run-story"'))]
    return " ".join(read_text(f"<ol {story}")).replace(" .", ".").replace(" :", ":").replace(" ,", ",")


@pytest.mark.parametrize("purpose", [*Purpose, "of_another_kind"])
def test_every_purpose_is_said_as_something_a_model_does(purpose: str) -> None:
    assert asked_to(purpose)[0].islower()
    assert "_" not in asked_to(purpose)


@pytest.mark.parametrize("capability", Capability)
def test_every_capability_has_a_name_in_words(capability: Capability) -> None:
    assert "_" not in capability.words


def test_the_log_says_what_a_model_was_asked_to_do(browser: Client, rows: RunRows) -> None:
    rows.ask("sim-sage", purpose="rank", attempt=2)
    assert "Asked sim-sage to rank the answers, attempt 2." in log(browser, rows)


def test_the_log_says_what_was_decided_and_why(browser: Client, rows: RunRows) -> None:
    rows.choose("sim-sage", {"sim-swift": 0.3, "sim-sage": 0.9})
    said = log(browser, rows)
    assert "Chosen answer: sim-sage. sim-sage has the highest estimated quality." in said
    assert "Recorded “Answer chosen”, so that a restart does not repeat it." in said


def test_the_log_says_whose_words_were_recorded(browser: Client, rows: RunRows) -> None:
    rows.answer(rows.ask("sim-swift"), "391")
    rows.fail(rows.ask("sim-sage"), "Too many requests.")
    rows.drop(rows.ask("sim-swift", attempt=2), CallStatus.CANCELLED)
    rows.end_step("of/another", "cancelled", kind="wait")
    said = log(browser, rows)
    assert "Recorded what sim-swift said, so that a restart does not repeat it." in said
    assert "Recorded what sim-sage said, so that a restart does not repeat it: it failed." in said
    assert "Recorded a step, so that a restart does not repeat it: it was stopped." in said


def test_an_event_without_a_sentence_is_said_in_words_and_units(browser: Client, rows: RunRows) -> None:
    rows.emit("board_opened", "", None, seats=3, waits_s=120.0, is_open=True, cost_usd="0.25")
    assert "Board opened: seats 3, waits 2 min 00 s, is open yes, cost $0.25." in log(browser, rows)
