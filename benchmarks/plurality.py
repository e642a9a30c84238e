"""How well final answers are read: plurality and single models by our extraction against the recording's.

`python -m benchmarks.plurality [--data FOLDER] [--json]`. Nothing is asked, no strategy runs. The last table
counts the calls that are not started once the vote is settled, where models are asked one at a time, in
panel order.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.recorded_answers import DATA, MIXED, Answer, Item, folder_or_exit, items, panels
from orchestration.strategies.engine.consensus.ballots import Ballot, Election, RuleName, Voter
from orchestration.strategies.engine.consensus.tallying import settled, tally

PANELS = ("weak5", "cheap5", "mid5", "top5")
STOPPED = "cheap5"

Stop = Callable[[Election, Sequence[Ballot]], bool]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Accuracy in percent by the recording's reading and by ours."""

    who: str
    questions: int
    given: float
    ours: float


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """What stopping once settled saves: calls not started, accuracy, both in percent, changed results."""

    where: str
    saved: float
    accuracy: float
    changed: int


def vote(
    panel: Sequence[str], item: Item, key: Callable[[Answer], str | None], stop: Stop
) -> tuple[str | None, int]:
    """Return the winner by plurality, ties in panel order, and how many were asked."""
    election = Election(rule=RuleName.PLURALITY, voters=tuple(Voter(name=name) for name in panel))
    ballots: list[Ballot] = []
    for name in panel:
        choice = key(item[name])
        ballots.append(Ballot(voter=name, choice=choice, abstained=choice is None))
        if stop(election, ballots):
            break
    return tally(election, ballots).winner, len(ballots)


def never(_election: Election, _ballots: Sequence[Ballot]) -> bool:
    """Ask everybody."""
    return False


def readings(name: str, panel: Sequence[str], asked: Sequence[Item]) -> list[Reading]:
    """Compare the panel's plurality, then each of its models."""
    given = ours = 0
    for item in asked:
        choice, _ = vote(panel, item, lambda answer: answer.given, never)
        given += any(item[one].given == choice and item[one].given_right for one in panel)
        choice, _ = vote(panel, item, lambda answer: answer.ours, never)
        ours += any(item[one].ours == choice and item[one].ours_right for one in panel)
    alone = [
        (sum(item[one].given_right for item in asked), sum(item[one].ours_right for item in asked))
        for one in panel
    ]
    return [
        Reading(who=who, questions=len(asked), given=100 * first / len(asked), ours=100 * second / len(asked))
        for who, (first, second) in zip(
            (f"plurality of {name}", *panel), ((given, ours), *alone), strict=True
        )
    ]


def stopping(where: str, panel: Sequence[str], asked: Sequence[Item]) -> Stopping:
    """Compare asking all with stopping once the vote is settled."""
    whole = [vote(panel, item, lambda answer: answer.ours, never)[0] for item in asked]
    results = [vote(panel, item, lambda answer: answer.ours, settled) for item in asked]
    right = sum(
        any(item[one].ours == winner and item[one].ours_right for one in panel)
        for item, (winner, _) in zip(asked, results, strict=True)
    )
    return Stopping(
        where=where,
        saved=100 - 100 * sum(calls for _, calls in results) / len(asked) / len(panel),
        accuracy=100 * right / len(asked),
        changed=sum(winner != before for (winner, _), before in zip(results, whole, strict=True)),
    )


def complete(panel: Sequence[str], asked: Sequence[Item]) -> list[Item]:
    """Return the questions that the whole panel answered."""
    return [item for item in asked if all(name in item for name in panel)]


def measure(folder: Path) -> tuple[list[Reading], list[Stopping]]:
    """Read the recordings once and make both tables."""
    named = panels(folder)
    wanted = frozenset(model for panel in named.values() for model in panel)
    sets = {name: list(items(folder, name, wanted)) for name in (*MIXED, "mmlu_pro_text")}
    mixed = [item for name in MIXED for item in sets[name]]
    read = [row for name in PANELS for row in readings(name, named[name], complete(named[name], mixed))]
    read += readings("mmlu11", named["mmlu11"], complete(named["mmlu11"], sets["mmlu_pro_text"]))
    panel = named[STOPPED]
    places = (("mixed3", mixed), *((name, sets[name]) for name in MIXED))
    return read, [stopping(where, panel, complete(panel, asked)) for where, asked in places]


def show(read: Sequence[Reading], stopped: Sequence[Stopping]) -> None:
    """Print both tables."""
    print(f"{'accuracy, percent':<44} {'questions':>9} {'given':>7} {'ours':>7} {'diff':>7}")
    for one in read:
        diff = one.ours - one.given
        print(f"{one.who:<44} {one.questions:>9} {one.given:>7.2f} {one.ours:>7.2f} {diff:>+7.2f}")
    print(f"\n{STOPPED + ' one at a time, until settled':<44} {'saved %':>8} {'accuracy':>9} {'changed':>8}")
    for row in stopped:
        print(f"{row.where:<44} {row.saved:>8.1f} {row.accuracy:>9.2f} {row.changed:>8}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", action="store_true")
    arguments, _ = parser.parse_known_args()
    tables = measure(folder_or_exit(arguments.data))
    if arguments.json:
        print(json.dumps([[asdict(row) for row in table] for table in tables], indent=2))
    else:
        show(*tables)
