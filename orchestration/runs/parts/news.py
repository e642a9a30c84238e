"""What is new for those who look on: answered for many of them with a few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from orchestration.runs.models import Run
from orchestration.runs.parts.batches import BATCHES, Batch, BatchKey, overdue_notice
from orchestration.runs.parts.topbar import running_count
from orchestration.runs.selectors.runs_live import open_run_counts
from orchestration.runs.selectors.viewers import Standing, members_among, standings


@dataclass(frozen=True, slots=True)
class Question:
    """A viewer asks what came after an event number of a run."""

    user: UUID
    run: UUID
    after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a viewer is to be sent: the next batch, or the notice of a run that nobody picks up.

    `found` is False when the run is gone, `member` when the viewer may no longer see it; `more` is True when
    there is more after the batch.
    """

    found: bool = True
    member: bool = True
    batch: Batch | None = None
    notice: str = ""
    more: bool = False


def news_for(questions: Sequence[Question]) -> list[News]:
    """Answer many viewers with two queries and one rendering for each run, number and role among them."""
    runs = standings(question.run for question in questions)
    members = members_among(
        (question.user for question in questions), (standing.team for standing in runs.values())
    )
    notices: dict[UUID, str] = {}
    answers = []
    for question in questions:
        standing = runs.get(question.run)
        member = members.get((question.user, standing.team)) if standing else None
        if standing is None:
            answers.append(News(found=False))
        elif member is None:
            answers.append(News(member=False))
        elif standing.seq > question.after:
            answers.append(_batch(question, standing, may_run=member.may_run))
        else:
            if question.run not in notices:
                notices[question.run] = overdue_notice(question.run, standing, timezone.now())
            answers.append(News(notice=notices[question.run]))
    return answers


def _batch(question: Question, standing: Standing, *, may_run: bool) -> News:
    try:
        batch = BATCHES.after(BatchKey(question.run, question.after, may_run))
    except Run.DoesNotExist:
        return News(found=False)
    return News(batch=batch, more=batch is not None and batch.seq < standing.seq)


@dataclass(frozen=True, slots=True)
class CountQuestion:
    """A viewer asks how many of a team's runs are under way."""

    user: UUID
    team: UUID


def counts_for(questions: Sequence[CountQuestion]) -> list[str | None]:
    """Return the top bar's count as HTML for each question, None for who is not in the team."""
    members = members_among((q.user for q in questions), (q.team for q in questions))
    counts = open_run_counts({question.team for question in questions})
    return [
        running_count(counts.get(question.team, 0)) if (question.user, question.team) in members else None
        for question in questions
    ]
