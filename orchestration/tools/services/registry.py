"""Which tools a team has, what a run may use of them, and the tool that a run calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.utils import timezone

from orchestra_site.web.threads import in_database_thread
from orchestration.llm.engine.errors import InvalidRequest, ModelUnavailable
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import Endpoint, origin
from orchestration.llm.services.credentials import open_secret
from orchestration.llm.services.resources import address_guard, resources
from orchestration.tools.engine.builtin import Calculator, Clock, JsonQuery, arguments_schema
from orchestration.tools.engine.documents import query_words
from orchestration.tools.engine.tool import Tool, ToolFailed, ToolFault, ToolSpec, unknown_tool
from orchestration.tools.models import McpServer, ToolCredential
from orchestration.tools.providers.http_request import HttpCredential, HttpRequestTool
from orchestration.tools.providers.mcp_client import call_tool
from orchestration.tools.selectors import found_passages

MOST_FOUND, FOUND = 20, 5
MCP_TIMEOUT_S = 60.0
Frozen = Mapping[str, Json]
"""What is frozen with a run of the tools it may use, by their names; empty for a built-in one."""


class SearchDocuments(Tool):
    """Finds passages in a team's documents."""

    def __init__(self, team: UUID) -> None:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST_FOUND, "description": "Without it 5."}
        query = {"type": "string", "minLength": 1, "maxLength": 2_000, "description": "Words to look for."}
        super().__init__(
            ToolSpec(
                name="search_documents",
                title="The document search",
                description="Finds passages in the documents of the team, the best first.",
                schema=arguments_schema({"query": query}, limit=limit),
            )
        )
        self._team = team

    async def run(self, arguments: Mapping[str, Json]) -> Json:
        """Return `passages`: document, number of the part, text, score."""
        words = query_words(arguments["query"])
        limit = int(arguments.get("limit", FOUND))
        return {"passages": await in_database_thread(found_passages, self._team, words, limit)}


class McpTool(Tool):
    """A tool of an MCP server as it was frozen: its schema, and the address that it is called at."""

    def __init__(self, team: UUID, name: str, frozen: Mapping[str, Json]) -> None:
        server, _, remote = name.partition(".")
        super().__init__(
            ToolSpec(
                name=name,
                title=f"{remote} of {server}",
                description=frozen["description"],
                schema=frozen["schema"],
                repeatable=frozen["repeatable"],
                timeout_s=MCP_TIMEOUT_S,
            )
        )
        self._team, self._frozen, self._remote = team, frozen, remote

    async def run(self, arguments: Mapping[str, Json]) -> Json:
        """Return what the server gives. Raises `ToolFailed`."""
        endpoint = await in_database_thread(self._endpoint)
        return await call_tool(endpoint, address_guard(), self._remote, arguments)

    def _endpoint(self) -> Endpoint:
        """Return the frozen address with the key, unless that was entered for another one since."""
        row = McpServer.objects.filter(team_id=self._team, id=self._frozen["server"]).first()
        if row is None:
            words = f"The server of {self.spec.title} was removed since the run was started."
            raise ToolFailed(words, fault=ToolFault.REFUSED)
        address = self._frozen["base_url"]
        key = _opened(row) if origin(address) == origin(row.base_url) else ""
        return Endpoint(address, key)


def _opened(row: McpServer | ToolCredential) -> str:
    try:
        return open_secret(row) or ""
    except ModelUnavailable as error:
        raise ToolFailed(f"{row.name}: {error}", fault=ToolFault.REFUSED) from error


PURE: Mapping[str, Tool] = {tool.spec.name: tool for tool in (Calculator(), Clock(timezone.now), JsonQuery())}


def _built_in(team: UUID) -> dict[str, Tool]:
    async def credential(name: str) -> HttpCredential:
        return await in_database_thread(_credential, team, name)

    reaching = (SearchDocuments(team), HttpRequestTool(lambda: resources().client, credential))
    return {**PURE, **{tool.spec.name: tool for tool in reaching}}


def _credential(team: UUID, name: str) -> HttpCredential:
    row = ToolCredential.objects.filter(team_id=team, name=name).first()
    if row is None:
        raise ToolFailed(f"There is no credential called {name[:40]!r}.", fault=ToolFault.REFUSED)
    return HttpCredential(name=row.name, origin=origin(row.base_url), header=row.header, value=_opened(row))


def team_tools(team: UUID) -> dict[str, ToolSpec]:
    """Return all tools that a team can use, by name: the built-in ones, then those of its servers."""
    specs = {name: tool.spec for name, tool in _built_in(team).items()}
    for name, frozen in _of_servers(team).items():
        specs[name] = McpTool(team, name, frozen).spec
    return specs


def freeze_tools(team: UUID, names: Iterable[str], at: str = "tools") -> Frozen:
    """Return what a run keeps of the tools that it may use, plain JSON. Raises `InvalidRequest`."""
    names = tuple(names)
    usable: dict[str, Json] = {name: {} for name in _built_in(team)}
    usable |= _of_servers(team) if names else {}
    missing = next((name for name in names if name not in usable), None)
    if missing is not None:
        raise InvalidRequest(f"There is no tool called {missing[:120]!r}.", field=at)
    return {name: usable[name] for name in names}


async def find_tool(team: UUID, name: str, frozen: Frozen) -> Tool:
    """Return a tool of those that a run was frozen with. Raises `ToolFailed` for any other."""
    if name not in frozen:
        raise unknown_tool(name)
    built_in = _built_in(team)
    return built_in[name] if name in built_in else McpTool(team, name, frozen[name])


def _of_servers(team: UUID) -> dict[str, dict[str, Json]]:
    """Return the usable tools of a team's servers by name, as a run freezes them."""
    found = {}
    for row in McpServer.objects.filter(team_id=team).defer("secret"):
        for tool in row.tools:
            if not tool["problem"]:
                frozen = {key: tool[key] for key in ("description", "schema", "repeatable")}
                version = hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()[:16]
                where = {"server": str(row.id), "base_url": row.base_url, "version": version}
                found[f"{row.name}.{tool['name']}"] = {**frozen, **where}
    return found
