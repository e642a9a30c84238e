"""Two to four runs side by side: their facts, what they were asked, and where their answers differ."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.models import Call, Run, RunStatus
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
COMPARE = "/runs/compare"


def page_of(member: Membership, *runs: Run, **more: str) -> str:
    chosen = {"run": [str(run.pk) for run in runs], **more}
    answer = signed_in(member).get(COMPARE, chosen)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def two(member: Membership) -> tuple[Run, Run]:
    return (
        a_run(member, "Capital?", answer="It is **Paris** today.", quality=0.9, cost_usd="0.02"),
        a_run(member, "Capital?", answer="It is **Lyon** today.", ref="voting", cost_usd="0.01"),
    )


def test_facts_and_answers_stand_side_by_side(member: Membership) -> None:
    first, second = two(member)
    Run.objects.filter(pk=second.pk).update(outcome={"consensus": {"agreement": 0.667}})
    Call.objects.create(
        run=first, step="a", attempt=1, purpose="answer", status="done", input_tokens=1_200, output_tokens=34
    )
    page = page_of(member, first, second)
    for words in ("2 runs side by side", "Parallel", "Voting", "90%", "67%", "$0.02", "3.0 s", "1,234"):
        assert words in page
    assert "1 call without a price" in page
    assert "<strong>Paris</strong>" in page
    assert page.count("Capital?") == 1


def test_differences_are_marked_against_the_first(member: Membership) -> None:
    first, second = two(member)
    page = page_of(member, first, second, show="differences")
    assert "It is **<del>Paris</del><ins>Lyon</ins>** today." in page
    turned = page_of(member, second, first, show="differences")
    assert "It is **<del>Lyon</del><ins>Paris</ins>** today." in turned
    assert f'href="?run={second.pk}&amp;run={first.pk}&amp;show=differences">compare with this' in page


def test_questions_that_differ_are_shown_with_their_differences(member: Membership) -> None:
    page = page_of(member, a_run(member, "Capital of France?"), a_run(member, "Capital of Spain?"))
    assert "Capital of <del>France</del><ins>Spain</ins>?" in page
    assert "All were asked" not in page


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (("It is so.", "It  is so."), "Says the same as the first."),
        (("It is so.", "Nothing of that kind."), "Has too little in common with the first to mark it."),
    ],
)
def test_what_marks_cannot_show_is_said(member: Membership, answers: tuple[str, str], words: str) -> None:
    runs = [a_run(member, answer=answer) for answer in answers]
    page = page_of(member, *runs, show="differences")
    assert words in page
    assert '<div class="compare-text" dir="auto"><' not in page


def test_a_run_without_an_answer_gives_its_reason(member: Membership) -> None:
    failed = a_run(member, status=RunStatus.FAILED, error="All declined.", error_code="no_usable_answer")
    assert '<p class="run-told is-no_usable_answer">All declined.</p>' in page_of(
        member, failed, two(member)[0]
    )


@pytest.mark.parametrize("show", ["", "differences"])
def test_what_people_and_models_wrote_is_shown_as_text(member: Membership, show: str) -> None:
    runs = [
        a_run(member, f"<b>{n}</b> <script>x</script>", answer=f"<ins>{n}</ins> <i>same</i>") for n in "ab"
    ]
    page = page_of(member, *runs, show=show)
    for markup in ("<script>x", "<b>", "<i>"):
        assert markup not in page
    assert "&lt;ins&gt;" in page


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "No runs were chosen"),
        (1, "One run alone cannot be compared"),
        (5, "At most four runs fit side by side"),
        (200, "At most four runs fit side by side"),
    ],
)
def test_fewer_than_two_and_more_than_four_get_words(member: Membership, count: int, words: str) -> None:
    chosen = [str(a_run(member).pk) for _ in range(count)]
    answer = signed_in(member).get(COMPARE, {"run": chosen})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_a_run_chosen_twice_is_one(member: Membership) -> None:
    run = str(a_run(member).pk)
    assert "One run alone" in signed_in(member).get(COMPARE, {"run": [run, run]}).content.decode()


@pytest.mark.parametrize("given", ["x", "", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_run_of_the_team_is_not_found(member: Membership, given: str) -> None:
    first, _ = two(member)
    foreign = str(a_run(a_member()).pk)
    for other in (given, foreign):
        assert signed_in(member).get(COMPARE, {"run": [str(first.pk), other]}).status_code == 404


def test_a_viewer_may_compare(member: Membership) -> None:
    viewer = a_member(Role.VIEWER, member.team)
    assert "side by side" in page_of(viewer, *two(member))


def test_four_long_answers_are_compared_in_few_queries(
    member: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [a_run(member, answer=f"{word} " * 60_000) for word in ("red", "blue", "red blue", "green")]
    client = signed_in(member)
    with django_assert_max_num_queries(6):
        answer = client.get(COMPARE, {"run": [str(run.pk) for run in runs], "show": "differences"})
    assert answer.status_code == 200
