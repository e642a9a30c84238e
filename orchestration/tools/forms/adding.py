"""The forms with which a team adds tools, and what they need. Keys are write-only: no form shows one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.llm.forms import key_field
from orchestration.tools.engine.documents import LARGEST
from orchestration.tools.models import McpServer, ToolCredential

KEPT = "Leave empty to keep the stored one, as long as the address stays at its scheme, host and port."


def name_field(help_text: str) -> forms.CharField:
    """Return the field for the name that pipelines use."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"})
    return forms.CharField(label="Name", max_length=40, widget=widget, help_text=help_text)


def _address(help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label="Address", max_length=400, widget=widget, help_text=help_text)


class ServerForm(forms.Form):
    """An MCP server: its address and the key to it."""

    base_url = _address("Where it speaks MCP over streamable HTTP, such as https://example.com/mcp.")
    api_key = key_field("Key", "Sent as a bearer token. Stored encrypted and never shown again.")
    name = name_field("Stands before the names of its tools: the tool add of a server sums is sums.add.")


class CredentialForm(forms.Form):
    """What HTTP requests may send to one address."""

    base_url = _address("Sent to this scheme, host and port only, such as https://api.example.com.")
    header = forms.CharField(
        label="Header", max_length=80, initial="Authorization", help_text="The header that it is sent in."
    )
    value = key_field("Value", "Such as Bearer and the key. Stored encrypted and never shown again.")
    name = name_field("What stages of pipelines call it.")


class ServerChangeForm(ServerForm):
    """Another address of a server, or another key; its name stays, as stages call its tools by it."""

    name = None  # type: ignore[assignment]  # this is how Django leaves a field out
    drop_key = forms.BooleanField(label="Remove the stored key", required=False)

    def __init__(self, data: QueryDict | None, row: McpServer) -> None:
        super().__init__(data, initial={"base_url": row.base_url})
        self.fields["api_key"].help_text = KEPT if row.secret else self.fields["api_key"].help_text

    def clean(self) -> dict[str, Any]:
        """Refuse a key that is entered and removed at once."""
        data = super().clean() or self.cleaned_data
        if data.get("api_key") and data.get("drop_key"):
            self.add_error("drop_key", "Enter another key or remove the stored one, not both.")
        return data


class CredentialChangeForm(CredentialForm):
    """Where a credential is sent, and in which header; its name stays, as stages call it so."""

    name = None  # type: ignore[assignment]  # this is how Django leaves a field out

    def __init__(self, data: QueryDict | None, row: ToolCredential) -> None:
        super().__init__(data, initial={"base_url": row.base_url, "header": row.header})
        self.fields["value"].help_text = KEPT


class DocumentForm(forms.Form):
    """A text to search."""

    file = forms.FileField(
        label="File",
        max_length=200,
        help_text="Text or Markdown in UTF-8, up to 2 MB.",
        widget=forms.FileInput(attrs={"accept": ".txt,.md,text/plain,text/markdown"}),
    )
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="Shown where a passage of it is found."
    )

    def clean(self) -> dict[str, Any]:
        """Take the name of the file where none was entered; refuse a file that is too large unread."""
        data = super().clean() or self.cleaned_data
        file = data.get("file")
        if file is not None:
            data["name"] = data.get("name") or file.name[-120:]
            if file.size > LARGEST:
                self.add_error("file", f"A document has at most {LARGEST:,} bytes. Cut it in two.")
        return data
