"""The tools of a team: built in, of its servers, with its credentials; what a run keeps of them."""

from __future__ import annotations

import pytest
from django.utils.html import strip_tags

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestra_site.accounts.parts.audit import sentence
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.services.credentials import open_secret, reseal_secrets
from orchestration.llm.services.resources import run_async
from orchestration.tools.engine.tool import ToolFailed
from orchestration.tools.models import McpServer, ToolCredential
from orchestration.tools.services.changing import (
    add_credential,
    add_document,
    add_server,
    refresh_server,
    remove,
)
from orchestration.tools.services.registry import Frozen, find_tool, freeze_tools, team_tools
from tests.support.history import a_member
from tests.support.mcp_process import KEY

pytestmark = pytest.mark.django_db(transaction=True)
BUILT_IN = {"calculator", "clock", "json_query", "search_documents", "http_request"}
USED: Frozen = {"http_request": {}, "search_documents": {}}


def added(member: Membership, mcp_server: Endpoint) -> McpServer:
    return add_server(membership=member, name="sums", base_url=mcp_server.base_url, api_key=KEY)


def called(member: Membership, name: str, frozen: Frozen, **arguments: Json) -> Json:
    """Call a tool as a run does."""

    async def call() -> Json:
        return await (await find_tool(member.team_id, name, frozen)).call(arguments)

    return run_async(call())


def test_a_server_is_stored_with_its_tools_and_its_key_encrypted(mcp_server: Endpoint) -> None:
    member = a_member()
    row = added(member, mcp_server)
    assert (open_secret(row), KEY in str(McpServer.objects.values().get())) == (KEY, False)
    tools = team_tools(member.team_id)
    assert {"sums.add", "sums.describe"} < set(tools) - BUILT_IN
    assert "sums.pattern" not in tools
    assert tools["sums.add"].repeatable
    assert team_tools(a_member().team_id).keys() == BUILT_IN
    assert reseal_secrets() == (1, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Big Name"}, "name"),
        ({"base_url": "http://127.0.0.1:9/mcp"}, "base_url"),
        ({"base_url": "http://10.0.0.1/mcp"}, "base_url"),
        ({"base_url": "nothing"}, "base_url"),
        ({"api_key": "a key"}, "api_key"),
        ({"api_key": "other-key-1234"}, "base_url"),
    ],
)
def test_a_server_that_does_not_answer_is_not_stored(
    mcp_server: Endpoint, changes: dict[str, str], field: str
) -> None:
    given = {"name": "sums", "base_url": mcp_server.base_url, "api_key": KEY, **changes}
    with pytest.raises(InvalidRequest) as refused:
        add_server(membership=a_member(), **given)
    assert (refused.value.field, McpServer.objects.count()) == (field, 0)


def test_a_name_is_used_once_in_a_team(mcp_server: Endpoint) -> None:
    member = a_member()
    added(member, mcp_server)
    with pytest.raises(InvalidRequest, match="uses this name already"):
        added(member, mcp_server)


def test_a_server_that_is_gone_keeps_its_tools_and_says_so(mcp_server: Endpoint) -> None:
    row = added(a_member(), mcp_server)
    assert refresh_server(row).error == ""
    McpServer.objects.filter(pk=row.pk).update(base_url="http://127.0.0.1:9/mcp", secret=b"")
    seen = refresh_server(row)
    assert (bool(seen.tools), "nothing listens there" in seen.error) == (True, True)


def test_a_run_keeps_name_address_and_version_of_the_tools_that_it_may_use(mcp_server: Endpoint) -> None:
    member = a_member()
    row = added(member, mcp_server)
    frozen = freeze_tools(member.team_id, ["calculator", "sums.add"])
    assert frozen["calculator"] == {}
    assert frozen["sums.add"].keys() == {
        "description",
        "schema",
        "repeatable",
        "server",
        "base_url",
        "version",
    }
    assert (frozen["sums.add"]["base_url"], frozen["sums.add"]["server"]) == (
        mcp_server.base_url,
        str(row.pk),
    )
    with pytest.raises(InvalidRequest, match=r"no tool called 'sums\.subtract'"):
        freeze_tools(member.team_id, ["sums.subtract"])


def test_a_run_calls_what_was_frozen_and_nothing_else(mcp_server: Endpoint) -> None:
    member = a_member()
    row = added(member, mcp_server)
    frozen = freeze_tools(member.team_id, ["calculator", "sums.add"])
    assert called(member, "sums.add", frozen, a=1, b=2) == {"result": 3}
    with pytest.raises(ToolFailed, match="add of sums cannot take this: a is a text, must be a whole number"):
        called(member, "sums.add", frozen, a="1", b=2)
    for name, tools in (("sums.describe", frozen), ("clock", frozen), ("clock", {})):
        with pytest.raises(ToolFailed, match="no tool called"):
            called(member, name, tools)
    remove(membership=member, row=row)
    with pytest.raises(ToolFailed, match="was removed since the run was started"):
        called(member, "sums.add", frozen, a=1, b=2)


def test_a_key_that_was_entered_for_another_address_is_not_sent_to_the_frozen_one(
    mcp_server: Endpoint,
) -> None:
    member = a_member()
    row = added(member, mcp_server)
    frozen = freeze_tools(member.team_id, ["sums.add"])
    McpServer.objects.filter(pk=row.pk).update(base_url="https://example.com/mcp")
    with pytest.raises(ToolFailed, match="refused the key"):
        called(member, "sums.add", frozen, a=1, b=2)


def test_credentials_are_for_an_origin_and_documents_are_found() -> None:
    member = a_member()
    row = add_credential(
        membership=member,
        name="shop",
        base_url="https://api.example.com/v1",
        header="X-Key",
        value=" s3cret-value-1 ",
    )
    assert (row.base_url, open_secret(row)) == ("https://api.example.com", "s3cret-value-1")
    with pytest.raises(ToolFailed, match=r"is for https://api\.example\.com:443 and is not sent to"):
        called(member, "http_request", USED, url="https://example.org/", credential="shop")
    with pytest.raises(ToolFailed, match="no credential called 'other'"):
        called(member, "http_request", USED, url="https://example.org/", credential="other")
    add_document(membership=member, name="a.txt", raw=b"The blue door.")
    found = called(member, "search_documents", USED, query="door", limit=2)
    assert [each["text"] for each in found["passages"]] == ["The blue door."]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"header": "Host"}, "header"),
        ({"header": "a b"}, "header"),
        ({"value": ""}, "value"),
        ({"value": "a\nb"}, "value"),
        ({"base_url": "ftp://a"}, "base_url"),
        ({"name": "_"}, "name"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_refused(changes: dict[str, str], field: str) -> None:
    given = {"name": "shop", "base_url": "https://a.example.com", "header": "X-Key", "value": "v", **changes}
    with pytest.raises(InvalidRequest) as refused:
        add_credential(membership=a_member(), **given)
    assert (refused.value.field, ToolCredential.objects.count()) == (field, 0)


def test_every_change_has_its_sentence_in_the_audit_log(mcp_server: Endpoint) -> None:
    member = a_member(name="Ana")
    row = added(member, mcp_server)
    remove(membership=member, row=row)
    said = [strip_tags(sentence(entry)) for entry in AuditEntry.objects.order_by("id")]
    assert said == [
        f"Ana added the MCP server sums at {mcp_server.base_url}.",
        f"Ana removed the MCP server sums at {mcp_server.base_url}.",
    ]
