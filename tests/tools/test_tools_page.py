"""The Tools page: what there is, how it was used, adding, trying and removing."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from orchestra_site.accounts.models import AuditAction, AuditEntry, Membership, Role
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.services.credentials import open_secret
from orchestration.runs.engine.types import EventKind
from orchestration.tools.models import McpServer, ToolCredential, ToolDocument
from orchestration.tools.services.changing import add_credential, change_credential
from tests.support.history import a_member, signed_in
from tests.support.mcp_process import KEY
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db(transaction=True)
TOOLS = reverse("tools:tools")


@pytest.fixture
def admin() -> Membership:
    return a_member(Role.ADMIN)


def page(browser: Client, address: str = TOOLS) -> str:
    return " ".join(browser.get(address).content.decode().split())


def test_a_server_is_added_tried_and_removed_in_the_browser(admin: Membership, mcp_server: Endpoint) -> None:
    browser = signed_in(admin)
    form = {"name": "sums", "base_url": mcp_server.base_url, "api_key": KEY}
    assert browser.post(reverse("tools:server-add"), form, follow=True).redirect_chain == [(TOOLS, 302)]
    shown = page(browser)
    assert "sums.add" in shown
    assert "3 tools cannot be used" in shown
    assert KEY not in shown
    tool = reverse("tools:tool", args=["sums.add"])
    answer = browser.post(tool, {"answer-1": "20", "answer-2": "3"}).content.decode()
    assert "&quot;result&quot;: 23" in answer
    row = McpServer.objects.get()
    assert "sums answered and has 10 tools" in page_after(browser, "server-refresh", row)
    assert "sums was removed" in page_after(browser, "server-remove", row)
    assert browser.get(tool).status_code == 404


def page_after(browser: Client, view: str, row: McpServer | ToolCredential | ToolDocument) -> str:
    return browser.post(reverse(f"tools:{view}", args=[row.pk]), follow=True).content.decode()


def test_a_server_that_does_not_answer_is_said_at_its_field_and_nothing_is_stored(admin: Membership) -> None:
    form = {"name": "sums", "base_url": "http://127.0.0.1:9/mcp", "api_key": ""}
    answer = signed_in(admin).post(reverse("tools:server-add"), form)
    assert (answer.status_code, McpServer.objects.count()) == (422, 0)
    assert "nothing listens there" in answer.content.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("6 * 7", 200, "&quot;text&quot;: &quot;42&quot;"),
        ("6 *", 422, "The expression is not complete."),
        ("", 422, "Fill this in."),
        ("1" * 5_000, 422, "at most"),
    ],
)
def test_a_tool_is_tried_on_its_page(admin: Membership, arguments: str, status: int, words: str) -> None:
    browser = signed_in(admin)
    tool = reverse("tools:tool", args=["calculator"])
    assert '<textarea name="answer-1"' in browser.get(tool).content.decode()
    whole = browser.post(tool, {"answer-1": arguments})
    part = browser.post(
        tool, {"answer-1": arguments}, headers={"HX-Request": "true", "HX-Target": "tool-try"}
    )
    for answer in (whole, part):
        assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert part.content.decode().strip().startswith('<section id="tool-try"')


def test_use_of_late_and_the_last_failure_are_shown(admin: Membership) -> None:
    rows = RunRows.queued(admin)
    for ok, error in ((True, ""), (False, "The expression is not complete."), (True, "")):
        data = {"tool": "calculator", "seconds": 0.1, "ok": ok, "error": error}
        rows.emit(EventKind.TOOL_ENDED, "pay", **data)
    browser = signed_in(admin)
    assert 'title="The expression is not complete."' in page(browser)
    detail = page(browser, reverse("tools:tool", args=["calculator"]))
    assert "Called 3 times in the runs of the last seven days" in detail
    assert "The last failure: The expression is not complete." in detail
    story = page(browser, reverse("runs:run", args=[rows.run.pk]))
    assert "The tool <code>calculator</code> failed after 0.1 s:" in story


def test_credentials_and_documents_are_added_and_removed(admin: Membership) -> None:
    browser = signed_in(admin)
    given = {
        "name": "shop",
        "base_url": "https://api.example.com/v1",
        "header": "X-Key",
        "value": "s3cret-4711",
    }
    browser.post(reverse("tools:credential-add"), given)
    file = SimpleUploadedFile("handbook.md", b"# Returns\n\nWithin thirty days.")
    browser.post(reverse("tools:document-add"), {"file": file, "name": ""})
    shown = page(browser)
    assert "https://api.example.com<" in shown
    assert "handbook.md" in shown
    assert "s3cret" not in shown
    assert "shop was removed" in page_after(browser, "credential-remove", ToolCredential.objects.get())
    assert "handbook.md was removed" in page_after(browser, "document-remove", ToolDocument.objects.get())


def changed(row: McpServer | ToolCredential, browser: Client, **form: str) -> tuple[int, str]:
    kind = "server" if isinstance(row, McpServer) else "credential"
    answer = browser.post(reverse(f"tools:{kind}-change", args=[row.pk]), form)
    row.refresh_from_db()
    return answer.status_code, answer.content.decode()


def test_a_server_changes_its_address_and_key_once_it_answers_there(
    admin: Membership, mcp_server: Endpoint
) -> None:
    browser = signed_in(admin)
    browser.post(
        reverse("tools:server-add"), {"name": "sums", "base_url": mcp_server.base_url, "api_key": KEY}
    )
    row = McpServer.objects.get()
    same, elsewhere = mcp_server.base_url, "http://127.0.0.1:9/mcp"
    assert changed(row, browser, base_url=same)[0] == 302
    assert open_secret(row) == KEY
    status, words = changed(row, browser, base_url=elsewhere)
    assert (status, "Enter the one for the new address" in words) == (422, True)
    status, words = changed(row, browser, base_url=elsewhere, api_key="not-real")
    assert (status, "nothing listens there" in words, row.base_url, open_secret(row)) == (
        422,
        True,
        same,
        KEY,
    )
    status, words = changed(row, browser, base_url=same, drop_key="on")
    assert (status, open_secret(row)) == (422, KEY)
    status, words = changed(row, browser, base_url=same, api_key=KEY, drop_key="on")
    assert (status, "not both" in words) == (422, True)


def test_a_credential_changes_and_its_value_never_follows_to_another_address(admin: Membership) -> None:
    browser = signed_in(admin)
    row = add_credential(
        membership=admin, name="shop", base_url="https://a.example.com", header="X-Key", value="old-4711"
    )
    moved = {"base_url": "https://b.example.com", "header": "X-Key"}
    status, words = changed(row, browser, **moved)
    assert (status, "old-4711" in words, row.base_url) == (422, False, "https://a.example.com")
    assert changed(row, browser, **moved, value="new-4711")[0] == 302
    assert (row.base_url, open_secret(row)) == ("https://b.example.com", "new-4711")
    assert changed(row, browser, base_url="https://b.example.com/v2", header="Authorization")[0] == 302
    assert (row.base_url, row.header, open_secret(row)) == (moved["base_url"], "Authorization", "new-4711")
    assert changed(row, browser, **moved, value="dŵr")[0] == 422
    assert changed(row, browser, base_url=moved["base_url"], header="Host")[0] == 422
    entry = AuditEntry.objects.filter(action=AuditAction.CREDENTIAL_CHANGED).latest("pk")
    assert (entry.before, entry.after) == ({"header": "X-Key"}, {"header": "Authorization"})


def test_what_was_removed_meanwhile_is_not_stored_again(admin: Membership) -> None:
    row = add_credential(
        membership=admin, name="shop", base_url="https://a.example.com", header="X-Key", value="old-4711"
    )
    ToolCredential.objects.all().delete()
    with pytest.raises(InvalidRequest, match="removed in the meantime"):
        change_credential(membership=admin, row=row, base_url=row.base_url, header="X-Other", value="")
    assert not ToolCredential.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\xff\xfe\x00", "no text"), (b"x" * 2_000_001, "at most 2,000,000 bytes")],
)
def test_a_file_that_is_no_document_is_refused_at_its_field(
    admin: Membership, content: bytes, words: str
) -> None:
    file = SimpleUploadedFile("a.txt", content)
    answer = signed_in(admin).post(reverse("tools:document-add"), {"file": file, "name": "a"})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_viewers_look_and_operators_try(admin: Membership) -> None:
    viewer, operator = (a_member(role, admin.team) for role in (Role.VIEWER, Role.OPERATOR))
    tool = reverse("tools:tool", args=["clock"])
    for member, tries in ((viewer, False), (operator, True)):
        browser = signed_in(member)
        assert ("Call it" in page(browser, tool)) == tries
        assert "Add an MCP server" not in page(browser)
        assert browser.post(tool, {"answer-1": "UTC"}).status_code == (200 if tries else 403)


def test_the_page_asks_the_database_a_bounded_number_of_times(
    admin: Membership, django_assert_max_num_queries: object
) -> None:
    for number in range(5):
        ToolDocument.objects.create(team=admin.team, name=f"d{number}", size=1)
        McpServer.objects.create(team=admin.team, name=f"s{number}", base_url="https://a.example.com/mcp")
    browser = signed_in(admin)
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        page(browser)
