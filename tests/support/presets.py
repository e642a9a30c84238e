"""Presets of a team, for tests."""

from __future__ import annotations

from orchestra_site.accounts.models import Membership
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.strategies.selectors import PRESETS
from orchestration.strategies.services.presets import save_preset

PANEL = ["sim-swift", "sim-sage"]


def a_version(member: Membership, name: str = "quick", **fields: Json) -> PublishedVersion:
    """Publish a preset, or a new version of one: a debate of two, unless it says others."""
    given: dict[str, Json] = {"strategy": "debate", "options": {"rounds": 3}, "models": PANEL, **fields}
    return save_preset(member, name, **given)


def a_preset(member: Membership, name: str = "quick", **fields: Json) -> SavedDefinition:
    """Publish a preset and return its definition."""
    found = a_version(member, name, **fields).definition
    assert found.kind == PRESETS.name
    return found
