"""Runs and everything a run leaves behind."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Context
from functools import cached_property
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role, Team, TeamQuerySet, User
from orchestration.llm.engine.types import Purpose
from orchestration.runs.engine.types import StepStatus


class RunStatus(models.TextChoices):
    """Where a run is."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATUSES = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
TERMINAL = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
ENDED_BY_THEMSELVES = (RunStatus.SUCCEEDED, RunStatus.FAILED)
"""How runs end that nobody cancelled: those that records are made of."""
NO_FAULTS = frozenset({"no_usable_answer"})
"""Codes of failed runs in which nothing broke; they have an icon and a word of their own."""


def asked_to(purpose: str) -> str:
    """Return in words what a model is asked to do; run kinds may have purposes of their own."""
    try:
        return Purpose(purpose).words
    except ValueError:
        return purpose.replace("_", " ")


class CallStatus(models.TextChoices):
    """How a call stands. A lost one was in flight when its process died: it may have been billed."""

    RUNNING = "running", "Running"
    DONE = "done", "Answered"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Lost"


class CommandKind(models.TextChoices):
    """What a person can send to a run."""

    CANCEL = "cancel", "Cancel"
    PAUSE = "pause", "Pause"
    ANSWER = "answer", "Answer"
    MESSAGE = "message", "Message"


MOST_DIGITS = 400  # of a number that a database can store


class DollarsField(models.DecimalField):  # type: ignore[type-arg]  # not subscriptable at run time
    """US dollars. Also what has more digits than the column should hold is read, as it is stored."""

    @cached_property
    def context(self) -> Context:
        """The precision that stored values are read with: one that none exceeds."""
        return Context(prec=MOST_DIGITS)

    def deconstruct(self) -> Any:  # noqa: ANN401  # Django's own
        """Stand in migrations as the column that it is."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.DecimalField", arguments, options


class Run(models.Model):
    """One execution, frozen when it was started: request, panel, options and seed never change afterwards.

    `fence` grows with every claim; a writer whose fence is old is refused. `lapses` counts leases that ran
    out, `blocks` how often the run's code stopped its process. `last_seq` is the number of the newest event.
    `learned_at` is set once its models' profiles have it. `answer` is for people, `output` what another
    program reads, `caveat` the code of what the answer falls short of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="runs")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="runs"
    )
    rerun_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns"
    )
    kind = models.CharField(max_length=40)
    ref = models.CharField(max_length=200)
    prompt = models.TextField()
    request = models.JSONField(default=dict)
    panel = models.JSONField(default=list)
    seed = models.BigIntegerField()

    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)

    fence = models.PositiveIntegerField(default=0)
    lapses = models.PositiveSmallIntegerField(default=0)
    blocks = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    last_seq = models.PositiveIntegerField(default=0)

    answer = models.TextField(blank=True)
    outcome = models.JSONField(null=True)
    output = models.JSONField(null=True)
    quality = models.FloatField(null=True)
    caveat = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    cost_usd = DollarsField(max_digits=16, decimal_places=9, default=0)
    calls_started = models.PositiveIntegerField(default=0)
    learned_at = models.DateTimeField(null=True, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["team", "-created_at", "-id"], name="run_history"),
            models.Index(fields=["team", "status", "-created_at", "-id"], name="run_history_by_status"),
            models.Index(fields=["team", "kind", "ref", "-created_at", "-id"], name="run_history_by_ref"),
            models.Index(
                fields=["status", "lease_until"],
                condition=models.Q(status__in=["queued", "running", "waiting"]),
                name="run_open",
            ),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(learned_at=None, status__in=["succeeded", "failed"]),
                name="run_to_learn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} run {self.id}"

    @property
    def look(self) -> str:
        """What it is shown as: its status, what its answer falls short of, or an end that is no fault."""
        is_no_fault = self.status == RunStatus.FAILED and self.error_code in NO_FAULTS
        return self.error_code if is_no_fault else self.caveat or self.status

    @property
    def is_over(self) -> bool:
        """True once nothing more will happen to the run by itself."""
        return self.status in TERMINAL

    def working_seconds(self, now: datetime) -> float | None:
        """Return the seconds since its start, up to its end or its pause; None until it starts."""
        if self.started_at is None:
            return None
        until = self.finished_at or self.waiting_since or now
        return max(0.0, (until - self.started_at).total_seconds())


