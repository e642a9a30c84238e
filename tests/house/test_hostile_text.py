"""Whatever a text from outside looks like, reading it takes about as long as reading prose of its length.

Each reader is given 1 MB of each hostile text; those that build an object for each character or line are
given 200 kB, so that the whole file takes less than a minute.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from orchestra_site.web.alphabets import letter_words, words
from orchestra_site.web.highlighting import LEXERS, LONGEST_CODE, LONGEST_LINE, highlighted
from orchestra_site.web.logs import Redactor
from orchestra_site.web.templatetags.text import markdown
from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.documents import read_document
from orchestration.expressions.embedded import json_values
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import MappingError, mapped_input
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.templates import parse_template
from orchestration.expressions.transforms.lists import TRANSFORMS, parse_transform
from orchestration.expressions.transforms.specs import TransformError
from orchestration.expressions.values import ValueType
from orchestration.llm.engine.errors import BadAnswer, InvalidRequest
from orchestration.llm.engine.price_table import model_family, price_table
from orchestration.llm.engine.types import FinishReason, Json
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.openai_compatible.refusals import MEANINGS, Refusal, model_error
from orchestration.llm.providers.reading import KeyFilter, SSEParser, TextCleaner, parse_json
from orchestration.llm.providers.recorded.loading import RecordingLimits, load_recording
from orchestration.llm.providers.recorded.recording import same_words
from orchestration.runs.services.commands import NUL
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.consensus import answers, extraction, measures, spelling, wording
from orchestration.strategies.engine.consensus.grouping import group_answers
from orchestration.strategies.engine.expert import read_task
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.judging import read_verdicts
from orchestration.strategies.engine.quality.prompts import blocks
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer
from orchestration.strategies.engine.types import Request
from orchestration.strategies.engine.voting.reviewing import read_review
from pipelines.engine.definition import pipeline_from
from pipelines.engine.differences import changes
from pipelines.engine.mapping import parse_destination, parse_input
from pipelines.engine.processor import PureProcessor
from pipelines.engine.processors import PROCESSORS as PROCESSORS_THERE_ARE
from pipelines.engine.processors.model import marked
from pipelines.engine.scope import Scope, parse_source
from pipelines.engine.upgrades import upgraded
from tests.support.definitions import document, pipeline, problems, stage
from tests.support.models import spec_named
from tests.support.processing import StageWork
from tests.support.processors import PROCESSORS
from tests.support.timing import floor_seconds, least_ratio, thread_seconds

pytestmark = pytest.mark.no_cover
MOST = 40
"""Times as long as for prose."""
LONG, SHORT = 1_000_000, 200_000
PROSE = "The river rises in the hills; nobody knows how old its bed is. It was dry twice, in 1911 and 1976.\n"
HOSTILE = {
    "line breaks": "\n",
    "blanks": " ",
    "an answer and blanks": f"The answer is{' ' * 400}\n{' ' * 10_000}",
    "brackets": "[",
    "pairs of brackets": "[](",
    "braces": "{",
    "objects": '{"a":[1,',
    "quotes": '"',
    "escaped quotes": "'\\\"",
    "digits": "1",
    "backslashes": "\\",
    "fractions": r"\frac{",
    "boxes": r"\boxed{1} \text{a} ",
    "asterisks": "*",
    "emphasis": "**a_b*",
    "answers": "Answer:",
    "answers by line": "Answer: (A)\n",
    "stated options": "the answer is B' ",
    "surrogates": "\ud800",
    "combining marks": "e\u0301",
    "other letters": "é漢٣",
    "commas": ",",
    "words of one letter": "a ",
    "rankings": "A > B ",
    "fences": "```\n",
    "tags": "< answer",
    "numbers": "1,000.5 ",
    "tables": "|a|b|\n|-|-|\n",
    "links": "[a](b) ",
    "quotations": ">",
}
HOW_MANY = "How many are there?"
OPTIONS = "Which one?\nA. one\nB. two\nC. three"
CODE = "def f(x):\n    return x\nWhat does this return? assert f(1) == ??"


def hostile(kind: str, length: int) -> str:
    piece = HOSTILE[kind]
    return (piece * (length // len(piece) + 1))[:length]


def read_stream(text: str) -> None:
    parser, body = SSEParser(), text.encode("utf-8", "replace")
    for start in range(0, len(body), 1000):
        parser.feed(body[start : start + 1000])


def read_body(text: str) -> None:
    body = text.encode("utf-8", "replace")
    for read in (parse_json, lambda each: model_error(Refusal.from_body(400, each), ENDPOINT, "m")):
        try:
            read(body)
        except ValueError:
            continue


def read_recording(text: str) -> None:
    load_recording(io.BytesIO(text.encode("utf-8", "replace")), "The file", RecordingLimits())


def examined(text: str) -> object:
    return examine(ExaminedAnswer(question=PROSE, text=text, finish=FinishReason.STOP))


def grouped(text: str) -> object:
    return group_answers([answers.read_answer(text[:start]) for start in range(190, 200)])


def redacted(text: str) -> str:
    redactor = Redactor()
    redactor.register("a-secret-of-some-length")
    return redactor.redact(text)


def transformed(text: str) -> None:
    """Apply each transform of texts, and the more expensive ways to use a pattern."""
    of_texts = [spec.written for spec in TRANSFORMS.values() if ValueType.TEXT in spec.takes]
    patterns = [
        {"regex": {"pattern": r"\w+\s*=\s*(.*)", "find": "all"}},
        {"replace": {"old": r"(\s+)$", "new": "", "regex": True}},
        {"replace": {"old": "a", "new": "b", "ignore_case": True}},
    ]
    for written in (*of_texts, *patterns):
        with suppress(TransformError):
            parse_transform(written).apply(text)


ENDPOINT = Endpoint("https://api.example.org/v1")


def coloured(text: str) -> object:
    shown = "\n".join(
        text[start : start + LONGEST_LINE - 1] for start in range(0, LONGEST_CODE, LONGEST_LINE)
    )
    one_each = {lexer: name for name, lexer in LEXERS.items()}
    return [highlighted(shown, name, most_seconds=0.002) for name in one_each.values()]


def read_definition(text: str) -> object:
    found = pipeline_from({text: text, "stages": [stage(text[:SHORT])]})
    written = stage("a", when=text, options={"prompt": text}, input={"from": text, "transforms": [text]})
    given = upgraded(document(written))[0], document(stage("a", options={"prompt": text[1:]}))
    old, new = (pipeline(*each["stages"]) for each in given)
    return found, problems(old, PROCESSORS, {}), changes(old, new)


def read_expressions(text: str) -> None:
    """Read the text as each sort of expression, as long as that may be, and compare it with patterns."""
    parsers: list[tuple[Callable[[Json], object], int]] = [
        (parse_condition, 2_000),
        (lambda written: parse_condition(f"matches(input, {json.dumps(written)})"), 200),
        (lambda written: parse_schema({"pattern": written, "enum": [written]}), 1_000),
        (parse_pick, 1_000),
        (parse_template, 50_000),
        (parse_destination, 500),
        (parse_source, 500),
    ]
    for parse, length in parsers:
        with suppress(ExpressionError, PendingDeprecationWarning):  # an earlier syntax of picks
            parse(text[:length])
    with suppress(ExpressionError):
        parse_condition(r"matches(input, '(a+)+$')").evaluate({"input": text[:100_000]})
    parse_schema({"pattern": r"(\s+)+$", "format": "email"}).problems(text)


def read_file(text: str) -> None:
    with suppress(ExpressionError):
        read_document(text, "json")
    with suppress(ExpressionError):
        read_document(text, "yaml")


def mapped(text: str) -> None:
    """Map the text in each way that a mapping reads it."""
    for source in ("input", {"template": "{{ input | trim | upper }}"}, {"a": "input.text"}):
        with suppress(MappingError):
            mapped_input(Scope(input=text), parse_input(source, ["parse_json"], {"type": "object"}))


def put_to_use(text: str) -> None:
    """Mark the text as data in a prompt, and let it vote."""
    marked(text)
    options = {"from": ["a", "b"], "how": "vote"}
    stages = {name: {"output": written} for name, written in (("a", text), ("b", text[1:]))}
    vote = PROCESSORS_THERE_ARE["aggregate"]
    assert isinstance(vote, PureProcessor)
    vote.compute(StageWork(vote, options, scope=Scope(stages=stages)).work)


READERS: dict[str, tuple[Callable[[str], object], int]] = {
    "extraction": (extraction.extract_answer, LONG),
    "extraction of a number": (lambda text: extraction.extract_answer(text, question=HOW_MANY), LONG),
    "words of an answer": (lambda text: wording.text_key(wording.plain_figures(text)), SHORT // 10),
    "unit of an answer": (measures.unit_behind, SHORT),
    "keys in a text": (lambda text: KeyFilter(["sk-line", "74686520", "  \n "]).feed(text), SHORT),
    "extraction of a part": (lambda text: extraction.extract_answer(text, cut_off=True), LONG),
    "extraction of an option": (lambda text: extraction.extract_answer(text, question=OPTIONS), LONG),
    "extraction of a result": (lambda text: extraction.extract_answer(text, question=CODE), LONG),
    "reading of questions": (answers.read_question, LONG),
    "normalising": (spelling.normalise, LONG),
    "literals": (lambda text: answers.read_answer(text, answers.ExpectedAnswer(code=True)), LONG),
    "grouping": (grouped, LONG),
    "checks": (examined, LONG),
    "checks of the question": (lambda text: examine(ExaminedAnswer(question=text, text=PROSE)), SHORT),
    "verdicts": (read_verdicts, LONG),
    "reviews": (lambda text: read_review(text, ("A", "B")), LONG),
    "classification": (classify, LONG),
    "a classifier's reply": (read_task, LONG),
    "JSON in answers": (lambda text: list(json_values(text)), LONG),
    "prompts of judges": (lambda text: blocks(spec_named("m"), Request(text=text), [text]), SHORT),
    "streams": (read_stream, LONG),
    "bodies": (read_body, LONG),
    "text of answers": (lambda text: TextCleaner().feed(text), SHORT),
    "names of models": (
        lambda text: (model_family(text), price_table().match(text, ENDPOINT.base_url)),
        LONG,
    ),
    "refusals": (lambda text: [Refusal(400, text).matches(each[1]) for each in MEANINGS if each[1]], LONG),
    "messages": (lambda text: NUL.search(json.dumps(text[: SHORT // 3])), SHORT),
    "recordings": (read_recording, SHORT),
    "recorded prompts": (same_words, LONG),
    "words": (lambda text: (words(text), letter_words(text)), LONG),
    "Markdown": (markdown, SHORT),
    "code in colours": (coloured, SHORT),
    "redaction": (redacted, LONG),
    "transforms": (transformed, SHORT),
    "definitions of pipelines": (read_definition, LONG),
    "expressions": (read_expressions, LONG),
    "files of definitions": (read_file, SHORT),
    "mappings": (mapped, LONG),
    "outputs of stages": (put_to_use, LONG),
}


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_about_as_long_as_for_prose(name: str) -> None:
    read, length = READERS[name]

    def once(text: str) -> None:
        extraction._extracted.cache_clear()
        with suppress(BadAnswer, InvalidRequest):  # an error is an answer, too
            read(text)

    prose = (PROSE * (length // len(PROSE) + 1))[:length]
    base = max(floor_seconds(), thread_seconds(partial(once, prose)))
    for kind in HOSTILE:
        text = hostile(kind, length)
        if thread_seconds(partial(once, text)) > MOST * base / 2:
            times = least_ratio(partial(once, text), partial(once, prose), most=MOST)
            assert times <= MOST, f"{kind}: {times:.0f} times as long as prose, allowed {MOST}"


DEEP: Json = 1
for _ in range(10_000):
    DEEP = [DEEP]
MILLION: Json = [0] * 1_000_000
HUGE = "x" * 10_000_001
LOOPS = "{% for a in input %}{% for b in input %}0123456789{% endfor %}{% endfor %}"


def condition(text: str, value: Json) -> bool:
    return parse_condition(text).evaluate({"input": value})


def rendered(text: str, value: Json) -> str:
    return parse_template(text).render({"input": value})


def through(value: Json, *transforms: Json, schema: Json = None) -> Json:
    return mapped_input(Scope(input=value), parse_input("input", transforms, schema))


LARGE: dict[str, tuple[Callable[[], object], str]] = {
    "a deep value in a condition": (lambda: condition("input == 1", DEEP), "more than 64 levels"),
    "a long list in a condition": (
        lambda: condition("input.all(i, i == 0)", MILLION), "more than 100,000 parts"),
    "a long text in a condition": (lambda: condition("size(input) > 1", HUGE), "more than 10,000,000 char"),
    "lists in lists in a condition": (
        lambda: condition("input.all(i, input.all(j, i + j == 0))", [0] * 1_001), "1,000"),
    "brackets in a condition": (lambda: parse_condition("(" * 1_999), "more than 32 levels"),
    "loops in a template": (lambda: rendered(LOOPS, [0] * 1_000), "more than"),
    "a long loop in a template": (lambda: rendered(LOOPS, MILLION), "1,000"),
    "a long text in a template": (lambda: rendered("{{ input }}", HUGE), "beyond 1,000,000"),
    "growth in a template": (
        lambda: rendered("{{ input | replace('x', input) }}", HUGE[:5_000]), "1,000,000"),
    "a deep value in a template": (lambda: rendered("{{ input | tojson }}", DEEP), "more than 64 levels"),
    "brackets in a template": (lambda: parse_template("{{ " + "(" * 40_000), "levels"),
    "a deep pick": (lambda: parse_pick("[" * 999), "pick"),
    "a pick of a long list": (lambda: parse_pick("[].[@, @]").apply(MILLION), "more than"),
    "a deep schema": (lambda: parse_schema({"items": DEEP}), "more than 32 levels"),
    "a long schema": (lambda: parse_schema({"enum": MILLION}), "more than 50,000 parts"),
    "a deep value for a schema": (lambda: through(1, schema={"const": DEEP}), "more than 32 levels"),
    "a deep value": (lambda: through(DEEP), "more than 64"),
    "a long list": (lambda: through(MILLION, "sort"), "more than 100,000 parts"),
    "a long text": (lambda: through(HUGE, "strip"), "more than 10,000,000 characters"),
    "a text that is split": (lambda: through("," * 1_000_000, {"split": ","}), "more than 100,000"),
    "a text that grows": (
        lambda: through("x" * 2_000, {"replace": {"old": "x", "new": "y" * 1_000}}), "1,000,000"),
    "a deep source": (lambda: parse_source(DEEP), "more than 64"),
    "a deep transform": (lambda: parse_transform({"each": DEEP}), "more than 64"),
    "a bomb of a pattern": (lambda: parse_transform({"regex": "(((a{99}){99}){99}){99}"}), "pattern"),
    "a deep document": (lambda: read_document("[" * 10_000, "json"), "levels"),
    "a deep file": (lambda: read_document("- " * 10_000, "yaml"), "levels"),
    "a file that grows": (lambda: read_document("a: &a [1]\nb: [*a, *a]\n", "yaml"), "Anchors"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_deep_too_large_or_grows_is_refused_in_words_and_soon(name: str) -> None:
    read, words_of_it = LARGE[name]

    def refused() -> None:
        with pytest.raises((ExpressionError, MappingError), match=words_of_it):
            read()

    assert least_ratio(refused, lambda: None, most=MOST) <= MOST
