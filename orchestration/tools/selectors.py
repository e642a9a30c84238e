"""What is read of a team's tools: servers, credentials, documents, and the passages that a search finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Case, Count, Model, QuerySet, Value, When

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.tools.models import McpServer, ToolCredential, ToolDocument

SQLITE = """
SELECT document.name, part.number, part.text, -bm25(tools_partwords) AS score
FROM tools_partwords
JOIN tools_documentpart part ON part.id = tools_partwords.rowid
JOIN tools_tooldocument document ON document.id = part.document_id
WHERE tools_partwords MATCH %s AND document.team_id = %s
ORDER BY bm25(tools_partwords), part.id LIMIT %s
"""
POSTGRESQL = """
SELECT document.name, part.number, part.text, ts_rank(to_tsvector('simple', part.text), query, 1) AS score
FROM tools_documentpart part
JOIN tools_tooldocument document ON document.id = part.document_id,
to_tsquery('simple', %s) query
WHERE to_tsvector('simple', part.text) @@ query AND document.team_id = %s
ORDER BY score DESC, part.id LIMIT %s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRecord:
    """How a tool was used lately: calls, how many failed, when it was called last, and the last failure."""

    calls: int
    failed: int
    last_at: datetime
    error: str


ToolRecords = Callable[[Membership, datetime], Mapping[str, ToolRecord]]
_records: list[ToolRecords] = []


def register_tool_records(records: ToolRecords) -> None:
    """Set what reads the records of tools by name; runs know them."""
    _records[:] = [records]


def tool_records(membership: Membership, now: datetime) -> Mapping[str, ToolRecord]:
    """Return the records of the team's tools by name."""
    return _records[0](membership, now) if _records else {}


def team_servers(membership: Membership) -> QuerySet[McpServer]:
    """Return the team's MCP servers without their secrets, each with `has_secret`."""
    return _without_secret(McpServer, membership)


def team_credentials(membership: Membership) -> QuerySet[ToolCredential]:
    """Return the team's credentials without their secrets."""
    return _without_secret(ToolCredential, membership)


def _without_secret(kind: type[Model], membership: Membership) -> QuerySet[Any]:
    stored = Case(
        When(secret=b"", then=Value(value=False)), default=Value(value=True), output_field=BooleanField()
    )
    rows: QuerySet[Any] = kind._default_manager.filter(team_id=membership.team_id)  # noqa: SLF001  # Django's name
    with_mark: QuerySet[Any] = rows.defer("secret").annotate(has_secret=stored)
    return with_mark


def team_documents(membership: Membership) -> QuerySet[ToolDocument]:
    """Return the team's documents, each with `passages`, their number."""
    found: QuerySet[ToolDocument] = ToolDocument.objects.visible_to(membership)
    return found.annotate(passages=Count("parts"))


def found_passages(team: UUID, words: Sequence[str], limit: int) -> list[dict[str, Json]]:
    """Return the passages of a team's documents that have any of the words, the best first.

    Words are letters, digits and _ only, as `query_words` gives them: each stands in quotes.
    """
    if not words:
        return []
    is_sqlite = connection.vendor == "sqlite"
    statement, either = (SQLITE, " OR ") if is_sqlite else (POSTGRESQL, " | ")
    quoted = (f'"{word}"' if is_sqlite else f"'{word}'" for word in words)
    key = team.hex if is_sqlite else team
    with connection.cursor() as cursor:
        cursor.execute(statement, [either.join(quoted), key, limit])
        rows = cursor.fetchall()
    return [
        {"document": name, "part": number, "text": text, "score": round(float(score), 4)}
        for name, number, text, score in rows
    ]
