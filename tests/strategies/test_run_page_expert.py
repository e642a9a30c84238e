"""The decision card of an expert run: the kind of task, the words, each model's numbers, who was asked."""

from __future__ import annotations

import pytest

from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db

KIND = {
    "kind": "classify",
    "chosen": "reasoning",
    "reason": "Looks like reasoning by its words: “17% of”. Confidence 70%.",
    "options": ["reasoning", "generation"],
    "scores": {"reasoning": 0.7, "generation": 0.1},
}
RANKING = {
    "kind": "rank",
    "chosen": "sage",
    "reason": "Ranked for reasoning by expected quality. 1 other model in reserve.",
    "options": ["sage", "swift"],
    "scores": {"sage": 0.8, "swift": 0.6},
    "remarks": {"sage": "Quality 84%: learned from 12 calls, 9 judged.", "swift": "<b>new</b>"},
}


def test_the_card_says_the_kind_why_and_what_is_known_of_each_model() -> None:
    member = a_member()
    rows = RunRows.queued(member, "swift", "sage", ref="expert")
    rows.start()
    call = rows.ask("sage")
    rows.answer(call, "391")
    rows.succeed("391", chosen="ask/sage", decisions=[KIND, RANKING])
    page = signed_in(member).get(f"/runs/{rows.run.pk}/").content.decode()
    for words in (KIND["reason"], RANKING["reason"], "learned from 12 calls, 9 judged", "80%", "60%"):
        assert str(words) in page
    assert "&lt;b&gt;new&lt;/b&gt;" in page
