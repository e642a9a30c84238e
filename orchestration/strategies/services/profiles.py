"""Profiles of models from runs: each ended run counts once, a changed rating replaces the earlier one.

Evidence is kept by type of task and kind of question, see `question_traits`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from orchestration.llm.engine.types import Json, ModelSpec, Purpose, plain
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import PanelRole, freeze, model_spec, thaw
from orchestration.runs.engine.records import StepKind
from orchestration.runs.models import Call, CallStatus, Rating, Run, Step
from orchestration.runs.services.queueing import queue_task
from orchestration.strategies.engine.asking import answer_step
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import TaskType, task_called
from orchestration.strategies.engine.profiles import (
    STORED,
    Evidence,
    ObservedAttempt,
    Profile,
    expectation,
    minus,
    observed,
    plus,
    rating_evidence,
)
from orchestration.strategies.models import ModelProfile, Observation, TeamCoefficients

FIT_COEFFICIENTS = "orchestration.evaluation.fit_coefficients"
"""The task that fits a team's coefficients where enough of its questions were graded since."""
CLASSIFIED = "classify"
"""The kind of decision that names the type of task of a request."""
Profiled = tuple[UUID, str, str]
"""What a profile is of: a model, a type of task, a kind of question."""


def learn_from_runs(runs: Sequence[Run]) -> None:
    """Add ended runs to their models' profiles; call it in the transaction that marks them as learned."""
    observations = _observations(runs)
    Observation.objects.bulk_create(observations)
    _add_up(((seen.model_id, seen.task, seen.kind), seen.evidence) for seen in observations)


def learn_from_children(runs: Sequence[Run]) -> None:
    """Add ended runs to their models' profiles: what was asked in any of the strategies' runs inside them."""
    found = Step.objects.filter(run__in=runs, kind=StepKind.CHILD, result__data__candidates__isnull=False)
    for run in runs:
        results = [step.result for step in found if step.run_id == run.pk]
        answers = [each for result in results if result for each in result["data"]["candidates"]]
        run.outcome = {**(run.outcome or {}), "candidates": answers}
    learn_from_runs(runs)


def learn_graded(answers: Sequence[tuple[Profiled, float]]) -> None:
    """Add answers to the profiles of their models, those still there, each with how right it is (0 to 1)."""
    existing = LanguageModel.objects.only("id").in_bulk({model for (model, *_), _ in answers})
    _add_up(
        (key, Evidence(asked=1, answered=1, quality=right, judged=1.0, right=right, graded=1.0))
        for key, right in answers
        if key[0] in existing
    )


def learn_ratings(run: Run) -> None:
    """Count the ratings of a run's answer as they are now; call it in a transaction that has locked the run.

    The ratings of a run that is not learned from yet are counted when it is.
    """
    transaction.on_commit(lambda: queue_task(FIT_COEFFICIENTS, run.team_id))
    seen = Observation.objects.filter(run=run, chosen=True).first()
    if seen is None:
        return
    now = rating_evidence(Rating.objects.filter(run=run).values_list("value", flat=True))
    before = Evidence(quality=seen.liked, judged=seen.rated, right=seen.liked, graded=seen.rated)
    change = minus(now, before)
    Observation.objects.filter(id=seen.id).update(liked=now.quality, rated=now.judged, **_added(change))
    _add_up([((seen.model_id, seen.task, seen.kind), change)])


def _observations(runs: Sequence[Run]) -> list[Observation]:
    """Return the observations of each run, for each model that was asked and still exists."""
    calls: dict[UUID, list[Call]] = defaultdict(list)
    asked = Call.objects.filter(run__in=runs, purpose=Purpose.ANSWER).defer("text")
    for call in asked.order_by("attempt"):
        calls[call.run_id].append(call)
    ratings: dict[UUID, list[int]] = defaultdict(list)
    for run_id, value in Rating.objects.filter(run__in=runs).values_list("run_id", "value"):
        ratings[run_id].append(value)
    ids = {entry["model"] for run in runs for entry in run.panel if "model" in entry}
    existing = LanguageModel.objects.only("id").in_bulk(ids)
    return [
        seen
        for run in runs
        for seen in _observed_in(run, calls[run.id], ratings[run.id])
        if seen.model_id in existing
    ]


