"""What a simulated model writes where no solver found an answer: made of the prompt's own words.

It says nothing that the prompt does not say. Which of its sentences are taken, and whether a verdict is for
or against, is drawn from dice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from random import Random

from orchestra_site.web.patterns import IGNORECASE, Pattern
from orchestration.llm.providers.simulated.reading import squeezed, word_set, words

_FEW, _READ, _LONGEST_QUOTE, _NEAR, _FAR = 4, 4_000, 14, 3, 12
_SIGNED = Pattern(r"\(Simulated answer by [^()\n]{0,80}\)\.?|_Simulated answer by [^_\n]{0,80}_")
_MARK = Pattern(r"(?:#{1,6}|s\d{1,3}|[-*•]|\d{1,3}[.)])\s+")
_AFTER = Pattern(r"\s\(after [^()\n]{0,80}\)")
_LABEL = Pattern(r"[A-Z][a-z, ]{0,30}:\s")
_STATES = word_set(
    "is are was were will may must can could should has have had ran runs failed fails need needs"
)
_ASKING = word_set("what how who why when where which whether if")
_DO = word_set("should can could is are do does will")
_AGAINST = Pattern(r"\b(?:against|objections?|oppose|devil)\b", IGNORECASE)
FAVOURABLE = word_set("support accept accepted approve approved agree yes pass done")
"""Values of an enumeration that are for something, or find nothing wrong."""
_CRITICAL = word_set("oppose return returned reject rejected revise no fail")
_CONSIDER = "Consider that "
_LIKELY, _UNLIKELY, _SHARP = 0.68, 0.3, 0.75
_FOR = ("It covers “{}”.", "It goes into “{}”.", "“{}” is answered.")
_BUT = ("It says too little about “{}”.", "“{}” is left open.", "It passes over “{}”.")
_UNDECIDED = ("It can be read either way on “{}”.", "“{}” would have to be known first.")
_APPROACHES = ("First: {}. Then: {}.", "Begin with this: {}. What follows from it: {}.", "{}; only then: {}.")


def task_text(text: str) -> str:
    """Return the paragraphs with which a prompt begins, up to one with a label or with data."""
    first, *more = text.strip().split("\n\n")
    parts = takewhile(lambda each: "<data>" not in each and not _LABEL.match(each), more[:-1])
    return "\n\n".join([first, *parts])[:_READ]


def phrases(text: str) -> list[str]:
    """Return the sentences of a text without labels and signatures; of a short one its clauses, too."""
    plain = _AFTER.sub("", _SIGNED.sub("", squeezed(text[: 2 * _READ])))
    parts = [part.strip(" .") for part in plain.replace("\n", ". ").split(". ")]
    told = [_unmarked(part) for part in parts if part and not part.endswith(":")]
    told = list(dict.fromkeys(filter(None, told)))
    if len(told) < _FEW:
        clauses = (part.strip(" .,") for each in told for part in each.replace(" and ", ", ").split(", "))
        told += [part for part in clauses if " " in part and part not in told]
    return told


def _unmarked(part: str) -> str:
    found = _MARK.match(part)
    return part[found.end() :] if found else part


def parts_of_task(told: Sequence[str], dice: Random) -> list[str]:
    """Return what a task is divided into: what it states is considered before what it asks for.

    A task of one sentence is divided into its clauses.
    """
    whole = [each for each in told if not any(each != other and each in other for other in told)]
    clauses = [each for each in told if each not in whole]
    whole = clauses if len(whole) == 1 and len(clauses) > 1 else whole
    stated = [each for each in whole if _states(each)]
    asked = [each for each in whole if each not in stated] or whole[-1:]
    considered = [each for each in stated if each not in asked][: max(0, _FEW - len(asked))]
    dice.shuffle(considered)
    return [*(f"{_CONSIDER}{_lowered(each)}" for each in considered), *asked][: _FEW + 2]


def _states(phrase: str) -> bool:
    """Tell whether a phrase says how something is; else it asks for something."""
    first, *rest = words(phrase) or [""]
    within = _FAR if first in _COMMON else _NEAR
    asks = first in _DO or bool(_ASKING.intersection((first, *rest[:1])))
    return bool(_STATES.intersection(rest[:within])) and not asks


def _lowered(phrase: str) -> str:
    """Return a phrase as it stands inside a sentence; names and abbreviations keep their capitals."""
    first, _, rest = phrase.partition(" ")
    common = first.casefold() in _COMMON or first.endswith(("s", "ing"))
    return f"{first[0].lower()}{first[1:]} {rest}".strip() if common and first[1:].islower() else phrase


_COMMON = word_set(
    "the a an our we they it this these those there on in at for with from by after before when"
)


def leaning(instructions: str, values: Sequence[str], dice: Random) -> str:
    """Choose a value for or against something; whoever is told to argue against it is seldom for it."""
    good = [each for each in values if each.casefold() in FAVOURABLE]
    bad = [each for each in values if each.casefold() in _CRITICAL]
    rest = [each for each in values if each not in good]
    if dice.random() < (_UNLIKELY if _AGAINST.search(instructions) else _LIKELY) or not rest:
        return dice.choice(good)
    return dice.choice(bad if bad and dice.random() < _SHARP else rest)


def is_critical(value: str) -> bool:
    """Tell whether a value is against something."""
    return value.casefold() in _CRITICAL | {"counter"}


def reason(*, mood: bool | None, wanted: Sequence[str], found: Sequence[str], dice: Random) -> str:
    """Return why something is good or not: what of the `wanted` phrases is in the `found` ones, or is not."""
    said = {word for each in found for word in words(each)}
    by_share = sorted(wanted, key=lambda each: -len(said.intersection(words(each))) / len(words(each) or [1]))
    half = by_share[: (len(by_share) + 1) // 2] if mood else by_share[len(by_share) // 2 :]
    frames = _UNDECIDED if mood is None else _FOR if mood else _BUT
    return dice.choice(frames).format(_quoted(dice.choice(half or ["the task"])))


def _quoted(phrase: str) -> str:
    said = phrase.removeprefix(_CONSIDER).replace('"', "'").split()
    return " ".join(said) if len(said) <= _LONGEST_QUOTE else f"{' '.join(said[:_LONGEST_QUOTE])} …"


def approach(told: Sequence[str], dice: Random) -> str:
    """Return a proposal: two of the phrases, one before the other."""
    one, *other = dice.sample(list(told), min(2, len(told)))
    return dice.choice(_APPROACHES).format(one, _lowered(other[0] if other else one))


def elaborated(own: Sequence[str], others: Sequence[str], dice: Random) -> str:
    """Return a few sentences on `own` phrases, with those of the `others` that have most to do with them."""
    said = {word for each in own for word in words(each) if len(word) >= _FEW}
    rest = [each for each in others if '"' not in each]  # what somebody said about a text is not quoted in it
    dice.shuffle(rest)
    rest.sort(key=lambda each: -len(said.intersection(words(each))))
    taken, most = list[str](), dice.choice((_FEW - 2, _FEW - 1))
    for each in map(_closed, [*list(own)[:2], *rest]):
        plain = each.strip(".").casefold()
        if len(taken) < most and not any(plain in other.casefold() for other in taken):
            taken.append(each)
    return " ".join(taken)


def _closed(phrase: str) -> str:
    phrase = phrase.removeprefix(_CONSIDER)
    return phrase if phrase.endswith(("?", "!", "…")) else f"{phrase[:1].upper()}{phrase[1:]}."


def together(texts: Sequence[str]) -> str:
    """Return texts one after the other, without signatures and what was said before."""
    return "\n".join(_new_lines("\n\n".join(_SIGNED.sub("", each) for each in texts)))[: 2 * _READ].strip()


def _new_lines(text: str) -> Iterator[str]:
    seen = set[str]()
    for line in text.splitlines():
        if not line.strip() or line.strip() not in seen:
            yield line.rstrip()
        seen.add(line.strip())
