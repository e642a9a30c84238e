"""The forms with which a team adds tools, and what they need. Keys are write-only: no form shows one."""

from __future__ import annotations

from typing import Any

from django import forms

from orchestration.llm.forms import key_field
from orchestration.tools.engine.documents import LARGEST


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
