"""Datasets: what is read of files, whole or not at all, and what is made of runs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.engine.reading import LARGEST_FILE, LONGEST_TEXT, MOST_ROWS, read_rows
from orchestration.evaluation.models import Dataset, DatasetItem
from orchestration.evaluation.services.datasets import (
    BadRows,
    dataset_from_ratings,
    import_dataset,
    remove_dataset,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.models import RunStatus
from orchestration.runs.services.learning import rate_run
from tests.support.history import a_member, a_run


def read(text: str) -> list[tuple[int, str, str]]:
    found = read_rows(text.encode())
    assert found.problems == []
    return [(row.number, row.prompt, row.reference) for row in found.rows]


TWO = [(2, "What is 1 + 1?", "2"), (3, "What is\n2 + 2?", "4")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_is_read_by_the_names_in_its_first_line(delimiter: str) -> None:
    lines = [
        ["\ufeffPrompt", "Expected", "note"],
        ["What is 1 + 1?", "2", "easy"],
        ['"What is\n2 + 2?"', "4"],
    ]
    assert read("\r\n".join(delimiter.join(line) for line in lines)) == TWO


def test_json_is_read_by_lines_or_as_a_list() -> None:
    rows = [{"prompt": prompt, "reference": int(reference)} for _, prompt, reference in TWO]
    lines = "\n\n".join(map(json.dumps, rows))
    assert read(lines) == [(1, *TWO[0][1:]), (3, *TWO[1][1:])]
    assert read(json.dumps(rows)) == [(1, *TWO[0][1:]), (2, *TWO[1][1:])]


def test_a_row_may_name_its_type_its_id_and_its_scorer() -> None:
    line = {"question": "Name one.", "answer": {"a": 1}, "type": "facts", "item_id": "x1", "scorer": "JSON"}
    [row] = read_rows(json.dumps(line).encode()).rows
    assert (row.task_type, row.key, row.scorer, row.reference) == ("facts", "x1", "json", '{"a": 1}')


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"prompt": " ", "reference": "2"}', "The prompt is empty."),
        ('{"reference": "2"}', "The prompt is empty."),
        ('{"prompt": "a", "prompt": "b"}', "It has “prompt” twice."),
        ("{nonsense", "It is no JSON object on one line."),
        ('{"prompt": "a", "reference": ' + "9" * 5_000 + "}", "It is no JSON object on one line."),
        ('{"prompt": ' + "[" * 5_000 + "}", "It is no JSON object on one line."),
        ("[1]", "It is no JSON object."),
        (json.dumps({"prompt": "x" * (LONGEST_TEXT + 1)}), "The prompt has 20,001 characters"),
        (json.dumps({"prompt": "a", "task_type": "x" * 101}), "The task type has 101 characters"),
        ('{"prompt": "a\\u0000b"}', "cannot be stored"),
        ('{"prompt": "a", "reference": "\\ud800"}', "cannot be stored"),
        ('{"prompt": "a", "scorer": "magic"}', "There is no scorer “magic”. There are: answer"),
        ('{"prompt": "a", "scorer": "number", "reference": "many"}', "The reference is no number."),
        ('{"prompt": "a", "scorer": "regex", "reference": "("}', "no regular expression"),
        ('{"prompt": "good", "id": "1"}', "The id “1” is that of row 1, too."),
    ],
)
def test_each_bad_row_is_named_with_its_reason(line: str, reason: str) -> None:
    found = read_rows(f'{{"prompt": "good", "reference": "1"}}\n{line}'.encode())
    [problem] = found.problems
    assert (problem.number, len(found.rows)) == (2, 1)
    assert problem.words.startswith("Row 2: ")
    assert reason in problem.reason


def test_cells_beyond_the_names_and_a_broken_quote_are_said() -> None:
    found = read_rows(b'prompt,reference\na,b,c\n\nd\n"e"f,g\n')
    assert [row.prompt for row in found.rows] == ["d"]
    assert [problem.number for problem in found.problems] == [2, 5]
    assert "3 cells, and there are 2 columns" in found.problems[0].reason
    assert "cannot be read from here on" in found.problems[1].reason


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"\xff\xfea", "Byte 1 is not UTF-8"),
        (b"name,other\na,b", "There is no column “prompt”"),
        (b"prompt,question\na,b", "Two columns are called “prompt”"),
        (b"[1, 2", "The JSON cannot be read"),
        (b"x" * (LARGEST_FILE + 1), "at most 5,000,000 can be read"),
        (b"prompt\n" + b"a\n" * (MOST_ROWS + 1), "more than 5,000 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_rows(raw)


def test_questions_that_come_twice_and_missing_references_are_noted() -> None:
    found = read_rows(b"prompt,reference\nWhat is it?,1\nwhat,\nWhat  is it?,1\n")
    assert found.notes == [
        "Questions that come twice: row 4 asks what row 2 asks.",
        "1 rows have no reference: only a judge can score them.",
    ]


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: f"prompt\n{text}".encode()))
def test_whatever_is_uploaded_is_read_or_refused(raw: bytes) -> None:
    try:
        found = read_rows(raw)
    except InvalidRequest:
        return
    assert all(row.prompt.strip() for row in found.rows)


@pytest.fixture
def member(db: None) -> Membership:
    return a_member()


def test_nothing_is_imported_of_a_file_with_bad_rows_unless_asked(member: Membership) -> None:
    raw = b"prompt,scorer\nWrite a function that sorts,judge\nbad,magic\n"
    with pytest.raises(BadRows, match="1 row cannot be used") as refused:
        import_dataset(membership=member, name="Mixed", raw=raw)
    assert (refused.value.good, Dataset.objects.count()) == (1, 0)
    dataset, notes = import_dataset(membership=member, name=" Mixed ", raw=raw, partial=True, source="a.csv")
    assert (dataset.name, dataset.size, dataset.source) == ("Mixed", 1, "a.csv")
    assert notes[0] == "1 bad rows were left out."
    assert DatasetItem.objects.get().task_type == "code_generation"


def test_only_bad_rows_are_refused_even_then(member: Membership) -> None:
    for raw, said in ((b"prompt,scorer\nbad,magic\n", "cannot be used"), (b"prompt\n", "has no rows")):
        with pytest.raises(InvalidRequest, match=said):
            import_dataset(membership=member, name="Bad", raw=raw, partial=True)


def test_liked_answers_are_references(member: Membership) -> None:
    asked = {"What is 1 + 1?": "The answer is **2**.", "Tell me of it.": "It was long ago.", "Bad?": "No."}
    for prompt, answer in [*asked.items(), ("What is  1 + 1?", "3")]:
        run = a_run(member, prompt, status=RunStatus.SUCCEEDED, answer=answer)
        rate_run(membership=member, run=run, value=-1 if prompt == "Bad?" else 1)
    a_run(a_member(), "Of another team", status=RunStatus.SUCCEEDED, answer="4")
    dataset, _ = dataset_from_ratings(membership=member, name="Liked")
    items = {item.prompt: item.reference for item in dataset.items.all()}
    assert len(items) == 2
    assert items["Tell me of it."] == "It was long ago."
    assert items["What is  1 + 1?"] == "3"


def test_without_ratings_there_is_nothing_to_make_one_of(member: Membership) -> None:
    with pytest.raises(InvalidRequest, match="Nobody has rated an answer as good yet"):
        dataset_from_ratings(membership=member, name="Liked")


def test_a_dataset_that_was_used_is_kept_for_its_evaluations(member: Membership) -> None:
    used, spare = (
        import_dataset(membership=member, name=name, raw=b"prompt\na\n")[0] for name in ("used", "spare")
    )
    a_run(member, "One", kind="evaluation", ref=str(used.pk))
    for dataset in (used, spare):
        remove_dataset(membership=member, dataset=dataset)
    [left] = Dataset.objects.all()
    assert (left.name, left.removed_at is not None) == ("used", True)


def test_a_value_that_is_null_is_an_empty_text() -> None:
    [row] = read_rows(b'{"prompt": "What?", "reference": "1", "id": null, "task_type": null}').rows
    assert (row.prompt, row.reference) == ("What?", "1")
