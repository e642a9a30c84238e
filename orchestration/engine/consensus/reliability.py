"""How far each voter can be trusted, learned from earlier votes.

Three ways, all giving a weight per voter that the weighted rule can add up:

- `accuracy_weights`: log odds of the voter's share of right answers (Nitzan and Paroush, 1982).
- `fit_weights`: a conditional logit over the groups of equal answers: the probability that a group is the
  right one is proportional to exp(sum of its voters' weights). It sees that voters err together.
- `unlabelled_weights`: no labels; voters are scored by how often they stand where the weight is, first with
  equal weights, then with those found (the first rounds of the one-coin model of Dawid and Skene, 1979).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from orchestration.engine.consensus.logit import Choice, fit_logit

SMALLEST, LARGEST = 0.0, 10.0
EVEN = 1.0
"""The weight of each voter before anything is known: all the same, which is plurality."""

PULL = 10.0
"""How strongly weights are held where they were; each vote that two voters decide pulls with up to 1/4."""
ROUNDS = 2
"""Going on for longer, the few who agree most end up trusting nobody but each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastVote:
    """One earlier vote: each voter's answer key (None abstained) and the right one where it is known."""

    answers: Mapping[str, str | None]
    right: str | None = None
    task_type: str = ""

    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return who gave each answer."""
        found: dict[str, tuple[str, ...]] = {}
        for voter, key in sorted(self.answers.items()):
            if key is not None:
                found[key] = (*found.get(key, ()), voter)
        return found


def fit_weights(votes: Sequence[PastVote], *, pull: float = PULL) -> Mapping[str, float]:
    """Return each voter's weight, from 0 up, such that the right groups tend to weigh the most.

    Votes without a label, and those that nobody got right, teach nothing about whom to follow.
    """
    voters = _voters(votes)
    return _clipped(fit_logit(_choices(votes), voters, dict.fromkeys(voters, EVEN), pull=pull))


def fit_weights_by_type(
    votes: Sequence[PastVote], *, pull: float = PULL
) -> Mapping[str, Mapping[str, float]]:
    """Return weights for each task type, pulled towards those of all types (under the empty name)."""
    voters = _voters(votes)
    overall = fit_logit(_choices(votes), voters, dict.fromkeys(voters, EVEN), pull=pull)
    by_type: dict[str, list[PastVote]] = defaultdict(list)
    for vote in votes:
        by_type[vote.task_type].append(vote)
    fitted = {
        task_type: _clipped(fit_logit(_choices(some), voters, overall, pull=pull))
        for task_type, some in sorted(by_type.items())
    }
    return fitted | {"": _clipped(overall)}


def accuracy_weights(votes: Iterable[PastVote]) -> Mapping[str, float]:
    """Return the log odds of each voter's smoothed accuracy on labelled votes; abstentions do not count."""
    right: dict[str, float] = defaultdict(lambda: 1.0)
    given: dict[str, float] = defaultdict(lambda: 2.0)
    for vote in votes:
        for voter, key in vote.answers.items():
            if key is not None and vote.right is not None:
                given[voter] += 1
                right[voter] += key == vote.right
    return _clipped({voter: _log_odds(right[voter] / given[voter]) for voter in sorted(given)})


def unlabelled_weights(votes: Sequence[PastVote]) -> Mapping[str, float]:
    """Return log odds of accuracies that explain who agrees with whom, labels unused.

    Voters that err together look reliable to it: where labels are to be had, prefer `fit_weights`.
    """
    weights = dict.fromkeys(_voters(votes), EVEN)
    for _ in range(ROUNDS):
        right = dict.fromkeys(weights, 1.0)
        given = dict.fromkeys(weights, 2.0)
        for vote in votes:
            groups = vote.groups()
            for group, share in zip(groups.values(), _shares(groups, weights), strict=True):
                for voter in group:
                    given[voter] += 1
                    right[voter] += share
        weights = {voter: _log_odds(right[voter] / given[voter]) for voter in weights}
    return _clipped(weights)


def _shares(groups: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> list[float]:
    """Return how likely each group is right."""
    odds = [exp(sum(weights[voter] for voter in group)) for group in groups.values()]
    total = sum(odds)
    return [each / total for each in odds]


def _choices(votes: Iterable[PastVote]) -> list[Choice]:
    decided = ((vote.right, vote.groups()) for vote in votes)
    return [
        Choice(groups=tuple(groups.values()), right=list(groups).index(right))
        for right, groups in decided
        if right is not None and right in groups and len(groups) > 1
    ]


def _voters(votes: Iterable[PastVote]) -> list[str]:
    return sorted({voter for vote in votes for voter in vote.answers})


def _log_odds(share: float) -> float:
    return log(share / (1 - share))


def _clipped(weights: Mapping[str, float]) -> Mapping[str, float]:
    """Bound weights: who is worse than chance counts nothing, nobody counts without limit."""
    return {voter: round(min(LARGEST, max(SMALLEST, weight)), 6) for voter, weight in weights.items()}
