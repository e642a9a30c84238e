"""The engine's vocabulary: frozen, keyword-only values without behaviour that needs the outside world.

Money is `Decimal` US dollars, time is float seconds, scores run from 0 to 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

Json = Any
Role = Literal["system", "user", "assistant", "tool"]

MILLION = Decimal(1_000_000)
WHERE_SET = {"only where set": True}
"""Metadata of a field that was added to a journaled type: plain JSON and digests leave out its default.

So what was journaled by a version without the field still replays.
"""


class Purpose(StrEnum):
    """What a prompt is for. Real providers ignore it; simulated models, caches and metrics use it."""

    ANSWER = "answer"
    JUDGE = "judge"
    RANK = "rank"
    AGGREGATE = "aggregate"
    CLASSIFY = "classify"
    PLAN = "plan"
    PROPOSE = "propose"
    VOTE = "vote"
    REVIEW = "review"
    SUMMARISE = "summarise"

    @property
    def words(self) -> str:
        """What a model is asked to do."""
        return {
            Purpose.JUDGE: "judge the answers",
            Purpose.RANK: "rank the answers",
            Purpose.AGGREGATE: "write one answer from all",
            Purpose.CLASSIFY: "name the kind of task",
        }.get(self, self.value)


class FieldFormat(StrEnum):
    """The `format` in the JSON Schema of an option that is more than a text or a number."""

    MODEL = "model"
    SHARE = "share"
    DOLLARS = "dollars"
    RUBRIC = "rubric"


class FinishReason(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    OTHER = "other"


class Tier(StrEnum):
    """A model's price class, from cheap to expensive."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Capability(StrEnum):
    """What a model can do beside plain chat."""

    STREAMING = "streaming"
    JSON_SCHEMA = "json_schema"
    TOOLS = "tools"
    VISION = "vision"
    REASONING = "reasoning"

    @property
    def words(self) -> str:
        """What the capability is called on pages."""
        return {"json_schema": "JSON Schema", "vision": "images"}.get(self.value, self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolDefinition:
    """A tool that a model may call; `schema` is the JSON Schema of its arguments, an object.

    The name has letters, digits, `_` and `-`, at most 64: more than that not every provider takes.
    """

    name: str
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A tool call as a model wrote it: `arguments` is text that may be no JSON.

    `id` relates the result to the call; it is unique among the calls of a completion.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation; one of the role `tool` is the result of the call `tool_call_id`."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = field(default=(), metadata=WHERE_SET)
    tool_call_id: str = field(default="", metadata=WHERE_SET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Everything a model is sent, and what for.

    `sample` tells repeated draws of one prompt apart (it is part of a cache key and of the step's hash).
    """

    messages: tuple[Message, ...]
    purpose: Purpose = Purpose.ANSWER
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    response_schema: Mapping[str, Json] | None = None
    sample: int = 0
    tools: tuple[ToolDefinition, ...] = field(default=(), metadata=WHERE_SET)

    @property
    def input_tokens(self) -> int:
        """Roughly how many tokens a model reads: the messages with their tool calls, and the tools."""
        calls = (call for message in self.messages for call in message.tool_calls)
        tools = (f"{each.name}{each.description}{json.dumps(each.schema)}" for each in self.tools)
        more = sum(estimate_tokens(text) for text in (*(c.name + c.arguments for c in calls), *tools))
        return estimate_input_tokens(message.content for message in self.messages) + more

    def output_limit(self, spec: ModelSpec) -> int:
        """Return the most tokens that `spec` may answer with: the prompt's limit or its own."""
        return min(self.max_tokens or spec.max_output_tokens, spec.max_output_tokens)

    def allowed(self, spec: ModelSpec) -> Prompt:
        """Return the prompt with the limit on its answer that the run allows `spec`, if it has one."""
        allowance = spec.allowances.get(self.purpose)
        if allowance is None:
            return self
        return replace(self, max_tokens=min(self.output_limit(spec), allowance.most))


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """List price in US dollars per million tokens.

    `cached_input_per_million` is that of input which the provider read from a cache of its own; without one,
    such tokens cost what other input does.
    """

    input_per_million: Decimal
    output_per_million: Decimal
    cached_input_per_million: Decimal | None = field(default=None, metadata=WHERE_SET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """The tokens of a model's answers in a run with a money limit: how many are expected, and allowed."""

    expected: int
    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """One model as a run has frozen it: its team-wide unique name, its provider, what it costs and can do.

    `family` names the lineage (a judge never judges its own family when another is there); `remote_name` is
    what the provider calls it; `prices` is None where its price is unknown. `allowances`, by the purpose of a
    prompt, are those of a run with a money limit; without one an answer may be as long as the model can.
    """

    name: str
    provider: str
    remote_name: str
    family: str = ""
    context_window: int = 8192
    max_output_tokens: int = 1024
    prices: Prices | None = None
    capabilities: frozenset[Capability] = frozenset()
    tier: Tier = Tier.MEDIUM
    allowances: Mapping[Purpose, Allowance] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one call; `estimated` when the provider did not say.

    `cached_input_tokens` are those of `input_tokens` that the provider read from a cache of its own.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cached_input_tokens: int = field(default=0, metadata=WHERE_SET)


NO_USAGE = Usage()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """A streamed answer that has grown: `text` is the whole answer so far, new from character `offset` on.

    The provider accumulates it, once; all others keep a reference or send a slice. Offsets fall back only
    when a later attempt starts the answer again.
    """

    text: str
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A model's whole answer.

    With `tool_calls` it is no answer yet: the model waits for their results. They are whole: a call that was
    cut off is left out. `cost_usd` is None when the model has no price; `latency_s` covers this attempt.
    `overran` is True for a model that ignored the limit on its answer and was cut off at `OVERRUN` times it.
    """

    text: str
    usage: Usage = NO_USAGE
    finish: FinishReason = FinishReason.STOP
    cost_usd: Decimal | None = None
    latency_s: float = 0.0
    first_token_s: float | None = None
    cached: bool = False
    reported_model: str = ""
    overran: bool = False
    tool_calls: tuple[ToolCall, ...] = field(default=(), metadata=WHERE_SET)


OVERRUN = 2
CHARACTERS_PER_TOKEN, TOKENS_PER_MESSAGE = 4, 4


def estimate_tokens(text: str) -> int:
    """Return roughly how many tokens `text` is: four characters each, at least one for any text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate_input_tokens(messages: Iterable[str]) -> int:
    """Return roughly how many tokens a model reads for messages of these texts."""
    return sum(TOKENS_PER_MESSAGE + estimate_tokens(text) for text in messages)


def digest(*parts: Json) -> str:
    """Return a SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_as_plain).encode()).hexdigest()


def plain(value: Json) -> Json:
    """Return `value` as it comes back from a journal: through JSON once, money as text.

    Raises `TypeError` for what cannot be journaled.
    """
    return json.loads(json.dumps(value, default=_as_plain))


def _as_plain(value: object) -> Json:
    """Return one level of a value that JSON does not know."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if is_dataclass(value) and not isinstance(value, type):
        found = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: held for each, held in found if not each.metadata or held != each.default}
    raise TypeError(f"{type(value).__name__} cannot be journaled.")
