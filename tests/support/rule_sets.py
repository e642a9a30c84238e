"""Rule sets of a team, for tests: as drafts and published."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import create_definition, publish
from orchestration.llm.engine.types import Json
from orchestration.routing.selectors import RULES


def rule(id: str, *methods: str, when: Mapping[str, Json] | None = None, **fields: Json) -> dict[str, Json]:
    """Return a rule that uses methods."""
    return {"id": id, "when": dict(when or {}), "use": [{"method": each} for each in methods], **fields}


def rule_set_draft(
    member: Membership, *rules: Mapping[str, Json], name: str = "auto", **fields: Json
) -> SavedDefinition:
    """Store a rule set with a draft; it explores nothing unless told to."""
    document = {"schema_version": 1, "name": name, "exploration_usd": 0, **fields, "rules": list(rules)}
    return create_definition(membership=member, kind=RULES, name=name, text=write_yaml(document))


def a_rule_set(
    member: Membership, *rules: Mapping[str, Json], name: str = "auto", **fields: Json
) -> SavedDefinition:
    """Store a rule set with a published version."""
    row = rule_set_draft(member, *rules, name=name, **fields)
    publish(membership=member, definition=row, based_on=row.draft_number)
    return row
