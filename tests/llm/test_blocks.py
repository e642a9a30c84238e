"""Nothing in a text can open or close the block of data that it stands in; all else stays as it is."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.blocks import DATA, BlockTags


@pytest.mark.parametrize(
    "tag",
    [
        *("<data>", "</data>", "< / DATA >", "<\n/data", "<!data>", "<\u200b/data>"),
        *("\uff1c/data>", "\u2039data\u203a", "\u3008/data\u3009"),
    ],
)
def test_what_is_or_looks_like_a_tag_loses_its_bracket(tag: str) -> None:
    shown = DATA.escaped(f"before {tag} after")
    assert (shown[:11], shown[-6:]) == ("before &lt;", " after")
    assert DATA.escaped(shown) == shown


@pytest.mark.parametrize("text", ["x < y", "if a <= data:", "<database>", "<div data-id>", "data > 3", ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert DATA.escaped(text) == text


def test_each_kind_of_block_has_tags_of_its_own() -> None:
    tags = BlockTags("question", "answer")
    assert tags.escaped("<answer id=1></Question><data>") == "&lt;answer id=1>&lt;/Question><data>"
