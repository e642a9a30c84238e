"""A document in YAML that is changed only where it has to be: what stays keeps its comments and layout."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from orchestra_site.web.alphabets import encodable
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

Collection = yaml.MappingNode | yaml.SequenceNode


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """An item of a list or a field of an object: its key, its value, and what of the text is its.

    `lead` are the comments above it, whole lines; `start` and `end` are where it stands without them.
    """

    key: str
    node: yaml.Node
    value: Json
    lead: str
    start: int
    end: int


class _OtherLayout(Exception):
    """A text that is laid out in a way that is not changed in place."""


def rewritten(text: str, document: Json) -> str:
    """Return a text changed so that it says `document`, with the comments of all that stays the same.

    Objects in lists are recognised by their `id`. A text whose layout does not allow it is written anew,
    without comments. Raises `ExpressionError` for a text that is no document.
    """
    before = read_document(text, "yaml")
    if _written(before) == _written(document):
        return text
    text = encodable(text)
    text += "" if text.endswith("\n") else "\n"
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        changed = _Rewriting(text).root(root, before, document)
        if _written(read_document(changed, "yaml")) == _written(document):
            return changed
    except (_OtherLayout, ExpressionError):
        pass
    return write_yaml(document)


def _written(value: Json) -> str:
    """Return a value as a text that differs wherever values do: 1, 1.0 and true are different."""
    return json.dumps(value)


class _Rewriting:
    def __init__(self, text: str) -> None:
        self.text = text

    def root(self, node: yaml.Node | None, before: Json, after: Json) -> str:
        """Return the whole text for another document."""
        block = _block(node, before, after)
        if block is None:
            raise _OtherLayout
        start = block.start_mark.index
        return self.text[:start] + self.collection(block, before, after, "", len(self.text)).lstrip(" ")

    def collection(self, node: Collection, before: Json, after: Json, lead: str, end: int) -> str:
        """Return the lines of a list or an object, the first one with its indentation."""
        column = node.start_mark.column
        old: defaultdict[str, list[_Placed]] = defaultdict(list)
        entries = self.entries(node, before, lead, end)
        for each in entries:
            old[each.key].append(each)
        pairs = list(_keyed(after))
        wanted = {key for key, _ in pairs}
        gone = [each for each in entries if each.key not in wanted]
        lines = ""
        for key, value in pairs:
            matching = old[key] or (gone if isinstance(after, list) else [])
            if matching:
                entry = matching.pop(0)
                lines += f"{entry.lead}{' ' * column}{self.entry(entry, value, column)}"
            else:
                lines += " " * column + _anew(_one(after, key, value), column)
        return lines + self.text[entries[-1].end : end]

    def entry(self, entry: _Placed, value: Json, column: int) -> str:
        """Return an entry with another value, without the comments above it."""
        if _written(entry.value) == _written(value):
            return self.text[entry.start : entry.end]
        block = _block(entry.node, entry.value, value)
        if block is None:
            is_item = self.text[entry.start] == "-"
            return _anew([value] if is_item else {entry.key: value}, column)
        first = block.start_mark
        before = self.text[entry.start : first.index]
        line, is_below, lead = before.partition("\n")
        lead = lead[: len(lead) - first.column] if is_below else ""
        inner = self.collection(block, entry.value, value, lead, entry.end)
        return f"{line}\n{inner}" if is_below else f"{line}{inner.lstrip(' ')}"

    def entries(self, node: Collection, value: Json, lead: str, end: int) -> list[_Placed]:
        """Return the entries of a list or an object in block style; what follows the last one is not its."""
        column, found = node.start_mark.column, list[_Placed]()
        places = [_start(each, column, self.text) for each in node.value]
        ends = [place - column for place in places[1:]]
        pairs = zip(node.value, _keyed(value), places, [*ends, end], strict=True)
        for child, (key, inner), start, stop in pairs:
            own = self.text[start:stop]
            body = own[: len(own) - len(_comments_at_end(own, column))]
            child_node = child[1] if isinstance(child, tuple) else child
            stands = start + len(body)
            found.append(_Placed(key=key, node=child_node, value=inner, lead=lead, start=start, end=stands))
            lead = self.text[stands:stop]
        return found


def _start(child: yaml.Node | tuple[yaml.Node, yaml.Node], column: int, text: str) -> int:
    """Return where a field or an item begins: at its key, or at its dash. Raises `_OtherLayout`."""
    mark = (child[0] if isinstance(child, tuple) else child).start_mark
    start = int(mark.index - mark.column + column)
    if text[start - column : start].strip(" -") or (text[start] != "-" and not isinstance(child, tuple)):
        raise _OtherLayout
    return start


def _comments_at_end(lines: str, column: int) -> str:
    """Return the empty lines and comments at the end that are no deeper than `column`."""
    count = len(lines)
    for line in reversed(lines.splitlines(keepends=True)[1:]):
        words = line.strip()
        if words and not (words.startswith("#") and line.index("#") <= column):
            break
        count -= len(line)
    return lines[count:]


def _block(node: yaml.Node | None, before: Json, after: Json) -> Collection | None:
    """Return a list or an object in block style whose entries can stay; nothing for any other value."""
    alike = isinstance(before, list | dict) and type(before) is type(after) and bool(before) and bool(after)
    if alike and isinstance(node, Collection) and not node.flow_style:
        return node
    return None


def _keyed(value: Json) -> Iterator[tuple[str, Json]]:
    """Yield the fields of an object, or the items of a list by what each is recognised by."""
    if isinstance(value, dict):
        yield from value.items()
        return
    for item in value:
        name = item.get("id") if isinstance(item, dict) else None
        yield (f"id {name}" if isinstance(name, str) else _written(item)), item


def _one(among: Json, key: str, value: Json) -> Json:
    """Return a value as the only entry of a collection such as `among`."""
    return [value] if isinstance(among, list) else {key: value}


def _anew(entry: Json, column: int) -> str:
    """Return an entry as it is written in a column, from its first character on."""
    first, *others = write_yaml(entry).splitlines(keepends=True)
    return first + "".join(f"{' ' * column}{line}" if line.strip() else line for line in others)
