"""Who takes part, who replaces whom, and who does what: by role, field, record and load."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from collaboration.engine.assignment import assign, best_worker, most_load
from collaboration.engine.lineup import Participant
from collaboration.engine.plan import PlannedSubtask, Subtask, SubtaskStatus, build_plan
from collaboration.engine.selection import TrackRecord, fit, lacking, replacement, select
from tests.support.rooms import ANA, JUDGE, LED, OLE, SAGE, SCOUT, line_up

GOOD, POOR = TrackRecord(performance=0.9, evidence=50), TrackRecord(performance=0.2, evidence=50)
GONE = TrackRecord(available=False)
MANY = line_up(
    LED, SCOUT, SAGE, JUDGE, {**SCOUT, "id": "rook"}, OLE, choose="best", limits={"participants": 4}
)


def by_id(id: str) -> Participant:
    return next(each for each in MANY.participants if each.id == id)


def test_the_best_are_taken_up_to_the_limit_and_everyone_has_a_reason() -> None:
    found = select(MANY, "Trade of Marseille", {"rook": GOOD, "scout": POOR})
    assert [each.id for each in found[0]] == ["lead", "sage", "judge", "rook", "ole"]
    assert found[1]["lead"] == "Leads."
    assert found[1]["sage"] == "Does subtasks best."
    assert found[1]["scout"] == "Others fit the task better."
    assert found[1]["ole"] == "Watches."
    assert found[1]["rook"] == "Fits the task with 0.35."


def test_what_a_session_needs_is_taken_before_what_fits_better() -> None:
    lineup = line_up(
        LED, SCOUT, SAGE, JUDGE, choose="best", limits={"participants": 4},
        constraints={"specialist": "marseille"}, conflict={"rule": "arbitration", "arbiter": "judge"},
    )  # fmt: skip
    found = select(lineup, "x", {"scout": GOOD, "sage": POOR, "judge": POOR})
    assert found[1]["sage"] == "Has the required specialty."
    assert found[1]["judge"] == "Is the arbiter."


def test_who_cannot_be_reached_is_left_out_and_what_is_lacking_is_said() -> None:
    lineup = line_up(LED, SCOUT, SAGE, constraints={"specialist": "Marseille"})
    told = {id: select(lineup, "x", {id: GONE}) for id in ("lead", "scout", "sage")}
    assert told["lead"][1]["lead"] == "lead cannot be reached."
    assert lacking(lineup, told["lead"][0]).startswith("Nobody can lead")
    assert lacking(lineup, told["scout"][0]) == ""
    assert lacking(lineup, told["sage"][0]) == "The required specialist for Marseille cannot be reached."
    assert lacking(lineup, [by_id("lead")]).startswith("Nobody can do subtasks")


def test_a_good_record_of_many_cases_is_better_than_a_perfect_one_of_two() -> None:
    lucky = TrackRecord(performance=1.0, evidence=2)
    assert fit(by_id("scout"), {"scout": GOOD}, "") > fit(by_id("scout"), {"scout": lucky}, "")


def test_field_and_skills_count_where_the_work_names_them() -> None:
    able = by_id("scout").model_copy(update={"skills": ("analysis", "validation")})
    assert fit(by_id("sage"), {}, "the port of MARSEILLES") > fit(by_id("sage"), {}, "the port of Genoa")
    assert fit(able, {}, "", ["analysis"]) > fit(able, {}, "", ["analysis", "generation"]) > fit(able, {}, "")
    assert fit(able, {}, "an analysis and its validation") > fit(able, {}, "a poem")


def test_a_lost_participant_is_replaced_by_the_best_of_its_role() -> None:
    bench = [by_id("rook"), by_id("judge"), by_id("sage")]
    assert replacement(by_id("scout"), bench, "x", {}) == by_id("rook")
    assert replacement(by_id("scout"), bench, "x", {"rook": GONE}) is None


def test_whom_the_plan_names_does_it_and_people_are_not_given_work_by_themselves() -> None:
    lineup = line_up(LED, SCOUT, {"id": "ben", "role": "executor", "user": "u"})
    plan = build_plan([PlannedSubtask(title="a", assignee="ben"), PlannedSubtask(title="b")], most=5)
    assert assign(plan, lineup.participants[1:], {})["s1"] == ("ben", "It is named for it.")
    assert assign(plan, lineup.participants[1:], {})["s2"] == (
        "scout",
        "Fits it with 0.20, and has 0 more to do.",
    )
    assert assign(plan, lineup.participants[2:], {})["s2"][0] == "ben"


def test_what_has_ended_is_not_given_out_and_who_failed_is_not_asked_again() -> None:
    subtask = Subtask(id="s1", title="a", failed_by=frozenset({"scout"}), assignee="scout")
    assert best_worker(subtask, [by_id("scout"), by_id("rook")], {"rook": 0}, {})[0] == "rook"
    assert best_worker(subtask, [by_id("scout")], {}, {}) == ("", "Nobody is left who can do it.")
    done = build_plan([PlannedSubtask(title="a")], most=5).put(
        Subtask(id="s1", title="a", status=SubtaskStatus.ACCEPTED)
    )
    assert assign(done, [by_id("scout")], {}) == {}


WORKERS = st.sampled_from(["", "scout", "rook", "sage"])


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sets(st.integers(0, 11)), WORKERS), min_size=1, max_size=12),
    st.dictionaries(WORKERS, st.floats(0, 1)),
)
def test_nobody_is_given_much_more_than_an_equal_share(
    parts: list[tuple[set[int], str]], known: dict[str, float]
) -> None:
    planned = [
        PlannedSubtask(
            title=f"t{number}", needs=tuple(str(need + 1) for need in needs if need < number), assignee=named
        )
        for number, (needs, named) in enumerate(parts)
    ]
    workers = [by_id("scout"), by_id("sage"), by_id("rook")]
    records = {id: TrackRecord(performance=share, evidence=9) for id, share in known.items()}
    found = assign(build_plan(planned, most=12), workers, records)
    given_to = [participant for participant, _ in found.values()]
    assert len(given_to) == len(parts)
    assert max(map(given_to.count, given_to)) <= most_load(len(parts), 3)


def test_people_who_watch_are_not_counted() -> None:
    assert [each.id for each in select(line_up(LED, SCOUT, ANA, OLE), "x", {})[0]] == [
        "lead",
        "scout",
        "ana",
        "ole",
    ]
