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
from orchestration.strategies.engine.profiles import PRIOR_WEIGHT, Profile, expectation
from orchestration.strategies.engine.strategy import Strategy, all_strategies
from orchestration.strategies.engine.types import percent
from orchestration.strategies.selectors import PRESETS, PresetRecord, StrategyRecord, preset_records
from orchestration.strategies.services.profiles import model_profiles

FOLDER = "strategies/methods"


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionNote:
    """An option in words: its title and effect, its default and the values allowed."""

    name: str
    title: str
    description: str
    default: str
    allowed: str


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
    def options(self) -> list[OptionNote]:
        """Its options, as its schema describes them."""
        schema = self.strategy.Options.model_json_schema()
        definitions = schema.get("$defs", {})
        return [_note(name, shape, definitions) for name, shape in schema.get("properties", {}).items()]


def _note(name: str, shape: Mapping[str, Json], definitions: Mapping[str, Json]) -> OptionNote:
    parts = [
        part
        for part in (shape, *shape.get("anyOf", ()), *shape.get("allOf", ()))
        if part.get("type") != "null"
    ]
    merged: dict[str, Any] = {}
    for part in parts:
        referred = definitions.get(str(part.get("$ref", "")).rsplit("/", 1)[-1], {})
        merged = {**referred, **part, **merged}
    return OptionNote(
        name=name,
        title=str(shape.get("title") or name.replace("_", " ").capitalize()),
        description=str(shape.get("description", "")),
        default=_default(shape.get("default"), is_share=merged.get("format") == FieldFormat.SHARE),
        allowed=_allowed(merged),
    )


def _default(value: Json, *, is_share: bool) -> str:
    if value is None or value == "":
        return "empty"
    if is_share:
        return percent(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace("_", " ")


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


@dataclass(frozen=True, kw_only=True, slots=True)
class PresetLine:
    """A preset in a list: what it does in words, its figures, and its record where it has been used."""

    line: DefinitionLine
    words: str
    record: PresetRecord | None

    @property
    def quality(self) -> float | None:
        """The mean quality of its runs, None where there is no evidence."""
        return None if self.record is None else self.record.whole.quality


def preset_lines(membership: Membership) -> list[PresetLine]:
    """Return the team's presets by name."""
    records, found = preset_records(membership), []
    for name, line in definition_lines(membership, PRESETS).items():
        stored = PRESETS.stored(line.document)
        words = stored.words if stored is not None else "It has problems and cannot run yet"
        found.append(PresetLine(line=line, words=words, record=records.get(name)))
    return found


def shown_content(made: Mapping[str, Json]) -> dict[str, Any]:
    """Return what a preset is made of in words: its strategy, its panel, and the options that are set."""
    strategy = all_strategies().get(str(made.get("strategy", "")))
    fields = strategy.Options.model_fields if strategy is not None else {}
    options = made.get("options")
    set_options = options if isinstance(options, dict) else {}
    return {
        "strategy": strategy.title if strategy is not None else made.get("strategy", ""),
        "models": made.get("models") or (),
        "tools": made.get("tools") or (),
        "options": [
            (fields[name].title if name in fields else name, str(value).replace("_", " "))
            for name, value in set_options.items()
        ],
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRow:
    """A model with a cell for each type of task, in their usual order."""

    model: LanguageModel
    cells: tuple[Profile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileTable:
    """Models by types of task."""

    rows: tuple[ProfileRow, ...]
    tasks: tuple[TaskType, ...] = tuple(TaskType)
    prior_weight: float = PRIOR_WEIGHT


def profile_table(models: Iterable[LanguageModel]) -> ProfileTable:
    """Return what to expect of each model, prefetched with prices and profiles, in each type of task."""
    rows = []
    for model in models:
        spec = model_spec(model)
        shown = {profile.task: profile for profile in model_profiles(model, spec)}
        cells = tuple(shown.get(task) or expectation(spec, task) for task in TaskType)
        rows.append(ProfileRow(model=model, cells=cells))
    return ProfileTable(rows=tuple(rows))
