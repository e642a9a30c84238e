"""The forms of the Tools page. Keys are write-only: no form shows one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from orchestration.llm.forms import key_field
from orchestration.tools.engine.documents import LARGEST
from orchestration.tools.engine.tool import ToolSpec
from orchestration.tools.models import McpServer, ToolCredential

LONGEST_ARGUMENTS = 100_000
KEPT = "Leave empty to keep the stored one, as long as the address stays at its scheme, host and port."
SAMPLES: Mapping[str, Json] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
}


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


class TryForm(forms.Form):
    """What a tool is called with, on its page."""

    arguments = forms.CharField(
        label="Arguments",
        max_length=LONGEST_ARGUMENTS,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "code-field", "dir": "ltr"}),
        help_text="An object in JSON.",
    )

    def clean_arguments(self) -> dict[str, Json]:
        """Read the arguments."""
        try:
            read = read_document(self.cleaned_data["arguments"], "json")
        except ExpressionError as error:
            raise forms.ValidationError(str(error)) from error
        if not isinstance(read, dict):
            raise forms.ValidationError("Write an object, in braces.")
        return read


def sample_arguments(spec: ToolSpec) -> str:
    """Return the required arguments of a tool as JSON to fill in, without values."""
    fields = spec.schema.get("properties", {})
    fields = fields if isinstance(fields, dict) else {}
    wanted = {name: _sample(fields.get(name)) for name in spec.schema.get("required", []) if name in fields}
    return json.dumps(wanted, indent=2)


def _sample(schema: Json) -> Json:
    if not isinstance(schema, dict):
        return None
    kind = schema.get("type")
    return SAMPLES.get(kind) if isinstance(kind, str) else None
