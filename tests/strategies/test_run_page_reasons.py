"""What the run page says first: the final answer, how many agree, why it was chosen, what was set."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.runs.models import Run
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions
from orchestration.strategies.parts.ballots import ShownVote, VoterRow
from orchestration.strategies.parts.lanes import LARGEST_COMPARED, Lane, LaneState, beside_answer
from orchestration.strategies.parts.reasons import headline, reason, settings, verdict
from tests.support.run_rows import RunRows

EXPLAINED = "17 % of 2,300 is 17 times 23, which makes three hundred and ninety-one. Answer: 391"


def answered(text: str, extracted: str | None, *, agreeing: int = 0, compared: int = 0) -> Run:
    quality = {"overall": 0.9, "agreeing": agreeing, "compared": compared}
    candidate = {"step": "ask/a", "state": "answered", "extracted": extracted, "quality": quality}
    others = [{**candidate, "step": f"ask/{number}"} for number in range(1, compared)]
    return Run(answer=text, outcome={"chosen": "ask/a", "candidates": [candidate, *others]})


@pytest.mark.parametrize(
    ("text", "extracted", "shown"),
    [
        (EXPLAINED, "391", ("391", False)),
        ("391", "391", ("391", True)),
        ("**391**", "391", ("391", True)),
        (" Paris.\n", "Paris", ("Paris", True)),
        ("The capital is Paris.", "Paris", ("Paris", False)),
        ("[1, 3,\n 5]", "[1, 3,\n 5]", ("[1, 3, 5]", True)),
        ("Rank bugs by harm.", None, None),
        ("x" * 100, "x" * 100, None),
        ("A long essay. " * 200 + "It took 3 weeks.", "3 weeks", None),
    ],
)
def test_only_a_short_final_answer_is_shown_large(
    text: str, extracted: str | None, shown: tuple[str, bool] | None
) -> None:
    found = headline(answered(text, extracted))
    assert (found and (found["text"], found["is_all"])) == shown


def test_a_final_answer_that_others_gave_is_shown_large_however_long_its_explanation() -> None:
    found = headline(answered("A long essay. " * 200 + "Answer: 391", "391", agreeing=1, compared=2))
    assert found is not None
    assert found["text"] == "391"


def test_a_synthesis_and_a_run_without_an_outcome_have_no_final_answer() -> None:
    assert headline(Run(answer="Both.", outcome={"chosen": "", "candidates": []})) is None
    assert (headline(Run(answer="")), verdict(Run(answer=""), None)) == (None, "")


@pytest.mark.parametrize(
    ("agreeing", "compared", "words"),
    [
        (3, 3, "3 of 3 models agree"),
        (2, 5, "2 of 5 models agree"),
        (1, 2, "none of the other 1 model agrees"),
        (1, 3, "none of the other 2 models agrees"),
        (1, 1, ""),
        (0, 0, ""),
        (0, 2, ""),
    ],
)
def test_the_verdict_counts_equal_answers(agreeing: int, compared: int, words: str) -> None:
    assert verdict(answered("391", "391", agreeing=agreeing, compared=compared), None) == words


def test_the_verdict_says_comparable_answers_where_some_answers_could_not_be_compared() -> None:
    run = answered("Paris", "Paris", agreeing=2, compared=2)
    candidates = (run.outcome or {})["candidates"]
    prose = {"step": "ask/x", "state": "answered", "quality": {"usable": True}}
    refused = {"step": "ask/y", "state": "answered", "quality": {"usable": False}}
    candidates.append(refused)
    assert verdict(run, None) == "2 of 2 models agree"
    candidates.append(prose)
    assert verdict(run, None) == "2 of 2 comparable answers agree"


def voted(kind: BallotKind, *, counting: int, dissenters: int) -> ShownVote:
    rows = [
        VoterRow(voter=f"v{n}", role="", cells=(), cast=None, weight="", dissents=n < dissenters)
        for n in range(counting)
    ]
    return ShownVote(
        options=VotingOptions(ballot=kind),
        why="",
        bars=(),
        columns=(),
        rows=tuple(rows),
        counting=counting,
        voters=counting,
        result={},
    )


@pytest.mark.parametrize(
    ("kind", "counting", "dissenters", "words"),
    [
        (BallotKind.ANSWERS, 3, 0, "3 of 3 models agree"),
        (BallotKind.ANSWERS, 4, 1, "3 of 4 models agree"),
        (BallotKind.REVIEW, 3, 1, "2 of 3 voters prefer it"),
        (BallotKind.REVIEW, 2, 1, "1 of 2 voters prefer it"),
    ],
)
def test_the_verdict_of_a_vote_is_its_count(
    kind: BallotKind, counting: int, dissenters: int, words: str
) -> None:
    run = answered("391", "391", agreeing=9, compared=9)
    assert verdict(run, voted(kind, counting=counting, dissenters=dissenters)) == words


def test_the_reason_is_that_of_the_last_vote_and_the_last_choice() -> None:
    made = [("select", "First."), ("rank", "No."), ("vote", "391 won."), ("select", "a was first.")]
    assert reason({"kind": kind, "reason": words} for kind, words in made) == "391 won. a was first."
    assert reason([]) == ""


def test_settings_are_what_differs_from_the_strategys_own_in_words() -> None:
    options = {"rule": "borda", "quorum": 2, "ballot": "auto", "judge": "sim-oracle"}
    shown = settings(Run(ref="voting", request={"options": options}))
    assert dict(shown) == {"Rule": "borda", "Quorum": "2", "Judge": "sim-oracle"}
    assert settings(Run(ref="gone", request={"options": options})) == []


def test_a_share_among_the_settings_is_a_percentage() -> None:
    assert ("Good enough", "85%") in settings(Run(ref="sequential", request={"options": {"threshold": 0.85}}))


def lane(model: str, text: str, *, chosen: bool = False) -> Lane:
    return Lane(
        number=0,
        model=model,
        spec={},
        role="",
        state=LaneState.ANSWERED,
        call="",
        text=text,
        error="",
        seconds=None,
        first_token_s=None,
        tokens=0,
        cost_usd=None,
        saved_usd=None,
        quality=None,
        chosen=chosen,
        cut_short=False,
        attempts=(),
    )


def test_the_chosen_lane_stands_first_and_the_others_say_how_they_differ() -> None:
    first, second = beside_answer(
        [lane("a", "It is 381."), lane("b", "It is 391.", chosen=True)], "It is 391."
    )
    assert (first.model, first.is_answer, first.differences) == ("b", True, ())
    assert [(piece.text.strip(), piece.kind.value) for piece in second.differences][1:3] == [
        ("391", "removed"),
        ("381", "added"),
    ]


def test_texts_too_long_to_compare_are_left_alone() -> None:
    [shown] = beside_answer([lane("a", "x" * LARGEST_COMPARED)], "y")
    assert shown.differences == ()


@pytest.mark.django_db
def test_a_finished_run_says_everything_once(browser: Client, member: Membership) -> None:
    rows = RunRows.queued(member, "sim-swift", "sim-sage")
    rows.start()
    for model in ("sim-swift", "sim-sage"):
        rows.answer(rows.ask(model), EXPLAINED if model == "sim-sage" else "It is 381.")
    rows.choose("sim-sage", {"sim-swift": 0.31, "sim-sage": 0.91})
    rows.succeed(EXPLAINED, chosen="ask/sim-sage")
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    page = html.split('id="fold-path"')[0]
    assert (
        page.count("which makes three hundred and ninety-one") == 2
    )  # the answer, and what others lack of it
    assert page.count("sim-sage has the highest estimated quality.") == 1
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", page) == ["Answer", "Why this answer", "Models"]
    assert "Its answer is the one above." in page