class Step(models.Model):
    """A journaled unit of a run: how it ended and what it gave."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=24)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in StepStatus])
    input_hash = models.CharField(max_length=64, blank=True)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    started_s = models.FloatField()
    seconds = models.FloatField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "key"], name="one_step_a_key")]

    def __str__(self) -> str:
        return self.key


class Call(models.Model):
    """One attempt at one model. The price used is kept with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="calls")
    step = models.CharField(max_length=200)
    attempt = models.PositiveSmallIntegerField()
    model = models.CharField(max_length=120)
    provider = models.CharField(max_length=80)
    purpose = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=CallStatus.choices, default=CallStatus.RUNNING)
    text = models.TextField(blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_input_tokens = models.PositiveIntegerField(default=0)
    usage_estimated = models.BooleanField(default=False)
    input_price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    output_price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cached_input_price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_usd = DollarsField(max_digits=16, decimal_places=9, null=True)
    maybe_billed = models.BooleanField(default=False)
    finish = models.CharField(max_length=16, blank=True)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    started_s = models.FloatField(default=0.0)
    latency_s = models.FloatField(null=True)
    first_token_s = models.FloatField(null=True)

    class Meta:
        ordering: ClassVar = ["started_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["run", "step"], name="call_by_step"),
            models.Index(
                fields=["run"], condition=models.Q(status="done", cost_usd=None), name="call_unpriced"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} for {self.step}"

    @property
    def asked_to(self) -> str:
        """What the model was asked to do, in words."""
        return asked_to(self.purpose)


class Event(models.Model):
    """Something that happened in a run, numbered from 1 without gaps."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=60)
    step = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["seq"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "seq"], name="one_event_a_number")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Command(models.Model):
    """What a person sent to a run. The lease holder handles it.

    Those of one run are created with the run's row locked: their ids are in the order of their commits. A
    message is handled once a step that received it is journaled.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=24, choices=CommandKind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    payload = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["run"], condition=models.Q(handled_at__isnull=True), name="command_open")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.run_id}"


class Timer(models.Model):
    """A step that is pending: until `due_at` if there is one, or until a message arrives.

    It is removed with the commit that journals the step.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="timers")
    step = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True)
    for_message = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "step"], name="one_timer_a_step")]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="timer_due")]

    def __str__(self) -> str:
        return f"{self.step} until {self.due_at}"


class QuestionQuerySet(models.QuerySet[Any]):
    """Questions to people: those of a page are read by `visible_to`."""

    def visible_to(self, membership: Membership) -> Self:
        """Return those of the team's runs, looked up from each question: SQLite would walk all the runs."""
        return self.filter(
            models.Exists(Run.objects.visible_to(membership).filter(pk=models.OuterRef("run")))
        )

    def unsettled(self) -> Self:
        """Return those whose step has not ended: by an answer, by the deadline, by a cancellation."""
        ended = Step.objects.filter(run=models.OuterRef("run"), key=models.OuterRef("step"))
        return self.filter(~models.Exists(ended))

    def open(self) -> Self:
        """Return those that wait for an answer."""
        return self.unsettled().filter(answered_at=None, run__status__in=OPEN_STATUSES)


class HumanQuestion(models.Model):
    """A step that waits for a person: the words, a form as JSON Schema, the answer once it is there.

    Without one at the deadline the `default` is taken, or what asks `fails`.
    `audience` lists the `roles` and the `users` (ids as text) that may answer; without either, anyone who may
    run may.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="questions")
    step = models.CharField(max_length=200)
    text = models.TextField()
    schema = models.JSONField(default=dict)
    default = models.JSONField(null=True)
    fails = models.BooleanField(default=False)
    audience = models.JSONField(default=dict)
    deadline_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(default=timezone.now)
    answer = models.JSONField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["asked_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "step"], name="one_question_a_step")]
        indexes: ClassVar = [models.Index(fields=["answered_at"], name="question_answered")]

    def __str__(self) -> str:
        return self.text

    def is_late(self, now: datetime) -> bool:
        """Return whether the deadline has passed."""
        return self.deadline_at is not None and self.deadline_at <= now

    def may_be_answered_by(self, membership: Membership) -> bool:
        """Return whether a member may answer."""
        roles, users = self.audience.get("roles", []), self.audience.get("users", [])
        is_meant = membership.role in roles or str(membership.user_id) in users
        return membership.may_run and (is_meant or not (roles or users))

    @property
    def answerable_by(self) -> str:
        """Who may answer, in a sentence; "" when anyone who may run may."""
        return self.answerable_among(User.objects.filter(id__in=self.audience.get("users", [])))

    def answerable_among(self, known: Iterable[User]) -> str:
        """Return who may answer, in a sentence, where the users that the audience names are `known`."""
        users = sorted(str(user) for user in known if str(user.pk) in self.audience.get("users", []))
        roles = [role.label.lower() + "s" for role in Role if role in self.audience.get("roles", [])]
        who = [*users, *roles]
        if not who:
            return ""
        listed = f"{', '.join(who[:-1])} and {who[-1]}" if len(who) > 1 else who[0]
        return f"Only {listed} can answer."


class Rating(models.Model):
    """What a member thought of a run's answer: good (1) or bad (-1)."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="ratings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    value = models.SmallIntegerField(choices=[(1, "Good"), (-1, "Bad")])
    comment = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "user"], name="one_rating_a_member")]

    def __str__(self) -> str:
        return f"{self.value:+d} for {self.run_id}"
