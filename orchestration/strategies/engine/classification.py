"""The types of task, and which one a request is, by patterns with weights.

A verb at the beginning of a sentence has the most weight, a thing that is asked for less, a word anywhere the
least. The patterns are English, with the verb for "translate" in a few other languages, and are applied to
lower-case text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestra_site.web.patterns import MULTILINE, Pattern


class TaskType(StrEnum):
    """The kind of task that a request is."""

    GENERATION = "generation"
    ANALYSIS = "analysis"
    TRANSLATION = "translation"
    SUMMARIZATION = "summarization"
    CODE_GENERATION = "code_generation"
    REASONING = "reasoning"
    CREATIVE = "creative"
    CONVERSATION = "conversation"

    @property
    def label(self) -> str:
        """The type in words."""
        return self.value.replace("_", " ")


MEANINGS: dict[TaskType, str] = {
    TaskType.GENERATION: "write a practical text (an e-mail, a report, a list) or state facts",
    TaskType.ANALYSIS: "examine, compare, explain, classify or extract from what is given",
    TaskType.TRANSLATION: "put a text into another language",
    TaskType.SUMMARIZATION: "make a text shorter and keep what matters",
    TaskType.CODE_GENERATION: "write, change or repair a program, query or pattern",
    TaskType.REASONING: "work something out: mathematics, logic, counting, what code does",
    TaskType.CREATIVE: "invent: a story, a poem, names, ideas",
    TaskType.CONVERSATION: "talk: greetings, thanks, small talk, questions about the model itself",
}


def task_called(name: str) -> TaskType | None:
    """Return the type whose value or label is `name`, whatever its case, hyphens and spaces; else None."""
    folded = "_".join(name.casefold().replace("-", " ").replace("_", " ").split())
    folded = folded.replace("isation", "ization")
    return TaskType(folded) if folded in {task.value for task in TaskType} else None


TaskCue = tuple[TaskType, Pattern, float]
"""A pattern that is evidence for a type of task, and its weight; it counts once, however often it matches.

