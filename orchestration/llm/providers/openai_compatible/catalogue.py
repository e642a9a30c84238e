"""An OpenAI-compatible server as a provider: its models, and the list that it gives of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import MILLION, Capability, Json, ModelSpec, Prices
from orchestration.llm.providers.adapter import (
    LISTING_DEADLINES,
    ProviderAccess,
    ProviderAdapter,
    RemoteModel,
)
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.exchange import Deadlines, Exchange
from orchestration.llm.providers.openai_compatible.model import OK, OpenAICompatibleModel
from orchestration.llm.providers.openai_compatible.refusals import Refusal, model_error
from orchestration.llm.providers.reading import items, mapping, money, parse_json, string, whole_number

MOST = 5000
LONGEST_ID = 200

WINDOW_FIELDS = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
)
LLAMA_CPP_FIELDS = ("n_ctx", "n_ctx_train")  # what the server was given for one chat, what the model knows
OUTPUT_FIELDS = ("max_completion_tokens", "max_output_tokens")
CAPABILITY_WORDS = {
    "structured_outputs": Capability.JSON_SCHEMA,
    "tools": Capability.TOOLS,
    "reasoning": Capability.REASONING,
    "image": Capability.VISION,
}


class OpenAICompatibleProvider(ProviderAdapter):
    """Any server that speaks OpenAI's chat completions format."""

    def model(self, spec: ModelSpec, access: ProviderAccess, deadlines: Deadlines, *, seed: int) -> ChatModel:  # noqa: ARG002
        """Return a model that streams from the server. Raises `InvalidRequest`."""
        return OpenAICompatibleModel(
            spec,
            base_url=access.base_url,
            api_key=access.api_key,
            client=access.client,
            deadlines=deadlines,
        )

    async def list_models(
        self, access: ProviderAccess, deadlines: Deadlines = LISTING_DEADLINES
    ) -> tuple[RemoteModel, ...]:
        """Return what `GET {base_url}/models` lists, by id, at most 5,000.

        Raises `InvalidRequest` for an address or key that cannot be one, else only `ModelError`.
        """
        endpoint = Endpoint(access.base_url, access.api_key)
        async with Exchange(access.client, endpoint, deadlines).response("GET", "models") as body:
            raw = await body.rest()
            if body.status != OK:
                raise model_error(Refusal.from_body(body.status, raw), endpoint, "", body.headers)
        return read_listing(raw, endpoint.host)


def read_listing(raw: bytes, host: str) -> tuple[RemoteModel, ...]:
    """Read a listing: OpenAI's `{"data": [...]}`, or a bare list. Raises `BadAnswer` when it is neither."""
    try:
        value = parse_json(raw)
    except ValueError as error:
        raise BadAnswer(
            f"{host} answered with something that is not a list of models. Check the address's path."
        ) from error
    rows = value if isinstance(value, list) else mapping(value).get("data")
    if not isinstance(rows, list):
        raise BadAnswer(f"{host} answered, but not with a list of models. Check the address's path.")
    found = {model.id: model for model in map(_read, rows[:MOST]) if model}
    return tuple(sorted(found.values(), key=lambda model: model.id))


def _read(row: Json) -> RemoteModel | None:
    """Return one row's model, None without an id that can be used."""
    said = mapping(row)
    id_ = string(said.get("id")).strip()
    if not id_ or len(id_) > LONGEST_ID or not id_.isprintable():
        return None
    best = mapping(said.get("top_provider"))
    return RemoteModel(
        id=id_,
        context_window=_window(said),
        max_output_tokens=_first_number(each.get(field) for each in (best, said) for field in OUTPUT_FIELDS),
        prices=_prices(said.get("pricing")),
        capabilities=_capabilities(said),
    )


def _window(said: Mapping[str, Json]) -> int | None:
    """Return the context window: where most servers put it, else where llama.cpp does."""
    window = _first_number(said.get(field) for field in WINDOW_FIELDS)
    return window or _first_number(mapping(said.get("meta")).get(field) for field in LLAMA_CPP_FIELDS)


def _first_number(values: Iterable[Json]) -> int | None:
    return next((number for number in map(whole_number, values) if number), None)


def _prices(said: Json) -> Prices | None:
    """Read OpenRouter's prices: US dollars a token, as strings; negative ones mean that it depends."""
    prompt, completion = money(mapping(said).get("prompt")), money(mapping(said).get("completion"))
    if prompt is None or completion is None or max(prompt, completion) > 1:
        return None
    return Prices(input_per_million=_per_million(prompt), output_per_million=_per_million(completion))


def _per_million(amount: Decimal) -> Decimal:
    return (amount * MILLION).quantize(Decimal("0.000001"))


def _capabilities(said: Mapping[str, Json]) -> frozenset[Capability]:
    """Read capabilities as OpenRouter gives them."""
    inputs = items(mapping(said.get("architecture")).get("input_modalities"))
    words = [string(word) for word in (*items(said.get("supported_parameters")), *inputs)]
    return frozenset(CAPABILITY_WORDS[word] for word in words if word in CAPABILITY_WORDS)
