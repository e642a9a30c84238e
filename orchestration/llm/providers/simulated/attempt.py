"""One simulated model's try at a question: right as often as its skill says, else plausibly wrong.

Every solver is tried; a multiple choice goes to the option whose content a solver finds. Chance is drawn from
hashes, so that it is the same in every run and on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from orchestra_site.web.patterns import Match, Pattern
from orchestration.llm.engine.types import Json, Prompt
from orchestration.llm.providers.simulated import arithmetic, dates, labels, lists, units
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.reading import QuestionText, identity, read
from orchestration.llm.providers.simulated.solution import Solution, agree, chosen, wrong_answer

SOLVERS: tuple[Callable[[QuestionText], Solution | None], ...] = (
    labels.solve, dates.solve, lists.solve_counting, lists.solve_sorting, units.solve,
    arithmetic.solve_percentage, arithmetic.solve_expression,
)  # fmt: skip
_MARK = Pattern(r"(?:^|[\s,;])\(?([A-H])[).:] ")
# Which questions a model gets wrong depends on this; how many does not.
_CATALOGUE_SEED = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedQuestion:
    """What a model is to answer: the question, the instructions with it, and which draw of it this is.

    `data` is what in the question is marked as that, the longest first; `material` are the blocks of it that
    the last instruction is about.
    """

    question: str
    instructions: str = ""
    draw: str = "0"
    data: str = ""
    material: tuple[str, ...] = ()


def dice(*parts: str) -> Random:
    """Return a generator of its own for each combination of parts, independent as far as SHA-256 is."""
    joined = "\x1f".join((_CATALOGUE_SEED, *parts)).encode(errors="replace")
    return Random(hashlib.sha256(joined).digest())  # noqa: S311  # repeatable on purpose, guards nothing


def asked_question(prompt: Prompt) -> AskedQuestion:
    """Read the last thing the user says, and what the system says.

    Above a temperature of 0 the prompt's seed is part of the draw; else only the sample number is. Marks
    around what is only data are left out.
    """
    users = [message.content for message in prompt.messages if message.role == "user"] or [""]
    system = "\n".join(message.content for message in prompt.messages if message.role == "system")
    seed = f"/{prompt.seed}" if prompt.temperature and prompt.seed is not None else ""
    parts = users[-1].split("<data>")
    blocks = [part.partition("</data>")[0].strip() for part in parts[1:]]
    marked = sorted(blocks, key=len, reverse=True)
    question = "".join(part.removeprefix("\n").replace("</data>", "") for part in parts)
    return AskedQuestion(
        question=question,
        instructions=system,
        draw=f"{prompt.sample}{seed}",
        data="\n".join(marked),
        material=tuple(blocks[_last_group(parts) :]),
    )


def _last_group(parts: Sequence[str]) -> int:
    """Return the place of the first block of data before which more than labels stand, the last such one."""
    headings = [part.rpartition("</data>")[2].splitlines() for part in parts[:-1]]
    told = [any(line.strip() and not line.rstrip().endswith(":") for line in lines) for lines in headings]
    return max((place for place, each in enumerate(told) if each), default=0)


def attempt(profile: SimulatedProfile, asked: AskedQuestion) -> Solution | None:
    """Try to answer the question alone, then with its instructions; None when it is out of reach."""
    solution = solve(read(asked.question))
    if solution is None and asked.instructions:
        solution = solve(read(f"{asked.instructions}\n\n{asked.question}"))
    return None if solution is None else with_skill(profile, asked, solution)


def with_skill(profile: SimulatedProfile, asked: AskedQuestion, solution: Solution) -> Solution:
    """Return the solution, or a slip where skill fails, by model, question and draw alone."""
    chance = dice("skill", profile.name, identity(asked.question), asked.draw)
    right = chance.random() < profile.skill
    return solution if right else replace(solution, answer=wrong_answer(solution, chance))


def solve(question: QuestionText) -> Solution | None:
    """Solve a question, None when it is out of every solver's reach."""
    stem, options = read_options(question.text)
    found = (solver(QuestionText(stem, question.places)) for solver in SOLVERS if stem)
    solution = next(filter(None, found), None)
    if solution is None or not options:
        return solution
    same = [letter for letter, said in options.items() if agree(said, solution.answer)]
    return chosen(same[0], list(options), solution.working) if len(same) == 1 else None


def calculation(asked: AskedQuestion) -> str:
    """Return the expression that a question comes down to; empty where it takes more than to compute one."""
    question = read(asked.question)
    solver = next((each for each in SOLVERS if each(question) is not None), None)
    computes = solver in {arithmetic.solve_percentage, arithmetic.solve_expression}
    return arithmetic.calculation(question) if computes and not read_options(question.text)[1] else ""


def read_options(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands before lettered options ("A) 54 B) 56"), and what each option says by its letter."""
    marks: list[Match] = []
    for mark in _MARK.finditer(text):
        if mark[1] == chr(ord("A") + len(marks)):
            marks.append(mark)
    if len(marks) < 2:  # noqa: PLR2004  # one option is no choice
        return text, {}
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    said = [text[mark.end() : end].strip(" .,;\n") for mark, end in zip(marks, ends, strict=True)]
    stem = text[: marks[0].start()].strip().removesuffix("Options:").strip()
    return stem, dict(zip((mark[1] for mark in marks), said, strict=True))


def labelled(profile: SimulatedProfile, schema: Mapping[str, Json], asked: AskedQuestion) -> Solution | None:
    """Classify by the labels that the schema allows."""
    fields = schema.get("properties")
    places = [schema, *(fields.values() if isinstance(fields, Mapping) else ())]
    listed = [each["enum"] for each in places if isinstance(each, Mapping) and "enum" in each]
    allowed = [str(label) for each in listed if isinstance(each, list) for label in each]
    solution = labels.pick(allowed, asked.data or asked.question) if allowed else None
    return with_skill(profile, asked, solution) if solution else None
