"""Subtasks: started by need, delegated, reviewed, sent back, done by others; participants who are lost."""

from __future__ import annotations

import pytest

from collaboration.engine.working import MOST_HELP
from orchestration.llm.engine.types import Json
from tests.support.rooms import ANA, JUDGE, LED, PLAN, QUIET, SAGE, SCOUT, Room, down, line_up

BEN = {"id": "ben", "role": "executor", "user": "u-ben"}
ONE = {"subtasks": [{"title": "Silk", "assignee": "scout"}]}


def room(*participants: Json, plan: Json = ONE, replies: Json = None, **rest: Json) -> Room:
    lineup = line_up(*(participants or (LED, SCOUT, SAGE, JUDGE)), negotiation=QUIET, **rest)
    return Room(lineup, {"plan": plan, **(replies or {})}).play("executing")


def delegate(to: str, request: str = "Count the bales.") -> Json:
    return {"status": "delegate", "to": to, "request": request}


def test_subtasks_run_together_and_wait_for_what_they_need() -> None:
    played = room(plan=PLAN)
    assert [each.subtask for each in played.pending("work")] == ["s1", "s2"]
    played.answer({"text": "Silk."}, "work")
    played.answer({"verdict": "accept"}, "review")
    assert [each.subtask for each in played.pending("work")] == ["s2"]
    played.answer({"text": "Wine."}, "work")
    played.answer({"verdict": "accept"}, "review")
    assert [each.subtask for each in played.pending("work")] == ["s3"]


def test_delegated_work_comes_back_as_help() -> None:
    played = room()
    step = played.answer(delegate("sage"), "work", "scout")
    assert [(each.participant, each.request, each.asked_by) for each in step.actions] == [
        ("sage", "Count the bales.", "scout")
    ]
    assert [(each.kind, each.to) for each in step.messages] == [("delegation", ("sage",))]
    played.answer({"text": "Forty."}, "work", "sage")
    (again,) = played.pending("work")
    assert again.participant == "scout"
    played.answer({"text": "Forty bales of silk."}, "work", "scout")
    played.play()
    shares = {each.participant: each.subtasks for each in played.state.ending.contributions}  # type: ignore[union-attr]
    assert (shares["scout"], shares["sage"]) == (0.5, 0.5)


def test_work_is_not_delegated_in_a_circle_nor_too_deep() -> None:
    rook = {**SCOUT, "id": "rook"}
    played = room(LED, SCOUT, SAGE, rook, {**SCOUT, "id": "pawn"}, limits={"delegation_depth": 2})
    played.answer(delegate("sage"), "work", "scout")
    assert "scout" not in played.pending("work", "sage")[0].choices
    played.answer(delegate("rook", "And the price?"), "work", "sage")
    assert played.pending("work", "rook")[0].choices == ()
    played.answer({"text": "Nine."}, "work", "rook")
    assert "asked before on s1" in refusal(played, delegate("rook", "And the price?"), "sage")


def refusal(played: Room, content: Json, by: str) -> str:
    step = played.answer(content, "work", by)
    assert step.actions[0].problem
    assert step.messages[0].to == (by,)
    return step.messages[0].text


def test_a_delegation_that_cannot_be_is_asked_again_then_somebody_else_does_it() -> None:
    played = room(limits={"repeats": 9})
    played.answer(delegate("sage"), "work", "scout")
    played.answer({"text": "Forty."}, "work", "sage")
    played.answer(delegate("sage"), "work", "scout")
    played.answer(delegate("sage"), "work", "scout")
    assert played.state.plan.named("s1").failed_by == {"scout"}
    assert played.pending("work")[0].participant == "sage"


def test_somebody_who_has_left_is_no_target() -> None:
    played = room(LED, SCOUT, SAGE, JUDGE, BEN)
    played.act("u-ben", "leave")
    assert "cannot be delegated to “ben” now" in refusal(played, delegate("ben"), "scout")


def test_tools_are_called_with_a_json_object() -> None:
    played = room(LED, {**SCOUT, "tools": ["calculator"]}, JUDGE)
    step = played.answer(delegate("tool:calculator", 'Please: {"expression": "2+2"}'), "work")
    (call,) = step.actions
    assert (call.kind, call.tool, call.arguments, call.deadline_s) == (
        "tool",
        "calculator",
        {"expression": "2+2"},
        None,
    )
    step = played.answer({"value": 4}, "tool")
    assert (step.messages[0].text, step.messages[0].to) == ('calculator: {"value": 4}', ("scout",))
    assert played.pending("work")[0].participant == "scout"
    assert "JSON object" in refusal(played, delegate("tool:calculator", "two plus two"), "scout")


