"""What kind of request a question is: type, task, difficulty, length, and what a model has to be able to do.

Patterns are English and applied to lower-case text; of a long text only beginning and end are read, where its
instruction stands. The difficulty is the probability that a weak model gets it wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestra_site.web.patterns import MULTILINE, Pattern
from orchestration.llm.engine.types import estimate_tokens
from orchestration.routing.engine.arms import RouterContext
from orchestration.strategies.engine.belief.reading import QuestionTraits, question_traits
from orchestration.strategies.engine.classification import Classification, TaskType, classify

READ = 2_000
"""Characters at the beginning and at the end of a text in which patterns are looked for."""
LONG_CONTEXT_TOKENS = 4_000
SIMPLE_BELOW, COMPLEX_FROM = 0.4, 0.6
"""Difficulties below which a request is simple, and from which it is complex."""
MIXED_SHARE = 0.8
"""A second type of task with this share of the weight of the first makes a request mixed."""
FEW_PARTS = 3
LONGEST_SHOWN = 40


class RequestType(StrEnum):
    """What a request asks for, by the way in which it is best answered."""

    SIMPLE = "simple"
    COMPLEX = "complex"
    PIPELINE = "pipeline"
    COLLABORATIVE = "collaborative"
    RESEARCH = "research"
    CREATIVE = "creative"
    TECHNICAL = "technical"
    MIXED = "mixed"


UNSEEN = "It speaks of an image, which no model will see: only text is sent. Describe it in words."


class Need(StrEnum):
    """What a request needs, by its words. Images cannot be sent: rules may look for it, no model meets it."""

    TOOLS = "tools"
    LONG_CONTEXT = "long context"
    VISION = "images"
    JSON = "JSON"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestCue:
    """A pattern that is evidence for a type of request, with its weight."""

    type: RequestType
    pattern: Pattern
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What is known of a request before anything is asked.

    `difficulty` is 0 to 1, `tokens` those of question and instructions; `reasons` say in words what spoke for
    the type of request.
    """

    type: RequestType
    task: TaskType
    kind: str
    length: float
    difficulty: float
    tokens: int
    needs: tuple[Need, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def context(self) -> RouterContext:
        """The context in which a router chooses."""
        return RouterContext(kind=self.kind, task=self.task, length=self.length, difficulty=self.difficulty)

    @property
    def sentence(self) -> str:
        """The analysis in a sentence."""
        hard = "hard" if self.difficulty >= COMPLEX_FROM else "easy"
        level = hard if not SIMPLE_BELOW <= self.difficulty < COMPLEX_FROM else "middling"
        named = [need for need in self.needs if need is not Need.VISION]
        needs = f"; it needs {', '.join(named)}" if named else ""
        unseen = f" {UNSEEN}" if Need.VISION in self.needs else ""
        return (
            f"A {self.type} request: {self.task.label}, {level} (difficulty {self.difficulty:.0%}),"
            f" about {self.tokens:,} tokens{needs}.{unseen}"
        )


def _cues(table: Mapping[RequestType, Sequence[tuple[str, float]]]) -> tuple[RequestCue, ...]:
    return tuple(
        RequestCue(type=wanted, pattern=Pattern(pattern, MULTILINE), weight=weight)
        for wanted, cues in table.items()
        for pattern, weight in cues
    )


CUES = _cues(
    {
        RequestType.COLLABORATIVE: (
            (r"\b(?:as a team|work together|collaborat\w+|discuss among|panel of experts|committee)\b", 3.0),
            (r"\b(?:negotiat\w+|reach (?:a )?consensus|agree on|different (?:roles|perspectives))\b", 2.0),
            (r"\b(?:brainstorm together|debate|stakeholders|review each other)\b", 2.0),
        ),
        RequestType.PIPELINE: (
            (r"\bfirst\b[^.?!\n]{1,200}[.,;]?\s*(?:and )?(?:then|next|after that|finally)\b", 2.5),
            (r"^\s*(?:step\s*)?[1-9][.):]\s+\S[^\n]*\n(?:[^\n]*\n)?\s*(?:step\s*)?[2-9][.):]", 2.5),
            (r"\b(?:pipeline|workflow|for each of|step [1-9]\b|in that order)\b", 1.5),
        ),
        RequestType.RESEARCH: (
            (r"\b(?:research|investigat\w+|survey of|state of the art|literature|find sources)\b", 2.5),
            (
                r"\b(?:cite|citations?|references to|evidence for|in-depth|comprehensive)\b",
                2.0,
            ),
            (r"\b(?:compare .{1,60}\b(?:vendors|products|approaches|options))\b", 1.5),
        ),
    }
)
"""Cues of the types that no type of task stands for."""
BY_TASK: Mapping[TaskType, RequestType] = {
    TaskType.CREATIVE: RequestType.CREATIVE,
    TaskType.CODE_GENERATION: RequestType.TECHNICAL,
}
ENOUGH = 2.0
"""Weight from which on cues decide the type of request."""

_TOOLS = Pattern(
    r"\b(?:look up|search (?:the web|for)|fetch|call the|use (?:the|a) tool|current (?:price|weather))\b"
)
_VISION = Pattern(
    r"\b(?:this (?:image|picture|photo|screenshot)|in the (?:image|picture|photo))\b|!\[[^\]\n]{0,80}\]\("
)
_JSON = Pattern(r"\b(?:as|in|valid|return) json\b|\bjson (?:object|schema|array)\b")
_NEEDS = ((Need.TOOLS, _TOOLS), (Need.VISION, _VISION), (Need.JSON, _JSON))

_LATEX = Pattern(r"\\[a-z]+")
_NUMBER = Pattern(r"[0-9]+")
_CODE = Pattern(r"```|^(?:def|class|import|function) ", MULTILINE)
_HARD = Pattern(
    r"\b(?:prove|derive|proof|theorem|eigenvalues?|integrals?|polynomials?|probability|probabilities|optimal"
    r"|concurren\w+|complexity|diagnos\w+|jurisdiction|trade-?offs?|architecture|all solutions)\b"
)
MOST_COUNTED = 12
BASE, DOUBT = -1.0, 0.05
WEIGHTS = {
    "length": 1.2,
    "latex": 1.0,
    "numbers": 0.6,
    "code": 0.8,
    "hard": 0.7,
    "choices": 0.3,
    "parts": 0.5,
}
"""Log-odds of each trait, by judgement."""


def analyse(text: str, instructions: str = "") -> Analysis:
    """Return what kind of request a question is; the same for the same text, in time that grows with it."""
    shown = classify(text, instructions)
    traits = question_traits(text, instructions)
    head = _read(text).lower()
    tokens = estimate_tokens(text) + estimate_tokens(instructions)
    difficulty = guessed_difficulty(head, traits)
    wanted, reasons = _type(head, shown, difficulty)
    long = (Need.LONG_CONTEXT,) if tokens >= LONG_CONTEXT_TOKENS else ()
    needs = (*long, *(need for need, pattern in _NEEDS if pattern.search(head) is not None))
    return Analysis(
        type=wanted,
        task=traits.task,
        kind=traits.kind,
        length=traits.length,
        difficulty=min(max(difficulty, 0.0), 1.0),
        tokens=tokens,
        needs=needs,
        reasons=(shown.reason, *reasons),
    )


def _read(text: str) -> str:
    return text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}"


