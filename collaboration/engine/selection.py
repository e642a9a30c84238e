"""Who takes part in a session, and who stands in for a participant that is lost: by role, field and record.

    fit = RECORD * quality + TOPIC * (words of the specialty that the work names) + SKILL * (skills it wants)
    quality = (performance * evidence + MIDDLE * PRIOR) / (evidence + PRIOR)

so that a perfect record of two cases does not beat a good one of fifty. The weights are set by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from collaboration.engine.lineup import LineUp, Participant, Skill
from collaboration.engine.roles import Power
from orchestra_site.web.alphabets import letter_words

RECORD, TOPIC, SKILL = 0.4, 0.35, 0.25
MIDDLE, PRIOR = 0.5, 5.0
STEM, SHORTEST_WORD, READ = 6, 3, 4_000
"""Letters by which words are compared, those of the shortest that counts, characters of a text that count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackRecord:
    """What is known of a participant: whether it can be reached, and how well it did in `evidence` cases."""

    available: bool = True
    performance: float = MIDDLE
    evidence: float = 0.0


UNKNOWN = TrackRecord()
Records = Mapping[str, TrackRecord]
"""By the id of a participant."""


def fit(each: Participant, records: Records, text: str, skills: Collection[Skill] = ()) -> float:
    """Return how well a participant fits a piece of work, from 0 to 1."""
    known = records.get(each.id, UNKNOWN)
    quality = (known.performance * known.evidence + MIDDLE * PRIOR) / (known.evidence + PRIOR)
    own = _stems(each.specialty) or _stems(" ".join(each.skills))
    topic = len(own & _stems(text)) / len(own) if own else 0.0
    able = len(set(skills) & set(each.skills)) / len(set(skills)) if skills else 0.0
    return RECORD * quality + TOPIC * topic + SKILL * able


def _stems(text: str) -> frozenset[str]:
    found = letter_words(text[:READ].casefold())
    return frozenset(word[:STEM] for word in found if len(word) >= SHORTEST_WORD)


def select(lineup: LineUp, task: str, records: Records) -> tuple[tuple[Participant, ...], Mapping[str, str]]:
    """Return who takes part, in the order of the line-up, and by id why each was taken or not.

    What a session cannot do without comes first, then who fits best, up to the limit.
    """
    scores = {each.id: fit(each, records, task) for each in lineup.participants}
    here = [each for each in lineup.participants if records.get(each.id, UNKNOWN).available]
    ranked = sorted((each for each in here if not each.is_observer), key=lambda each: -scores[each.id])
    needed = ((next(filter(wanted, ranked), None), reason) for wanted, reason in _needs(lineup))
    offered = [(each, reason) for each, reason in needed if each is not None]
    offered += [(each, f"Fits the task with {scores[each.id]:.2f}.") for each in ranked]
    reasons: dict[str, str] = {}
    for each, reason in offered:
        if len(reasons) < lineup.limits.participants:
            reasons.setdefault(each.id, reason)
    reasons |= {each.id: "Watches." for each in here if each.is_observer}
    taken = tuple(each for each in lineup.participants if each.id in reasons)
    for each in lineup.participants:
        left_out = "Others fit the task better." if each in here else f"{each.title} cannot be reached."
        reasons.setdefault(each.id, left_out)
    return taken, reasons


def _needs(lineup: LineUp) -> Iterator[tuple[Callable[[Participant], bool], str]]:
    """Yield what a session cannot do without, the most important first, and why who has it is taken."""
    yield (lambda each: Power.DIVIDE in each.powers), "Leads."
    yield (lambda each: Power.WORK in each.powers), "Does subtasks best."
    if lineup.constraints.specialist:
        yield (lambda each: _has_specialty(each, lineup)), "Has the required specialty."
    if lineup.conflict.arbiter:
        yield (lambda each: each.id == lineup.conflict.arbiter), "Is the arbiter."


def _has_specialty(each: Participant, lineup: LineUp) -> bool:
    wanted = lineup.constraints.specialist.strip().casefold()
    return each.specialty.strip().casefold() == wanted and not each.is_observer


def lacking(lineup: LineUp, active: Collection[Participant]) -> str:
    """Return what a session cannot go on without, in words; nothing where it has all."""
    if not any(Power.DIVIDE in each.powers for each in active):
        return "Nobody can lead: the leader cannot be reached, and there is no other."
    if not any(Power.WORK in each.powers for each in active):
        return "Nobody can do subtasks: no executor or specialist can be reached."
    specialist = lineup.constraints.specialist
    if specialist and not any(_has_specialty(each, lineup) for each in active):
        return f"The required specialist for {specialist} cannot be reached."
    return ""


def replacement(
    lost: Participant, bench: Iterable[Participant], task: str, records: Records
) -> Participant | None:
    """Return who stands in for a lost participant: of the same role, and best of its field."""
    able = [each for each in bench if each.role is lost.role and records.get(each.id, UNKNOWN).available]
    text = f"{lost.specialty} {task}"
    return max(able, key=lambda each: fit(each, records, text, lost.skills), default=None)
