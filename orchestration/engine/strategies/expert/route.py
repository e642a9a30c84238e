"""Whom to ask: the kind of task, the ranking for it, and both as decisions that say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from orchestration.engine.routing.classification import Classification, classify
from orchestration.engine.routing.profiles import Prefer, Ranked, rank
from orchestration.engine.routing.task_types import Profile, TaskType
from orchestration.engine.strategies.asking import Trail
from orchestration.engine.strategies.deciding import announce
from orchestration.engine.strategies.expert.classifying import classify_by
from orchestration.engine.strategies.expert.options import ExpertOptions
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.wording import counted, dollars, listed
from orchestration.engine.types import Decision, Json, Request

STEP = "route"
WEIGHED: Mapping[Prefer, str] = {
    Prefer.QUALITY: "expected quality",
    Prefer.BALANCED: "expected quality less a little for cost",
    Prefer.CHEAP: "expected quality less a lot for cost",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The models in the order in which to ask them, and the decisions that led there."""

    order: tuple[str, ...]
    decisions: tuple[Decision, ...]

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Route:
        """Return what was journaled."""
        told = [
            Decision(**{**decision, "options": tuple(decision["options"])})
            for decision in stored["decisions"]
        ]
        return cls(order=tuple(stored["order"]), decisions=tuple(told))


async def find_route(request: Request, options: ExpertOptions, panel: Panel, trail: Trail) -> Route:
    """Classify the request and rank the panel; what an earlier life of the run had decided stands."""
    rules = classify(request.text, request.system)
    task, reason = rules.task, rules.reason
    for model in panel.each_named(options.classifier):
        task, reason = await classify_by(model, request, trail, rules)
    ranking = rank([model.spec for model in panel.members], task, options.prefer)
    found = Route(
        order=tuple(ranked.model for ranked in ranking),
        decisions=(_of_kind(task, reason, rules), _of_ranking(task, ranking, options)),
    )
    with trail.step(STEP, task.label):
        route = Route.from_json(await trail.context.decide(STEP, asdict(found)))
    for decision in route.decisions:
        await announce(trail.context, decision, STEP)
    return route


def _of_kind(task: TaskType, reason: str, rules: Classification) -> Decision:
    """Return what kind of task it is, and how much of the words' weight speaks for each."""
    shares = {kind.label: share for kind, share in rules.shares.items()}
    kinds = dict.fromkeys([task.label, *shares])
    return Decision(kind="classify", chosen=task.label, reason=reason, options=tuple(kinds), scores=shares)


def _of_ranking(task: TaskType, ranking: Sequence[Ranked], options: ExpertOptions) -> Decision:
    """Return who is asked, and the numbers behind it."""
    asked = [ranked.model for ranked in ranking[: options.ask]]
    reserve = len(ranking) - len(asked)
    behind = f" {counted(reserve, 'other model')} in reserve." if reserve else ""
    return Decision(
        kind="rank",
        chosen=listed(asked),
        reason=f"Ranked for {task.label} by {WEIGHED[options.prefer]}.{behind}",
        options=tuple(ranked.model for ranked in ranking),
        scores={ranked.model: ranked.score for ranked in ranking},
        remarks={ranked.model: _in_words(ranked.profile) for ranked in ranking},
    )


def _in_words(profile: Profile) -> str:
    """Return a profile's numbers and what they rest on."""
    cost = "no price" if profile.cost_usd is None else f"about {dollars(profile.cost_usd)}"
    chances = f"Quality {profile.quality:.0%}, answers {profile.success:.0%} of the time"
    numbers = f"{chances}, {profile.seconds:.1f} s, {cost}"
    if not profile.asked:
        return f"{numbers}: by its tier and price alone, it has not been asked yet."
    judged = f"{profile.evidence:g} judged" if profile.evidence else "none judged"
    return f"{numbers}: learned from {counted(profile.asked, 'asking')}, {judged}."