Its words are those of its group where it has one, else the match.
"""

_MADE = r"(?:write|compose|draft|tell|invent|create|make up|give|generate|make)"
_LANGUAGES = (
    "english|french|german|spanish|italian|portuguese|dutch|swedish|norwegian|danish|finnish|polish|czech|russian"
    "|ukrainian|greek|turkish|arabic|hebrew|hindi|chinese|mandarin|japanese|korean|vietnamese|thai|latin"
)
_CODE_THINGS = (
    r"function|method|class|(?:shell |bash |python )script|program|quer(?:y|ies)|regex|regular expression|api"
    r"|endpoint|unit tests?|algorithm|code|snippet|component|module|dockerfile|parser|makefile"
)
_INVENTED = (
    r"poems?|stor(?:y|ies)|songs?|haikus?|limericks?|jokes?|lyrics|screenplay|dialogue|slogans?|taglines?"
    r"|fairy tale|sonnets?|rhymes?|riddle|parody|ballad|tale"
)
_TEXTS = (
    r"e-?mails?|letters?|reports?|essays?|articles?|posts?|descriptions?|proposals?|outlines?|paragraphs?|memos?"
    r"|documentation|announcements?|speech|press release|invitations?|agenda|checklist|plan|list|table|faq"
)

_OPENINGS: Mapping[TaskType, tuple[tuple[str, float], ...]] = {
    TaskType.TRANSLATION: ((r"translate|übersetze|traduce|traduis|traduci|traduza|vertaal", 4.0),),
    TaskType.SUMMARIZATION: ((r"summari[sz]e|condense|shorten|boil down|recap|abridge|sum up", 4.0),),
    TaskType.CODE_GENERATION: (
        (
            rf"(?:write|implement|code|create|build|generate|add|complete|show|give|make)\b.{{0,60}}?\b(?:{_CODE_THINGS})",
            4.5,
        ),
        (r"refactor|debug|optimi[sz]e|implement|fix|port", 2.0),
    ),
    TaskType.REASONING: (
        (r"calculate|compute|solve|prove|derive|simplify|factor|determine|deduce|count|sort|convert", 3.0),
    ),
    TaskType.ANALYSIS: (
        (
            (
                r"analy[sz]e|compare|assess|review|examine|classify|categori[sz]e|extract|identify|critique|contrast"
                r"|diagnose|interpret|evaluate|label|explain|discuss"
            ),
            3.0,
        ),
    ),
    TaskType.CREATIVE: (
        (r"imagine|pretend|brainstorm|invent|picture yourself|act as|embody|take on the role", 3.0),
    ),
    TaskType.CONVERSATION: (
        (r"hi|hello|hey|howdy|good (?:morning|afternoon|evening)|thanks|thank you|bye|goodbye", 3.0),
    ),
    TaskType.GENERATION: (
        (r"write|draft|compose|generate|produce|prepare|list|describe|suggest|recommend|rewrite", 1.5),
    ),
}  # fmt: skip

_ANYWHERE: Mapping[TaskType, tuple[tuple[str, float], ...]] = {
    TaskType.TRANSLATION: (
        (r"\btranslat(?:e|es|ed|ion|ions|ing)\b", 2.0),
        (rf"\b(?:into|to|in) (?:{_LANGUAGES})\b", 2.0),
        (r"\bhow (?:do|would) (?:you|i|we) say\b", 3.0),
        (rf"\bfrom (?:{_LANGUAGES}) (?:in)?to\b", 2.0),
    ),
    TaskType.SUMMARIZATION: (
        (r"\b(?:summari[sz]e|summary|summaries|summari[sz]ation|tl;?dr|synopsis)\b", 2.0),
        (r"\b(?:(?:key|main) (?:points?|ideas?|takeaways?)|takeaways|the gist|in a nutshell)\b", 2.0),
        (r"\bin (?:one|two|three|a few|\d+) (?:short )?(?:sentences?|bullet points|lines)\b", 1.0),
    ),
    TaskType.CODE_GENERATION: (
        (
            (
                r"(?:^|\W)(python|javascript|typescript|rust|golang|kotlin|c\+\+|c#|sql|bash|html|css|django|regex"
                r"|pandas|numpy|kubernetes|terraform)(?:\W|$)"
            ),
            1.5,
        ),
        (r"```|^\s*(?:def|class|import|function|const|public static)\b|\bselect\b.{1,80}?\bfrom\b", 1.5),
        (r"\b(?:stack ?trace|traceback|compile error|unit tests?|refactor|bug|syntax ?error)\b", 1.5),
    ),
    TaskType.REASONING: (
        (r"\bhow (?:many|much|long|far|old|fast|tall)\b", 2.5),
        (r"\d\s*[-+*/×÷^=]\s*\(?\d|\d[\d.,]* ?% of\b|\b[xyz]\s?[-+*/^=]", 2.5),
        (r"\\frac|\\sqrt|\$[^$\n]{0,60}[\\^_=+]", 2.5),
        (
            (
                r"\b(?:equation|probability|integer|percent(?:age)?|ratio|square root|sum of|remainder"
                r"|theorem|proof|polynomial|triangle|average|mean|median|prime|divisible|modulo|larger"
                r"|smaller|greater)\b"
            ),
            1.5,
        ),
        (r"[0-9][^0-9]{2,80}?[0-9][0-9.,]*", 1.0),
        (r"\b(?:step by step|logic(?:al(?:ly)?)?|puzzle|brain ?teaser|must be true|follows? from)\b", 2.0),
        (r"\bwhat (?:does|will|would) (?:this|the) (?:code|function|program)|\boutput when\b", 4.0),
        (r"\b(?:complete the assertion|executing the (?:provided )?code|predict the output)\b", 4.0),
        (r"\b(?:which day|what day|days? (?:after|before|between)|leap year|weekday)\b", 2.0),
        (r"^\(?[a-d][.):] +\S", 1.5),
    ),
    TaskType.ANALYSIS: (
        (r"\b(?:pros and cons|trade-?offs?|(?:dis)?advantages|strengths and weaknesses|root cause)\b", 2.5),
        (r"\b(?:differences? between|similarities|implications|trends?|sentiment)\b", 2.0),
        (r"\b(?:causes?|effects?|impact) of\b", 1.5),
        (r"\b(?:analy[sz]e|analysis|compare|comparison|classif(?:y|ication))\b", 1.5),
        (r"\bwhy (?:is|are|do|does|did)\b", 1.5),
        (r"\b(?:which of the following|is this (?:review|text|message))\b", 1.5),
    ),
    TaskType.CREATIVE: (
        (rf"\b{_MADE}\b[^.\n]{{0,40}}?\b(?:{_INVENTED})\b", 4.0),
        (rf"\b(?:{_INVENTED})\b", 1.5),
        (r"\b(?:creative|fiction(?:al)?|metaphor|in the style of|once upon a time|role-?play)\b", 2.0),
        (r"\b(?:come up with|ideas? for|names? for)\b", 2.0),
    ),
    TaskType.CONVERSATION: (
        (r"\b(?:how are you|what'?s up|who are you|what can you do|your name|nice to meet you)\b", 3.0),
        (r"\b(?:do you (?:like|feel|think|remember|enjoy)|tell me about yourself)\b", 2.5),
        (r"\b(?:i feel|i am feeling|let'?s (?:chat|talk))\b", 2.5),
    ),
    TaskType.GENERATION: (
        (rf"\b{_MADE}\b[^.\n]{{0,30}}?\b(?:{_TEXTS})\b", 3.5),
        (rf"\b(?:{_TEXTS})\b", 0.5),
        (r"\b(?:what is|who (?:is|was|wrote)|where is|when (?:was|did|is))\b", 0.5),
    ),
}  # fmt: skip


def _compiled(table: Mapping[TaskType, Iterable[tuple[str, float]]], frame: str) -> tuple[TaskCue, ...]:
    return tuple(
        (task, Pattern(frame.format(pattern), MULTILINE), weight)
        for task, cues in table.items()
        for pattern, weight in cues
    )


OPENINGS = _compiled(_OPENINGS, r"^(?:{})\b")
"""Cues for the beginnings of sentences, matched against text with one sentence a line."""
ANYWHERE = _compiled(_ANYWHERE, "{}")


HEAD, TAIL = 600, 200
"""Characters at the beginning and the end of a long text in which its instruction is searched."""
DOUBT = 1.0
"""Weight for no type at all, so that few cues give little confidence."""
INSTRUCTIONS_FACTOR = 0.5
"""Weight of a cue in the instructions, relative to one in the question."""
DEFAULT_TASK = TaskType.GENERATION
LONGEST_WORDS = 40
MOST_WORDS = 4
_SENTENCE = Pattern(r"[.!?:;]\s+|\n\s*")
_POLITE = Pattern(
    r"(?:(?:please|kindly|now|then|and|can you|could you|would you|will you|i want you to|i need you to"
    r"|help me(?: to)?|your task is to)[\s,]+)+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """A type of task, the words that decided it, and each type's share of the weight found (0 to 1)."""

    task: TaskType
    words: tuple[str, ...] = ()
    shares: Mapping[TaskType, float] = field(default_factory=dict)

    @property
    def confidence(self) -> float:
        """The share of the type, 0 where no cue was found."""
        return self.shares.get(self.task, 0.0)

    @property
    def reason(self) -> str:
        """The classification in a sentence."""
        if not self.words:
            return f"No word says what kind of task this is; it counts as {self.task.label}."
        quoted = ", ".join(f"“{word}”" for word in self.words)
        return f"Looks like {self.task.label} by its words: {quoted}. Confidence {self.confidence:.0%}."


