"""What every strategy is and is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from orchestration.engine.context import RunContext
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.options import StrategyOptions
from orchestration.engine.types import Outcome, Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """The models a strategy may use: members in order, and helpers (judge, aggregator) by name.

    Raises `InvalidRequest` for an empty panel or a model named twice.
    """

    members: tuple[ChatModel, ...]
    helpers: Mapping[str, ChatModel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.members:
            raise InvalidRequest("The panel is empty. Choose at least one model.", field="models")
        name, times = Counter(model.spec.name for model in self.members).most_common(1)[0]
        if times > 1:
            raise InvalidRequest(f"{name} is on the panel {times} times. Choose it once.", field="models")

    @property
    def families(self) -> Mapping[str, str]:
        """The model family of every member and helper, by name."""
        models = (*self.members, *self.helpers.values())
        return {model.spec.name: model.spec.family for model in models}

    def named(self, name: str) -> ChatModel:
        """Return the helper or member called `name`. Raises `InvalidRequest`."""
        if name in self.helpers:
            return self.helpers[name]
        for model in self.members:
            if model.spec.name == name:
                return model
        raise InvalidRequest(f"There is no model called {name}.", field="options")

    def each_named(self, *names: str | None) -> tuple[ChatModel, ...]:
        """Return the models of these names, each once, None left out. Raises `InvalidRequest`."""
        return tuple(self.named(name) for name in dict.fromkeys(names) if name is not None)


class Strategy(Protocol):
    """A way to turn a request and a panel into an outcome: a module of this package with a `STRATEGY`.

    `in_turn` is True when models are asked one after the other until one will do: cost and time then lie
    anywhere between the first model's and all of them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    in_turn: ClassVar[bool]
    Options: ClassVar[type[StrategyOptions]]

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request`, whose options `Options` has validated.

        Raises `AllModelsFailed`, `QualityTooLow`, `LimitReached`.
        """


@runtime_checkable
class ChecksPanel(Protocol):
    """A strategy whose options must also fit the panel; it holds them against it when it runs, too."""

    def check(self, options: StrategyOptions, panel: Sequence[str]) -> None:
        """Hold the options against the panel's names, in order. Raises `InvalidOptions`."""
