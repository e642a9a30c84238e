"""The calls that a session makes of its models: the fewest and the most that its line-up allows.

Answers that have to be corrected, questions, and what is delegated are not counted; nor is what a strategy or
a pipeline adds to the subtasks that it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collaboration.engine.lineup import LineUp, Participant
from collaboration.engine.roles import ParticipantRole, Power
from orchestration.llm.engine.types import Purpose

CallRange = tuple[Participant, Purpose, int, int]
"""Calls of one participant for one purpose: the fewest and the most."""


def expected_calls(lineup: LineUp) -> list[CallRange]:
    """Return the calls of each participant that is a model, by purpose."""
    found = [*_leading(lineup), *_debating(lineup), *_working(lineup)]
    return [each for each in found if each[0].model and each[-1]]


def _able(lineup: LineUp, power: Power) -> list[Participant]:
    return [each for each in lineup.participants if power in each.powers and not each.is_observer]


def _leading(lineup: LineUp) -> Iterator[CallRange]:
    """Yield the division of the task and the result, which is made again when it is sent back."""
    leader = _able(lineup, Power.DIVIDE)[0]
    yield leader, Purpose.PLAN, 1, 1
    yield leader, Purpose.AGGREGATE, 1, 1 + lineup.limits.returns


def _debating(lineup: LineUp) -> Iterator[CallRange]:
    """Yield proposals, and the stances of each round; a deadlock may need one more from everybody."""
    rules, conflict = lineup.negotiation, lineup.conflict
    rounds = min(rules.rounds, lineup.limits.rounds)
    if not rounds:
        return
    leader, everyone = _able(lineup, Power.DIVIDE)[0], rules.proposals == "everyone"
    settling = conflict.rule in {"voting", "consensus"}
    for each in _able(lineup, Power.VOTE):
        if each.id == conflict.arbiter:
            yield each, Purpose.VOTE, 0, 1
            continue
        is_first = each.id == leader.id
        if everyone and not is_first:
            yield each, Purpose.PROPOSE, 1, 1
        yield each, Purpose.VOTE, 0 if is_first and not everyone else 1, rounds + settling


def _working(lineup: LineUp) -> Iterator[CallRange]:
    """Yield the subtasks and their reviews: from one of each to as many as may be made and sent back."""
    times, subtasks = 1 + lineup.limits.returns, lineup.limits.subtasks
    able = _able(lineup, Power.REVIEW)
    reviewers = [each for each in able if each.role is ParticipantRole.REVIEWER] or able
    yield from _shared(_able(lineup, Power.WORK), Purpose.ANSWER, subtasks * times)
    yield from _shared(reviewers, Purpose.REVIEW, (subtasks + 1) * times)


def _shared(among: Sequence[Participant], purpose: Purpose, most: int) -> Iterator[CallRange]:
    """Yield one call of the first, and an equal share of the most for each."""
    for place, each in enumerate(among):
        yield each, purpose, int(place == 0), -(-most // len(among))
