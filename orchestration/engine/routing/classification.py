"""Which type of task a request is, by rules and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestration.engine.routing.cues import ANYWHERE, OPENINGS, Cue
from orchestration.engine.routing.task_types import TaskType

HEAD, TAIL = 600, 200
"""Characters from the beginning and the end of a long text in which its instruction is looked for."""
DOUBT = 1.0
"""Weight that speaks for no type: the fewer cues, the less sure."""
INSTRUCTIONS_COUNT = 0.5
"""What a cue in the instructions counts, against one in the question itself."""
FALLBACK = TaskType.GENERATION
LONGEST_WORDS = 40
MOST_WORDS = 4
_SENTENCE = re.compile(r"[.!?:;]\s+|\n\s*")
_POLITE = re.compile(
    r"(?:(?:please|kindly|now|then|and|can you|could you|would you|will you|i want you to|i need you to"
    r"|help me(?: to)?|your task is to)[\s,]+)+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """A type of task, the words it rests on, and each type's share of all that was found (0 to 1)."""

    task: TaskType
    words: tuple[str, ...] = ()
    shares: Mapping[TaskType, float] = field(default_factory=dict)

    @property
    def confidence(self) -> float:
        """How sure the type is: 0 where nothing speaks for any."""
        return self.shares.get(self.task, 0.0)

    @property
    def reason(self) -> str:
        """The classification in a sentence."""
        if not self.words:
            return f"No word says what kind of task this is; it is taken as {self.task.label}."
        quoted = ", ".join(f"“{word}”" for word in self.words)
        return f"Looks like {self.task.label} by its words: {quoted}. Confidence {self.confidence:.0%}."


def classify(text: str, instructions: str = "") -> Classification:
    """Return the type that most weight of words speaks for; equal ones go by the order of the types."""
    scores: dict[TaskType, float] = {}
    words: dict[TaskType, list[tuple[float, str]]] = {}
    for part, counts in ((text, 1.0), (instructions, INSTRUCTIONS_COUNT)):
        for cue, word in _cues_in(_instructive(part).lower()):
            scores[cue.task] = scores.get(cue.task, 0.0) + counts * cue.weight
            words.setdefault(cue.task, []).append((counts * cue.weight, _shown(word)))
    if not scores:
        return Classification(task=FALLBACK)
    best = max(TaskType, key=lambda task: scores.get(task, 0.0))
    strongest = sorted(words[best], key=lambda pair: -pair[0])
    total = sum(scores.values()) + DOUBT
    return Classification(
        task=best,
        words=tuple(dict.fromkeys(word for _, word in strongest if word))[:MOST_WORDS],
        shares={task: round(score / total, 4) for task, score in scores.items()},
    )


def _cues_in(text: str) -> Iterator[tuple[Cue, str]]:
    """Yield each cue that is there, with the words that it found."""
    heads = "\n".join(_POLITE.sub("", part, count=1) for part in _SENTENCE.split(text.lstrip()))
    for cues, searched in ((OPENINGS, heads), (ANYWHERE, text)):
        for cue in cues:
            found = cue.pattern.search(searched)
            if found is not None:
                yield cue, found.group(0)


def _instructive(text: str) -> str:
    """Return where an instruction stands: what lies in the middle of a long text is material."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _shown(match: str) -> str:
    words = " ".join(match.split())
    return words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…"