def test_a_tool_that_fails_or_gives_nothing_is_said_to_whoever_called_it() -> None:
    played = room(LED, {**SCOUT, "tools": ["clock"]}, JUDGE)
    played.answer(delegate("tool:clock", '{"zone": "A"}'), "work")
    played.miss(kind="tool")
    assert "clock: The tool gave no result." in played.said("response")[-1]
    played.answer(delegate("tool:clock", '{"zone": "B"}'), "work")
    played.answer("", "tool")
    assert played.play().state.phase == "completed"


def test_one_subtask_is_delegated_only_so_often() -> None:
    played = room(LED, {**SCOUT, "tools": ["clock"]}, JUDGE)
    for number in range(MOST_HELP):
        played.answer(delegate("tool:clock", f'{{"zone": {number}}}'), "work")
        played.answer("noon", "tool")
    assert played.pending("work")[0].choices == ()


def test_help_that_does_not_come_is_said_to_whoever_asked() -> None:
    played = room()
    played.answer(delegate("sage"), "work", "scout")
    played.miss(kind="work", by="sage")
    (again,) = played.pending("work")
    assert again.participant == "scout"
    assert played.state.plan.named("s1").helpers[0].text == "sage could not help."


def test_work_is_sent_back_with_the_reason_and_at_most_so_often() -> None:
    played = room(limits={"returns": 1})
    played.answer({"text": "Silk."}, "work")
    played.answer({"verdict": "return", "reason": "How much?"}, "review")
    assert (played.statuses()["s1"], played.state.plan.named("s1").remark) == ("working", "How much?")
    played.answer({"text": "Much silk."}, "work")
    played.answer({"verdict": "return", "reason": ""}, "review")
    assert played.state.plan.named("s1").remark == "Accepted with reservations after 1 return."
    assert played.play().state.phase == "completed"


def test_a_score_below_the_required_quality_sends_work_back() -> None:
    played = room(constraints={"quality": 0.7})
    played.answer({"text": "Silk."}, "work")
    played.answer({"verdict": "accept", "score": 0.6}, "review")
    assert played.state.plan.named("s1").returns == 1
    played.answer({"text": "Silk, much."}, "work")
    played.answer({"verdict": "accept", "score": 0.7}, "review")
    assert played.statuses()["s1"] == "accepted"


def test_nobody_reviews_their_own_work_or_that_in_which_they_helped() -> None:
    helper = {**JUDGE, "id": "ref"}
    played = room(LED, SCOUT, JUDGE, helper, plan=PLAN)
    played.answer({"text": "Silk."}, "work")
    played.answer({"text": "Wine."}, "work")
    assert {each.participant for each in played.pending("review")} == {"judge", "ref"}
    assert room(LED, SCOUT).answer({"text": "Silk."}, "work").actions[0].participant == "lead"


def test_without_anybody_who_can_review_work_is_accepted_as_it_is() -> None:
    leader = {"id": "ben", "role": "leader", "user": "u-ben"}
    played = Room(line_up(leader, SCOUT, negotiation=QUIET))
    played.answer(ONE)
    played.act("u-ben", "leave")
    assert played.state.phase == "failed"
    played = room()
    played.answer({"text": "Silk."}, "work")
    played.miss(kind="review")
    assert played.state.plan.named("s1").remark == "Accepted without review: none came."


def test_the_result_is_sent_back_at_most_so_often() -> None:
    played = room(plan=PLAN, limits={"returns": 1}).play("reviewing")
    for text in ("First.", "Second."):
        played.answer({"text": text}, "assemble")
        played.answer({"verdict": "return", "score": 0.2, "reason": "More."}, "review")
    assert (played.state.phase, played.state.result) == ("completed", "Second.")


def test_a_result_that_nobody_reviews_or_assembles_stands_as_it_is() -> None:
    played = room(plan=PLAN).play("reviewing")
    played.answer({"text": "All."}, "assemble")
    played.miss(kind="review")
    assert (played.state.phase, played.state.result) == ("completed", "All.")
    played = room(plan=PLAN).play("reviewing")
    played.miss(kind="assemble")
    assert played.state.result.startswith("## Trade of Genoa\n\n")
    assert room(LED, SCOUT, plan=PLAN).play().state.phase == "completed"


