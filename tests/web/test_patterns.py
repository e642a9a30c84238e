"""Expressions for text from outside mean what they mean in `re`, and take linear time."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
import re2

from orchestra_site.web.alphabets import letter_words, words
from orchestra_site.web.patterns import ASCII, DOTALL, IGNORECASE, MULTILINE, Flag, Pattern
from tests.support.timing import thread_seconds

ALL = map(chr, range(sys.maxunicode + 1))
ASSIGNED = "".join(character for character in ALL if unicodedata.category(character) not in {"Cn", "Cs"})
CLASSES = [*(rf"\{letter}" for letter in "wWdDsS"), r"[^\W\d_]", r"[^\W\d]", r"[\w.-]", r"[^\s\d]"]


@pytest.mark.parametrize("written", CLASSES)
def test_a_class_has_the_characters_that_it_has_in_re(written: str) -> None:
    assert Pattern(written).findall(ASSIGNED) == re.findall(written, ASSIGNED)


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [
        (r"^\s*x$", MULTILINE, "a\n\u00a0 x\nx y\nx"),
        (r"a.b", DOTALL, "a\nb a.b"),
        (r"straße", IGNORECASE, "STRAßE Straße strasse"),
        (r"\d+", ASCII, "12 ٣٤"),
        (r"[]a]+|[^]]", Flag.NONE, "a]b]"),
        (r"[(\[]x", Flag.NONE, "[x (x"),
        (r"(?:ab|a)(?:c|bcd)?", Flag.NONE, "abcd"),
        (r"\x08|\t|\0", Flag.NONE, "\x08\t\0"),
        (r"x*", Flag.NONE, "axxb"),
        (r"b\Z", Flag.NONE, "ab"),
    ],
)
def test_an_expression_finds_what_it_finds_in_re(pattern: str, flags: Flag, text: str) -> None:
    letters = "".join(letter for letter, flag in zip("imsa", Flag(15), strict=True) if flag in flags)
    plain = re.compile(f"(?{letters}){pattern}" if letters else pattern)
    assert [found.span() for found in Pattern(pattern, flags).finditer(text)] == [
        found.span() for found in plain.finditer(text)
    ]


def test_matches_are_replaced_by_templates_and_functions_and_split_the_text() -> None:
    assert Pattern(r"(?P<a>\d+)-(\d+)").sub(r"\2:\g<a>", "1-2, 30-4") == "2:1, 4:30"
    assert Pattern(r"\d").sub(lambda found: str(int(found.group()) + 1), "1 2", count=1) == "2 2"
    assert Pattern(r",\s*").split("a, b,c", maxsplit=1) == ["a", "b,c"]


@pytest.mark.parametrize("pattern", [r"(?=a)", r"(?<!a)b", r"(a)\1", r"[\W\d]", "("])
def test_what_would_need_backtracking_is_refused(pattern: str) -> None:
    with pytest.raises((re2.error, ValueError)):
        Pattern(pattern)


def test_a_lone_surrogate_is_read_as_the_replacement_character() -> None:
    found = Pattern(r"\w+(.)").search("ab\ud800c")
    assert found is not None
    assert (found.group(1), found.span(1)) == ("\ufffd", (2, 3))


def test_several_groups_cannot_be_found_all_at_once() -> None:
    with pytest.raises(ValueError, match="finditer"):
        Pattern("(a)(b)").findall("ab")


def test_time_grows_with_the_text_where_re_would_not_end() -> None:
    evil = Pattern(r"^(a|aa|a*)+b$")

    def seconds(length: int) -> float:
        return min(thread_seconds(lambda: evil.search("a" * length)) for _ in range(3))

    assert seconds(800_000) < 20 * seconds(200_000)


@pytest.mark.parametrize(
    "text", ["noël no", "éno no", "no٣ no", "no½ no_ no", "NOËL NO", "no漢 no", "e\u0301no no"]
)
def test_the_boundary_of_a_word_is_that_of_all_alphabets(text: str) -> None:
    expected = [found.span() for found in re.finditer(r"(?i)\bno\b", text)]
    found = list(Pattern(r"\bno\b", IGNORECASE).finditer(text))
    assert [each.span() for each in found] == expected
    assert Pattern(r"\w+ \bno\b", IGNORECASE).sub("-", text) == re.sub(r"(?i)\w+ \bno\b", "-", text)


def test_a_match_beside_a_boundary_has_the_letters_of_the_text() -> None:
    found = Pattern(r"\bin (\w+)").search("à l'été in Zürich")
    assert found is not None
    assert found.group(1) == "Zürich"


def test_an_expression_for_ascii_has_the_boundaries_of_ascii() -> None:
    assert Pattern(r"\bno\b", ASCII).findall("noël") == re.findall(r"(?a)\bno\b", "noël")


@pytest.mark.parametrize("text", [ASSIGNED, "a1_b é2 ²x", ""])
def test_words_are_found_without_an_expression(text: str) -> None:
    assert words(text) == re.findall(r"\w+", text)
    assert letter_words(text) == re.findall(r"[^\W\d_]+", text)


def test_a_replacement_without_a_group_is_taken_as_it_is() -> None:
    assert Pattern("deg").sub("°", "5 deg") == "5 °"
