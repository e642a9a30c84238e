"""A line-up is read whole: what is wrong is said at its path."""

from __future__ import annotations

import json

import pytest

from collaboration.engine.lineup import lineup_schema, read_lineup
from orchestration.llm.engine.types import Json
from tests.support.rooms import ANA, JUDGE, LED, OLE, SAGE, SCOUT, line_up


def problems(*participants: Json, **rest: Json) -> dict[str, str]:
    lineup, found = read_lineup({"name": "a", "participants": list(participants), **rest})
    assert (lineup is None) == bool(found)
    return {each.path: each.message for each in found}


def test_a_line_up_that_says_only_who_takes_part_is_complete() -> None:
    assert problems(LED, SCOUT) == {}


def test_what_is_written_can_be_read_again() -> None:
    lineup = line_up(LED, SCOUT, ANA, limits={"money": 0.5, "seconds": 60})
    written = json.loads(json.dumps(lineup.model_dump(mode="json")))
    assert read_lineup(written) == (lineup, ())


@pytest.mark.parametrize(
    ("participants", "rest", "path", "words"),
    [
        ([SCOUT], {}, "participants", "Nobody leads"),
        ([LED, JUDGE], {}, "participants", "Nobody does subtasks"),
        (
            [LED, SCOUT],
            {"constraints": {"specialist": "Law"}},
            "constraints.specialist",
            "the specialty “law”",
        ),
        (
            [LED, SCOUT, SAGE],
            {"limits": {"participants": 2}},
            "limits.participants",
            "3 take part, at most 2",
        ),
        (
            [LED, SCOUT],
            {"negotiation": {"threshold": 1.5}},
            "negotiation.threshold",
            "is 1.5, must be at most 1",
        ),
        ([LED, SCOUT, SCOUT], {}, "participants[2].id", "2 participants are called “scout”"),
        ([LED, {**SCOUT, "user": "u"}], {}, "participants[1]", "Name one of these"),
        ([LED, {**SCOUT, "model": ""}], {}, "participants[1]", "Name one of these"),
        (
            [LED, {**SCOUT, "strategy": "voting", "pipeline": "p"}],
            {},
            "participants[1]",
            "one strategy or by one",
        ),
        ([LED, SCOUT, {**ANA, "pipeline": "p"}], {}, "participants[2]", "people work themselves"),
        ([LED, {**SCOUT, "boss": True}], {}, "participants[1]", "has “boss”, which is not expected"),
        ([LED, {**SCOUT, "role": "king"}], {}, "participants[1].role", "must be one of “leader”"),
        ([LED, {**SCOUT, "model": "\ud800"}], {}, "", "a text that cannot be read"),
        ([LED, SCOUT], {"limits": {"money": float("nan")}}, "", "a number that JSON cannot express"),
        ([], {}, "participants", "Nobody does subtasks"),
        ([LED, {**SCOUT, "id": "No good"}], {}, "participants[1].id", "must be a small letter, then"),
        ([LED, SCOUT], {"schema_version": 2}, "schema_version", "is 2, must be 1"),
        (
            [LED, SCOUT, JUDGE],
            {"conflict": {"rule": "arbitration"}},
            "conflict.arbiter",
            "An arbiter is named",
        ),
        ([LED, SCOUT, JUDGE], {"conflict": {"arbiter": "judge"}}, "conflict.arbiter", "and only there"),
        (
            [LED, SCOUT],
            {"conflict": {"rule": "arbitration", "arbiter": "eve"}},
            "conflict.arbiter",
            "no participant “eve”",
        ),
        (
            [LED, SCOUT],
            {"conflict": {"rule": "arbitration", "arbiter": "lead"}},
            "conflict.arbiter",
            "an outsider of the negotiation: no leader",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    participants: list[Json], rest: Json, path: str, words: str
) -> None:
    assert words in problems(*participants, **rest)[path]


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    found = problems(
        {**JUDGE, "model": ""}, conflict={"rule": "arbitration"}, constraints={"specialist": "Law"}
    )
    assert set(found) == {"participants", "participants[0]", "constraints.specialist", "conflict.arbiter"}


def test_the_best_may_be_chosen_of_more_than_may_take_part_and_observers_do_not_count() -> None:
    assert problems(LED, SCOUT, SAGE, limits={"participants": 2}, choose="best") == {}
    assert problems(LED, SCOUT, OLE, limits={"participants": 2}) == {}


def test_a_line_up_of_any_form_ends_in_words() -> None:
    documents: list[Json] = [None, [], "x", {"name": 3}, {"participants": {}}, [[[]]], {"a": "x" * 600_000}]
    for document in documents:
        assert read_lineup(document)[1]


def test_each_field_has_a_description_for_forms() -> None:
    parts = lineup_schema().written["$defs"].values()
    fields = [each for part in parts for each in part.get("properties", {}).values()]
    assert all(each.get("description") for each in fields)


def test_the_schema_of_line_ups_is_made_of_their_fields() -> None:
    lineup_schema.cache_clear()
    assert [each.path for each in lineup_schema().problems({"participants": "all"})]
