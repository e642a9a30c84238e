"""What the run page shows of an evaluation: how far it has come, and each configuration so far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from orchestration.evaluation.selectors import evaluation_results
from orchestration.evaluation.services.evaluation_runs import PROGRESS
from orchestration.runs.kinds import KindPage, Section
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import RunState


class EvaluationPage(KindPage):
    """The page of an evaluation."""

    template = "evaluation/run_sections.html"
    sentence = "evaluation/_run_sentence.html"
    stylesheets = ("css/lists.css", "css/evaluation.css")
    sections = (Section(name="evaluation-progress", events=frozenset({PROGRESS})),)
    sentences: Mapping[str, str] = {PROGRESS: "evaluation/events/progressed.html"}
    is_large = True

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # no times are shown
        """Return the results so far, without the baselines, which the page of results has."""
        request = state.run.request
        results = evaluation_results(state.run.pk, request, whole=False)
        return {"results": results, "configurations": request["configurations"]}

    def method(self, ref: str) -> str:  # noqa: ARG002  # a dataset's id says nothing to people
        """Return what all evaluations are called in the history."""
        return "Evaluation"

    def start_address(self) -> str:
        """Return the form of a new evaluation."""
        return reverse("evaluation:new")

    def change_address(self, run: Run) -> str:
        """Return the form filled in as the run was."""
        return f"{reverse('evaluation:new')}?from={run.pk}"
