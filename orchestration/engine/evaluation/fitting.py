"""What a strategy may learn from: items of their own, none of which is scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.evaluation.items import Item, ItemKey, Label, same_words
from orchestration.engine.strategies.options import parse_options
from orchestration.engine.strategies.strategy import GradedAnswer, Lesson, Strategy
from orchestration.engine.types import Json, ModelSpec

NAMED = 3


def without_scored(fitted: Sequence[Item], scored: Sequence[Item]) -> tuple[Item, ...]:
    """Return the items to learn from, less those that ask what a scored one asks under another name.

    Raises `InvalidRequest` when an item itself is in both.
    """
    names, words = {item.key for item in scored}, {same_words(item.prompt) for item in scored}
    both = [item.key for item in fitted if item.key in names]
    if both:
        examples = ", ".join(map(str, both[:NAMED])) + (", ..." if len(both) > NAMED else "")
        message = (
            f"{len(both):,} of the items to learn from are scored as well ({examples}): the result would"
            " flatter. Give other files to --fit."
        )
        raise InvalidRequest(message, field="fit")
    return tuple(item for item in fitted if same_words(item.prompt) not in words)


def lessons_of(items: Iterable[Item], labels: Mapping[ItemKey, Label]) -> tuple[Lesson, ...]:
    """Return the items with those answers that have a text and are labelled right or wrong."""
    return tuple(_lesson(item, labels[item.key]) for item in items)


def _lesson(item: Item, label: Label) -> Lesson:
    graded = {
        model: GradedAnswer(text=answer.text, correct=correct, cost_usd=answer.cost_usd)
        for model, answer in item.answers.items()
        if answer.text is not None and (correct := label.correct(model)) is not None
    }
    return Lesson(prompt=item.prompt, task_type=item.task_type, reference=label.reference, answers=graded)


def learned(
    strategy: Strategy,
    lessons: Sequence[Lesson],
    panel: Sequence[ModelSpec],
    given: Mapping[str, Json],
) -> dict[str, Json]:
    """Return the options with what the strategy learns; what was given stays. Raises `InvalidOptions`."""
    if not lessons or not strategy.learns:
        return dict(given)
    set_already = parse_options(strategy.Options, given)
    return {**strategy.learn(lessons, panel, set_already), **given}
