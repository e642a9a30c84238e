"""An answer should be in the language that was asked in, or asked for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from orchestration.engine.quality.evidence import Dimension, Finding, Subject

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
SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARABIC",
    "HEBREW",
    "DEVANAGARI",
    "THAI",
    "HANGUL",
    "HIRAGANA",
    "CJK",
)
ENOUGH_WORDS = 12
ENOUGH_LETTERS = 20
SAMPLE = 4000
_OTHER_WANTED = re.compile(
    r"\btranslat|\b(?:in|into|auf|en|to)\s+(?:[a-z]+ish|french|german|deutsch|italian|dutch|portuguese|greek"
    r"|russian|chinese|japanese|korean|arabic|hindi|hebrew|français|español|ukrainian|latin)\b"
    r"|\btradu|\bübersetz",
    re.IGNORECASE,
)


def script_of(text: str) -> str | None:
    """Return the script of most letters of `text`, None when there are too few."""
    letters = [character for character in text[:SAMPLE] if character.isalpha()]
    if len(letters) < ENOUGH_LETTERS:
        return None
    names = (unicodedata.name(character, "").split(" ")[0] for character in letters)
    script, count = Counter(names).most_common(1)[0]
    return script if script in SCRIPTS and count > len(letters) / 2 else None


def language_of(text: str) -> str | None:
    """Return the language of `text` by its commonest words, None when it is not clear."""
    words = re.findall(r"[^\W\d_]{2,}", text[:SAMPLE].lower())  # one letter is a variable in any language
    hits = {name: sum(word in stopwords for word in words) for name, stopwords in STOPWORDS.items()}
    (first, most), (_, second) = Counter(hits).most_common(2)
    clear = len(words) >= ENOUGH_WORDS and most >= len(words) / 8 and most >= 1.5 * second
    return first if clear else None


def check(subject: Subject) -> Finding | None:
    """Find an answer in another language than its question, unless another one was asked for."""
    if _OTHER_WANTED.search(f"{subject.instructions}\n{subject.question}"):
        return None
    for recognise in (script_of, language_of):
        asked, answered = recognise(subject.question), recognise(subject.text)
        if asked and answered and asked != answered:
            return Finding(
                check="language",
                evidence=f"The question is in {asked.title()}, the answer in {answered.title()}.",
                effect=-2.0,
                bounds={Dimension.RELEVANCE: 0.4},
            )
    return None
