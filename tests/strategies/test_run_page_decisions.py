"""Decisions on the run page: named in words, on their cards and on the path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import timezone

import orchestration.strategies.engine
from orchestration.runs.kinds import decided_at
from orchestration.runs.models import RunStatus, Step
from orchestration.runs.parts.run_view import with_shares
from orchestration.runs.parts.waterfall import waterfall
from orchestration.runs.selectors.run_state import run_state
from orchestration.strategies.engine.strategy import decision_labels
from orchestration.strategies.engine.types import StrategyEvent
from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows

KIND = re.compile(r'\bkind="(\w+)"')


def test_every_kind_of_decision_has_a_name_in_words() -> None:
    folder = Path(orchestration.strategies.engine.__path__[0])
    made = {kind for file in folder.rglob("*.py") for kind in KIND.findall(file.read_text())}
    assert {"select", "vote", "stop"} <= made <= decision_labels().keys()


@pytest.mark.parametrize(("kind", "label"), [("select", "Chosen answer"), ("of another version", "Decision")])
def test_a_decision_is_labelled_in_words(kind: str, label: str) -> None:
    assert with_shares({"kind": kind, "chosen": "", "reason": ""})["label"] == label


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("select", ("Answer chosen", "")),
        ("accept/2", ("Level 2 decided", "")),
        ("child/accept/2", ("Level 2 decided", "")),
        ("judge/sim-sage/order", ("Order drawn", "")),
        ("of/another", ("Decision", "")),
    ],
)
def test_a_moment_on_the_path_is_named_in_words(key: str, shown: tuple[str, str]) -> None:
    run = RunRows.queued(a_member(), "sim-swift").run
    Step.objects.create(run=run, key=key, kind="decision", status="done", started_s=1.0, seconds=0.0)
    [bar] = waterfall(run_state(run.pk), timezone.now(), decided_at).bars
    assert (bar.label, bar.detail) == shown


@pytest.mark.django_db
def test_an_answer_with_nothing_behind_its_score_is_not_judged_anywhere_on_the_page() -> None:
    member = a_member()
    rows = RunRows.queued(member, "sim-swift", ref="parallel")
    rows.start()
    rows.answer(rows.ask("sim-swift"), "391")
    rows.score("sim-swift", 0.7, judged=False)
    rows.choose("sim-swift", {})
    rows.end(RunStatus.SUCCEEDED, answer="391", quality=None)
    html = signed_in(member).get(f"/runs/{rows.run.pk}/").content.decode()
    shown = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "quality not judged 391 Copy" in shown
    assert "Not judged Coherence" in shown
    assert "The answer of sim-swift was not judged: the checks found nothing" in shown
    assert "70%" not in shown


@pytest.mark.django_db
def test_a_run_without_a_usable_answer_is_no_fault_and_says_what_helps() -> None:
    member = a_member()
    browser = signed_in(member)
    rows = RunRows.queued(member, "sim-swift", ref="parallel")
    rows.start()
    rows.answer(rows.ask("sim-swift"), "I cannot help with that.")
    why = "The model declined. sim-swift: The model declines to answer."
    marks = {"judged": True, "usable": False, "overall": 0.02, "dimensions": {}, "evidence": ["It declines."]}
    rows.emit(StrategyEvent.CANDIDATE_SCORED, "ask/sim-swift", model="sim-swift", **marks)
    rows.end(RunStatus.FAILED, error=why, error_code="no_usable_answer")
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    shown = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "No answer can be used. The model declined." in shown
    assert "connect a real one under Models" in shown
    assert "Models 1 of 1 asked: 1 without a usable answer" in shown
    assert "Not usable" in shown
    assert "It declines." in shown
    assert "I cannot help with that." in shown
    assert "This run failed." not in shown
    assert "No answer" in browser.get("/runs/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("caveat", "word"), [("below_quality", "Below your quality"), ("quality_unknown", "Quality not judged")]
)
def test_an_answer_that_falls_short_of_the_quality_asked_for_says_so_on_its_page_and_in_the_list(
    caveat: str, word: str
) -> None:
    member = a_member()
    browser = signed_in(member)
    rows = RunRows.queued(member, "sim-swift", ref="parallel")
    rows.start()
    rows.answer(rows.ask("sim-swift"), "391")
    notes = ["Quality 61%, below the 80% that was asked for.", "Missing: sim-sage."]
    outcome = {"chosen": "ask/sim-swift", "candidates": [], "decisions": [], "notes": notes}
    rows.end(RunStatus.SUCCEEDED, answer="391", quality=0.61, caveat=caveat, outcome=outcome)
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    shown = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert word in shown
    assert word in browser.get("/runs/").content.decode()
    assert shown.index("Quality 61%, below the 80%") < shown.index("Was this good?") < shown.index("Missing:")
    assert shown.count("61%") == 1
