"""Scoring, ranking and combining the answers of others, by answering the question oneself.

Beyond its reach a judge goes by the surface, and says so. What a block holds is never an instruction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.llm.providers.simulated.attempt import AskedQuestion, attempt, dice
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.open_questions import grade, known_answers
from orchestration.llm.providers.simulated.reading import words
from orchestration.llm.providers.simulated.solution import agree

_DIMENSIONS = ("coherence", "relevance", "completeness", "accuracy", "fluency")
_RIGHT, _WRONG, _NO_RESULT, _UNKNOWN = (9, 9, 9, 9, 9), (7, 9, 6, 1, 9), (7, 5, 2, 2, 9), (7, 7, 7, 5, 9)
_GRADED = (_RIGHT, (8, 8, 6, 7, 8), (6, 5, 2, 3, 7))
_REASONS = ("it is specific and practical.", "it is sound, but stays general.", "it says little that helps.")
_REFUSALS = ("i can't", "i cannot", "i am unable", "i'm unable", "i won't", "we can't", "we cannot")
_POINTS = 10
_OPENING, _ENDING, _LONGEST_FINAL, _SHOWN, _RIGHT_FROM, _MOST = 200, 4_000, 80, 40, 5, 100


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """A question with its instructions, the answers by their label, and what is scored: key and points."""

    asked: AskedQuestion
    answers: Mapping[str, str]
    criteria: tuple[tuple[str, int], ...] = tuple((name, _POINTS) for name in _DIMENSIONS)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of one answer: scores from 0 to 10, why, and a preference between equals."""

    scores: tuple[int, ...]
    reason: str
    preference: float = 0.0


def read_case(text: str, draw: str) -> JudgedCase | None:
    """Read a question block and the answer blocks; None when either is missing."""
    question, rest = _block(text, "<question>", "</question>")
    instructions, _ = _block(rest.partition("<answer ")[0], "<instructions>", "</instructions>")
    blocks = [block.partition("</answer>")[0] for block in rest.split('<answer id="')[1:_MOST]]
    answers = {label: _unescaped(answer) for label, _, answer in (block.partition('">') for block in blocks)}
    asked = AskedQuestion(question=question, instructions=instructions, draw=draw)
    if not question or not answers:
        return None
    criteria = _criteria(rest)
    return JudgedCase(asked, answers, criteria) if criteria else JudgedCase(asked, answers)


def _criteria(text: str) -> tuple[tuple[str, int], ...]:
    """Read what is to be scored from the form of the reply: `{"verdicts":[{"id":"A","clarity":0-10,...`."""
    named = text.rpartition('{"verdicts":[{"id":"A",')[2].partition(',"reason"')[0].split(",")
    parts = [name.strip('"').partition('":0-') for name in named[:_MOST]]
    return tuple((name, int(most)) for name, cut, most in parts if cut and most in {"5", "10", "100"})


def _block(text: str, opening: str, closing: str) -> tuple[str, str]:
    inside, _, rest = text.partition(opening)[2].partition(closing)
    return _unescaped(inside), rest


def _unescaped(text: str) -> str:
    for tag in ("question", "answer", "instructions"):
        text = text.replace(f"&lt;{tag}", f"<{tag}").replace(f"&lt;/{tag}", f"</{tag}")
    return text.strip()


def final_answer(text: str) -> str | None:
    """Return the final answer that a text states, None when it states none."""
    lines = [line.strip("*_`#> ") for line in text[-_ENDING:].splitlines()]
    lines = [line for line in lines if line and not line.startswith("Simulated answer")]
    if not lines or _refuses(text):
        return None
    last = next((lines[-1].rpartition(cue)[2] for cue in (" is ", " = ") if cue in lines[-1]), lines[-1])
    marked = [line.partition(":")[2] for line in lines if line.casefold().startswith("answer:")]
    found = [last, *marked][-1].strip("*_`$ ").rstrip(".")
    return found if found and len(found) <= _LONGEST_FINAL else None


def _refuses(text: str) -> bool:
    opening = text[:_OPENING].casefold().replace("’", "'")
    return any(refusal in opening for refusal in _REFUSALS)


