"""Presets as a kind of saved definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestration.expressions.changes import Change, Labels, differences
from orchestration.library.kinds import ContainedDefinition, DefinitionKind, DefinitionReading
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.preset import (
    PresetDefinition,
    PresetProblem,
    read_preset,
    stored_preset,
)
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import listed
from orchestration.strategies.selectors import PRESET

USUAL = "voting"
"""The strategy that a new preset begins with."""
LABELS: Labels = {
    name: field.title for name, field in PresetDefinition.model_fields.items() if field.title is not None
}
PresetReading = DefinitionReading[PresetDefinition, PresetProblem]


class Presets(DefinitionKind[PresetDefinition]):
    """Presets as saved definitions."""

    name = PRESET
    noun = "preset"
    plural = "presets"
    namespace = "strategies:presets"
    page = "strategies:presets:preset"

    def blank(self, name: str) -> dict[str, Json]:
        """Return a preset without a panel."""
        return {
            "schema_version": 1,
            "name": name,
            "title": "",
            "description": "",
            "strategy": USUAL,
            "models": [],
            "options": {},
        }

    def check(
        self,
        written: Json,
        known: Mapping[str, PresetDefinition],  # noqa: ARG002  # none contains another
        *,
        name: str = "",
    ) -> PresetReading:
        """Check a preset; whether its models are there is checked when a run starts."""
        preset, found = read_preset(written)
        if name and preset is not None and preset.name != name:
            message = f"This preset is called “{name}”; its page can rename it."
            found = (PresetProblem("name", message), *found)
        return DefinitionReading(document=written, definition=preset, problems=found)

    def stored(self, document: Json) -> PresetDefinition | None:
        """Return a stored preset, None for one that cannot be read any more."""
        return stored_preset(document)

    def changes(self, old: PresetDefinition, new: PresetDefinition) -> Sequence[Change]:
        """Return what differs."""
        one, other = map(_in_words, (old, new))
        return list(differences(one, other, LABELS))

    def contained(self, definition: PresetDefinition) -> Iterable[ContainedDefinition]:  # noqa: ARG002
        """Return nothing: a preset names no other definition."""
        return ()

    def example(self, document: Mapping[str, Json]) -> Json:  # noqa: ARG002  # a question is no part of a preset
        """Return no example."""
        return None

    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what starts a run of the newest version, about a question as text or under `text`."""
        text = value.get("text") if isinstance(value, dict) else value
        return {"ref": name, "version": "latest", "text": text}


def _in_words(preset: PresetDefinition) -> dict[str, Json]:
    """Return the fields of a preset as people compare them: a panel that is reordered differs, too."""
    strategy = all_strategies().get(preset.strategy)
    return {
        **preset.model_dump(mode="json"),
        "strategy": strategy.title if strategy is not None else preset.strategy,
        "models": listed(preset.models),
        "tools": listed(preset.tools),
    }


PRESETS = Presets()
