"""What the newest runs of a team say of runs to come."""

from __future__ import annotations

import pytest

from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.services.estimates import calls_a_member
from tests.support.history import a_member, a_run


@pytest.mark.django_db
def test_runs_of_another_kind_are_no_history_of_a_strategy_of_the_same_name() -> None:
    member, request = a_member(), {"models": ["a", "b"], "options": {}}
    a_run(member, ref="voting", request=request, calls_started=3)
    a_run(member, kind="pipeline", ref="voting", request=request, calls_started=40)
    assert calls_a_member(member, "voting", {}, TaskType.REASONING) == [1.5]
