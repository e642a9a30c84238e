"""What waits for a person: for pages of the inbox, and counted for the top bar."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Left

from orchestra_site.accounts.models import Membership, User
from orchestra_site.web.pages import Page, keyset_page
from orchestration.runs.engine.types import StepStatus
from orchestration.runs.models import HumanQuestion, QuestionQuerySet, Step
from orchestration.runs.selectors.runs import EXCERPT_CHARACTERS

PAGE_SIZE = 20
MOST_OPEN = 1_000
"""Open questions of a team that are looked at, the newest."""
NEWEST = ("asked_at", "id")
ANSWERED_FOR = timedelta(days=7)
MOST_ANSWERED = 20
MOST_SHOWN = 100
"""Questions of a page whose changes it can ask for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbox:
    """A page of the questions for a member, the newest ones for `others`, and those settled lately.

    `for_me` and `for_others` count all of them; `users` are those that the audiences name.
    """

    mine: Page[HumanQuestion]
    others: Sequence[HumanQuestion]
    settled: Sequence[HumanQuestion]
    for_me: int
    for_others: int
    users: Collection[User]


def open_questions(teams: Collection[UUID]) -> dict[UUID, list[HumanQuestion]]:
    """Return the open questions of each of `teams`, only with whom they are for."""
    found: dict[UUID, list[HumanQuestion]] = {team: [] for team in teams}
    rows = HumanQuestion.objects.open().filter(run__team_id__in=found).select_related("run")
    for question in rows.only("audience", "run__team_id")[: MOST_OPEN * len(found)]:
        found[question.run.team_id].append(question)
    return found


def inbox(membership: Membership, kind: str, cursor: str, now: datetime) -> Inbox:
    """Return what the inbox shows from `cursor` on ("" is the newest). Raises Http404 for a bad cursor."""
    found = _with_runs(HumanQuestion.objects.visible_to(membership), kind)
    looked_at = found.open().order_by("-asked_at", "-id").only("audience", "asked_at")[:MOST_OPEN]
    mine: list[Any] = []
    others: list[Any] = []
    for question in looked_at.select_related(None):
        (mine if question.may_be_answered_by(membership) else others).append(question.pk)
    page = keyset_page(found.filter(pk__in=mine), cursor=cursor, size=PAGE_SIZE, keys=NEWEST)
    for_others = list(found.filter(pk__in=others[:PAGE_SIZE]).order_by("-asked_at", "-id"))
    named = {user for question in (*page.rows, *for_others) for user in question.audience.get("users", [])}
    return Inbox(
        mine=page,
        others=for_others,
        settled=_settled(found, now),
        for_me=len(mine),
        for_others=len(others),
        users=list(User.objects.filter(pk__in=named)) if named else [],
    )


def _with_runs(questions: QuestionQuerySet, kind: str) -> QuestionQuerySet:
    chosen = questions.filter(run__kind=kind) if kind else questions
    long = ("prompt", "request", "panel", "answer", "outcome", "output", "error")
    shown = chosen.select_related("run__created_by", "answered_by").defer(*(f"run__{name}" for name in long))
    cut: QuestionQuerySet = shown.annotate(prompt_excerpt=Left("run__prompt", EXCERPT_CHARACTERS))
    return cut


def _settled(questions: QuestionQuerySet, now: datetime) -> list[HumanQuestion]:
    """Return what was answered in the last days, or taken at a deadline, the latest first."""
    since = now - ANSWERED_FOR
    answered = questions.filter(answered_at__gte=since).order_by("-answered_at")[:MOST_ANSWERED]
    ended = Step.objects.filter(run=OuterRef("run"), key=OuterRef("step"), status=StepStatus.DONE)
    late = questions.filter(Exists(ended), answered_at=None, deadline_at__range=(since, now))
    lapsed = late.order_by("-deadline_at")[:MOST_ANSWERED]
    both = sorted([*answered, *lapsed], key=lambda each: each.answered_at or each.deadline_at, reverse=True)
    return both[:MOST_ANSWERED]


def gone_questions(membership: Membership, shown: Collection[UUID]) -> list[HumanQuestion]:
    """Return those of the questions that a page shows which wait no more."""
    known = HumanQuestion.objects.visible_to(membership).filter(pk__in=list(shown)[:MOST_SHOWN])
    return list(known.exclude(pk__in=known.open()).select_related("answered_by"))


def newer_for(membership: Membership, since: datetime) -> int:
    """Return how many open questions for the member were asked after `since`."""
    newer = HumanQuestion.objects.visible_to(membership).open().filter(asked_at__gt=since)
    return sum(each.may_be_answered_by(membership) for each in newer.only("audience")[:MOST_OPEN])


def answerable(questions: Mapping[UUID, Sequence[HumanQuestion]], membership: Membership) -> int:
    """Return how many of the open questions the member may answer."""
    return sum(each.may_be_answered_by(membership) for each in questions.get(membership.team_id, ()))
