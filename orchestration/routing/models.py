"""What a team's router has learned: sums of results that add up, and the results that ratings may change."""

from __future__ import annotations

from dataclasses import fields
from typing import ClassVar

from django.db import models

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.routing.engine.arms import RouterContext
from orchestration.routing.engine.learning import Cell, Sums
from orchestration.runs.models import Run
from orchestration.strategies.engine.classification import TaskType

LONGEST_REF, LONGEST_LEVEL = 260, 120


class RouterCell(models.Model):
    """The sums of one method for one level of the context; several workers add to a row at the same time."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    ref = models.CharField(max_length=LONGEST_REF)
    level = models.CharField(max_length=LONGEST_LEVEL, blank=True)
    judged = models.FloatField(default=0.0)
    quality = models.FloatField(default=0.0)
    counted = models.FloatField(default=0.0)
    cost_usd = models.FloatField(default=0.0)
    seconds = models.FloatField(default=0.0)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["ref", "level"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "ref", "level"], name="one_router_cell")
        ]

    def __str__(self) -> str:
        return f"{self.ref} at {self.level or 'all'}"

    @property
    def cell(self) -> Cell:
        """The place of the row in a router's state."""
        return Cell(ref=self.ref, level=self.level)

    @property
    def sums(self) -> Sums:
        """The sums as a value of the engine."""
        return Sums(**{each.name: getattr(self, each.name) for each in fields(Sums)})


class RoutedAnswer(models.Model):
    """The method whose answer a run gave, in which context, and what ratings have taught of it so far."""

    id = models.BigAutoField(primary_key=True)
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="routed_answer")
    ref = models.CharField(max_length=LONGEST_REF)
    kind = models.CharField(max_length=60)
    task = models.CharField(max_length=20, choices=[(task.value, task.label) for task in TaskType])
    length = models.FloatField()
    difficulty = models.FloatField()
    liked = models.FloatField(default=0.0)
    rated = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"{self.ref} in {self.run_id}"

    @property
    def context(self) -> RouterContext:
        """The context in which it was chosen."""
        return RouterContext(
            kind=self.kind, task=TaskType(self.task), length=self.length, difficulty=self.difficulty
        )