def _type(text: str, shown: Classification, difficulty: float) -> tuple[RequestType, tuple[str, ...]]:
    """Return the type of a request, with the words that spoke for it."""
    weights: dict[RequestType, float] = {}
    words: dict[RequestType, list[str]] = {}
    for cue in CUES:
        found = cue.pattern.search(text)
        if found is not None:
            weights[cue.type] = weights.get(cue.type, 0.0) + cue.weight
            words.setdefault(cue.type, []).append(_shortened(found.group()))
    best = max(weights, key=lambda each: weights[each], default=None)
    if best is not None and weights[best] >= ENOUGH:
        quoted = ", ".join(f"“{word}”" for word in words[best])
        return best, (f"Its words ask for a {best} request: {quoted}.",)
    first, second, *_ = (*sorted(shown.shares.values(), reverse=True), 0.0, 0.0)
    if first and second >= MIXED_SHARE * first:
        return RequestType.MIXED, ("Two types of task have nearly the same weight.",)
    if shown.task in BY_TASK:
        return BY_TASK[shown.task], ()
    wanted = RequestType.COMPLEX if difficulty >= COMPLEX_FROM else RequestType.SIMPLE
    return wanted, (f"Nothing asks for several steps or people, and its difficulty is {difficulty:.0%}.",)


def _shortened(match: str) -> str:
    words = " ".join(match.split())
    return words if len(words) <= LONGEST_SHOWN else f"{words[:LONGEST_SHOWN]}…"


def guessed_difficulty(text: str, traits: QuestionTraits) -> float:
    """Return how likely a weak model is wrong, from traits of a lower-case text; weights are by judgement."""
    found = {
        "length": traits.length,
        "latex": _share(_LATEX, text),
        "numbers": _share(_NUMBER, text),
        "code": float(traits.kind == "code output" or _CODE.search(text) is not None),
        "hard": FEW_PARTS * _share(_HARD, text),
        "choices": float(traits.kind == "choice"),
        "parts": float(text.count("?") >= FEW_PARTS),
    }
    odds = BASE + sum(WEIGHTS[name] * value for name, value in found.items())
    return DOUBT + (1 - 2 * DOUBT) / (1 + math.exp(-odds))


def _share(pattern: Pattern, text: str) -> float:
    """Return how often a pattern matches, as a share of `MOST_COUNTED`."""
    matches = pattern.finditer(text)
    return sum(1 for _ in zip(range(MOST_COUNTED), matches, strict=False)) / MOST_COUNTED
