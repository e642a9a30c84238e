"""What pages show of evaluations: how far one has come, and what they and ratings teach the belief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.selectors import evaluation_results, graded_since
from orchestration.evaluation.services.coefficients import FEWEST_NEW, NEW_SHARE, GradeSource
from orchestration.evaluation.services.evaluation_runs import PROGRESS
from orchestration.llm.services.panel import model_spec
from orchestration.runs.kinds import KindPage, Section
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.belief.fitting import FEWEST_EXAMPLES
from orchestration.strategies.engine.belief.model import REASONS, Belief, Tried
from orchestration.strategies.engine.belief.shipped import belief_of_team, shipped_belief
from orchestration.strategies.models import TeamCoefficients
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.profiles import model_profiles


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRecordRow:
    """A model's graded answers, by the kinds of questions of the table."""

    model: str
    whole: Tried
    by_kind: Sequence[Tried | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BeliefOverview:
    """What a team's belief rests on: its coefficients with those that ship, and the records of its models.

    `examples` are graded questions by kind, from evaluations and from ratings; `new` were graded since.
    """

    stored: TeamCoefficients
    is_fitting: bool
    new: int
    examples: Sequence[tuple[str, int, int]]
    coefficients: Sequence[tuple[str, str, float, float | None]]
    kinds: Sequence[str]
    records: Sequence[ModelRecordRow]
    fewest: int = FEWEST_EXAMPLES
    fewest_new: int = FEWEST_NEW
    new_share: float = NEW_SHARE

    @property
    def raised(self) -> float:
        """By how much the team's own coefficients raise the log loss of questions held out."""
        return -(self.stored.gain or 0.0)


def belief_overview(membership: Membership) -> BeliefOverview:
    """Return what the team's belief rests on."""
    stored = TeamCoefficients.objects.filter(team=membership.team_id).first() or TeamCoefficients()
    own = stored.document.get("coefficients", {})
    evaluated, rated = (stored.examples.get(source, {}) for source in GradeSource)
    models = list(models_with_profiles(membership))
    specs = {model.name: model_spec(model) for model in models}
    belief = belief_of_team(
        specs.values(), {model.name: model_profiles(model, specs[model.name]) for model in models}
    )
    kinds = sorted(kind for kind, each in belief.kinds.items() if kind and each.seen)
    return BeliefOverview(
        stored=stored,
        is_fitting=stored.fitting_until is not None and stored.fitting_until > timezone.now(),
        new=graded_since(membership.team_id, stored.counted_at or stored.since),
        examples=[
            (kind, evaluated.get(kind, 0), rated.get(kind, 0)) for kind in sorted({*evaluated, *rated})
        ],
        coefficients=[
            (term.value, REASONS[term], value, own.get(term.value))
            for term, value in shipped_belief().coefficients.items()
        ],
        kinds=kinds,
        records=[_record_row(name, belief, kinds) for name in specs],
    )


def _record_row(model: str, belief: Belief, kinds: Sequence[str]) -> ModelRecordRow:
    record = belief.records[model]
    right = sum(each.right for each in record.by_task.values())
    found = [record.by_kind.get(kind) for kind in kinds]
    return ModelRecordRow(
        model=model,
        whole=Tried(right=right, seen=record.graded),
        by_kind=[each if each is not None and each.seen else None for each in found],
    )
