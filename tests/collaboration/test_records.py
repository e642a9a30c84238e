"""The records of a session: rows of what changed, gathered again, and written as a document."""

from __future__ import annotations

from collaboration.engine.records import gathered
from orchestration.llm.engine.types import plain
from tests.support.rooms import LED, QUIET, SCOUT, TASK, Room, line_up


def test_the_rows_of_a_session_give_all_that_happened() -> None:
    room = Room().play()
    found = gathered(TASK, room.rows())
    assert (found["phase"], found["outcome"]) == ("completed", "consensus")
    assert [each["text"] for each in found["messages"]] == [each.text for each in room.state.log]
    assert [each["number"] for each in found["decisions"]] == [1, 2, 3, 4, 5]
    assert [each["status"] for each in found["subtasks"]] == ["accepted"] * 3
    assert sum(each["impact"] for each in found["ending"]["contributions"]) == 1
    assert plain(found) == found


def test_a_row_has_only_what_an_entry_changed() -> None:
    room = Room(line_up(LED, SCOUT, negotiation=QUIET))
    room.act("u-eve", "join", role="observer")
    row = room.rows()[1]
    assert [each["id"] for each in row["participants"]] == ["person-3"]
    assert row.keys() == {"at", "participants", "messages"}


def test_a_proposal_says_who_supports_it_and_how_much() -> None:
    found = gathered(TASK, Room().play("executing").rows())
    (plan,) = found["proposals"]
    assert (plan["id"], plan["by"], plan["support"], plan["chosen"]) == ("P1", "lead", 1.0, True)
    assert {each["voter"] for each in plan["stances"]} == {"lead", "scout", "sage", "judge"}


def test_a_session_without_rows_has_everything_empty() -> None:
    assert gathered("Sail.", [])["messages"] == []
    assert gathered("Sail.", [])["entries"] == 0
