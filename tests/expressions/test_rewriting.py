"""A document that is changed in its text: it says what it should, and what stays keeps its comments."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given

from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.rewriting import rewritten
from orchestration.expressions.values import Json
from tests.expressions.test_documents import DOCUMENTS

TEXT = """\
# Support
name: support   # its name
stages:
  # looks first
  - id: a
    options:
      # warm
      prompt: |
        Hello
        # no comment
      n: 1
    needs: []   # none

  # drafts
  - id: b
    needs: [a]
# the end
output: {from: x}
# last
"""


def changed(change: Callable[[Json], object]) -> list[str]:
    """Return the lines of the text after its document was changed."""
    document = read_document(TEXT, "yaml")
    change(document)
    text = rewritten(TEXT, document)
    assert read_document(text, "yaml") == document
    return text.splitlines()


def test_a_text_that_says_it_already_stays_as_it_is() -> None:
    assert rewritten(TEXT, read_document(TEXT, "yaml")) == TEXT


def test_of_a_changed_field_only_its_own_lines_change() -> None:
    lines = changed(lambda document: document["stages"][0]["options"].update(n=2))
    assert [line for line in lines if line not in TEXT.splitlines()] == ["      n: 2"]
    assert len(lines) == len(TEXT.splitlines())


def test_comments_go_with_what_they_stand_above() -> None:
    lines = changed(lambda document: document["stages"].reverse())
    assert lines.index("  # drafts") < lines.index("  - id: b") < lines.index("  # looks first")
    assert lines.index("  # looks first") + 1 == lines.index("  - id: a")
    assert lines[-3:] == ["# the end", "output: {from: x}", "# last"]


def test_what_is_added_renamed_or_removed_leaves_the_rest() -> None:
    lines = changed(lambda document: document["stages"].insert(1, {"id": "n", "needs": ["a"]}))
    assert [line for line in lines if line not in TEXT.splitlines()] == ["  - id: n", "    needs:", "    - a"]
    lines = changed(lambda document: document["stages"][0].update(id="first"))
    assert [line for line in lines if line not in TEXT.splitlines()] == ["  - id: first"]
    lines = changed(lambda document: document["stages"].pop(0))
    assert lines[:3] == ["# Support", "name: support   # its name", "stages:"]
    assert not any("looks first" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1, b: [1, 2]}",
        "-\n  id: a\n",
        "? a\n: 1\nb: 2\n",
        "a: |\n  x",
        "- - 1\n  - 2\n",
        "a:\n- 1\n- 2\nb: 3",
        "",
        "x",
        "--- \na: 1\n",
        "a: {}\n",
        "a: [1]\nc:   # why\n  d: 1\n",
        "- 1\n- 1\n- true\n- 1.0\n",
        "a: 1\n...\n",
        "? |\n  a\n: 1\n",
    ],
)
@pytest.mark.parametrize(
    "after", [{"a": {"z": 1}, "c": {"d": 2, "e": None}}, ["id", [1, 3, 2]], [True, 1], 7]
)
def test_a_text_of_any_layout_says_what_it_should(text: str, after: Json) -> None:
    assert json.dumps(read_document(rewritten(text, after), "yaml")) == json.dumps(after)


def test_a_text_that_would_say_something_else_is_written_anew() -> None:
    assert rewritten("a: |\n  x", {"a": "x", "c": 1}) == "a: x\nc: 1\n"


def test_a_text_that_is_no_document_is_refused() -> None:
    with pytest.raises(ExpressionError):
        rewritten("a: [", {})


@given(DOCUMENTS, DOCUMENTS)
def test_a_document_is_turned_into_any_other(before: Json, after: Json) -> None:
    text = rewritten(write_yaml(before), after)
    assert json.dumps(read_document(text, "yaml")) == json.dumps(after)
