"""Which items of a recording are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.evaluation.items import Item, ItemKey, Label
from orchestration.providers.recorded.loading import Labelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The items to score, and how many were left out: a model's answer or a label is missing."""

    items: tuple[Item, ...]
    missing_model: int
    unlabelled: int


def choose_items(
    data: Labelled, panel: Sequence[str], helpers: Sequence[str], *, limit: int | None, seed: int
) -> Chosen:
    """Return the items that hold an answer of every model and a label of every panel member.

    Beyond `limit`, a sample drawn by `seed`, in the data's order. Raises `InvalidRequest` if none is left.
    """
    whole = [item for item in data.recording.items if all(map(item.holds, (*panel, *helpers)))]
    graded = [item for item in whole if _is_labelled(item.key, data.labels, panel)]
    left_out = Chosen(
        items=(),
        missing_model=len(data.recording.items) - len(whole),
        unlabelled=len(whole) - len(graded),
    )
    if not graded:
        raise InvalidRequest(_nothing_left(left_out), field="panel")
    if limit is not None and limit < len(graded):
        drawn = Random(seed).sample(range(len(graded)), limit)  # noqa: S311  # repeatable on purpose
        graded = [graded[place] for place in sorted(drawn)]
    return Chosen(items=tuple(graded), missing_model=left_out.missing_model, unlabelled=left_out.unlabelled)


def _is_labelled(key: ItemKey, labels: Mapping[ItemKey, Label], panel: Sequence[str]) -> bool:
    return all(labels[key].correct(model) is not None for model in panel)


def _nothing_left(left_out: Chosen) -> str:
    return (
        f"No item can be scored: in {left_out.missing_model:,} the text of a model of the panel is missing,"
        f" in {left_out.unlabelled:,} nobody says whether its answer is right. Choose another panel or data."
    )
