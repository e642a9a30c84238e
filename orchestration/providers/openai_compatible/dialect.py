"""What a prompt looks like on the wire, and which parameters a server turned out not to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import httpx

from orchestration.engine.types import Capability, Json, ModelSpec, Prompt
from orchestration.providers.openai_compatible.failures import Refusal

UNDERSTOOD_AS_ANOTHER = frozenset({400, 422})
CAN_DO_WITHOUT = ("stream_options", "response_format", "seed", "temperature", "stop", "stream")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server's way of speaking: the optional parameters it refused, and its name for the length limit."""

    without: frozenset[str] = frozenset()
    length_limit: str = "max_tokens"

    def body(self, spec: ModelSpec, prompt: Prompt) -> dict[str, Json]:
        """Return the request body, less what the server does not know."""
        whole: dict[str, Json] = {
            "model": spec.remote_name,
            "messages": [{"role": each.role, "content": each.content} for each in prompt.messages],
            self.length_limit: min(prompt.max_tokens or spec.max_output_tokens, spec.max_output_tokens),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": prompt.temperature,
            "seed": prompt.seed,
            "stop": list(prompt.stop) or None,
            "response_format": _response_format(spec, prompt),
        }
        return {key: value for key, value in whole.items() if value is not None and key not in self.without}

    def adapted(self, refusal: Refusal, body: dict[str, Json]) -> Dialect | None:
        """Return the dialect to try after `refusal` of `body`; None when the parameters were not the trouble.

        One that names no parameter is blamed on `stream_options`, which older servers reject without a word.
        """
        if refusal.status not in UNDERSTOOD_AS_ANOTHER or refusal.is_about_length:
            return None
        if self.length_limit == "max_tokens" and _names(refusal, "max_completion_tokens"):
            return replace(self, length_limit="max_completion_tokens")
        if self.length_limit != "max_tokens" and _names(refusal, self.length_limit):
            return None
        named = [name for name in CAN_DO_WITHOUT if name in body and _names(refusal, name)]
        if not named and "stream_options" in body:
            named = ["stream_options"]
        if "stream" in named:
            named.append("stream_options")
        return replace(self, without=self.without | set(named)) if named else None


_learned: WeakKeyDictionary[httpx.AsyncClient, dict[tuple[str, str], Dialect]] = WeakKeyDictionary()


def dialects_of(client: httpx.AsyncClient) -> dict[tuple[str, str], Dialect]:
    """Return what was learned through `client`, by base address and model; it lives as long as the client."""
    return _learned.setdefault(client, {})


def _names(refusal: Refusal, parameter: str) -> bool:
    """Return whether the refusal means the parameter of that name, not just an everyday word."""
    if parameter in refusal.codes.split():
        return True
    plain_word = "_" in parameter or parameter == "temperature"
    pattern = rf"\b{parameter}\b" if plain_word else rf"['\"`.]{parameter}['\"`]"
    return re.search(pattern, refusal.words) is not None


def _response_format(spec: ModelSpec, prompt: Prompt) -> Json:
    if prompt.response_schema is None or Capability.JSON_SCHEMA not in spec.capabilities:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(prompt.response_schema)}}