def test_what_fails_is_done_by_somebody_else_and_at_last_left_out() -> None:
    played = room(plan=PLAN)
    played.miss(by="scout")
    assert [each.participant for each in played.pending("work")] == ["sage", "sage"]
    played.miss(by="sage")
    assert played.statuses()["s2"] == "working"
    assert [each.participant for each in played.pending("work")] == ["sage", "scout"]
    played.play()
    assert played.state.phase == "completed"


def test_a_subtask_that_nobody_can_do_is_left_out_and_said() -> None:
    played = room(LED, SCOUT, JUDGE, plan=PLAN)
    played.miss(by="scout")
    played.play()
    assert played.statuses() == {"s1": "failed", "s2": "accepted", "s3": "accepted"}
    assert played.state.ending
    assert played.state.ending.caveat == "incomplete"
    assert "Nobody could do s1" in played.state.ending.words


def test_a_model_that_is_down_is_replaced_by_the_best_of_its_role() -> None:
    rook = {**SCOUT, "id": "rook"}
    lineup = line_up(LED, SCOUT, SAGE, JUDGE, rook, choose="best", limits={"participants": 4})
    played = Room(lineup, {"scout": down(), "judge": down()}).play()
    assert played.state.phase == "completed"
    assert "scout is gone. The provider cannot be reached. rook takes its place." in "".join(played.said())
    assert "judge is gone. The provider cannot be reached. The session goes on without." in "".join(
        played.said()
    )
    assert {id for id, each in played.state.members.items() if each.status == "lost"} == {"scout", "judge"}


def test_a_stance_is_asked_of_whoever_takes_a_place() -> None:
    rook = {**SCOUT, "id": "rook"}
    lineup = line_up(LED, SCOUT, SAGE, rook, choose="best", limits={"participants": 3})
    played = Room(lineup)
    played.answer(PLAN)
    played.miss("down", by="scout")
    assert {each.participant for each in played.pending("stance")} == {"sage", "rook"}


@pytest.mark.parametrize(
    ("lost", "words"), [("lead", "Nobody can lead"), ("scout", "Nobody can do subtasks")]
)
def test_without_what_it_needs_a_session_fails_in_words(lost: str, words: str) -> None:
    played = Room(line_up(LED, SCOUT, JUDGE), {lost: down()}).play()
    assert played.state.phase == "failed"
    assert played.state.ending
    assert played.state.ending.words.startswith(words)


def test_another_leader_takes_over_what_the_first_was_asked() -> None:
    second = {**LED, "id": "second"}
    played = Room(line_up(LED, second, SCOUT, JUDGE), {"lead": down()})
    played.miss("down")
    assert [(each.kind, each.participant) for each in played.pending()] == [("plan", "second")]
    assert played.play().state.phase == "completed"


def test_whoever_delegated_and_is_lost_is_replaced_when_the_help_comes() -> None:
    played = room(LED, SCOUT, SAGE, BEN, JUDGE)
    played.act("u-ben", "take", subtask="s1")
    played.answer(delegate("sage"), "work", "ben")
    played.act("u-ben", "leave")
    played.answer({"text": "Forty."}, "work", "sage")
    assert played.pending("work")[0].participant in {"scout", "sage"}
    assert played.play().state.phase == "completed"


def test_losing_somebody_can_end_a_session_while_more_was_asked_of_them() -> None:
    played = room(LED, SCOUT, SAGE, ANA)
    played.miss(by="scout")
    played.act("u-ana", "ask", text="Why?", to=["sage"])
    assert {each.kind for each in played.pending(by="sage")} == {"work", "reply"}
    step = played.miss("down", "work", "sage")
    assert (step.state.phase, step.state.pending) == ("executing", {}) or step.state.phase == "failed"


def test_who_never_answers_is_replaced_at_the_deadline() -> None:
    played = room(LED, SCOUT, BEN, ANA)
    played.act("u-ben", "take", subtask="s1")
    played.miss("expired", by="ben")
    assert "ben did not answer in time." in played.said("error")[-1]
    assert played.pending("work")[0].participant == "scout"
    played.answer({"text": "Silk."}, "work")
    played.miss("expired", by="ana")
    assert played.state.phase == "completed"
