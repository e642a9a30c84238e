"""Providers, the models they serve, and what those cost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from orchestra_site.accounts.models import Team, TeamQuerySet
from orchestration.llm.engine.price_table import DatedPrices, Listing, price_table
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

    def price_history(self) -> tuple[ModelPrice, ...]:
        """Return what the model costs from which day on, the earliest first; uses prefetched prices.

        What somebody set stays until the day of the next price; a model that follows the shipped table has
        each of its prices from that price's day on.
        """
        rows = sorted(self.prices.all(), key=lambda price: price.valid_from)
        return tuple(
            price
            for row, after in zip_longest(rows, rows[1:])
            for price in row.prices(after.valid_from if after else None)
        )

    def price_on(self, day: date) -> ModelPrice | None:
        """Return the price that is valid on `day`, None when there is none by then."""
        return next((price for price in reversed(self.price_history()) if price.valid_from <= day), None)

    def prices_today(self) -> Prices | None:
        """Return the price that is valid today as the engine knows it."""
        price = self.price_on(timezone.localdate())
        return price.prices if price else None


class PriceSource(models.TextChoices):
    """Where a price is from."""

    PERSON = "person", "set by somebody"
    PROVIDER = "provider", "said by the provider"
    TABLE = "table", "the shipped table"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPrice:
    """What a model costs from a day on, and the row that says so."""

    valid_from: date
    prices: Prices
    row: Price

    @property
    def follows(self) -> bool:
        """True when a later price of the shipped table will replace it."""
        return self.row.source == PriceSource.TABLE

    @property
    def origin(self) -> str:
        """Where the price is from, in words."""
        moment = timezone.localtime(self.row.set_at)
        day = f"{moment.day} {moment:%b %Y}"
        if self.follows:
            return f"shipped table of {price_table().as_of:%B %Y}" if self.row.listed else "an earlier table"
        if self.row.source == PriceSource.PROVIDER:
            return f"as its provider said on {day}"
        return f"set by {self.row.set_by} on {day}" if self.row.set_by else f"set on {day}"


class Price(models.Model):
    """What a model costs from a day on, in US dollars per million tokens.

    With the source TABLE the model follows `listing` of the shipped table from that day on; the amounts are
    those of the day on which that was decided, which stay where the table has lost the listing.
    """

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="prices")
    source = models.CharField(max_length=8, choices=PriceSource.choices, default=PriceSource.PERSON)
    listing = models.CharField(max_length=160, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    set_at = models.DateTimeField(default=timezone.now, editable=False)
    input_per_million = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    output_per_million = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    cached_input_per_million = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
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
        """The amounts, in US dollars per million tokens."""
        return Prices(
            input_per_million=self.input_per_million,
            output_per_million=self.output_per_million,
            cached_input_per_million=self.cached_input_per_million,
        )

    @property
    def listed(self) -> Listing | None:
        """The listing that the model follows, None when it follows none or the table has lost it."""
        return price_table().listings.get(self.listing) if self.source == PriceSource.TABLE else None

    def prices(self, until: date | None) -> Iterator[ModelPrice]:
        """Yield what this row says of the days before `until`."""
        own = DatedPrices(valid_from=self.valid_from, prices=self.per_million)
        for price in self.listed.followed(own, until) if self.listed else (own,):
            yield ModelPrice(valid_from=price.valid_from, prices=price.prices, row=self)
