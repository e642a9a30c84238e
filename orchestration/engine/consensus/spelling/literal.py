"""What code prints or returns: quotes, spaces and names of constants differ, the value does not."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<string>\b[bB]?'(?:[^'\\]|\\.)*'|\b[bB]?"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<last>\s*,\s*(?=[\])}]))|(?P<mark>\s*[,:]\s*)|(?P<bracket>[\[({]\s*|\s*[\])}])|(?P<word>\w+)|(?P<other>.)""",
    re.DOTALL,
)
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}
_FENCE = re.compile(r"```\w*\n?(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_STRING = re.compile(r"'(?:(?!'\s*,).)*'|\"(?:(?!\"\s*,).)*\"", re.DOTALL)
"""A whole string, also one whose inner quotes are not escaped; not several with commas between."""

_LONE_QUOTE = re.compile(r"^\s*['\"](?=[^'\"]+$)|(?<=[^'\"])['\"]\s*$")
_ONE_QUOTE = re.compile(r"[^'\"]*['\"][^'\"]*")
_ESCAPED_QUOTE = re.compile(r"\\(['\"])")
_STRUCTURED = ("[", "(", "{")
_BYTES = re.compile(r"[bB]['\"]")


def key(text: str) -> str:
    """Return one spelling of a literal. A string stands without its quotes, spaces inside it are kept."""
    text = unfenced(text)
    stripped = text.strip()
    if _STRING.fullmatch(stripped):
        return _visible(_ESCAPED_QUOTE.sub(r"\1", stripped[1:-1]))
    if stripped.startswith(_STRUCTURED) or _BYTES.match(stripped):
        return "".join(map(_spelled, _TOKEN.finditer(stripped)))
    if _ONE_QUOTE.fullmatch(stripped):
        text = _LONE_QUOTE.sub("", text)
    return _CONSTANTS.get(stripped.lower(), _visible(text))


def _visible(text: str) -> str:
    """Write line breaks and tabs as code does."""
    return text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def unfenced(text: str) -> str:
    """Return what stands in a code fence or between backticks, or the text itself."""
    stripped = text.strip()
    found = _FENCE.fullmatch(stripped) or _CODE.fullmatch(stripped)
    return found.group(1) if found is not None else text


def _spelled(token: re.Match[str]) -> str:
    text = token.group()
    match token.lastgroup:
        case "string":
            return _quoted(text)
        case "last":
            return "," if token.string.startswith(")", token.end()) else ""
        case "mark":
            return f"{text.strip()} "
        case "bracket":
            return text.strip()
        case "word":
            return _CONSTANTS.get(text.lower(), text)
        case _:
            return text


def _quoted(text: str) -> str:
    """Quote as Python does: single quotes, unless the string holds one and no double one."""
    prefix, quoted = ("b", text[1:]) if text[0] in "bB" else ("", text)
    inside = _ESCAPED_QUOTE.sub(r"\1", quoted[1:-1])
    if "'" in inside and '"' not in inside:
        return f'{prefix}"{inside}"'
    escaped = inside.replace("'", "\\'")
    return f"{prefix}'{escaped}'"
