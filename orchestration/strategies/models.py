"""Evidence about models: one row for each run and model, and the sums over them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from orchestration.llm.models import LanguageModel
from orchestration.runs.models import Run
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Evidence


class EvidenceColumns(models.Model):
    """The columns of `Evidence`, which add up."""

    task = models.CharField(max_length=20, choices=[(task.value, task.label) for task in TaskType])
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
    """The sum of all observations of a model in one type of task."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="profiles")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["model", "task"], name="one_profile_a_task")]

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
