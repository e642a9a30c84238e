"""Extract the final answer that a text states, by the cues that mark it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from orchestra_site.web.patterns import DOTALL, IGNORECASE, LETTER, MULTILINE, Pattern
from orchestration.expressions.embedded import decoded, json_values, unfenced
from orchestration.strategies.engine.consensus.answers import (
    ANY_ANSWER,
    MOST_CHARACTERS,
    ExpectedAnswer,
    Extracted,
    read_answer,
    read_question,
)
from orchestration.strategies.engine.consensus.spelling import (
    CLOSING,
    closing_place,
    number_value,
    only_number,
)

FIELDS = ("answer", "final_answer", "final answer", "result")
LONGEST_VALUE = 2000
MOST_MARKS = 20
MOST_TRIED = 100
_FIELD = Pattern(r"""["']?\b(?:final[_ ])?answer["']\s*:\s*""", IGNORECASE)
_QUOTED = Pattern(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'\s*[,}]', DOTALL)


def _json_fields(text: str) -> Iterator[str]:
    """Yield the value behind each answer field's name, then the answer fields of valid JSON objects."""
    for match in list(_FIELD.finditer(text))[-MOST_MARKS:]:
        yield _after(text[match.end() : match.end() + LONGEST_VALUE])
    yield from _object_fields(text)


def _object_fields(text: str) -> Iterator[str]:
    """Yield the answer field of each whole JSON object: a string as it is, others as Python writes them."""
    for value in json_values(text):
        fields = {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else {}
        for found in [fields[name] for name in FIELDS if name in fields][:1]:
            yield found if isinstance(found, str) else repr(found)


def _after(rest: str) -> str:
    """Return the value at the beginning of `rest`, also where it is no valid JSON."""
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        inside = quoted.group(1) or quoted.group(2) or ""
        try:
            return str(decoded(f'"{inside}"'))
        except ValueError:
            return inside.replace('\\"', '"')
    if rest[:1] in CLOSING:
        return rest[: closing_place(rest) + 1]
    return rest.partition("\n")[0].partition("}")[0].strip().rstrip(",")


LONGEST_BOX = 800
_OPENING = Pattern(r"(?:\\+|\x08)(?:f?boxed|fbox)\s*\{|\x08oxed\s*\{")


def _boxed(text: str) -> Iterator[str]:
    r"""Yield the content of each `\boxed{...}`, braces matched; a box that is never closed is left out."""
    for start in list(_OPENING.finditer(text))[-MOST_MARKS:]:
        inside = text[start.end() - 1 : start.end() + LONGEST_BOX]
        if (end := closing_place(inside)) > 0:
            yield inside[1:end]


_HASHES = Pattern(rf"^#{{4}}[ \t]*([^#\s_{LETTER}][^\n]*)$", MULTILINE)
"""The text behind `####` (the form of some training sets), unless it is a heading in words."""

_SENTENCE = Pattern(
    r"\bthe\s+(?:final\s+|correct\s+|right\s+|best\s+)?answer\s+(?:is|should\s+be|must\s+be|would\s+be|=)"
    r"\s*:?\s*(.+?)(?:[.;!?](?:\s|$)|\n|$)",
    IGNORECASE,
)
_LINE = Pattern(r"^[^\w\n]*(?:final[ ]|correct[ ])?answer[*_ ]*[:=][*_\s]*(\S.*)$", IGNORECASE | MULTILINE)


def _answer_lines(text: str) -> Iterator[str]:
    """Yield the text behind each `Answer:` at the beginning of a line; of a sentence, its end."""
    for line in _LINE.findall(text):
        yield next(iter(_SENTENCE.findall(line)), line)


_STATED_OPTION = Pattern(
    r"\b(wait|actually|correction|mistake|sorry|apologi[sz]e|reconsider|on second thought)\b"
    r"|\banswer\s*(?:is|should\s+be|would\s+be|must\s+be|:)\s*[:*_$\\(\[\s{]*(?:boxed\{|text\{)?"
    r"(?:option|choice)?\s*[*(\[\s]*([A-Z])\b(['’]?)",
    IGNORECASE,
)
_NAMED_OPTION = Pattern(
    r"\b(?:option|choice)\s*(?:is|:)?\s*[(*\[]*([A-Z])\b"
    r"|\(([A-Z])\)\s+is\s+(?:the\s+)?(?:correct|right|best|answer)"
    r"|\b(?:is|be|are|called)\s*:?\s*\**(?:\(([A-Z])\)|([A-Z])[.)]\s)"
)
_PARENTHESISED = Pattern(r"\(([A-Z])\)")
_LISTED = Pattern(r"(?:^|\n)\s*[(*\[]*([A-Z])[).:\]*]+(?:\s|$)")
OPTION_TAIL = 400


def _stated_options(text: str) -> Iterator[str]:
    """Yield the letters stated to be the answer: the first one, then each that follows a correction.

    A letter stated later without a correction mostly answers another question that the model added itself.
    """
    is_awaited = True
    for match in _STATED_OPTION.finditer(text):
        thought, letter, apostrophe = match.groups()
        if thought:
            is_awaited = True
        elif is_awaited and letter.isupper() and not apostrophe:
            yield letter
            is_awaited = False


def _named_options(text: str) -> Iterator[str]:
    """Yield the option letters in the last 400 characters, the most explicit wording last."""
    end = text[-OPTION_TAIL:]
    for pattern in (_LISTED, _PARENTHESISED, _NAMED_OPTION):
        yield from (next(filter(None, match.groups())) for match in pattern.finditer(end))


_ASSERTION = Pattern(r"^[ \t>`]*assert\b[^\n]*?==[ \t]*([^\s?][^\n]*?)[ \t`]*$", MULTILINE)
"""The right side of a completed assertion: `assert f(1) == 2`."""

_PRINTS = (
    r"\b(?:outputs?|prints?|printed|displays?|displayed)\b"
    r"(?:\s+(?:is|are|will|would|be|of|by|this|that|the|following|given|code|program|script|snippet|function|out))*"
)
_OUTPUT = Pattern(
    rf"{_PRINTS}[\s:*_]*(?:\n\s*)?(```[^\n`]*\n[^`]*```)"  # a block
    rf"|{_PRINTS}[\s:*_]*`([^`\n]+)`"  # code in the line
    rf"|^\W*{_PRINTS}[*_ ]*:[*_ \t]*([^\s`*_:][^\n]*?)[*_ ]*$"  # what follows a colon
    rf"|{_PRINTS}[*_ ]*:[*_ \t]*\n\s*([^\s`][^\n]*?)\s*\z",  # the last line below one
    IGNORECASE | MULTILINE,
)


def _outputs(text: str) -> Iterator[str]:
    """Yield what a text says that a program prints."""
    for found in _OUTPUT.finditer(text):
        yield next(filter(None, found.groups()))


SHORT_TEXT = 60
_WHOLE_BOLD = Pattern(r"\*\*([^*\n]+)\*\*")
LITERAL = ("[", "(", "{", "'", '"', "`")


def _whole_text(text: str) -> Iterator[str]:
    """Yield the whole text if it is one short line, a literal or one code fence, and not left open."""
    inside = unfenced(text).strip()
    if (bold := _WHOLE_BOLD.fullmatch(inside)) is not None:
        inside = bold.group(1)
    short = "\n" not in inside and (len(inside) <= SHORT_TEXT or inside.startswith(LITERAL))
    if inside and "??" not in inside and (short or inside != text.strip()):
        yield inside


MARKUP = ("{", "[", "```", "\\")
SHORT_LINE = 160
_FIGURE = "(?:^|[^\\w.])([-+\u2212]?\\$?(?:\\d{1,3}(?:,\\d{3})+|\\d+)(?:\\.\\d+)?%?)"
_NUMBER = Pattern(rf"{_FIGURE}(?:\W|$)")
_CLOSING = Pattern(rf"{_FIGURE}(?:\W+(?:[^\W\d]+\W*){{0,2}})?$")
_BOLD = Pattern(r"\*\*([^*\n]{1,60})\*\*\W*$")
_FOOTNOTE = Pattern(r"_[^_]+_|\*[^*]+\*|\([^()]*\)")


def _closing(text: str) -> Iterator[str]:
    """Yield at most one answer of an unmarked text: the end of its last line, or a single short line."""
    if text.lstrip().startswith(MARKUP):
        return
    lines = _lines(text)
    if not lines or len(lines[-1]) > SHORT_LINE or lines[-1].startswith("#"):
        return
    last = lines[-1]
    is_short = len(lines) == 1 and len(last) <= SHORT_TEXT
    if is_short and (not _NUMBER.search(last) or number_value(last) is not None):
        yield last
    elif (found := _BOLD.search(last) or _CLOSING.search(last)) is not None:
        yield found.group(1)


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty, without footnotes at the end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and _FOOTNOTE.fullmatch(lines[-1]):
        lines.pop()
    return lines


_SENTENCE_END = Pattern(r"[.!?][\s*_]+")


def _last_sentence(text: str) -> Iterator[str]:
    """Yield the last sentence, no heading, if it has one number or one behind its last equals sign."""
    for line in _lines(text)[-1:]:
        result = _SENTENCE_END.split(line)[-1].rpartition("=")[2]
        if only_number(result) is not None and (line.endswith(".") or not line.startswith("#")):
            yield result


_SPACED_FIGURES = Pattern(r"([0-9])(?:\{,\}|\\,|[\x{a0}\x{2009}\x{202f}])([0-9]{3})\b")
"""What stands between groups of three digits in mathematics and in print, beside a comma."""
REMEMBERED = 256
"""Size of the cache: a run extracts each answer several times, for candidate, score and ballot."""

_SENTENCES = Pattern(r".*(?:\n|[.!?]\s)", DOTALL)


def extract_answer(text: str, *, question: str | None = None, cut_off: bool = False) -> Extracted | None:
    """Return the final answer, None when it is not clear what it is.

    `question` determines the form of the answer. In a text that was `cut_off` only an answer in a complete
    sentence, JSON object or box counts.
    """
    return _extracted(text[-MOST_CHARACTERS:], question, cut_off)


@lru_cache(maxsize=REMEMBERED)
def _extracted(text: str, question: str | None, cut_off: bool) -> Extracted | None:  # noqa: FBT001  # cached by position
    asked = read_question(question) if question else ANY_ANSWER
    marked: list[Reader] = list(_CUES.values())
    unmarked: list[Reader] = [_closing]
    if asked.choices:
        marked, unmarked = [_stated_options, *marked], [_named_options, _closing]
    elif asked.code:
        unmarked = [_ASSERTION.findall, _outputs, _whole_text]
    elif asked.number:
        unmarked = [_closing, _last_sentence]
    if not asked.code:
        text = _SPACED_FIGURES.sub(r"\1,\2", _SPACED_FIGURES.sub(r"\1,\2", text))
    if cut_off:
        finished = _SENTENCES.match(text)
        closed = _first(text, [_object_fields, _boxed], asked)
        return closed or (_first(finished.group(), marked, asked) if finished else None)
    if (found := _first(text, marked, asked)) is not None:
        return found
    found = _first(text, unmarked, asked)
    if found is None or not asked.number:
        return found
    return replace(found, explicit=number_value(unfenced(text)) is not None)


def stated_answers(text: str) -> Mapping[str, Extracted]:
    """Return the final answer by each kind of cue that occurs, explicit ones first; of one kind the last."""
    text = text[-MOST_CHARACTERS:]
    found = {cue: _last(read(text), ANY_ANSWER) for cue, read in _CUES.items()}
    return {cue: answer for cue, answer in found.items() if answer is not None}


def _first(text: str, readers: Iterable[Reader], asked: ExpectedAnswer) -> Extracted | None:
    """Return the last answer that the first of the readers finds which finds any."""
    return next((found for read in readers if (found := _last(read(text), asked))), None)


def _last(marked: Iterable[str], asked: ExpectedAnswer) -> Extracted | None:
    """Return the last of the marked texts that can be read as an answer; only so many are tried."""
    last = islice(reversed(list(marked)), MOST_TRIED)
    return next((answer for value in last if (answer := read_answer(value, asked)) is not None), None)


Reader = Callable[[str], Iterable[str]]
"""Finds the texts that may be a final answer, the last of which is meant."""
_CUES: Mapping[str, Reader] = {
    "json field": _json_fields,
    "boxed": _boxed,
    "number signs": _HASHES.findall,
    "answer line": _answer_lines,
    "sentence": _SENTENCE.findall,
}
"""What marks a final answer, the most explicit first."""
