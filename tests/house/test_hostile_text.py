"""Whatever a text from outside looks like, reading it takes about as long as reading prose of its length.

Each reader is given 1 MB of each hostile text; those that build an object for each character or line are
given 200 kB, so that the whole file takes less than a minute.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from orchestra_site.web.alphabets import letter_words, words
from orchestra_site.web.highlighting import LEXERS, LONGEST_CODE, LONGEST_LINE, highlighted
from orchestra_site.web.logs import Redactor
from orchestra_site.web.templatetags.text import markdown
from orchestration.llm.engine.errors import BadAnswer, InvalidRequest
from orchestration.llm.engine.types import FinishReason
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.openai_compatible.refusals import MEANINGS, Refusal, model_error
from orchestration.llm.providers.prices import model_family, suggest_listing
from orchestration.llm.providers.reading import KeyFilter, SSEParser, TextCleaner, parse_json
from orchestration.llm.providers.recorded.loading import RecordingLimits, load_recording
from orchestration.llm.providers.recorded.recording import same_words
from orchestration.runs.services.commands import NUL
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.consensus import answers, extraction, measures, spelling, wording
from orchestration.strategies.engine.consensus.grouping import group_answers
from orchestration.strategies.engine.expert import read_task
from orchestration.strategies.engine.quality.assessing import read_verdicts
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.prompts import blocks
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer
from orchestration.strategies.engine.types import Request
from orchestration.strategies.engine.voting.reviewing import read_review
from pipelines.engine.definition import pipeline_from
from pipelines.engine.differences import changes
from pipelines.engine.transform_specs import TransformError
from pipelines.engine.transforms import TRANSFORMS, parse_transform
from pipelines.engine.upgrades import upgraded
from pipelines.engine.validation import problems
from pipelines.engine.values import ValueType
from tests.support.definitions import document, pipeline, stage
from tests.support.models import spec_named
from tests.support.processors import PROCESSORS

MOST = 40
"""Times as long as for prose."""
FLOOR_S = 0.04
"""Seconds that are taken for prose at least: below them a ratio is chance."""
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
    of_texts = [spec.example.written for spec in TRANSFORMS.values() if ValueType.TEXT in spec.takes]
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
    "JSON in answers": (lambda text: list(extraction.json_values(text)), LONG),
    "prompts of judges": (lambda text: blocks(spec_named("m"), Request(text=text), [text]), SHORT),
    "streams": (read_stream, LONG),
    "bodies": (read_body, LONG),
    "text of answers": (lambda text: TextCleaner().feed(text), SHORT),
    "names of models": (lambda text: (model_family(text), suggest_listing(text, ENDPOINT.base_url)), LONG),
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
}


def seconds(read: Callable[[str], object], text: str, attempts: int = 3) -> float:
    def once() -> float:
        extraction._extracted.cache_clear()
        started = time.process_time()
        with suppress(BadAnswer, InvalidRequest):  # an error is an answer, too
            read(text)
        return time.process_time() - started

    return min(once() for _ in range(attempts))


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_about_as_long_as_for_prose(name: str) -> None:
    read, length = READERS[name]
    allowed = MOST * max(FLOOR_S, seconds(read, (PROSE * (length // len(PROSE) + 1))[:length]))
    for kind in HOSTILE:
        text = hostile(kind, length)
        taken = seconds(read, text, 1)
        if taken > allowed:
            taken = seconds(read, text)
        assert taken <= allowed, f"{kind}: {taken:.2f} s, allowed {allowed:.2f} s"
