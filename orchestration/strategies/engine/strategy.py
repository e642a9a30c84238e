"""The base class of strategies, what it is given and learns from, and the registry of all strategies."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import ClassVar

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, ModelSpec
from orchestration.runs.engine.context import RunContext
from orchestration.strategies.engine.asking import AGAIN
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.options import StrategyOptions, parse_options
from orchestration.strategies.engine.profiles import Profiles
from orchestration.strategies.engine.types import Request, StrategyOutcome

PACKAGE = "orchestration.strategies.engine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """The models a strategy may use: members in order, and helpers (judge, aggregator) by name.

    `belief` is what is believed of their answers. Raises `InvalidRequest` for an empty panel or a model named
    twice.
    """

    members: tuple[ChatModel, ...]
    helpers: Mapping[str, ChatModel] = field(default_factory=dict)
    profiles: Profiles = field(default_factory=dict)
    belief: Belief = field(default_factory=shipped_belief)

    def __post_init__(self) -> None:
        if not self.members:
            raise InvalidRequest("The panel is empty. Choose at least one model.", field="models")
        name, times = Counter(self.names).most_common(1)[0]
        if times > 1:
            raise InvalidRequest(f"{name} is on the panel {times} times. Choose it once.", field="models")

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """The members' specs, in panel order."""
        return tuple(model.spec for model in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in panel order."""
        return tuple(spec.name for spec in self.specs)

    @property
    def families(self) -> Mapping[str, str]:
        """The model family of every member and helper, by name."""
        models = (*self.members, *self.helpers.values())
        return {model.spec.name: model.spec.family for model in models}

    def named(self, name: str) -> ChatModel:
        """Return the helper or member called `name`. Raises `InvalidRequest`."""
        found = {**{model.spec.name: model for model in self.members}, **self.helpers}
        if name not in found:
            raise InvalidRequest(f"There is no model called {name}.", field="options")
        return found[name]

    def best(self, request: Request) -> ChatModel:
        """Return the member that is expected to be right most often with a request; of equals the first."""
        return self.named(self.belief.best(question_traits(request.text, request.system), self.names))

    def each_named(self, *names: str | None) -> tuple[ChatModel, ...]:
        """Return the models of these names, each once, None left out. Raises `InvalidRequest`."""
        return tuple(self.named(name) for name in dict.fromkeys(names) if name is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class GradedAnswer:
    """A model's recorded answer, and whether it was right."""

    text: str
    correct: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingExample:
    """A recorded question with graded answers, by model."""

    prompt: str
    answers: Mapping[str, GradedAnswer] = field(default_factory=dict)


class Strategy(ABC):
    """A way to turn a request and a panel into an outcome: a module of this package with a `STRATEGY`.

    `in_turn` is True when models are asked one after the other until an answer is acceptable: cost and time
    then lie anywhere between those of the first model and those of all. `may_be_fallback` lets the options of
    other strategies name it. Pages show its decisions by `labels`, by kind of decision, and by `moments`, by
    the key of the step at which something was decided (`#` for the number that it ends in). `escalations` are
    the kinds of decisions by which it asks a further model because the answers so far are not good enough.
    `answer_word` is what one of several answers of a model is called. Where it `counts_answers` as ballots,
    pages show the vote. Only where models `answer_alone`, without others' answers in sight, are their answers
    evidence of each.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    in_turn: ClassVar[bool]
    Options: ClassVar[type[StrategyOptions]]
    may_be_fallback: ClassVar[bool] = True
    answer_word: ClassVar[str] = "Answer"
    counts_answers: ClassVar[bool] = False
    answer_alone: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "fallback": "Fell back",
        "select": "Chosen answer",
        "stop": "Stopped early",
    }
    moments: ClassVar[Mapping[str, str]] = {**labels, "select": "Answer chosen"}
    escalations: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
        """Answer `request`, whose options `Options` has validated.

        Raises `AllModelsFailed`, `NoUsableAnswer`, `LimitReached`.
        """

    def check(self, options: StrategyOptions, panel: Sequence[str]) -> None:  # noqa: B027  # any panel will do
        """Compare the options with the panel's names, in order. Raises `InvalidOptions`."""

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much of a panel of so many models is asked, and who helps."""
        first = min(1, panel) if self.in_turn else panel
        judges = judging(options, together=first, singly=(0, panel - first))
        return Effort(answers=(first, panel), at_once=max(1, first), helping=judges)

    def order(
        self,
        panel: Sequence[ModelSpec],
        options: StrategyOptions,  # noqa: ARG002  # for overriding
        request: Request,  # noqa: ARG002
        profiles: Profiles,  # noqa: ARG002
    ) -> Sequence[ModelSpec]:
        """Return the models in the order in which they are asked."""
        return panel

    def moment(self, key: str) -> str:
        """Return what is decided at the step `key`, in words; empty for a step of another strategy."""
        head, _, number = key.rpartition("/")
        return self.moments.get(key) or self.moments.get(f"{head}/#", "").replace("#", number)


@cache
def all_strategies() -> Mapping[str, Strategy]:
    """Return every strategy by its name, in alphabetical order."""
    modules = pkgutil.walk_packages(import_module(PACKAGE).__path__, f"{PACKAGE}.")
    found: list[Strategy | None] = [getattr(import_module(each.name), "STRATEGY", None) for each in modules]
    by_name = {strategy.name: strategy for strategy in found if strategy is not None}
    return MappingProxyType(dict(sorted(by_name.items())))


def answers_always_asked(name: str, options: Mapping[str, Json], panel: int) -> int:
    """Return how many answers a strategy asks of a panel of so many in any case, out of sight of others.

    Those that follow, mostly of expensive models, see the hard questions alone: they say nothing of how good
    their models are otherwise.
    """
    strategy = all_strategies().get(name)
    if strategy is None or not strategy.answer_alone:
        return 0
    return strategy.effort(parse_options(strategy.Options, options), panel).answers[0]


def get_strategy(name: str) -> Strategy:
    """Return the strategy called `name`. Raises `InvalidRequest`."""
    strategy = all_strategies().get(name)
    if strategy is None:
        there_are = ", ".join(all_strategies())
        raise InvalidRequest(f"There is no strategy “{name[:60]}”. There are: {there_are}.", field="strategy")
    return strategy


def validate_options(name: str, given: Mapping[str, Json]) -> StrategyOptions:
    """Return `given` as options of the strategy called `name`. Raises `InvalidRequest`, `InvalidOptions`."""
    return parse_options(get_strategy(name).Options, given)


@cache
def decision_labels() -> Mapping[str, str]:
    """Return the label of each kind of decision."""
    found = [Strategy.labels, *(strategy.labels for strategy in all_strategies().values())]
    return MappingProxyType({kind: label for labels in found for kind, label in labels.items()})


def decided_at(key: str) -> str:
    """Return what is decided at the step `key`, in words; empty for a step of no strategy."""
    words = (strategy.moment(key) for strategy in all_strategies().values())
    is_order = key.startswith(("judge/", "aggregate/", f"{AGAIN}-")) and key.endswith("/order")
    return next(filter(None, words), "Order drawn" if is_order else Strategy.moments.get(key, ""))


@cache
def escalations() -> frozenset[str]:
    """Return the kinds of decisions by which strategies go on to a further model."""
    return frozenset().union(*(strategy.escalations for strategy in all_strategies().values()))
