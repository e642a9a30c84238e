"""Finding the text or the list that a question is about."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"([^"]+)"|`([^`]+)`|(?<!\w)\'((?:[^\']|(?<=\w)\'(?=\w))+)\'(?!\w)')
_BRACKETED = re.compile(r"\[([^\[\]]+)\]")
_FENCED = re.compile(r"```\w*\n(.+?)\n?```", re.DOTALL)
_TAGGED = re.compile(r"<(\w+)>\s*(.+?)\s*</\1>", re.DOTALL)
_LABELLED = re.compile(
    r"(?:^|(?<=[\n.;?!])\s*)(?:text|list|sentence|input|passage|message|review|document|data|items"
    r"|numbers|words|word"
    r"|email|e-mail|note|string)\s*:\s*(.+?)(?=\n\s*\w[\w ]{0,20}:|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_AFTER_COLON = re.compile(r":\s+(\S.*)\Z", re.DOTALL)
_AFTER_BLANK = re.compile(r"\n\s*\n(.+)\Z", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


def quotes(text: str) -> list[str]:
    """Return what stands between quotation marks, in order."""
    return [next(part for part in found.groups() if part) for found in _QUOTED.finditer(text)]


def material(text: str) -> str | None:
    """Return the data part: fenced, tagged, bracketed, labelled, the longest quotation, or after a colon."""
    if fenced := _FENCED.search(text):
        return fenced[1]
    if tagged := _TAGGED.search(text):
        return tagged[2]
    if bracketed := _BRACKETED.search(text):
        return bracketed[1]
    for pattern in (_LABELLED, None, _AFTER_COLON, _AFTER_BLANK):
        found = pattern.search(text) if pattern else _whole_quotation(text)
        if found:
            return _bare(found[1])
    return None


def _whole_quotation(text: str) -> tuple[str, str] | None:
    found = quotes(text)
    return ("", max(found, key=len)) if found else None


def _bare(text: str) -> str:
    """Drop quotation marks around the whole."""
    stripped = text.strip()
    whole = re.fullmatch(r'"([^"]*)"[.?]?|\'([^\']*)\'[.?]?|`([^`]*)`[.?]?', stripped, re.DOTALL)
    return next((part for part in whole.groups() if part is not None), "") if whole else stripped


def instruction(text: str) -> str:
    """Return the question without its data part."""
    data = material(text)
    return text if data is None else text.replace(data, " ", 1)


def items(text: str) -> list[str]:
    """Split a list as people write it: lines, semicolons, commas with a last "and", or spaces."""
    body = text.strip().strip("[](){}").strip()
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1:
        return [_item(_BULLET.sub("", line).rstrip(",;")) for line in lines]
    parts = re.split(_separator(body), body)
    return [item for item in map(_item, parts) if item]


def _separator(body: str) -> str:
    if ";" in body:
        return r"\s*;\s*"
    if re.search(r",\s", body):
        return r"\s*,\s+(?:(?:and|or)\s+)?|\s+(?:and|or)\s+"
    if "," in body:
        return r"\s*,\s*|\s+(?:and|or)\s+"
    if re.search(r"\s\|\s", body):
        return r"\s+\|\s+"
    return r"\s+(?:(?:and|or)\s+)?"


def _item(text: str) -> str:
    return text.strip().strip("\"'`[]").rstrip(".?!").strip().strip("\"'`")
