"""A team's own coefficients: fitted from its graded questions in the background, and reset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, Sum
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.evaluation.engine.coefficients import fit_coefficients, rated_example
from orchestration.evaluation.selectors import NAME, graded_since
from orchestration.evaluation.services.evaluation_runs import LONGEST_KEPT
from orchestration.evaluation.services.learning import sampled_answers
from orchestration.llm.models import LanguageModel
from orchestration.llm.providers.recorded.recording import same_words
from orchestration.llm.services.panel import model_spec
from orchestration.runs.models import Run
from orchestration.strategies.engine.asking import answer_number
from orchestration.strategies.engine.belief.fitting import ReadExample, read_examples
from orchestration.strategies.engine.belief.reading import question_traits, read_text
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.strategy import GradedAnswer, TrainingExample, all_strategies
from orchestration.strategies.models import TeamCoefficients
from orchestration.strategies.services.strategy_runs import NAME as STRATEGY

FEWEST_NEW = 20
"""Questions that were graded since coefficients were last fitted, from which on they are fitted again."""
NEW_SHARE = 0.1
"""The same as a share of those that they rest on."""
MOST_EXAMPLES = 1_000
"""Graded questions that are learned from, the newest: some 20 seconds with eleven models."""
MOST_ROWS = 20_000
MOST_RATED = 2_000
LONGEST_FIT = timedelta(minutes=10)
"""After this a worker that fits is taken for dead."""


class GradeSource(StrEnum):
    """What graded a question."""

    EVALUATION = "evaluation"
    RATING = "rating"


@dataclass(frozen=True, kw_only=True, slots=True)
class GradedQuestion:
    """A question of the team whose answers were graded."""

    source: GradeSource
    example: ReadExample


def refit_coefficients(team: UUID) -> bool:
    """Fit a team's coefficients where enough was graded since; return whether that was done.

    They are used once they are better than those that ship on questions held out. Nothing is stored where
    they were reset meanwhile, or where another worker has taken this one for dead.
    """
    now = timezone.now()
    found = _claimed(team, now)
    if found is None:
        return False
    graded = list(_graded_questions(team, found.since))
    specs = map(model_spec, LanguageModel.objects.filter(team=team).select_related("provider"))
    fitted = fit_coefficients([each.example for each in graded], belief_of_team(specs, {}))
    stored = TeamCoefficients.objects.filter(team=team, fitting_until=now + LONGEST_FIT).update(
        document=fitted.document if fitted else {},
        is_used=fitted is not None and fitted.is_better,
        examples=_counted(graded),
        gain=fitted and fitted.gain,
        error=fitted and fitted.error,
        compared=fitted.compared if fitted else 0,
        counted_at=now,
        fitting_until=None,
    )
    return stored > 0


def _claimed(team: UUID, now: datetime) -> TeamCoefficients | None:
    """Return the team's row once this worker alone may fit it, None where there is no need."""
    kept = TeamCoefficients.objects.filter(team=team)
    known = kept.first() or TeamCoefficients()
    enough = max(FEWEST_NEW, NEW_SHARE * known.number)
    if graded_since(team, known.counted_at or known.since) < enough:
        return None
    TeamCoefficients.objects.get_or_create(team_id=team)
    free = kept.filter(Q(fitting_until=None) | Q(fitting_until__lt=now), counted_at=known.counted_at)
    return known if free.update(fitting_until=now + LONGEST_FIT) else None


def _counted(graded: list[GradedQuestion]) -> dict[str, dict[str, int]]:
    """Return the numbers of questions by source and kind."""
    return {
        source: dict(Counter(each.example.question.kind for each in graded if each.source is source))
        for source in GradeSource
    }


def _graded_questions(team: UUID, since: datetime | None) -> Iterator[GradedQuestion]:
    """Yield the newest graded questions, each once; what has a reference goes before what was rated."""
    known: dict[str, TrainingExample] = {}
    for words, example in _evaluated(team, since):
        seen = known.get(words)
        if seen is None and len(known) >= MOST_EXAMPLES:
            continue
        known[words] = example if seen is None else replace(seen, answers={**example.answers, **seen.answers})
    yield from (
        GradedQuestion(source=GradeSource.EVALUATION, example=each) for each in read_examples(known.values())
    )
    left = MOST_EXAMPLES - len(known)
    for run, value in _rated(team, since):
        words = same_words(run.prompt)
        if words in known or left <= 0:
            continue
        rated = _rated_question(run, liked=value > 0)
        if rated is not None:
            known[words], left = TrainingExample(prompt=run.prompt), left - 1
            yield GradedQuestion(source=GradeSource.RATING, example=rated)


def _evaluated(team: UUID, since: datetime | None) -> Iterator[tuple[str, TrainingExample]]:
    """Yield the items of evaluations that are over, with the answers that were graded and kept whole."""
    runs = Run.objects.filter(team=team, kind=NAME, finished_at__isnull=False).order_by("-finished_at")
    if since is not None:
        runs = runs.filter(finished_at__gt=since)
    rows = chain.from_iterable(sampled_answers(run) for run in runs.iterator())
    for item, found in islice(rows, MOST_ROWS):
        answers: dict[str, GradedAnswer] = {}
        for each in found:
            if each["correct"] is not None and len(each["text"]) < LONGEST_KEPT:
                answers.setdefault(each["model"], GradedAnswer(text=each["text"], correct=each["correct"]))
        if answers:
            yield same_words(item.prompt), TrainingExample(prompt=item.prompt, answers=answers)


def _rated(team: UUID, since: datetime | None) -> Iterator[tuple[Run, int]]:
    """Yield rated runs, the newest ratings first, and by how many more members liked the answer than not."""
    counted = Q() if since is None else Q(ratings__at__gt=since)
    summed = Run.objects.filter(team=team).annotate(
        total=Sum("ratings__value", filter=counted), newest=Max("ratings__at", filter=counted)
    )
    rated = summed.exclude(total=None).exclude(total=0).only("prompt", "request", "outcome")
    for run in rated.order_by("-newest")[:MOST_RATED].iterator():
        yield run, run.total


def _rated_question(run: Run, *, liked: bool) -> ReadExample | None:
    """Return what a rating says of answers that several models gave without others' in sight, if it does."""
    outcome = run.outcome or {}
    name = run.request.get("strategy") or str(outcome.get("method", "")).removeprefix(f"{STRATEGY}/")
    strategy = all_strategies().get(name)
    if strategy is None or not strategy.answer_alone:
        return None
    answers = [
        each
        for each in outcome.get("candidates", ())
        if each["state"] == "answered"
        and answer_number(each["step"]) == 1
        and (each["quality"] or {}).get("usable", True)
    ]
    steps = [each["step"] for each in answers]
    if len(answers) < 2 or outcome.get("chosen") not in steps:  # noqa: PLR2004
        return None
    question = question_traits(run.prompt, run.request.get("system", ""))
    read = [read_text(each["model"], each["text"], run.prompt) for each in answers]
    return rated_example(question, read, steps.index(outcome["chosen"]), liked=liked)


@transaction.atomic
def reset_coefficients(*, membership: Membership) -> bool:
    """Use the coefficients that ship again, and learn from what is graded from now on. It is audited.

    Return whether there was anything to forget.
    """
    row = TeamCoefficients.objects.select_for_update().filter(team=membership.team_id).first()
    if row is None:
        return False
    record_change(
        membership=membership,
        action=AuditAction.COEFFICIENTS_RESET,
        subject="the coefficients of the team",
        before={"questions": row.number},
    )
    TeamCoefficients(team_id=row.team_id, since=timezone.now()).save()
    return True
