"""Whether a text gives the reference as its final answer."""

from __future__ import annotations

from orchestration.engine.consensus.answers import read_answer, read_question
from orchestration.engine.consensus.extraction import extract_answer
from orchestration.engine.evaluation.items import same_words


def states(text: str, reference: str, question: str) -> bool:
    """Compare the final answer of `text` with the reference, both read as what `question` asks for.

    A reference that is no final answer but prose must be met word for word.
    """
    wanted = read_answer(reference, read_question(question))
    if wanted is None:
        return same_words(text) == same_words(reference)
    stated = extract_answer(text, question=question)
    return stated is not None and stated.key == wanted.key
