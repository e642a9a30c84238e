"""The configurations of an evaluation: strategies with their options, and Auto by a rule set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import DatasetItem
from orchestration.evaluation.selectors import rule_set
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import Priority
from orchestration.routing.selectors import KIND as AUTO
from orchestration.runs.kinds import CheckedRequest, get_kind
from orchestration.strategies.services.strategy_runs import NAME as STRATEGY
from orchestration.strategies.services.strategy_runs import checked_request

AUTO_OPTIONS = (
    *("dial", "priority", "method", "require_consensus", "require_explanation"),
    *("preferred", "required", "excluded"),
)
"""What of a request to Auto a configuration may set."""
NO_MODEL = "choose at least one model."


class ConfigurationRequest(BaseModel):
    """A strategy with its options and panel; `label` is what the evaluation calls it.

    `auto`, and `auto/<rule set>`, choose the method of each item; their options are those of a request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(default="", max_length=120)
    strategy: str
    options: Mapping[str, Json] = Field(default_factory=dict)
    models: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildRequest:
    """What an item is under a configuration: a kind of run, its ref, payload and panel."""

    kind: str
    ref: str
    payload: Mapping[str, Json]
    panel: Sequence[str]

    @property
    def urgency(self) -> dict[str, Json]:
        """The priority of a request to Auto, and whether several models have to agree."""
        priority = self.payload.get("priority") or Priority.NORMAL.value
        needed = priority == Priority.CRITICAL or bool(self.payload.get("require_consensus"))
        return {"priority": priority, "needs_consensus": needed}


def child_request(asked: Mapping[str, Json], item: DatasetItem) -> ChildRequest:
    """Return the child run that an item is under a configuration; its own priority comes first."""
    rules = rule_set(asked["strategy"])
    payload: dict[str, Json] = {"text": item.prompt}
    if rules is None:
        kind, ref, payload = STRATEGY, asked["strategy"], {**payload, "options": asked["options"]}
    else:
        own = {"priority": item.priority} if item.priority else {}
        kind, ref, payload = AUTO, rules, {**payload, **asked["options"], **own}
    return ChildRequest(kind=kind, ref=ref, payload=payload, panel=asked["models"])


def frozen_configuration(
    membership: Membership, asked: ConfigurationRequest, text: str, place: int
) -> CheckedRequest:
    """Return what an evaluation is frozen with for a configuration, and the models that this may ask.

    Raises `InvalidRequest` at its place.
    """
    rules = rule_set(asked.strategy)
    try:
        frozen = _frozen_strategy if rules is None else _frozen_auto
        return frozen(membership, asked, text)
    except InvalidRequest as error:
        words = f"Configuration {place + 1}: {error}"
        raise InvalidRequest(words, field=f"configurations.{place}.{error.field or 'strategy'}") from None


def _frozen_strategy(membership: Membership, asked: ConfigurationRequest, text: str) -> CheckedRequest:
    given = {"strategy": asked.strategy, "options": dict(asked.options), "models": list(asked.models)}
    request, helpers = checked_request({"text": text, **given})
    if not request.models:
        raise InvalidRequest(NO_MODEL, field="models")
    frozen = get_kind(STRATEGY).freeze_child(membership, asked.strategy, given)
    return replace(frozen, panel=[{"spec": {"name": name}} for name in (*request.models, *helpers)])


def _frozen_auto(membership: Membership, asked: ConfigurationRequest, text: str) -> CheckedRequest:
    if not asked.models:
        raise InvalidRequest(NO_MODEL, field="models")
    unknown = next((name for name in asked.options if name not in AUTO_OPTIONS), None)
    if unknown is not None:
        raise InvalidRequest(f"Auto has no option “{unknown[:60]}”.", field=f"options.{unknown[:60]}")
    payload = {"text": text, **asked.options, "models": list(asked.models)}
    try:
        return get_kind(AUTO).freeze_child(membership, rule_set(asked.strategy) or "", payload)
    except InvalidRequest as error:
        field = {"ref": "strategy"}.get(error.field or "", error.field)
        field = f"options.{field}" if field in AUTO_OPTIONS else field
        raise InvalidRequest(str(error), field=field) from None


def labelled(configurations: Sequence[ConfigurationRequest]) -> list[dict[str, Json]]:
    """Return the configurations as they are stored, each with a label that no other has."""
    stored: list[dict[str, Json]] = []
    for each in configurations:
        label = each.label.strip() or each.strategy
        same = sum(other["label"].partition(" #")[0] == label for other in stored)
        stored.append({**each.model_dump(mode="json"), "label": f"{label} #{same + 1}" if same else label})
    return stored
