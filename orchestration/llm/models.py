"""Providers, the models they serve, and what those cost."""

from __future__ import annotations

import uuid
from datetime import date
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.llm.engine.types import Prices, Tier


class ProviderKind(models.TextChoices):
    """Kinds of provider; each has its adapter in `services.provider_kinds`."""

    SIMULATED = "simulated", "Simulated"
    OPENAI_COMPATIBLE = "openai_compatible", "OpenAI-compatible"
    RECORDED = "recorded", "Recorded"

    @property
    def is_remote(self) -> bool:
        """True when its models are reached at an address, with a key or without."""
        return self not in {ProviderKind.SIMULATED, ProviderKind.RECORDED}


class Provider(models.Model):
    """A place models are served from. The secret is encrypted and write-only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="providers")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=24)  # a ProviderKind; without choices a new one needs no migration
    base_url = models.CharField(max_length=400, blank=True)
    secret = models.BinaryField(default=bytes, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "name"], name="provider_name_in_team")
        ]

    def __str__(self) -> str:
        return self.name


class LanguageModel(models.Model):
    """One model of a provider. `name` is how the team calls it, `remote_name` how the provider does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="language_models")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="language_models")
    name = models.CharField(max_length=120)
    remote_name = models.CharField(max_length=200)
    family = models.CharField(max_length=60, blank=True)
    context_window = models.PositiveIntegerField(default=8192, validators=[MinValueValidator(256)])
    max_output_tokens = models.PositiveIntegerField(default=1024, validators=[MinValueValidator(1)])
    max_concurrency = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(1), MaxValueValidator(256)]
    )
    timeout_s = models.FloatField(
        default=120.0, validators=[MinValueValidator(1.0), MaxValueValidator(3600.0)]
    )
    capabilities = models.JSONField(default=list, blank=True)
    tier = models.CharField(
        max_length=8, choices=[(tier.value, tier.value.title()) for tier in Tier], default="medium"
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "name"], name="model_name_in_team")]

    def __str__(self) -> str:
        return self.name

    def price_on(self, day: date) -> Price | None:
        """Return the price that is valid on `day`, None when none was set by then; uses prefetched prices."""
        valid = (price for price in self.prices.all() if price.valid_from <= day)
        return max(valid, key=lambda price: price.valid_from, default=None)

    def prices_today(self) -> Prices | None:
        """Return the price that is valid today as the engine knows it."""
        price = self.price_on(timezone.localdate())
        return price.per_million if price else None


class Price(models.Model):
    """What a model costs from a day on, in US dollars per million tokens."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="prices")
    input_per_million = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    output_per_million = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    valid_from = models.DateField(default=timezone.localdate)

    class Meta:
        ordering: ClassVar = ["-valid_from", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "valid_from"], name="one_price_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from}"

    @property
    def per_million(self) -> Prices:
        """Both amounts, in US dollars per million tokens."""
        return Prices(input_per_million=self.input_per_million, output_per_million=self.output_per_million)
