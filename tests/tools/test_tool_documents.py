"""Documents of a team: cut into passages, found by their words, whatever the query is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.tools.engine.documents import LARGEST, PASSAGE, document_text, passages, query_words
from orchestration.tools.models import DocumentPart, ToolDocument
from orchestration.tools.selectors import found_passages
from orchestration.tools.services.changing import add_document, remove
from tests.support.history import a_member

HANDBOOK = """# Returns

A parcel may be returned within thirty days, if it was not opened.

# Shipping

We ship to Zürich and to São Paulo on Tuesdays. Parcels weigh up to 20 kg.
"""


def a_document(member: Membership, name: str = "handbook.md", text: str = HANDBOOK) -> ToolDocument:
    return add_document(membership=member, name=name, raw=text.encode())


@given(st.text(alphabet="ab \n.", max_size=4 * PASSAGE))
def test_passages_keep_every_character_but_blanks_and_are_short(text: str) -> None:
    found = list(passages(text))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(each) <= PASSAGE for each in found)


def test_a_passage_ends_with_a_paragraph_where_there_is_one() -> None:
    first, second = "a" * 900, "b" * 900
    assert list(passages(f"{first}\n\n{second}")) == [first, second]
    assert list(passages("x" * 2500)) == ["x" * 1200, "x" * 1200, "x" * 100]
    assert list(passages(f"a{' ' * 3 * PASSAGE}b")) == ["a", "b"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\x00PNG", "no text"),
        (b"\xff\xfe", "not written in UTF-8"),
        (b"x" * (LARGEST + 1), "at most 2,000,000"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        document_text(raw)


def test_a_text_is_stored_as_people_wrote_it() -> None:
    assert document_text("\ufeffgr\u00fc\u00df\r\nb\n".encode()) == "grüß\nb"


@given(st.text(max_size=80))
def test_the_words_of_any_query_are_letters_digits_and_underlines_only(query: str) -> None:
    words = query_words(query)
    assert len(words) <= 30
    assert all(word.replace("_", "a").isalnum() or not word.isascii() for word in words)
    assert not any(sign in word for word in words for sign in "\"'|&*:() ")


def test_many_words_are_cut_and_repeats_counted_once() -> None:
    assert query_words("Red red " + " ".join(f"w{n}" for n in range(50)))[:2] == ("red", "w0")
    assert len(query_words("x" * 100)[0]) == 60


@pytest.mark.django_db
def test_passages_are_found_by_any_of_their_words_the_best_first() -> None:
    member, other = a_member(), a_member()
    a_document(member, "long.txt", "\n\n".join([HANDBOOK, "y " * 900, "Thirty returned, thirty returned."]))
    a_document(other, "theirs.txt", "thirty parcels returned")
    found = found_passages(member.team_id, query_words("returned, thirty?"), 5)
    assert [each["document"] for each in found] == ["long.txt", "long.txt"]
    assert found[0]["text"].endswith("Thirty returned, thirty returned.")
    assert [each["part"] for each in found_passages(member.team_id, ("zürich",), 5)] == [1]
    assert found_passages(member.team_id, (), 5) == []
    assert len(found_passages(member.team_id, ("thirty",), 1)) == 1


HOSTILE = [
    '"',
    "' OR 1=1 --",
    "NEAR(a b)",
    "text: *",
    "a AND NOT b",
    "(((",
    "a | b & !c <-> d",
    "\x00",
    "\ud800",
    "^a*",
]


@pytest.mark.django_db
@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_is_read_as_syntax(query: str) -> None:
    member = a_member()
    a_document(member)
    found_passages(member.team_id, query_words(query), 5)


@pytest.mark.django_db
def test_what_is_removed_is_not_found_any_more_and_both_are_in_the_audit_log() -> None:
    member = a_member()
    document = a_document(member)
    with pytest.raises(InvalidRequest, match="uses this name already"):
        a_document(member)
    remove(membership=a_member(), row=document)
    assert found_passages(member.team_id, ("parcel",), 5)
    remove(membership=member, row=document)
    assert found_passages(member.team_id, ("parcel",), 5) == []
    assert DocumentPart.objects.count() == 0
    actions = list(
        AuditEntry.objects.filter(team=member.team).order_by("id").values_list("action", flat=True)
    )
    assert actions == ["document.added", "document.removed"]


@pytest.mark.django_db
def test_a_team_has_a_bounded_number_of_documents() -> None:
    member = a_member()
    rows = (ToolDocument(team=member.team, name=f"d{number}", size=1) for number in range(500))
    ToolDocument.objects.bulk_create(rows)
    with pytest.raises(InvalidRequest, match="up to 500"):
        a_document(member)
