"""A vote on the run page: ballots as they are cast, the tally, who dissents, abstains or was not asked."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import RunStatus
from orchestration.runs.parts.updates import UpdateKey, render_update
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.engine.voting.counting import Cast
from tests.support.run_rows import RunRows, panel_entry

pytestmark = pytest.mark.django_db
PANEL = ("sim-a", "sim-b", "sim-c", "sim-d")


def vote(member: Membership, **options: object) -> RunRows:
    """Return a running vote."""
    judge = str(options.get("judge", ""))
    request = {"text": "How many?", "system": "", "options": options, "constraints": {}}
    helpers = [panel_entry(judge, "helper")] if judge else []
    panel = [panel_entry(name) for name in PANEL] + helpers
    rows = RunRows.queued(member, *PANEL, ref="voting", request=request, panel=panel)
    rows.start()
    return rows


def cast(rows: RunRows, voter: str, number: str = "", /, **more: object) -> None:
    """Tell of a ballot: a number, or whatever else is said."""
    answer = Extracted(kind=AnswerKind.NUMBER, key=number, raw=number) if number else None
    ballot = Cast(voter=voter, answer=answer, **more)  # type: ignore[arg-type]
    rows.emit(StrategyEvent.BALLOT_CAST, "", **asdict(ballot), weight=1.0)


def fitted(rows: RunRows, chosen: str, reason: str) -> None:
    """Tell what is voted with."""
    rows.emit(EventKind.DECISION_MADE, "ballot", kind="ballot", chosen=chosen, reason=reason)


def tallied(rows: RunRows, **result: object) -> None:
    """Tell how the vote came out."""
    said = {"reason": "“391” is backed by the most voters.", "rule": "plurality"}
    emitted = {"winner": "391", "agreement": 2 / 3, **said}
    rows.emit(StrategyEvent.VOTE_TALLIED, "", **{**emitted, "dissenters": ["sim-c"], "notes": [], **result})


def section(browser: Client, rows: RunRows) -> str:
    """Return what the page says on why, without tags and line breaks."""
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    found = re.search(r'<section id="run-why".*?</section>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_a_run_without_ballots_shows_no_vote(browser: Client, member: Membership) -> None:
    assert section(browser, vote(member)) == ""


def test_ballots_and_tally_stand_there_before_the_outcome(browser: Client, member: Membership) -> None:
    rows = vote(member)
    cast(rows, "sim-a", "391")
    cast(rows, "sim-b", "391.0")
    cast(rows, "sim-c", "381")
    shown = section(browser, rows)
    assert "Decided so far" in shown
    assert "Ballots: 3 of 4 count" in shown
    assert "391 67% 2 votes sim-a, sim-b" in shown
    assert "sim-d · · Not yet" in shown


def test_a_ballot_reaches_the_page_by_itself(member: Membership) -> None:
    rows = vote(member)
    seq = rows.run.last_seq
    cast(rows, "sim-a", "391")
    batch = render_update(UpdateKey(rows.run.pk, seq, may_run=True))
    assert batch is not None
    assert '<section id="run-why" aria-live="polite" hx-swap-oob="true">' in "".join(batch.pieces)
    assert '<strong dir="auto">sim-a</strong> voted for 391.' in "".join(batch.pieces)


def test_a_counted_vote_names_dissenters_abstentions_and_what_was_saved(
    browser: Client, member: Membership
) -> None:
    rows = vote(member)
    cast(rows, "sim-a", "391")
    cast(rows, "sim-b", abstained=True, reason="No final answer can be read in what it wrote.")
    cast(rows, "sim-c", "381")
    tallied(rows, notes=["Settled: “391” wins whatever the others say. 1 call not started."])
    chosen = {"kind": "vote", "chosen": "391", "reason": "“391” is backed by the most voters."}
    rows.emit(EventKind.DECISION_MADE, "vote", **chosen)
    shown = section(browser, rows)
    assert shown.count("“391” is backed by the most voters.") == 1
    assert "Ballots: 2 of 4 count; sim-c chose otherwise" in shown
    assert "sim-b abstained: No final answer can be read in what it wrote." in shown
    assert "1 call not started." in shown
    assert "sim-d · · Not asked" in shown


def test_by_belief_votes_are_shown_until_the_probabilities_are_known(
    browser: Client, member: Membership
) -> None:
    rows = vote(member, rule="belief")
    cast(rows, "sim-a", "381")
    cast(rows, "sim-b", "381")
    cast(rows, "sim-c", "391")
    assert "381 67% 2 votes sim-a, sim-b" in section(browser, rows)
    tallied(rows, rule="belief", scores={"391": 0.72, "381": 0.21}, dissenters=["sim-a", "sim-b"])
    shown = section(browser, rows)
    assert "391 72% 72% likely sim-c" in shown
    assert "381 21% 21% likely sim-a, sim-b" in shown


def test_reviews_show_ranks_and_nobody_ranks_their_own(browser: Client, member: Membership) -> None:
    rows = vote(member, ballot="review", rule="borda")
    three = PANEL[:3]
    cast(rows, "sim-a", contenders=three, ranking=("sim-c", "sim-b"), reason="It is right.")
    cast(rows, "sim-b", contenders=three, ranking=("sim-c",))
    shown = section(browser, rows)
    assert "sim-a own rank 2 rank 1 Voted" in shown
    assert "1 points" in shown
    assert "sim-a : It is right." in shown


def test_weights_and_the_judge_are_named(browser: Client, member: Membership) -> None:
    rows = vote(member, rule="weighted", weights="sim-c=2.5")
    cast(rows, "sim-c", "381")
    assert "sim-c weighs 2.5" in section(browser, rows)
    judged = vote(member, rule="judge", judge="sim-j")
    cast(judged, "sim-a", "391")
    cast(judged, "sim-j", choice="391")
    assert "sim-j judge for it Voted" in section(browser, judged)


def test_a_vote_without_a_winner_says_so(browser: Client, member: Membership) -> None:
    rows = vote(member, quorum=2)
    cast(rows, "sim-a", "391")
    reason = "1 of 4 ballots count; the quorum is 2."
    tallied(rows, winner=None, dissenters=[], reason=reason)
    rows.end(RunStatus.FAILED, error=reason, error_code="quorum_missed")
    shown = section(browser, rows)
    assert "What was decided" in shown
    assert "Ballots: 1 of 4 count, 2 needed" in shown
    assert "chose otherwise" not in shown
    assert (
        browser.get(f"/runs/{rows.run.pk}/").content.decode().count(reason) == 3
    )  # the answer, the log twice


def test_options_of_another_version_hide_the_vote_only(browser: Client, member: Membership) -> None:
    rows = vote(member, rule="coin")
    cast(rows, "sim-a", "391")
    assert section(browser, rows) == ""


def test_why_answers_are_reviewed_is_told_before_the_first_review(
    browser: Client, member: Membership
) -> None:
    rows = vote(member)
    fitted(rows, "review", "Only 1 of 4 answers can be compared, so each model reviews the others'.")
    shown = section(browser, rows)
    assert "Ballots: 0 of 4 count" in shown
    assert "each model reviews the others&#x27;." in shown
    cast(rows, "sim-a", contenders=PANEL, ranking=("sim-b", "sim-c", "sim-d"))
    assert "1 vote" in section(browser, rows)
    assert "plurality of blind reviews" in browser.get(f"/runs/{rows.run.pk}/").content.decode()


def test_answers_that_turned_out_to_be_short_are_counted(browser: Client, member: Membership) -> None:
    rows = vote(member)
    fitted(rows, "answers", "4 of 4 answers give a result that can be compared.")
    cast(rows, "sim-a", "391")
    assert "Ballots: 1 of 4 count" in section(browser, rows)
    assert "plurality of answers" in browser.get(f"/runs/{rows.run.pk}/").content.decode()


def test_a_vote_that_another_method_fell_back_on_tells_it_among_the_decisions(
    browser: Client, member: Membership
) -> None:
    rows = RunRows.queued(member, *PANEL, ref="parallel")
    rows.start()
    fitted(rows, "review", "Only 1 of 4 answers can be compared.")
    assert "Ballot review Ballot Only 1 of 4 answers can be compared." in section(browser, rows)
