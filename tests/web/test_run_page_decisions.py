"""Decisions on the run page: named in words, on their cards and on the path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import orchestration.engine.strategies
from orchestration.parts.summary import LABELS, with_shares

KIND = re.compile(r'\bkind="(\w+)"')


def test_every_kind_of_decision_has_a_name_in_words() -> None:
    folder = Path(orchestration.engine.strategies.__path__[0])
    made = {kind for file in folder.rglob("*.py") for kind in KIND.findall(file.read_text())}
    assert {"select", "vote", "stop"} <= made <= LABELS.keys()


@pytest.mark.parametrize(("kind", "label"), [("select", "Chosen answer"), ("of another version", "Decision")])
def test_a_decision_is_labelled_in_words(kind: str, label: str) -> None:
    assert with_shares({"kind": kind, "chosen": "", "reason": ""})["label"] == label