def _observed_in(run: Run, calls: Sequence[Call], ratings: Sequence[int]) -> list[Observation]:
    """Return the observations of the models in a run, without those that were not asked or have no id."""
    members = [entry for entry in run.panel if entry.get("role") == PanelRole.MEMBER and "model" in entry]
    models = {entry["spec"]["name"]: UUID(entry["model"]) for entry in members}
    outcome: Mapping[str, Json] = run.outcome or {}
    candidates = {entry["step"]: entry for entry in outcome.get("candidates", ())}
    chosen = candidates.get(outcome.get("chosen", ""), {}).get("model")
    traits = question_traits(run.prompt, run.request.get("system", ""))
    decided = (each["chosen"] for each in outcome.get("decisions", ()) if each["kind"] == CLASSIFIED)
    task = next(filter(None, map(task_called, decided)), traits.task)
    consensus = outcome.get("consensus") or {}
    if consensus:  # its author, who cannot vote for it, is no witness against the answer that won
        consensus = consensus | {"dissenters": [each for each in consensus["dissenters"] if each != chosen]}
    found = []
    for name, model in models.items():
        shown = observed(_attempts(call for call in calls if call.model == name), candidates, consensus)
        liked = rating_evidence(ratings) if name == chosen else Evidence()
        if shown != Evidence() or name == chosen:
            part = {"chosen": name == chosen, "rated": liked.judged, "liked": liked.quality}
            whole = asdict(plus(shown, liked))
            found.append(Observation(run=run, model_id=model, task=task, kind=traits.kind, **part, **whole))
    return found


def _attempts(calls: Iterable[Call]) -> list[ObservedAttempt]:
    """Return the last attempt of each answer that a model was asked for, without cancelled and lost ones.

    `calls` are by attempt. One with tool calls has the time and the tokens of all its rounds, and the step
    of the last.
    """
    steps = {call.step: call for call in calls}
    answers: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(steps.values(), key=lambda call: call.started_s):
        answers[answer_step(call.step)].append(call)
    return [
        ObservedAttempt(
            step=last.step,
            done=last.status == CallStatus.DONE,
            code=last.error_code,
            seconds=None if last.latency_s is None else sum(call.latency_s or 0.0 for call in rounds),
            input_tokens=sum(call.input_tokens for call in rounds),
            output_tokens=sum(call.output_tokens for call in rounds),
        )
        for rounds in answers.values()
        for last in rounds[-1:]
        if last.status in {CallStatus.DONE, CallStatus.FAILED}
    ]


def _add_up(shown: Iterable[tuple[Profiled, Evidence]]) -> None:
    """Add evidence to profiles: one update for each."""
    sums: dict[Profiled, Evidence] = {}
    for key, evidence in shown:
        sums[key] = plus(sums.get(key, Evidence()), evidence)
    blank = [ModelProfile(model_id=model, task=task, kind=kind) for model, task, kind in sums]
    ModelProfile.objects.bulk_create(blank, ignore_conflicts=True)
    for (model, task, kind), evidence in sorted(sums.items(), key=str):  # one order for all: no deadlock
        ModelProfile.objects.filter(model_id=model, task=task, kind=kind).update(**_added(evidence))


def _added(evidence: Evidence) -> dict[str, Any]:
    return {f.name: F(f.name) + getattr(evidence, f.name) for f in fields(evidence)}


def own_coefficients(team: UUID) -> Mapping[str, Json] | None:
    """Return the team's own coefficients as they are stored, None where those that ship are used."""
    rows = TeamCoefficients.objects.filter(team=team, is_used=True)
    return rows.values_list("document", flat=True).first()


def profiled_entry(
    model: LanguageModel, role: PanelRole, own: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Return a model as a run freezes it: with its profiles, which are prefetched, and `own` coefficients.

    These stand with each model, as a child run has some models of its parent's panel.
    """
    profiles: Json = plain(model_profiles(model, model_spec(model)))
    offsets = {name: each for name, each in (own or {}).get("offsets", {}).items() if name == model.name}
    coefficients = {"coefficients": {**own, "offsets": offsets}} if own else {}
    return {**freeze(model, role), "profiles": profiles, **coefficients}


def stored_belief(panel: Sequence[Mapping[str, Json]]) -> Belief:
    """Return what was believed of a panel, as the run froze it."""
    own = [entry["coefficients"] for entry in panel if "coefficients" in entry]
    offsets = {name: each for stored in own for name, each in stored["offsets"].items()}
    return belief_of_team(
        [thaw(entry).spec for entry in panel],
        {entry["spec"]["name"]: stored_profiles(entry) for entry in panel},
        {**own[0], "offsets": offsets} if own else None,
    )


def model_profiles(model: LanguageModel, spec: ModelSpec) -> tuple[Profile, ...]:
    """Return the profiles of a model for each type of task that there is evidence of."""
    by_task: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for row in model.profiles.all():
        by_task[row.task][row.kind] = row.evidence
    return tuple(expectation(spec, TaskType(task), kinds) for task, kinds in sorted(by_task.items()))


def stored_profiles(entry: Mapping[str, Json]) -> Sequence[Profile]:
    """Return the profiles of a model as the run froze them."""
    return STORED.validate_python(entry.get("profiles", ()))
