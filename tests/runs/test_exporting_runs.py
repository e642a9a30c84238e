"""Runs as CSV and JSON: what the filter keeps, formula-safe, sent while it is made, and said to be cut."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import AsyncRequestFactory, RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.accounts.models import Membership, Role
from orchestra_site.web.streaming import streamed_file
from orchestra_site.web.threads import in_thread
from orchestration.runs.models import Call, Rating, Run, RunStatus
from orchestration.runs.parts.exporting import COLUMNS, csv_cell, csv_chunks, json_chunks
from orchestration.runs.selectors import chosen_runs
from orchestration.runs.selectors.chosen_runs import matching_batches
from orchestration.runs.selectors.runs import RunFilter
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
CSV, JSON = "/runs/export.csv", "/runs/export.json"


def csv_of(member: Membership, query: str = "") -> list[dict[str, str]]:
    answer = signed_in(member).get(f"{CSV}{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


SINGLE = {"model": "sim-sage", "basis": "answered", "quality": 0.25, "cost_usd": 0.00005}
BESIDE = {
    "single_model": "sim-sage",
    "single_model_is": "answered",
    "single_model_quality": 0.25,
    "single_model_usd": 0.00005,
    "added_quality": 0.25,
}


def json_of(member: Membership, query: str = "") -> Any:  # noqa: ANN401  # JSON
    return json.loads(signed_in(member).get(f"{JSON}{query}").getvalue())


def test_a_row_has_all_that_is_known_of_a_run(member: Membership) -> None:
    run = a_run(
        member, "Weigh, the\n“moon”", answer="7e22 kg", quality=0.5, cost_usd="0.000100", calls_started=2
    )
    Run.objects.filter(pk=run.pk).update(outcome={"single": SINGLE})
    for cost in ("0.0001", None):
        Call.objects.create(
            run=run, step=str(cost), attempt=1, purpose="answer", status="done", cost_usd=cost, input_tokens=3
        )
    Rating.objects.create(run=run, user=member.user, value=-1)
    assert json_of(member)["runs"] == [
        {
            "run": str(run.pk),
            "asked_at": run.created_at.isoformat(),
            "asked_by": "Ada",
            "state": "succeeded",
            "method": "Parallel",
            "models": "sim-swift",
            "question": "Weigh, the\n“moon”",
            "answer": "7e22 kg",
            "reason": "",
            "quality": 0.5,
            "cost_usd": "0.000100000",
            "unpriced_calls": 1,
            "calls": 2,
            "input_tokens": 6,
            "output_tokens": 0,
            "seconds": 3.0,
            "rating": -1,
            **BESIDE,
        }
    ]
    (row,) = csv_of(member)
    assert tuple(row) == COLUMNS
    assert (row["question"], row["answer"], row["cost_usd"]) == ("Weigh, the\n“moon”", "7e22 kg", "0.0001")


def test_the_filter_and_the_team_decide_what_is_exported(member: Membership) -> None:
    a_run(member, "needle", status=RunStatus.FAILED, error="The key was refused.", minutes_ago=1)
    a_run(member, "needle again")
    a_run(member, "hay")
    a_run(a_member(), "a stranger's needle")
    assert [row["question"] for row in csv_of(member, "?q=needle")] == ["needle again", "needle"]
    assert [row["reason"] for row in csv_of(member, "?q=refused")] == ["The key was refused."]
    assert [row["question"] for row in json_of(member)["runs"]] == ["hay", "needle again", "needle"]


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_export_what_it_may_read(role: Role) -> None:
    member = a_member(role)
    a_run(member)
    assert len(csv_of(member)) == 1


def test_nothing_of_an_empty_history_is_a_file_all_the_same(member: Membership) -> None:
    assert csv_of(member) == []
    assert json_of(member) == {"runs": [], "complete": True}


@pytest.mark.parametrize("address", [CSV, JSON])
def test_a_filter_that_cannot_be_used_leads_to_its_page(member: Membership, address: str) -> None:
    answer = signed_in(member).get(f"{address}?since=x")
    assert (answer.status_code, answer["Location"]) == (302, "/runs/?since=x")


def test_a_file_is_for_download_and_named_by_day(member: Membership) -> None:
    answer = signed_in(member).get(CSV)
    assert answer["Content-Disposition"].startswith('attachment; filename="runs-20')
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.getvalue().startswith(b"\xef\xbb\xbfrun,asked_at,")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("- a list", "'- a list"),
        ("-5", "-5"),
        ("+5.25", "+5.25"),
        ("-1e9", "-1e9"),
        ("a=b", "a=b"),
        ("", ""),
        (-5, -5),
        (Decimal("0E-9"), "0"),
        (Decimal("-0.5000"), "-0.5"),
        (None, None),
    ],
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(value: object, cell: object) -> None:
    assert csv_cell(value) == cell


@given(st.text(alphabet="=+-@\t\r\n ,;\"'a5.e", max_size=8))
def test_a_cell_that_a_spreadsheet_would_evaluate_is_never_written(text: str) -> None:
    cell = str(csv_cell(text))
    harmless = not cell.lstrip().startswith(("=", "+", "-", "@")) and not cell.startswith(("\t", "\r", "\n"))
    assert harmless or float(cell) is not None
    assert cell.removeprefix("'") == text.removeprefix("'")


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=4))
def test_every_text_comes_back_from_both_files(texts: list[tuple[str, str]]) -> None:
    runs = [Run(prompt=question, answer=answer, seed=1) for question, answer in texts]
    for run in runs:
        run.votes, run.single = 0, None  # type: ignore[attr-defined]  # annotations
    asked = [run.prompt.encode("utf-8", "replace").decode() for run in runs]
    batches: list[list[Run]] = [[], runs, []]
    found = json.loads(b"".join(json_chunks(batches, timezone.now())))["runs"]
    lines = io.StringIO(b"".join(csv_chunks(batches, timezone.now())).decode("utf-8-sig"), newline="")
    assert [row["question"].replace("\ufffd", "?") for row in found] == [
        text.replace("\ufffd", "?") for text in asked
    ]
    assert [row["answer"].lstrip("'") for row in csv.DictReader(lines)] == [
        row["answer"].lstrip("'") for row in found
    ]


def test_a_file_that_is_cut_short_says_so(member: Membership) -> None:
    for number in range(5):
        a_run(member, f"number {number}", minutes_ago=number)
    now = timezone.now()
    cut = json.loads(b"".join(json_chunks(matching_batches(member, RunFilter()), now, most=3)))
    assert ([run["question"] for run in cut["runs"]], cut["complete"]) == (
        ["number 0", "number 1", "number 2"],
        False,
    )
    lines = b"".join(csv_chunks(matching_batches(member, RunFilter()), now, most=3)).decode().splitlines()
    assert len(lines) == 5
    assert "the newest 3 runs of the filter. Narrow the days" in lines[-1]
    whole = b"".join(json_chunks(matching_batches(member, RunFilter()), now, most=5))
    assert json.loads(whole)["complete"] is True


def test_the_history_is_read_in_batches(member: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen_runs, "BATCH", 2)
    for number in range(5):
        a_run(member, "odd" if number % 2 else "even", minutes_ago=number)
    batches = [[run.prompt for run in batch] for batch in matching_batches(member, RunFilter(text="even"))]
    assert batches == [["even"], ["even"], ["even"]]


def test_a_file_is_made_while_it_is_sent(rf: RequestFactory) -> None:
    made: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"x"

    answer = streamed_file(rf.get("/"), chunks(), name="a.csv", content_type="text/csv")
    next(iter(answer))
    assert made == [0]


@pytest.mark.django_db(transaction=True)
async def test_the_server_sends_it_piece_by_piece_too() -> None:
    member = await in_thread(a_member)
    await in_thread(a_run, member, "Weigh the moon")
    chunks = json_chunks(matching_batches(member, RunFilter()), timezone.now())
    answer = streamed_file(AsyncRequestFactory().get("/"), chunks, name="a.json", content_type="text/json")
    pieces = [piece async for piece in answer]
    assert json.loads(b"".join(pieces))["runs"][0]["question"] == "Weigh the moon"
    assert len(pieces) == 3
