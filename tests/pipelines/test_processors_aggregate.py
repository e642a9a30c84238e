"""The processor `aggregate`: one value of several, by each of its ways."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Json
from pipelines.engine.processor import ProcessorFailed, StageResult
from pipelines.engine.processors.aggregate import Aggregate, Aggregation
from pipelines.engine.scope import Scope
from tests.support.processing import StageWork

AGGREGATE = Aggregate()
OUTPUTS: Json = {
    "a": ("The total is 42.\nAnswer: 42", 0.4),
    "b": ("41", 0.9),
    "c": ("**42**", 0.9),
    "d": ({"x": 1, "y": 1}, None),
    "e": ({"y": 2}, None),
}
STAGES: Json = {
    name: {"status": "succeeded", "output": output, "score": score}
    for name, (output, score) in OUTPUTS.items()
} | {"off": {"status": "skipped"}}


def put_together(source: Json, how: str, **scope: Json) -> StageResult:
    options = {"from": source, "how": how, "separator": " | "}
    work = StageWork(AGGREGATE, options, scope=Scope(stages=STAGES, **scope))
    return AGGREGATE.compute(work.work)


WAYS: dict[str, tuple[Json, str, Json]] = {
    "a list of stages": (["b", "c"], "list", ["41", "**42**"]),
    "stages and sources": (["e", "stages.d.output.x", {"value": 7}], "list", [{"y": 2}, 1, 7]),
    "one source that is a list": ({"value": [3, 4]}, "list", [3, 4]),
    "one source that is an object": ("stages.d.output", "list", [1, 1]),
    "one stage": ("d", "list", [1, 1]),
    "several by name": ({"first": "stages.b.output"}, "list", ["41"]),
    "the stages before": ("previous", "list", ["41", {"y": 2}]),
    "objects merged": (["d", "e"], "merge", {"x": 1, "y": 2}),
    "texts in a row": (["b", "e"], "concat", '41 | {"y": 2}'),
    "what most say": (["a", "b", "c"], "vote", "The total is 42.\nAnswer: 42"),
    "objects that are equal": (["e", "d", {"value": {"y": 1, "x": 1}}], "vote", {"x": 1, "y": 1}),
    "numbers and texts": ([{"value": 41}, "a", "b"], "vote", 41),
    "a tie": (["b", "a"], "vote", "41"),
    "the best": (["a", "b", "c"], "best", "41"),
    "the best of those before": ("previous", "best", "41"),
    "one that was skipped": (["off", "b"], "list", ["41"]),
    "none at all": (["off"], "list", []),
}


@pytest.mark.parametrize(("source", "how", "value"), WAYS.values(), ids=WAYS)
def test_several_values_become_one(source: Json, how: str, value: Json) -> None:
    assert put_together(source, how, previous=("b", "e"), together=True).value == value


def test_a_vote_says_how_it_was_counted() -> None:
    details = put_together(["a", "b", "c", "off"], "vote").details
    assert details["tally"] == [
        {"answer": "42", "of": ["a", "c"]},
        {"answer": "41", "of": ["b"]},
    ]
    assert (details["missing"], details["tie"]) == (["off"], False)
    assert details["agreement"] == pytest.approx(2 / 3)
    assert put_together(["b", "a"], "vote").details["tie"] is True


def test_the_best_has_its_score_and_the_first_is_taken_where_nothing_is_scored() -> None:
    best = put_together(["a", "b"], "best")
    assert (best.score, best.details["chosen"], best.details["scores"]) == (0.9, "b", {"a": 0.4, "b": 0.9})
    first = put_together(["e", "d"], "best")
    assert (first.score, first.details["chosen"], first.details["scores"]) == (None, "e", {})


REFUSED: dict[str, tuple[Json, str, str]] = {
    "a text merged": (["d", "b"], "merge", "Only objects can be merged; b is a text."),
    "one text": ("stages.b.output", "list", "gives a text: a list or an object is needed"),
    "a vote on nothing": (["off"], "vote", "nothing to choose from"),
    "the best of nothing": (["off"], "best", "nothing to choose from"),
    "too many": ({"value": [1] * 201}, "vote", "up to 200 values"),
}


@pytest.mark.parametrize(("source", "how", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_put_together_is_refused_in_words(source: Json, how: str, words: str) -> None:
    with pytest.raises(ProcessorFailed, match=words):
        put_together(source, how)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["", "yes", "Answer: no", "no", "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@given(values=st.lists(VALUES, min_size=1, max_size=6))
def test_a_vote_chooses_one_of_any_values_and_more_of_it_change_nothing(values: list[Json]) -> None:
    chosen = put_together({"value": values}, "vote").value
    assert chosen in values
    assert put_together({"value": [*values, chosen]}, "vote").value == chosen


async def test_large_values_are_counted_in_time() -> None:
    huge = ["word " * 2_000_000, "1" * 10_000_000, "\n" * 10_000_000]
    for how in Aggregation:
        if how is not Aggregation.MERGE:
            async with asyncio.timeout(20):
                await asyncio.to_thread(put_together, "input", how.value, input=huge)
