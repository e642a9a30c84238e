"""What a page shows of a team's belief: coefficients, what they rest on, and the records of its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.selectors import graded_since
from orchestration.evaluation.services.coefficients import FEWEST_NEW, NEW_SHARE, GradeSource
from orchestration.llm.services.panel import model_spec
from orchestration.strategies.engine.belief.fitting import FEWEST_EXAMPLES
from orchestration.strategies.engine.belief.model import REASONS, Belief, Tried
from orchestration.strategies.engine.belief.shipped import belief_of_team, shipped_belief
from orchestration.strategies.models import TeamCoefficients
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.profiles import model_profiles


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
