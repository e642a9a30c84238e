"""Options of an evaluation's strategies: `k=v` for all that have it, `strategy.k=v` for one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.strategies.strategy import Strategy
from orchestration.engine.types import Json

STRUCTURED = ("{", "[")


def options_for(strategies: Sequence[Strategy], words: Sequence[str]) -> dict[str, dict[str, Json]]:
    """Return each strategy's options by its name, not validated yet. Raises `InvalidRequest`."""
    given: dict[str, dict[str, Json]] = {strategy.name: {} for strategy in strategies}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name.strip() and equals):
            raise InvalidRequest(f"Write an option as name=value, not {word!r}.", field="option")
        owner, dot, option = name.strip().partition(".")
        takers = [owner] if dot else _having(strategies, owner)
        for taker in takers:
            if taker not in given:
                message = f"{word!r} is for {taker}, which is not evaluated. Add it to --strategy."
                raise InvalidRequest(message, field="option")
            given[taker][option if dot else owner] = _value(text, word)
    return given


def _having(strategies: Sequence[Strategy], option: str) -> list[str]:
    takers = [strategy.name for strategy in strategies if option in strategy.Options.model_fields]
    if not takers:
        there = "; ".join(f"{each.name}: {', '.join(each.Options.model_fields)}" for each in strategies)
        raise InvalidRequest(f"There is no option {option!r}. There are: {there}.", field="option")
    return takers


def _value(text: str, word: str) -> Json:
    """Return lists and objects as JSON, all else as text, which the option's own type reads."""
    if not text.startswith(STRUCTURED):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"{word!r} holds broken JSON: {error}.", field="option") from None
