"""The arguments of an evaluation, parsed and checked: configurations, options and panels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.strategy import Strategy, get_strategy


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedConfiguration:
    """A strategy with options that are not validated yet; `label` is what `--strategy` says of it."""

    label: str
    strategy: Strategy
    options: Mapping[str, Json]


def configurations(words: Sequence[str], options: Sequence[str]) -> tuple[NamedConfiguration, ...]:
    """Return the configurations that `--strategy` names, with their options. Raises `InvalidRequest`.

    `parallel,voting` are two. `voting:rule=belief,quorum=2` is one with options of its own: what has an
    equals sign belongs to the strategy before it. `options` are those of `--option`: `k=v` is for every
    strategy that has the option, `strategy.k=v` for those of one. What a configuration says itself counts.
    """
    own: list[tuple[str, list[str]]] = []
    for part in (part.strip() for word in words for part in word.split(",")):
        name, colon, first = part.partition(":")
        if "=" in name:
            if not own:
                raise InvalidRequest(f"Name a strategy before {part!r}.", field="strategy")
            own[-1][1].append(part)
        elif part:
            own.append((name.strip(), [first] if colon and first else []))
    named = [(get_strategy(name), given) for name, given in own]
    shared = options_for([strategy for strategy, _ in named], options)
    found: dict[str, NamedConfiguration] = {}
    for strategy, given in named:
        chosen = [_own_option(strategy, word) for word in given]
        label = " ".join([strategy.name, *given])
        merged = {**shared[strategy.name], **dict(chosen)}
        found.setdefault(label, NamedConfiguration(label=label, strategy=strategy, options=merged))
    if not found:
        raise InvalidRequest("Name at least one strategy.", field="strategy")
    return tuple(found.values())


def _own_option(strategy: Strategy, word: str) -> tuple[str, Json]:
    name, equals, text = word.partition("=")
    if not equals or name.strip() not in strategy.Options.model_fields:
        there = ", ".join(strategy.Options.model_fields)
        raise InvalidRequest(
            f"Write an option as {strategy.name}:name=value, not {word!r}. There are: {there}.",
            field="strategy",
        )
    return name.strip(), _value(text, word)


def options_for(strategies: Sequence[Strategy], words: Sequence[str]) -> dict[str, dict[str, Json]]:
    """Return each strategy's options by its name, not validated yet. Raises `InvalidRequest`.

    `k=v` is for every strategy that has the option, `strategy.k=v` for one.
    """
    given: dict[str, dict[str, Json]] = {strategy.name: {} for strategy in strategies}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name.strip() and equals):
            raise InvalidRequest(f"Write an option as name=value, not {word!r}.", field="option")
        owner, dot, option = name.strip().partition(".")
        takers = [owner] if dot else [each.name for each in strategies if owner in each.Options.model_fields]
        if not takers:
            there = "; ".join(f"{each.name}: {', '.join(each.Options.model_fields)}" for each in strategies)
            raise InvalidRequest(f"There is no option {owner!r}. There are: {there}.", field="option")
        for taker in takers:
            if taker not in given:
                raise InvalidRequest(
                    f"{word!r} is for {taker}, which is not evaluated. Add it to --strategy.", field="option"
                )
            given[taker][option if dot else owner] = _value(text, word)
    return given


def _value(text: str, word: str) -> Json:
    """Return a list or an object parsed as JSON, anything else as text for the option's own type."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"{word!r} contains invalid JSON: {error}.", field="option") from None


PANELS_FILE = "panels.json"
MOST_LISTED = 12
_PANELS = TypeAdapter(dict[str, list[str]])


def panels_beside(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Return the panels that `panels.json` names in the data's folders. Raises `InvalidRequest`."""
    panels: dict[str, list[str]] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        file = folder / PANELS_FILE
        try:
            panels |= _PANELS.validate_python(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, ValidationError) as error:
            raise InvalidRequest(
                f"{file} cannot be read: it must map names to lists of models. {error}", field="panel"
            ) from None
    return panels


def panel_named(
    words: Sequence[str], models: Sequence[str], panels: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the models that `words` name, in order. Raises `InvalidRequest`."""
    names = [name for word in words for name in ([word] if word in models else panels.get(word, [word]))]
    for name in names:
        if name not in models:
            raise InvalidRequest(unknown_model(name, models, tuple(panels)), field="panel")
    if not names:
        raise InvalidRequest("The panel is empty. Name at least one model.", field="panel")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"{twice} is on the panel twice. Name it once.", field="panel")
    return tuple(names)


def unknown_model(name: str, models: Sequence[str], panels: Sequence[str] = ()) -> str:
    """Return the sentence that the recording has no such model, with those it has."""
    close = get_close_matches(name, [*models, *panels], n=3)
    if close:
        return f"The data has no answers of {name!r}. Did you mean {' or '.join(close)}?"
    more = f" and {len(models) - MOST_LISTED} more" if len(models) > MOST_LISTED else ""
    has = f"The data has no answers of {name!r}; it has {', '.join(models[:MOST_LISTED])}{more}."
    return f"{has} Panels: {', '.join(panels)}." if panels else has
