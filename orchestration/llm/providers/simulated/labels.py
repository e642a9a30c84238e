"""Choosing a label for a text, by word lists and by the words of the labels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

from orchestra_site.web.patterns import Pattern
from orchestration.llm.providers.simulated.reading import QUOTED, QuestionText, items, skip, word_set, words
from orchestration.llm.providers.simulated.solution import Solution, chosen

# Labels, and the words that speak for them, whatever their ending; "#" stands for any digit.
_TABLE = """
positive: good great excellent love lovely wonderful amazing fantastic happy delighted perfect best enjoy nice
 friendly helpful recommend beautiful delicious satisfied impressive comfortable clean reliable;
negative: bad terrible awful hate horrible worst poor disappointed broken broke useless slow rude angry boring
 waste dirty annoying fail problem refund never cold fault noisy late unfriendly died damaged wrong sad;
sports: match game team goal score player coach league football tennis champion win won striker;
politics: election vote president minister parliament senate law campaign government treaty;
technology: software computer app phone smartphone chip processor robot internet battery digital;
food: recipe cook oven restaurant meal dish chef soup sauce butter salt; weather: rain snow storm wind sunny;
billing: invoice charged refund pay bill card price money; shipping: deliver package parcel ship arrive;
spam: free winner won prize click cash claim; urgent: immediately asap emergency now critical down outage;
generation: write draft email report list who; analysis: analyse analyze compare explain classify extract why;
translation: translate german french spanish; summarization: summarise summarize shorten;
code_generation: function program python sql; reasoning: # calculate convert sort count how percent solve;
creative: poem haiku story invent imagine song; conversation: hello hi thank you"""
_FALLBACKS = word_set("neutral mixed none other neither unknown")
_NEGATIONS = word_set("not no never hardly isn't wasn't don't didn't doesn't can't cannot without")
_REACH, _MOST_LABEL_WORDS = 3, 3
_ASKS = ("classif", "categor", "label", "sentiment", "topic", "spam")
_TEXT = Pattern(r"(?i)(?:^|[\n.;?!)\]] ?)(?:text|review|sentence|message|headline|ticket): ?")
_SEGMENTS = Pattern(r"[.:?!\n\"()\[\]]")
_FILLER = word_set(
    "the this following a as is are into of one text review sentence message sentiment classify"
)
_ENDINGS = ("'s", "ies", "ing", "ly", "ed", "es", "s", "y", "e")


def stem(word: str) -> str:
    """Cut the commonest English endings."""
    fits = (end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) > 1)
    return word if word.endswith("ss") else word.removesuffix(next(fits, ""))


_ENTRIES = [entry.partition(":") for entry in _TABLE.replace("\n", " ").split(";")]
_STEMS = {label.strip(): frozenset(map(stem, listed.split())) for label, _, listed in _ENTRIES}


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