def classify(text: str, instructions: str = "") -> Classification:
    """Return the type with the most weight of cues; ties go by the order of the types."""
    scores: dict[TaskType, float] = {}
    words: dict[TaskType, list[tuple[float, str]]] = {}
    for part, factor in ((text, 1.0), (instructions, INSTRUCTIONS_FACTOR)):
        for task, weight, word in _cues_in(_instruction(part).lower()):
            scores[task] = scores.get(task, 0.0) + factor * weight
            words.setdefault(task, []).append((factor * weight, _shown(word)))
    if not scores:
        return Classification(task=DEFAULT_TASK)
    best = max(TaskType, key=lambda task: scores.get(task, 0.0))
    strongest = sorted(words[best], key=lambda pair: -pair[0])
    total = sum(scores.values()) + DOUBT
    return Classification(
        task=best,
        words=tuple(dict.fromkeys(word for _, word in strongest if word))[:MOST_WORDS],
        shares={task: round(score / total, 4) for task, score in scores.items()},
    )


def _cues_in(text: str) -> Iterator[tuple[TaskType, float, str]]:
    """Yield the task and the weight of each cue that matches, with the words it matched."""
    heads = "\n".join(_POLITE.sub("", part, count=1) for part in _SENTENCE.split(text.lstrip()))
    for cues, searched in ((OPENINGS, heads), (ANYWHERE, text)):
        for task, pattern, weight in cues:
            found = pattern.search(searched)
            if found is not None:
                yield task, weight, next(filter(None, found.groups()), found.group())


def _instruction(text: str) -> str:
    """Return beginning and end of a long text: its middle is material, not instruction."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _shown(match: str) -> str:
    words = " ".join(match.split())
    return words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…"