def opinions(profile: SimulatedProfile, case: JudgedCase) -> dict[str, Opinion]:
    """Judge each answer of a case."""
    made = attempt(profile, case.asked)
    own = made.answer if made else None
    return {label: _opinion(profile, case.asked.question, own, text) for label, text in case.answers.items()}


def _opinion(profile: SimulatedProfile, question: str, own: str | None, text: str) -> Opinion:
    known, said = known_answers(question), words(text)
    chance = dice("opinion", profile.name, question, text)
    scores, reason = _compared(own, text)
    if known:
        slip = 0 if chance.random() < profile.skill else chance.choice((-1, 1))
        place = min(max(grade(known, text) + slip, 0), 2)
        scores, reason = _GRADED[place], _REASONS[place]
    if not said:
        scores, reason = (0, 0, 0, 0, 0), "it is empty."
    elif _refuses(text):
        scores, reason = (7, 3, 0, min(scores[3], 5), 9), f"{reason} It declines to answer."
    elif len(said) > _SHOWN and 4 * len(set(said)) < len(said):
        scores, reason = (3, *scores[1:4], 4), f"{reason} It repeats itself."
    return Opinion(scores, f"Simulated judge {profile.name}: {reason}", chance.random() if known else 0.0)


def _compared(own: str | None, text: str) -> tuple[tuple[int, ...], str]:
    if own is None:
        return _UNKNOWN, "the question is out of my reach, so I go by the surface only."
    final = final_answer(text)
    if final is None:
        return _NO_RESULT, f"I get {own[:_SHOWN]}, and this states no result that I can read."
    scores, compared = (_RIGHT, "too") if agree(own, final) else (_WRONG, f"not {final[:_SHOWN]}")
    return scores, f"I get {own[:_SHOWN]}, {compared}."


def _scores(opinion: Opinion, criteria: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """Return the scores of criteria; one that is none of the five dimensions is scored like accuracy."""
    known = dict(zip(_DIMENSIONS, opinion.scores, strict=True))
    return {name: round(known.get(name, known["accuracy"]) * most / _POINTS) for name, most in criteria}


def verdicts(profile: SimulatedProfile, case: JudgedCase) -> str:
    """Write the scores and reasons as JSON."""
    found = [
        {"id": label, **_scores(each, case.criteria), "reason": each.reason}
        for label, each in opinions(profile, case).items()
    ]
    return json.dumps({"verdicts": found}, ensure_ascii=False)


def ranking(profile: SimulatedProfile, case: JudgedCase) -> str:
    """Write a ranking, best first, and what may be right, as JSON; equals keep the order they came in."""
    found = opinions(profile, case)
    ordered = sorted(found, key=lambda label: -sum(found[label].scores) - found[label].preference)
    approved = [label for label in ordered if found[label].scores[3] >= _RIGHT_FROM]
    written = {"ranking": ordered, "approved": approved, "confidence": profile.skill}
    return json.dumps({**written, "reason": found[ordered[0]].reason}, ensure_ascii=False)


def synthesis(profile: SimulatedProfile, case: JudgedCase) -> str:
    """Write one answer from several: what the judge's own working supports, else what most agree on."""
    short = {} if known_answers(case.asked.question) else case.answers
    finals = {label: final for label, text in short.items() if (final := final_answer(text))}
    made = attempt(profile, case.asked)
    confirmed = [label for label, final in finals.items() if made and agree(made.answer, final)]
    groups = [[label for label, final in finals.items() if agree(each, final)] for each in finals.values()]
    labels = confirmed or max((group for group in groups if group[1:]), key=len, default=[])
    why = "working it out myself, I get the same" if confirmed else "most agree on it, and I can confirm none"
    if labels:
        listed = f"answer{'s' if labels[1:] else ''} {' and '.join(labels)}"
        result = finals[labels[0]]
        return f"Comparing the answers, it is {result}. It rests on {listed}: {why}.\n\nAnswer: {result}"
    if made and len(finals) == 1:
        return f"Working it out once more, I get {made.answer}. {made.working}\n\nAnswer: {made.answer}"
    best = json.loads(ranking(profile, case))["ranking"][0]
    return (
        f"They agree on no result; answer {best} looks soundest, so it is handed on:\n\n{case.answers[best]}"
    )
