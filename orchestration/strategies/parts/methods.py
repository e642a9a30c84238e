"""What the Methods pages show: strategies with picture, options and record; models by type of task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.library.parts import DefinitionLine, definition_lines
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import model_spec
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Profile, profile_for
from orchestration.strategies.engine.strategy import Strategy, all_strategies
from orchestration.strategies.engine.types import percent
from orchestration.strategies.selectors import PRESETS, StrategyRecord, preset_records
from orchestration.strategies.services.profiles import model_profiles
from orchestration.tools.forms.schemas import resolved

FOLDER = "strategies/methods"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyCard:
    """A strategy as its page explains it."""

    strategy: Strategy
    record: StrategyRecord

    @property
    def picture(self) -> tuple[str, str]:
        """The templates of its picture: its own, else the one for its way of asking (in turn or at once)."""
        like = "in_turn" if self.strategy.in_turn else "at_once"
        return f"{FOLDER}/picture_{self.strategy.name}.html", f"{FOLDER}/picture_{like}.html"

    @property
    def advice(self) -> tuple[str, str]:
        """The templates of the advice when to use it: its own, else the general one."""
        return f"{FOLDER}/advice_{self.strategy.name}.html", f"{FOLDER}/advice_other.html"

    @property
    def options(self) -> list[Mapping[str, str]]:
        """Its options, as its schema describes them in words."""
        schema = self.strategy.Options.model_json_schema()
        return [_note(name, shape, resolved(shape, schema)) for name, shape in schema["properties"].items()]


def _note(name: str, shape: Mapping[str, Json], whole: Mapping[str, Json]) -> Mapping[str, str]:
    """Return an option in words: its own schema, and the `whole` one with what that refers to."""
    return {
        "name": name,
        "title": str(shape.get("title") or name.replace("_", " ").capitalize()),
        "description": str(shape.get("description", "")),
        "default": value_words(shape.get("default"), is_share=whole.get("format") == FieldFormat.SHARE),
        "allowed": _allowed(whole),
    }


def value_words(
    value: Json, *, is_share: bool, none: str = "empty", switch: tuple[str, str] = ("off", "on")
) -> str:
    """Return the value of an option in words; `none` is where it has none, `switch` one that is off or on."""
    if value is None or value == "":
        return none
    if isinstance(value, bool):
        return switch[value]
    return percent(value) if is_share else str(value).replace("_", " ")


def _allowed(shape: Mapping[str, Json]) -> str:
    """Return the allowed values in words."""
    if "enum" in shape:
        return ", ".join(str(value).replace("_", " ") for value in shape["enum"])
    if shape.get("format") == FieldFormat.MODEL:
        return "a model of the team"
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    if low is not None and high is not None:
        above = "above " if "exclusiveMinimum" in shape else ""
        if shape.get("format") == FieldFormat.SHARE:
            return f"{above}{percent(low)} to {percent(high)}"
        return f"{above}{low:,} to {high:,}"
    return {"boolean": "on or off", "string": "text"}.get(str(shape.get("type")), "")


def preset_lines(membership: Membership) -> list[tuple[DefinitionLine, str, float | None]]:
    """Return the team's presets by name, each with what it does in words, and its mean quality if known."""
    records, found = preset_records(membership), []
    for name, line in definition_lines(membership, PRESETS).items():
        stored = PRESETS.stored(line.document)
        words = stored.words if stored is not None else "It has problems and cannot run yet"
        quality = records[name].whole.quality if name in records else None
        found.append((line, words, quality))
    return found


def shown_content(made: Mapping[str, Json]) -> dict[str, Any]:
    """Return what a preset is made of in words: its strategy, its panel, and the options that are set."""
    strategy = all_strategies().get(made.get("strategy", ""))
    fields = strategy.Options.model_fields if strategy is not None else {}
    return {
        "strategy": strategy.title if strategy is not None else made.get("strategy", ""),
        "models": made.get("models") or (),
        "tools": made.get("tools") or (),
        "options": [
            (fields[name].title if name in fields else name, str(value).replace("_", " "))
            for name, value in (made.get("options") or {}).items()
        ],
    }


def profile_rows(models: Iterable[LanguageModel]) -> list[tuple[LanguageModel, list[Profile]]]:
    """Return models, prefetched with prices and profiles, each with what to expect of it by type of task."""
    rows = []
    for model in models:
        spec = model_spec(model)
        known = model_profiles(model, spec)
        rows.append((model, [profile_for(spec, task, known) for task in TaskType]))
    return rows
