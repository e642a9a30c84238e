"""Checks of a single answer, in one table: each is a pure function that returns a finding or None."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice, pairwise

from orchestra_site.web.alphabets import letter_words, words
from orchestra_site.web.patterns import IGNORECASE, MULTILINE, Pattern
from orchestration.expressions.embedded import json_values
from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.consensus.extraction import extract_answer, stated_answers
from orchestration.strategies.engine.consensus.grouping import same_answer
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer, Finding

EFFECTS: Mapping[str, tuple[float, Mapping[Dimension, float]]] = {
    "empty": (-8.0, dict.fromkeys(Dimension, 0.0)),
    "refusal": (-5.0, {Dimension.COMPLETENESS: 0.05, Dimension.RELEVANCE: 0.3}),
    "schema": (-3.0, {Dimension.RELEVANCE: 0.5, Dimension.COMPLETENESS: 0.4}),
    "repetition": (-3.0, {Dimension.FLUENCY: 0.2, Dimension.COHERENCE: 0.3}),
    "language": (-2.0, {Dimension.RELEVANCE: 0.4}),
    "format": (-2.0, {Dimension.RELEVANCE: 0.5, Dimension.COMPLETENESS: 0.4}),
    "topic": (-0.5, {Dimension.RELEVANCE: 0.4}),
    "contradiction": (-0.7, {Dimension.COHERENCE: 0.4, Dimension.ACCURACY: 0.5}),
    "hedging": (-0.8, {Dimension.COMPLETENESS: 0.7}),
}
"""What a finding of each check adds to the log-odds, and how it bounds dimensions."""


def _finding(check: str, evidence: str, *, disqualifying: bool = False) -> Finding:
    effect, bounds = EFFECTS[check]
    return Finding(check=check, evidence=evidence, effect=effect, bounds=bounds, disqualifying=disqualifying)


EMPTY = _finding("empty", "The answer is empty.", disqualifying=True)
MISFIT = _finding("schema", "The answer is not JSON that fits the schema that was asked for.")
DECLINES, FILTERED = "The model declines to answer", "The provider's content filter stopped the answer"
REMEMBERED = 128
OPENING = 240
"""Characters at the beginning in which a refusal is searched."""

_DOING = (
    "help|assist|answer|do (?:that|this|so)|provide|comply|fulfil|create|write|solve|give|discuss|generate"
)
_REFUSAL = Pattern(
    r"\b(?:i|we) (?:can(?:no|[’']?)t|can not|won[’']?t|will not|must decline to) (?:\w+ ){0,2}?(?:"
    rf"{_DOING})\b"
    rf"|\b(?:i|we)(?:[’']m| am| are) (?:not able|unable) to (?:\w+ ){{0,2}}?(?:{_DOING})\b"
    r"|^\W*(?:sorry,? (?:but )?)?i (?:do not|don[’']t) know\b"
    r"|\bas an ai(?: language)? model,? i (?:can(?:no|[’'])t|do not|don[’']t)\b",
    IGNORECASE,
)


def _refusal(answer: ExaminedAnswer) -> Finding | None:
    """Find a refusal, by the provider's filter or in the model's own words."""
    if answer.finish is FinishReason.CONTENT_FILTER:
        evidence = f"{FILTERED}."
    elif (match := _REFUSAL.search(answer.text[:OPENING])) is not None:
        evidence = f"{DECLINES}: “{' '.join(match.group().split())}”."
    else:
        return None
    return _finding("refusal", evidence, disqualifying=True)


PROSE_WORDS = 40
_CUT = Pattern(r"(?:[\w,]|\s-)$")
_FENCE = Pattern(r"^\s*```", MULTILINE)


def _truncation(answer: ExaminedAnswer) -> Finding | None:
    """Find an answer cut off at the length limit, in mid-word or in code: unfit without a final answer."""
    last = answer.text.rstrip().rsplit("\n", 1)[-1]
    effect, bounds = -2.5, {Dimension.COMPLETENESS: 0.4}
    missing = answer.finish is FinishReason.LENGTH and not _is_there_before_the_cut(answer)
    if missing:
        evidence, effect = "The answer was cut off at the length limit.", -3.0
    elif answer.finish is FinishReason.LENGTH:
        evidence = "The answer was cut off at the length limit, after its final answer."
        effect, bounds = -0.5, {Dimension.COMPLETENESS: 0.7}
    elif len(_FENCE.findall(answer.text)) % 2:
        evidence = "The answer ends inside a code block."
    elif len(last.split()) >= PROSE_WORDS and _CUT.search(last):
        evidence = "The answer stops in the middle of a sentence."
    else:
        return None
    return Finding(check="truncated", evidence=evidence, effect=effect, bounds=bounds, disqualifying=missing)


def _is_there_before_the_cut(answer: ExaminedAnswer) -> bool:
    """Return whether the final answer stands whole in a text that was cut off, or the code or JSON does."""
    if extract_answer(answer.text, question=answer.question, cut_off=True) is not None:
        return True
    fences = len(_FENCE.findall(answer.text))
    whole_code = bool(_CODE.search(answer.question)) and fences > 0 and fences % 2 == 0
    return whole_code or (bool(_JSON.search(answer.question)) and any(True for _ in json_values(answer.text)))


RUN_WORDS = 6
ENOUGH_REPEATING_WORDS = 60
MOST_REPEATED = 0.4
MOST_WORDS = 20_000


def _repetition(answer: ExaminedAnswer) -> Finding | None:
    """Find a longer answer in which many sequences of six words occurred earlier."""
    said = words(answer.text.lower())[:MOST_WORDS]
    runs = [tuple(said[start : start + RUN_WORDS]) for start in range(len(said) - RUN_WORDS + 1)]
    share = 1.0 - len(set(runs)) / len(runs) if runs else 0.0
    if share < MOST_REPEATED or len(answer.text.split()) < ENOUGH_REPEATING_WORDS:
        return None
    evidence = f"The answer repeats itself: {share:.0%} of its word sequences are repeated."
    return _finding("repetition", evidence)


_WORDS = {
    "English": "the and of to is in that for it with was are this not you on be from which as do no an or by",
    "German": "der die das und ist nicht ein eine zu den mit von es im auf für sich dem wird auch",
    "French": "le la les et est une des du que pour dans qui pas sur au avec ce sont il plus",
    "Spanish": "el la los y es una de que en por para con las del se no como más su al",
    "Italian": "il la di che e è un una per non sono con del della le si da come più nel",
    "Portuguese": "o a os e é um uma de que em para com não do da se por mais como na",
    "Dutch": "de het een en van is dat niet in op te met voor zijn er aan ook als bij maar",
}
STOPWORDS = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_SCRIPT_NAMES = "LATIN CYRILLIC GREEK ARABIC HEBREW DEVANAGARI THAI HANGUL HIRAGANA CJK"
SCRIPTS = frozenset(_SCRIPT_NAMES.split())
ENOUGH_WORDS = 12
ENOUGH_LETTERS = 20
SAMPLE = 4000
_OTHER_WANTED = Pattern(
    r"\btranslat|\b(?:in|into|auf|en|to)\s+(?:[a-z]+ish|french|german|deutsch|italian|dutch|portuguese|greek"
    r"|russian|chinese|japanese|korean|arabic|hindi|hebrew|français|español|ukrainian|latin)\b"
    r"|\btradu|(?:^|\W)übersetz",
    IGNORECASE,
)


def _main_script(text: str) -> str | None:
    """Return the script of most letters of `text`, None when it is not clear."""
    letters = [character for character in text[:SAMPLE] if character.isalpha()]
    if len(letters) < ENOUGH_LETTERS:
        return None
    names = (unicodedata.name(character, "").split(" ")[0] for character in letters)
    script, count = Counter(names).most_common(1)[0]
    return script if script in SCRIPTS and count > len(letters) / 2 else None


def _main_language(text: str) -> str | None:
    """Return the language of `text` by its most common words, None when it is not clear."""
    found = letter_words(text[:SAMPLE].lower())
    said = [word for word in found if len(word) > 1]  # one letter is a variable in any language
    hits = {name: sum(word in stopwords for word in said) for name, stopwords in STOPWORDS.items()}
    (first, most), (_, second) = Counter(hits).most_common(2)
    clear = len(said) >= ENOUGH_WORDS and most >= len(said) / 8 and most >= 1.5 * second
    return first if clear else None


def _language(answer: ExaminedAnswer) -> Finding | None:
    """Find an answer in another language than its question, unless another one was asked for."""
    if _OTHER_WANTED.search(f"{answer.instructions}\n{answer.question}"):
        return None
    for recognise in (_main_script, _main_language):
        asked, answered = recognise(answer.question), recognise(answer.text)
        if asked and answered and asked != answered:
            evidence = f"The question is in {asked.title()}, the answer in {answered.title()}."
            return _finding("language", evidence)
    return None


_JSON = Pattern(r"\b(?:as|in|return|output|only|valid)\b[^.\n]{0,25}\bjson\b", IGNORECASE)
_NUMBER = Pattern(
    r"\b(?:how (?:many|much)|what is \d|what percent|(?:only|just|as) (?:a|the|one) (?:single )?number)\b",
    IGNORECASE,
)
_LIST = Pattern(r"\b(?:bullet(?:ed)?|numbered) (?:list|points)\b|\bas a list\b", IGNORECASE)
_CODE = Pattern(
    r"\b(?:write|implement|create)\b[^.\n]{0,40}\b(?:function|script|program|class|regex|query)\b", IGNORECASE
)
_NUMBER_WORDS = Pattern(
    r"\b(?:zero|no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half|hundred)\b",
    IGNORECASE,
)
_ITEM = Pattern(r"^\s*(?:[-*•]|\d+[.)])\s+\S", MULTILINE)
_PROGRAM = Pattern(r"```|^\s{2,}\S|[{};=]|\bdef \w+|\bselect\b", IGNORECASE | MULTILINE)


FORMS: tuple[tuple[str, Pattern, Callable[[str], bool]], ...] = (
    ("JSON", _JSON, lambda text: any(True for _ in json_values(text))),
    ("a list", _LIST, lambda text: len(list(islice(_ITEM.finditer(text), 2))) > 1),
    ("code", _CODE, lambda text: bool(_PROGRAM.search(text))),
    ("a number", _NUMBER, lambda text: any(map(str.isdigit, text)) or bool(_NUMBER_WORDS.search(text))),
)
"""Each form in words, how a question asks for it, and whether an answer has it."""


def _form(answer: ExaminedAnswer) -> Finding | None:
    """Find an answer without the JSON, list, code or number that was asked for."""
    for form, asked, given in FORMS:
        if asked.search(answer.question) and not given(answer.text):
            return _finding("format", f"The question asks for {form}, the answer has none.")
    return None


STEM = 5
SHORTEST = 3
ENOUGH_ASKED = 4
ENOUGH_ANSWERED = 40
LEAST_SHARED = 0.1
_PLAIN = frozenset().union(*STOPWORDS.values())


def _content_stems(text: str) -> frozenset[str]:
    """Return the first five letters of each word of `text` that is not a stop word."""
    said = letter_words(text.lower())
    return frozenset(word[:STEM] for word in said if len(word) >= SHORTEST and word not in _PLAIN)


def _topic(answer: ExaminedAnswer) -> Finding | None:
    """Find a longer answer that shares hardly any word with its question; a short one need not."""
    asked = _content_stems(answer.question)
    if len(asked) < ENOUGH_ASKED or len(answer.text.split()) < ENOUGH_ANSWERED:
        return None
    shared = len(asked & _content_stems(answer.text)) / len(asked)
    if shared >= LEAST_SHARED:
        return None
    evidence = f"The answer shares {shared:.0%} of the question's key words: it may miss the point."
    return _finding("topic", evidence)


def _contradiction(answer: ExaminedAnswer) -> Finding | None:
    """Find different final answers in one text, for example in a box and in the last line."""
    stated = stated_answers(answer.text)
    for (one, first), (other, second) in pairwise(stated.items()):
        if not same_answer(first, second):
            both = f"“{first.raw}” ({one}) against “{second.raw}” ({other})"
            return _finding("contradiction", f"The answer contradicts itself: {both}.")
    return None


MOST_HEDGES = 2
WORDS_PER_HEDGE = 60
_HEDGE = Pattern(
    r"\bi(?:[’']m| am) not (?:entirely |completely |quite )?(?:sure|certain)\b"
    r"|\bi (?:think|guess|believe)\b"
    r"|\b(?:perhaps|maybe|might be|could be|not sure|hard to say|don[’']t know|do not know)\b"
    r"|\b(?:cannot|can[’']t) be (?:determined|certain)\b|\bmy best guess\b",
    IGNORECASE,
)


def _hedging(answer: ExaminedAnswer) -> Finding | None:
    """Find an answer that says repeatedly that it may be wrong."""
    hedges = len(_HEDGE.findall(answer.text))
    if hedges < MOST_HEDGES or hedges * WORDS_PER_HEDGE < len(answer.text.split()):
        return None
    return _finding("hedging", f"The answer hedges {hedges} times.")


MOST_CHARACTERS = 100_000
CHECKS = (_refusal, _truncation, _repetition, _language, _form, _topic, _contradiction, _hedging)


def _excerpt(text: str) -> str:
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]}\n{text[-half:]}"


def examine(answer: ExaminedAnswer) -> tuple[Finding, ...]:
    """Return the findings of all checks, on beginning and end of long texts; of an empty answer only that."""
    if not any(character.isalnum() for character in answer.text):
        return (EMPTY,)
    return _checked(replace(answer, text=_excerpt(answer.text), question=_excerpt(answer.question)))


@lru_cache(maxsize=REMEMBERED)
def _checked(answer: ExaminedAnswer) -> tuple[Finding, ...]:
    """Return the findings; cached, since a vote looks at each answer when it comes and once all are there."""
    findings = [check(answer) for check in CHECKS]
    return tuple(finding for finding in findings if finding is not None)
