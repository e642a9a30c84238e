"""Steps: votes, a cascade and an expert among models that ignore whatever they are told."""

from __future__ import annotations

from typing import Any

from benchmarks.foreign.scene import ALIAS, BABBLER, STAMMERER, Finding, Scene
from benchmarks.foreign.watching import ended

PANEL = (BABBLER, ALIAS, STAMMERER)
OBEDIENT = ("sim-scout", "sim-sage")
"""Simulated models of the Orchestra's own, whose answers can be read."""
TWO = {"options.quorum": "2"}
BY_ANSWERS = TWO | {"options.ballot": "answers"}
POOR = 0.5


def with_answers(scene: Scene) -> Finding:
    """See each model abstain from a vote with answers, and the quorum missed."""
    run = ended(scene.member, scene.ask(PANEL, "voting", **BY_ANSWERS))
    return Finding(step="a vote with answers", ok=_without_quorum(run) and _unread(run), observed=_story(run))


def with_answers_cut_short(scene: Scene) -> Finding:
    """See that the few words before a length limit are not taken for final answers, and not voted on."""
    run = ended(scene.member, scene.ask(PANEL, "voting", **BY_ANSWERS, **{"options.max_tokens": "6"}))
    ok = _fell(run) and run["error_code"] == "no_usable_answer"
    return Finding(step="a vote with answers cut short", ok=ok, observed=_story(run))


def by_review(scene: Scene) -> Finding:
    """See answers that were all cut off: there is nothing to review, and nobody is asked to."""
    options = {"options.ballot": "review", "options.max_tokens": "40"}
    run = ended(scene.member, scene.ask(PANEL, "voting", **TWO, **options))
    ranked = [call for call in run["calls"] if call["purpose"] == "rank"]
    ok = _fell(run) and run["error_code"] == "no_usable_answer" and not ranked
    return Finding(step="a vote by review of what was cut off", ok=ok, observed=_story(run))


def by_review_of_too_much(scene: Scene) -> Finding:
    """See answers too long for the server to be reviewed together: nobody can, and the reasons say so."""
    run = ended(scene.member, scene.ask(PANEL, "voting", **TWO, **{"options.ballot": "review"}))
    refused = run["error"].count("longer than the model")
    ok = _without_quorum(run) and refused == len(PANEL)
    return Finding(step="a vote by review of too much", ok=ok, observed=_story(run))


def by_a_useless_judge(scene: Scene) -> Finding:
    """Let a model decide between answers that can be read: it makes no choice, and none is made for it."""
    options = {"options.ballot": "review", "options.rule": "judge", "options.judge": STAMMERER}
    run = ended(scene.member, scene.ask(OBEDIENT, "voting", **options))
    judged = [ballot for ballot in _ballots(run) if ballot["voter"] == STAMMERER]
    ok = [ballot["abstained"] for ballot in judged] == [True] and "The judge made no choice." in run["error"]
    return Finding(step="a vote left to a useless judge", ok=ok and _fell(run), observed=_story(run))


def up_a_cascade(scene: Scene) -> Finding:
    """See every level refused for its score, and the last answer taken with its low quality stated."""
    run = ended(scene.member, scene.ask(PANEL, "cascade"))
    moves = [each["reason"] for each in _decisions(run, "escalate")]
    ok = run["status"] == "succeeded" and len(moves) == 1 and run["quality"] < POOR
    chosen = " ".join(each["reason"] for each in _decisions(run, "select"))
    return Finding(step="a cascade", ok=ok, observed=f"{run['status']}; {' '.join(moves)} {chosen}")


def up_a_cascade_for_more(scene: Scene) -> Finding:
    """Ask for a quality that nobody reaches: the best answer is given and said to be below it."""
    run = ended(scene.member, scene.ask(PANEL, "cascade", min_quality="80"))
    [note, *_] = run["outcome"]["notes"]
    ok = run["caveat"] == "below_quality" and "below the 80%" in note and len(run["calls"]) == len(PANEL)
    return Finding(step="a cascade asked for more", ok=ok, observed=f"{run['status']}: {note}")


def by_an_expert(scene: Scene) -> Finding:
    """Let a model say what kind of task it is: it cannot be read, and the question's words decide."""
    run = ended(scene.member, scene.ask([BABBLER, ALIAS], "expert", **{"options.classifier": STAMMERER}))
    [kind] = _decisions(run, "classify")
    ok = run["status"] == "succeeded" and "no kind of task that can be read" in kind["reason"]
    shown = f"{run['status']}; {kind['chosen']}: {kind['reason']} Quality {run['quality']:.2f}"
    return Finding(step="an expert", ok=ok and run["quality"] < POOR, observed=shown)


STEPS = (
    with_answers,
    with_answers_cut_short,
    by_review,
    by_review_of_too_much,
    by_a_useless_judge,
    up_a_cascade,
    up_a_cascade_for_more,
    by_an_expert,
)


def _told(run: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event["data"] for event in run["events"] if event["kind"] == kind]


def _ballots(run: dict[str, Any]) -> list[dict[str, Any]]:
    return _told(run, "ballot_cast")


def _decisions(run: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [decision for decision in _told(run, "decision_made") if decision["kind"] == kind]


def _fell(run: dict[str, Any]) -> bool:
    """Tell whether a run failed without an answer and without a winner."""
    winners = [tally["winner"] for tally in _told(run, "vote_tallied")]
    return run["status"] == "failed" and not run["answer"] and not any(winners)


def _without_quorum(run: dict[str, Any]) -> bool:
    """Tell whether all of the panel abstained, each with a reason, and the run failed for that."""
    abstained = {ballot["voter"] for ballot in _ballots(run) if ballot["abstained"] and ballot["reason"]}
    return _fell(run) and abstained == set(PANEL) and "0 of 3 ballots count; the quorum is 2." in run["error"]


def _unread(run: dict[str, Any]) -> bool:
    """Tell whether all were asked once, and answered."""
    return [call["status"] for call in run["calls"]] == ["done"] * len(PANEL)


def _story(run: dict[str, Any]) -> str:
    ballots = [f"{ballot['voter']}: {_vote(ballot)}" for ballot in _ballots(run)]
    return f"{run['status']}: {run['error']} [{' | '.join(ballots)}]"


def _vote(ballot: dict[str, Any]) -> str:
    if ballot["abstained"]:
        return f"abstained ({ballot['reason']})"
    said = ballot["choice"] or " > ".join(ballot["ranking"]) or (ballot["answer"] or {}).get("raw")
    return f"voted ({said})"
