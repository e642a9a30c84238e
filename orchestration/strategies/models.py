"""Evidence about models (a row for each run and model, and sums over them), coefficients, and rubrics."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.llm.models import LanguageModel
from orchestration.runs.models import Run
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Evidence
from orchestration.strategies.engine.quality.rubrics import Rubric


class EvidenceColumns(models.Model):
    """The columns of `Evidence`, for a type of task and a `kind` of question, empty in rows older than it."""

    task = models.CharField(max_length=20, choices=[(task.value, task.label) for task in TaskType])
    kind = models.CharField(max_length=60, blank=True)
    asked = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    timed = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    quality = models.FloatField(default=0.0)
    judged = models.FloatField(default=0.0)
    right = models.FloatField(default=0.0)
    graded = models.FloatField(default=0.0)

    class Meta:
        abstract = True

    @property
    def evidence(self) -> Evidence:
        """The sums as a value of the engine."""
        return Evidence(**{name: getattr(self, name) for name in Evidence.__dataclass_fields__})


class ModelProfile(EvidenceColumns):
    """The sum of all observations of a model in one type of task with one kind of question."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="profiles")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "task", "kind"], name="one_profile_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.model} in {self.task}"


class Observation(EvidenceColumns):
    """The evidence of one run about one model; `rated` and `liked` are the part that comes from ratings."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="observations")
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="+")
    chosen = models.BooleanField(default=False)
    rated = models.FloatField(default=0.0)
    liked = models.FloatField(default=0.0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "model"], name="one_observation_a_run")
        ]

    def __str__(self) -> str:
        return f"{self.model_id} in {self.run_id}"


class TeamCoefficients(models.Model):
    """The coefficients of a team's belief as last fitted, and how they compare with those that ship.

    Only what was graded after `since` counts. `examples` are the graded questions by source and kind, as of
    `counted_at`; `gain` with its `error` is by how much the log loss of questions held out is lower.
    `fitting_until` is set while a worker fits them.
    """

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="+")
    document = models.JSONField(default=dict)
    is_used = models.BooleanField(default=False)
    examples = models.JSONField(default=dict)
    gain = models.FloatField(null=True)
    error = models.FloatField(null=True)
    compared = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True)
    fitting_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"coefficients of {self.team_id}"

    @property
    def number(self) -> int:
        """The number of graded questions that they rest on."""
        return sum(sum(kinds.values()) for kinds in self.examples.values())


class JudgedAnswer(models.Model):
    """What a judge said of the answer of a run, from 0 to 1, to be compared with what people say of it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="judged_answers")
    judge = models.CharField(max_length=120)
    rubric = models.CharField(max_length=60)
    version = models.PositiveIntegerField(default=0)
    score = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "judge"], name="one_judged_answer_a_judge")
        ]

    def __str__(self) -> str:
        return f"{self.judge} on {self.run_id}"


class SavedRubric(models.Model):
    """A rubric of a team. What it says is in its versions, of which the newest counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="rubrics")
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "name"], name="rubric_name_in_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def newest(self) -> RubricVersion:
        """The version that counts; uses prefetched versions."""
        return max(self.versions.all(), key=lambda version: version.number)


class RubricVersion(models.Model):
    """What a rubric said from a change on; it never changes."""

    id = models.BigAutoField(primary_key=True)
    saved = models.ForeignKey(SavedRubric, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["saved", "number"], name="one_rubric_version_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.saved}, version {self.number}"

    @property
    def rubric(self) -> Rubric:
        """The version as the engine knows it."""
        return Rubric.model_validate({**self.document, "version": self.number})
