"""Where values come from: how it is written, what is read, and what is said where there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.sources import MissingValue, written_key
from orchestration.llm.engine.types import Json
from pipelines.engine.scope import Root, Scope, parse_place, parse_source

SCOPE = Scope(
    input={"text": "hi", "tones": ["dry", {'a "b"': 2}], "none": None},
    variables={"kind": {"x": 1}},
    stages={
        "draft": {"status": "succeeded", "output": {"label": "bug"}, "score": 0.5},
        "check": {"status": "skipped"},
        "send": {"status": "failed", "error": "No answer."},
        "ask": {"status": "cancelled"},
    },
    previous=("draft",),
    context={"now": "2026-01-01T00:00:00Z", "item": 3},
)
SEVERAL = Scope(stages=SCOPE.stages, together=True, previous=("draft", "check", "later"))
READ: list[tuple[Json, Json]] = [
    ("input", SCOPE.input),
    ("input.text", "hi"),
    ("input.tones[0]", "dry"),
    ('input.tones[-1]."a \\"b\\""', 2),
    ("variable", {"kind": {"x": 1}}),
    ("variable.kind.x", 1),
    ("previous.label", "bug"),
    ("stages.draft.output.label", "bug"),
    ("stages.draft.status", "succeeded"),
    ("stages.draft.score", 0.5),
    ("stages.send.error", "No answer."),
    ("context.item", 3),
    ({"value": "input.text"}, "input.text"),
    ({"template": "{{ input.text }}, {{ stages.draft.output.label }}!"}, "hi, bug!"),
    ({"a": "input.text", "b": ["previous", 3, True]}, {"a": "hi", "b": [{"label": "bug"}, 3, True]}),
    ({"value": "input.text", "unit": {"value": "s"}}, {"value": "hi", "unit": "s"}),
    ({"from": "input.text"}, "hi"),
    ({"from": "stages.check.output", "default": []}, []),
    ({"from": "input.none", "default": 1}, None),
    (4, 4),
]  # fmt: skip
MISSING = [
    ("input.txt", "input has no field “txt”; it has text, tones, none."),
    ("input.tones[7]", "input.tones has 2 items, and none at [7]."),
    ("input.tones.dry", "input.tones is a list and has no field “dry”; an item is read by its number"),
    ("input.text.x", "input.text is a text and has no field “x”: “hi”"),
    ("input.none[0]", "input.none is null and has no item [0]: null"),
    ("variable.name", "variable has no field “name”; it has kind."),
    ("stages.check.output", "Stage “check” has no output: it was skipped."),
    ("stages.ask.output.a", "Stage “ask” has no output: it was cancelled."),
    ("stages.send.output", "Stage “send” has no output: it failed."),
    ("stages.later.output", "Stage “later” has not ended; draft, check, send, ask have."),
    ("context.team", "context has no field “team”; it has now, item."),
]  # fmt: skip
UNREADABLE = [
    ("", "There is no source “”", 0),
    ("nput.text", "There is no source “nput”, there are input, variable, previous, stages, context.", 0),
    ("input..a", "“..a” is none of these, at character 6", 5),
    ("input.a b", "“ b” is none of these, at character 8", 7),
    ("input[x]", "is none of these", 5),
    ('input."a', "is none of these", 5),
    ("input[12345678]", "is none of these", 5),
    ("input." + "a" * 500, "A source has up to 500 characters.", 500),
    ("input" + "[0]" * 33, "A source has up to 32 names and numbers.", None),
    ("stages", "Of a stage output, status, error, score can be read, as in", None),
    ("stages.a.label", "can be read", None),
    ("context", "The context has run_id", None),
    ("context.user", "not context.user.", None),
    ({"template": "{{ inputs }}"}, "A template knows input, variable, previous, stages, context, not", None),
    ({"template": "{{ stages.a }}"}, "Of a stage", None),
    ([[[[[[[[["input"]]]]]]]]], "Sources are nested up to 8 deep.", None),
    (["input"] * 201, "A mapping reads up to 200 sources.", None),
    ({"value": [0] * 100_001}, "A source has more than 100,000 parts.", None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value"), READ)
def test_a_source_gives(written: Json, value: Json) -> None:
    assert parse_source(written).read(SCOPE) == value


@pytest.mark.parametrize(("written", "words"), MISSING)
def test_what_is_missing_is_named_with_what_there_is(written: str, words: str) -> None:
    with pytest.raises(MissingValue) as caught:
        parse_source(written).read(SCOPE)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(("written", "words", "position"), UNREADABLE)
def test_a_source_that_cannot_be_read_says_why_and_where(
    written: Json, words: str, position: int | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_source(written)
    assert words in str(caught.value)
    assert caught.value.position == position


def test_the_output_of_several_stages_before_is_an_object_of_those_that_have_one() -> None:
    assert parse_source("previous").read(SEVERAL) == {"draft": {"label": "bug"}}
    with pytest.raises(MissingValue, match="No stage before this one gave anything"):
        parse_source("previous").read(Scope(previous=()))


def test_the_first_stage_is_given_the_input_of_the_pipeline() -> None:
    assert parse_source("previous").read(Scope(input=1)) == 1


def test_a_condition_or_template_is_given_what_there_is_of_what_it_names() -> None:
    assert Scope(input=1, previous=()).values({"input", "previous"}) == {"input": 1}
    assert set(SCOPE.values(set(Root))) == {"input", "variable", "previous", "stages", "context"}


def test_a_source_says_what_it_reads() -> None:
    source = parse_source(
        {"a": {"from": "stages.draft.output.x", "default": 0}, "b": ["variable.kind", "variable"], "c": 1}
    )
    assert [(str(place), place.root, place.is_optional) for place in source.places] == [
        ("stages.draft.output.x", "stages", True),
        ("variable.kind", "variable", False),
        ("variable", "variable", False),
    ]
    assert [str(place) for place in parse_source({"template": "{{ input.a.b }}{{ previous }}"}).places] == [
        "input.a.b",
        "previous",
    ]


def test_a_key_is_written_as_a_path_has_it() -> None:
    assert [written_key(key) for key in (3, "name", 'a "b" \\', "")] == [
        "[3]",
        ".name",
        '."a \\"b\\" \\\\"',
        '.""',
    ]


KEYS = st.lists(st.integers(-999_999, 999_999) | st.text(min_size=1, max_size=6), max_size=8)


@given(keys=KEYS)
def test_a_path_that_is_written_out_is_read_as_the_same(keys: list[int | str]) -> None:
    keys = [key.replace("\ud800", "") or "x" if isinstance(key, str) else key for key in keys]
    text = "input" + "".join(map(written_key, keys))
    place = parse_place(text)
    assert place.keys == tuple(keys)
    assert str(place) == text


@given(text=st.text(max_size=40) | st.text('input.stages[]"\\0-9 ', max_size=40))
def test_any_text_is_a_path_or_refused_in_words(text: str) -> None:
    try:
        parse_place(text)
    except ExpressionError as error:
        assert str(error).endswith((".", "…}."))  # noqa: PT017  # both ways are right
