"""What a belief reads: the kind of a question and what makes it hard, and how an answer is written.

The kind is the form of answer that the words ask for (a letter, a number, a formula, what code prints), else
the type of task: models differ more by it than by the subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice

from orchestra_site.web.alphabets import letter_words
from orchestra_site.web.patterns import ASCII, IGNORECASE, Pattern
from orchestration.llm.engine.types import estimate_tokens
from orchestration.strategies.engine.classification import TaskType, classify
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted, read_question
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.grouping import comparable_groups, same_answer
from orchestration.strategies.engine.recomputing.questions import recomputed

REMEMBERED = 256
LONGEST_COUNTED = 1_000
"""Characters from which on a question counts as equally long: what is quoted in it does not make it hard."""
SENTENCE = 3
"""Words of letters from which on a final answer may be a sentence."""
MOST_HEDGES = 6
READ_FOR_HEDGES = 4_000
"""Characters at the end of an answer in which it may take back what it said."""

_FORMULA = Pattern(r"\\[a-zA-Z]+|\$[^\s$](?:[^$\n]*[^\s$])?\$(?:\D|$)")
"""A command of LaTeX, or mathematics between dollar signs: an amount has a space before its sign."""
_HEDGE = Pattern(
    r"\b(?:wait|hmm|however|actually|not sure|unclear|approximately|might|assume[sd]?|assuming|alternatively"
    r"|let me re|re-?check|reconsider|seems|likely|probably|it appears|cannot be determined|none of the)\b",
    IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionTraits:
    """What is known of a question before it is asked; `length` grows with the root of its characters.

    It is `closed` where it asks for a form of answer: only there is an answer that hedges a doubtful one.
    `result` is the answer that a program or a sum in it comes to, where that can be recomputed.
    """

    kind: str
    task: TaskType
    length: float
    closed: bool = False
    result: Extracted | None = None


@lru_cache(maxsize=REMEMBERED)
def question_traits(question: str, instructions: str = "", *, recompute: bool = True) -> QuestionTraits:
    """Return the traits of a question; with what it comes to by computation unless that is not wanted."""
    task, asked = classify(question, instructions).task, read_question(question)
    forms = (
        ("choice", bool(asked.choices)),
        ("code output", asked.code),
        ("formula", _FORMULA.search(question) is not None),
        ("number", asked.number),
    )
    form = next((name for name, holds in forms if holds), "")
    length = math.sqrt(min(len(question), LONGEST_COUNTED)) / 30
    return QuestionTraits(
        kind=form or task.label,
        task=task,
        length=length,
        closed=bool(form),
        result=recomputed(question) if recompute else None,
    )


class Form(StrEnum):
    """How a final answer is written, and that none is right: what tells within one kind of question."""

    NONE = "none is right"
    UNREAD = "no final answer is found"
    WHOLE = "whole number"
    DECIMAL = "decimal"
    MARKED = "fraction or formula"
    LENGTH = "length"


LONGEST_FORM = math.log1p(60)
"""The greatest value of `Form.LENGTH`; the others are 0 or 1."""
_WHOLE = Pattern(r"-?[0-9]+", ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadAnswer:
    """A model's usable answer as a belief reads it.

    `hedging` is 0 to 1, by words that take back or doubt; `length` is the logarithm of its tokens.
    """

    model: str
    answer: Extracted | None
    hedging: float = 0.0
    length: float = 0.0

    def says(self, result: Extracted) -> bool | None:
        """Return whether its final answer is this one, None where that is not clear.

        It is not where there is none, where nothing marks it as the final answer, where one of both has a
        label before it, or where it is in words and the result is not.
        """
        if self.answer is None:
            return None
        if same_answer(self.answer, result):
            return True
        said, right = self.answer.raw, result.raw
        is_labelled = any(
            more.removesuffix(less).rstrip().endswith((":", "="))
            for more, less in ((right, said), (said, right))
        )
        is_literal = said.startswith(("[", "(", "{", "'", '"'))
        is_sentence = not is_literal and len(letter_words(said)) >= SENTENCE > len(letter_words(right))
        is_in_words = is_sentence or (
            self.answer.kind is AnswerKind.TEXT and result.kind is not AnswerKind.TEXT
        )
        return None if is_labelled or is_in_words or not self.answer.explicit else False

    @property
    def form(self) -> Mapping[Form, float]:
        """How its final answer is written."""
        key = self.answer.key if self.answer is not None else ""
        return {
            Form.UNREAD: float(self.answer is None),
            Form.WHOLE: float(_WHOLE.fullmatch(key) is not None),
            Form.DECIMAL: float("." in key),
            Form.MARKED: float("\\" in key or "/" in key),
            Form.LENGTH: min(math.log1p(len(key)), LONGEST_FORM),
        }


@lru_cache(maxsize=REMEMBERED)
def read_text(model: str, text: str, question: str, *, cut_off: bool = False) -> ReadAnswer:
    """Return a model's answer to a question, read; it may take milliseconds for a long text."""
    hedges = sum(1 for _ in islice(_HEDGE.finditer(text[-READ_FOR_HEDGES:]), MOST_HEDGES))
    return ReadAnswer(
        model=model,
        answer=extract_answer(text, question=question, cut_off=cut_off),
        hedging=hedges / MOST_HEDGES,
        length=math.log(20 + estimate_tokens(text)),
    )


def _comparable(answers: Sequence[ReadAnswer]) -> list[tuple[int, ...]]:
    return [group.members for group in comparable_groups([each.answer for each in answers])]


def comparable_places(answers: Sequence[ReadAnswer]) -> frozenset[int]:
    """Return the places of the answers that are in a group whatever else is answered, if there are two."""
    return frozenset(place for group in _comparable(answers) for place in group)


Groups = tuple[tuple[int, ...], ...]
"""Places of answers that say the same, in the order of their first members."""


def answer_groups(answers: Iterable[ReadAnswer]) -> Groups:
    """Return the groups of equal answers. A single answer is one; where no two can be compared there is none.

    Free text that occurs once may mean the same as another in different words. Only among answers of which
    most can be compared does it, or an answer in which nothing can be read, differ from all of them.
    """
    read = list(answers)
    if len(read) == 1:
        return ((0,),)
    groups = _comparable(read)
    grouped = {place for members in groups for place in members}
    if len(grouped) < 2:  # noqa: PLR2004
        return ()
    alone: list[tuple[int, ...]] = [(place,) for place in range(len(read)) if place not in grouped]
    return tuple(sorted(groups + alone if len(grouped) > len(alone) else groups))
