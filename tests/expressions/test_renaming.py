"""A name below a root is another one in every expression that reads it, and in nothing else."""

from __future__ import annotations

import pytest

from orchestration.expressions.renaming import Renaming

TO_PLAIN = Renaming(root="seats", old="ana", new="ben")
TO_QUOTED = Renaming(root="seats", old="ana", new="ben-2")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("seats.ana.score > 1", "seats.ben.score > 1"),
        ('seats["ana"].score > 1 && seats . ana == 2', "seats.ben.score > 1 && seats.ben == 2"),
        ("seats.anabel == 1", "seats.anabel == 1"),
        ("input.seats.ana == 1", "input.seats.ana == 1"),
        ("input.x == 'seats.ana'", "input.x == 'seats.ana'"),
        ("others.ana == 1", "others.ana == 1"),
        ("seats.ana ==", "seats.ana =="),
    ],
)
def test_a_condition_reads_the_new_name(written: str, expected: str) -> None:
    assert TO_PLAIN.in_condition(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("seats.ana: {{ seats.ana.text }}", "seats.ana: {{ seats.ben.text }}"),
        ("{% for x in seats.ana %}{{ x }}{% endfor %}", "{% for x in seats.ben %}{{ x }}{% endfor %}"),
        ("{{ seats.ana.text | no_such_filter }}", "{{ seats.ana.text | no_such_filter }}"),
        ("Nothing", "Nothing"),
    ],
)
def test_a_template_reads_the_new_name(written: str, expected: str) -> None:
    assert TO_PLAIN.in_template(written) == expected


def test_a_name_that_is_no_plain_one_is_written_in_quotes() -> None:
    assert TO_QUOTED.in_template("{{ seats.ana.text }}") == '{{ seats["ben-2"].text }}'
    assert Renaming(root="seats", old="ana", new="in").in_condition("seats.ana == 1") == 'seats["in"] == 1'
