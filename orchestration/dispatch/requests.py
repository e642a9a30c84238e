"""What is asked for, checked whole before anything is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orchestra_site.accounts.models import Membership
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.strategies.options import helper_models
from orchestration.engine.strategies.registry import check_panel, validate_options
from orchestration.engine.types import Json
from orchestration.models import LanguageModel
from orchestration.wiring.panel import PanelRole, freeze

LONGEST_PROMPT = 200_000
LARGEST_PANEL = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """A request as a form, a command or a caller words it. `models` are names, in the panel's order."""

    text: str
    strategy: str
    models: tuple[str, ...]
    system: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)
    max_cost_usd: Decimal | None = None
    max_latency_s: float | None = None
    min_quality: float | None = None
    max_calls: int | None = None


def check_words(request: RunRequest) -> None:
    """Raise `InvalidRequest` unless there is something to ask that is not over-long."""
    if not request.text.strip():
        raise InvalidRequest("Write what you want to ask.", field="text")
    for name, text in (("text", request.text), ("system", request.system)):
        if len(text) > LONGEST_PROMPT:
            too_long = (
                f"This has {len(text):,} characters; at most {LONGEST_PROMPT:,} can be sent. Shorten it."
            )
            raise InvalidRequest(too_long, field=name)


def check_constraints(request: RunRequest) -> None:
    """Raise `InvalidRequest` for a limit that no run could keep."""
    above_zero = {
        "max_cost_usd": request.max_cost_usd,
        "max_latency_s": request.max_latency_s,
        "max_calls": request.max_calls,
    }
    for name, limit in above_zero.items():
        if limit is not None and not (math.isfinite(limit) and limit > 0):
            raise InvalidRequest("A limit must be above zero; leave it empty for none.", field=name)
    quality = request.min_quality
    if quality is not None and not 0 <= quality <= 1:
        raise InvalidRequest("The least quality is a number from 0 to 1.", field="min_quality")


def checked_options(request: RunRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the strategy's options, whole, and the models that they name. Raises `InvalidRequest`."""
    options = validate_options(request.strategy, request.options)
    if request.models:
        check_panel(request.strategy, options, request.models)
    return options.model_dump(mode="json"), tuple(helper_models(options))


def frozen_panel(
    membership: Membership, request: RunRequest, helpers: Sequence[str]
) -> list[dict[str, Json]]:
    """Return the panel as a run keeps it. Raises `InvalidRequest` naming what is missing."""
    if not request.models:
        raise InvalidRequest("Choose at least one model.", field="models")
    if len(request.models) > LARGEST_PANEL:
        raise InvalidRequest(f"A panel has at most {LARGEST_PANEL} models.", field="models")
    if len(set(request.models)) < len(request.models):
        raise InvalidRequest("A model is in the panel twice.", field="models")
    rows = _enabled(membership, {*request.models, *helpers})
    members = [_entry(rows, name, PanelRole.MEMBER, "models") for name in request.models]
    helping = [_entry(rows, name, PanelRole.HELPER, "options") for name in dict.fromkeys(helpers)]
    _check_prices(request, [*members, *helping])
    return [*members, *helping]


def _enabled(membership: Membership, names: set[str]) -> dict[str, LanguageModel]:
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    found = usable.filter(name__in=names).select_related("provider").prefetch_related("prices", "profiles")
    return {model.name: model for model in found}


def _entry(rows: Mapping[str, LanguageModel], name: str, role: PanelRole, at: str) -> dict[str, Json]:
    if name not in rows:
        missing = f"There is no model {name!r} in this team, or it is switched off. See Models."
        raise InvalidRequest(missing, field=at)
    return freeze(rows[name], role)


def _check_prices(request: RunRequest, panel: Sequence[Mapping[str, Json]]) -> None:
    unpriced = [entry["spec"]["name"] for entry in panel if entry["spec"]["prices"] is None]
    if request.max_cost_usd is not None and unpriced:
        words = (
            f"A cost limit needs prices, and nobody has said what {', '.join(unpriced)} costs."
            " Set a price under Models, or leave the limit empty."
        )
        raise InvalidRequest(words, field="max_cost_usd")
