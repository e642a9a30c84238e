"""Choosing a label for a text, by word lists and by the words of the labels themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import mul

from orchestration.llm.providers.simulated.reading import QUOTED, QuestionText, items, skip, word_set, words
from orchestration.llm.providers.simulated.solution import Solution, chosen

# Labels, and stems of the words that speak for them; "#" stands for any digit.
_TABLE = """
positive: good great excellent lov love wonderful amaz fantastic happ delight perfect best enjoy pleasant nice
 friendl helpful recommend beautiful delicious satisf impressiv comfortabl clean reliabl;
negative: bad terribl awful hat horribl worst poor disappoint broken brok useless slow rud angr bor wast dirt
 annoy fail problem refund never cold overpric fault regret nois lat unfriendl di damag wrong sad;
sports: match game team goal score player coach league football tennis champion win won striker;
politics: elect vote president minister parliament senate law campaign govern treaty;
technology: software computer app phone smartphone chip processor robot internet battery digital;
food: recipe cook oven restaurant meal dish chef soup sauce butter salt; weather: rain snow storm wind sunn;
billing: invoice charg refund pay bill card price money; shipping: deliver packag parcel ship arriv courier;
spam: free winner won prize priz click cash claim; urgent: immediate asap emergenc now critical down outag;
generation: write draft email report list who; analysis: analys analyz compar explain classif extract why;
translation: translat german french spanish; summarization: summaris summariz shorten;
code_generation: function program python sql; reasoning: # calculat convert sort count how percent solv;
creative: poem haiku stor invent imagin song; conversation: hello hi thank you"""
_ENTRIES = [entry.partition(":") for entry in _TABLE.replace("\n", " ").split(";")]
_STEMS = {label.strip(): word_set(stems) for label, _, stems in _ENTRIES}
_FALLBACKS = word_set("neutral mixed none other neither unknown")
_NEGATIONS = word_set("not no never hardly isn't wasn't don't didn't doesn't can't cannot without")
_REACH, _MOST_LABEL_WORDS = 3, 3
_ASKS = ("classif", "categor", "label", "sentiment", "topic", "spam")
_TEXT = re.compile(r"(?i)(?:^|[\n.;?!)\]] ?)(?:text|review|sentence|message|headline|ticket): ?")
_SEGMENTS = re.compile(r"[.:?!\n\"()\[\]]")
_FILLER = word_set(
    "the this following a as is are into of one text review sentence message sentiment classify"
)
_ENDINGS = ("'s", "ies", "ing", "ly", "ed", "es", "s", "y", "e")


def stem(word: str) -> str:
    """Cut the commonest English endings."""
    fits = (end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) > 1)
    return word if word.endswith("ss") else word.removesuffix(next(fits, ""))


def solve(question: QuestionText) -> Solution | None:
    """Pick the label that the text's words speak for most."""
    text, folded = question.text, question.text.casefold()
    polar = "positive" in folded and "negative" in folded
    if not polar and not any(cue in folded for cue in _ASKS):
        return None
    marked = _TEXT.search(text)
    behind = text[marked.end() :].partition("\n")[0] if marked else text.partition("\n\n")[2]
    data = max(QUOTED.findall(text), key=len, default="") or behind.strip() or text.rpartition(": ")[2]
    for segment in _SEGMENTS.split(text.replace(data, " ", 1)) if data else ():
        listed = segment.replace("/", ", ").replace(" or ", ", ")
        labels = [" ".join(skip(part.split(), _FILLER)) for part in items(listed)] if "," in listed else []
        if labels[1:] and all(0 < len(label.split()) <= _MOST_LABEL_WORDS for label in labels):
            return pick(list(dict.fromkeys(labels)), data)
    return None


def pick(labels: Sequence[str], text: str) -> Solution | None:
    """Pick one of `labels` for `text`; None when no word of it speaks for one more than for the others."""
    working = "Compare the words of the text with those that usually go with each label"
    scores = {label: _score(label.casefold(), text) for label in labels}
    highest = max(scores.values())
    best = [label for label in labels if scores[label] == highest]
    if highest == 0:
        best = [label for label in labels if label.casefold() in _FALLBACKS or label.startswith("not ")]
    return chosen(best[0], labels, working) if len(best) == 1 else None


def polarity(text: str) -> int:
    """Return praising minus complaining words; a negation inverts the words that follow it."""
    said = words(text)
    signs = [-1 if _NEGATIONS.intersection(said[max(0, at - _REACH) : at]) else 1 for at in range(len(said))]
    values = [(stem(word) in _STEMS["positive"]) - (stem(word) in _STEMS["negative"]) for word in said]
    return sum(map(mul, signs, values))


def _score(label: str, text: str) -> int:
    """Count the text's words that speak for a label; the label's own words count three times."""
    if label in ("positive", "negative"):
        return polarity(text) * (1 if label == "positive" else -1)
    said = set(map(stem, words(text))) | ({"#"} if any(map(str.isdigit, text)) else set())
    own = set(map(stem, words(label.replace("_", " "))))
    return 0 if label.startswith("not ") else 3 * len(said & own) + len(said & _STEMS.get(label, set()))
