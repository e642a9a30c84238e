"""Adding, changing and removing what a team adds to the tools, and listing the tools of its servers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.llm.engine.errors import InvalidRequest, ModelUnavailable
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import Endpoint, origin
from orchestration.llm.services.credentials import open_secret, seal_secret
from orchestration.llm.services.registry.providers import checked_endpoint
from orchestration.llm.services.registry.rows import check, difference, stored_whole
from orchestration.llm.services.resources import address_guard, run_async
from orchestration.tools.engine.documents import document_text, passages
from orchestration.tools.engine.tool import ToolFailed
from orchestration.tools.models import DocumentPart, McpServer, ToolCredential, ToolDocument
from orchestration.tools.providers.http_request import HEADER_NAME, OF_THE_CONNECTION
from orchestration.tools.providers.mcp_client import RemoteTool, list_tools

LIST_WITHIN_S = 20.0
MOST = 500
"""Servers, credentials or documents of a team."""
Added = TypeVar("Added", McpServer, ToolCredential, ToolDocument)


def add_server(*, membership: Membership, name: str, base_url: str, api_key: str = "") -> McpServer:
    """Ask a server for its tools and store both. Raises `InvalidRequest`; then nothing is stored."""
    endpoint = checked_endpoint(base_url, api_key)
    row = McpServer(team=membership.team, name=name.strip(), base_url=endpoint.base_url)
    row.checked_at = timezone.now()
    check(row)
    try:
        row.tools = _listed(endpoint)
    except ToolFailed as error:
        raise InvalidRequest(str(error), field="base_url") from error
    row.secret = seal_secret(row, endpoint.api_key or "")
    after = {"base_url": row.base_url, "key": "stored" if row.secret else "none"}
    return _stored(membership, row, AuditAction.MCP_SERVER_ADDED, after)


def change_server(
    *, membership: Membership, row: McpServer, base_url: str, api_key: str, drop_key: bool
) -> None:
    """Change address and key of a server once it has listed its tools at the new address.

    An empty key keeps the stored one, as long as the origin of the address stays. Raises `InvalidRequest`;
    then nothing has changed.
    """
    endpoint = checked_endpoint(base_url, api_key)
    before = {"base_url": row.base_url}
    if not drop_key:
        _check_key_stays(row, endpoint, "api_key")
    row.base_url = endpoint.base_url
    if endpoint.api_key or drop_key:
        row.secret = seal_secret(row, endpoint.api_key or "")
    check(row)
    try:
        row.tools, row.error = _listed(Endpoint(row.base_url, open_secret(row))), ""
    except (ToolFailed, ModelUnavailable) as error:
        raise InvalidRequest(str(error), field="base_url") from error
    row.checked_at = timezone.now()
    key = {"key": "replaced" if endpoint.api_key else "none"} if endpoint.api_key or drop_key else {}
    _changed(membership, row, AuditAction.MCP_SERVER_CHANGED, before, {"base_url": row.base_url, **key})


def _check_key_stays(row: McpServer | ToolCredential, endpoint: Endpoint, field: str) -> None:
    """Raise `InvalidRequest` where a stored key would be sent to another origin than it was entered for."""
    if row.secret and not endpoint.api_key and origin(endpoint.base_url) != origin(row.base_url):
        words = f"The key was entered for {origin(row.base_url)}. Enter the one for the new address."
        raise InvalidRequest(words, field=field)


def _changed(
    membership: Membership,
    row: McpServer | ToolCredential,
    action: AuditAction,
    before: dict[str, Json],
    after: dict[str, Json],
) -> None:
    """Store a changed row, unless it was removed meanwhile."""
    with transaction.atomic():
        if not type(row).objects.visible_to(membership).select_for_update().filter(pk=row.pk).exists():
            raise InvalidRequest("This was removed in the meantime.")
        row.save()
        was, is_now = difference(before, after)
        if is_now:
            record_change(membership=membership, action=action, subject=row.name, before=was, after=is_now)


def refresh_server(server: McpServer) -> McpServer:
    """Ask a server for its tools again and store what came of it; `error` says what went wrong."""
    row: McpServer = McpServer.objects.get(pk=server.pk)
    row.error = ""
    try:
        row.tools = _listed(Endpoint(row.base_url, open_secret(row)))
    except (ToolFailed, ModelUnavailable) as error:
        row.error = str(error)
    row.checked_at = timezone.now()
    row.save(update_fields=["tools", "error", "checked_at"])
    return row


def _listed(endpoint: Endpoint) -> list[dict[str, Json]]:
    async def ask() -> tuple[RemoteTool, ...]:
        try:
            async with asyncio.timeout(LIST_WITHIN_S):
                return await list_tools(endpoint, address_guard())
        except TimeoutError:
            words = f"{endpoint.host} did not list its tools within {LIST_WITHIN_S:g} s."
            raise ToolFailed(words) from None

    names: dict[str, dict[str, Json]] = {}
    for tool in run_async(ask()):
        names.setdefault(tool.name, asdict(tool))
    return list(names.values())


def add_credential(
    *, membership: Membership, name: str, base_url: str, header: str, value: str
) -> ToolCredential:
    """Store what requests to one origin send in a header. Raises `InvalidRequest`."""
    if not value.strip():
        raise InvalidRequest("Enter the value.", field="value")
    row = ToolCredential(team=membership.team, name=name.strip())
    _set_header(row, checked_endpoint(base_url, ""), header, value.strip())
    return _stored(membership, row, AuditAction.CREDENTIAL_ADDED, {"base_url": row.base_url})


def change_credential(
    *, membership: Membership, row: ToolCredential, base_url: str, header: str, value: str
) -> None:
    """Change where a credential is sent, and in which header; an empty value keeps the stored one.

    It is kept only as long as the origin stays. Raises `InvalidRequest`.
    """
    before = {"base_url": row.base_url, "header": row.header}
    endpoint = checked_endpoint(base_url, "")
    if not value.strip():
        _check_key_stays(row, endpoint, "value")
    _set_header(row, endpoint, header, value.strip())
    key = {"key": "replaced"} if value.strip() else {}
    after = {"base_url": row.base_url, "header": row.header, **key}
    _changed(membership, row, AuditAction.CREDENTIAL_CHANGED, before, after)


def _set_header(row: ToolCredential, endpoint: Endpoint, header: str, value: str) -> None:
    """Set what is sent to an origin; without a value the stored one stays. Raises `InvalidRequest`."""
    if not HEADER_NAME.fullmatch(header) or header.lower() in OF_THE_CONNECTION:
        raise InvalidRequest("This is no header that can be set.", field="header")
    if not value.isascii() or not value.isprintable():
        raise InvalidRequest("The value has to be printable ASCII. Copy it again.", field="value")
    scheme = endpoint.base_url.partition(":")[0]
    row.base_url, row.header = f"{scheme}://{endpoint.host}", header
    if value:
        row.secret = seal_secret(row, value)
    check(row)


def add_document(*, membership: Membership, name: str, raw: bytes) -> ToolDocument:
    """Store a document, cut into passages. Raises `InvalidRequest`."""
    try:
        text = document_text(raw)
    except ValueError as error:
        raise InvalidRequest(str(error), field="file") from error
    row = ToolDocument(team=membership.team, name=name.strip(), size=len(raw), created_by=membership.user)
    check(row)
    with transaction.atomic():
        _stored(membership, row, AuditAction.DOCUMENT_ADDED, {"size": row.size})
        parts = (DocumentPart(document=row, number=n, text=part) for n, part in enumerate(passages(text), 1))
        DocumentPart.objects.bulk_create(parts, batch_size=500)
    return row


def _stored(membership: Membership, row: Added, action: AuditAction, after: dict[str, Json]) -> Added:
    if type(row).objects.visible_to(membership).count() >= MOST:
        raise InvalidRequest(f"A team has up to {MOST} of these. Remove one first.")
    with stored_whole("Your team uses this name already. Choose another one.", "name"):
        row.save(force_insert=True)
        record_change(membership=membership, action=action, subject=row.name, before={}, after=after)
    return row


Removable = McpServer | ToolCredential | ToolDocument
REMOVED: dict[type[Removable], AuditAction] = {
    McpServer: AuditAction.MCP_SERVER_REMOVED,
    ToolCredential: AuditAction.CREDENTIAL_REMOVED,
    ToolDocument: AuditAction.DOCUMENT_REMOVED,
}


@transaction.atomic
def remove(*, membership: Membership, row: Removable) -> None:
    """Remove a server, a credential or a document of the team."""
    before = {} if isinstance(row, ToolDocument) else {"base_url": row.base_url}
    deleted, _ = type(row).objects.visible_to(membership).filter(pk=row.pk).delete()
    if deleted:
        record_change(
            membership=membership, action=REMOVED[type(row)], subject=row.name, before=before, after={}
        )
