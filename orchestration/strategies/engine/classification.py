"""The types of task, and which one a request is, by patterns with weights.

A verb at the beginning of a sentence has the most weight, a thing that is asked for less, a word anywhere the
least. The patterns are English, with the verb for "translate" in a few other languages, and are applied to
lower-case text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

_WORDS: Mapping[str, str] = {
    "made": "write|compose|draft|tell|invent|create|make up|give|generate|make",
    "built": "write|implement|code|create|build|generate|add|complete|show|give|make",
    "examined": r"analy[sz]e|compare|assess|review|examine|classify|categori[sz]e|extract|identify|critique"
    r"|contrast|diagnose|interpret|evaluate|label|explain|discuss",
    "languages": "english|french|german|spanish|italian|portuguese|dutch|swedish|norwegian|danish|finnish"
    "|polish|czech|russian|ukrainian|greek|turkish|arabic|hebrew|hindi|chinese|mandarin|japanese|korean"
    "|vietnamese|thai|latin",
    "programs": r"function|method|class|(?:shell |bash |python )script|program|quer(?:y|ies)|regex"
    r"|regular expression|api|endpoint|unit tests?|algorithm|code|snippet|component|module|dockerfile|parser"
    r"|makefile",
    "dialects": r"python|javascript|typescript|rust|golang|kotlin|c\+\+|c#|sql|bash|html|css|django|regex"
    r"|pandas|numpy|kubernetes|terraform",
    "mathematics": r"equation|probability|integer|percent(?:age)?|ratio|square root|sum of|remainder|theorem"
    r"|proof|polynomial|triangle|average|mean|median|prime|divisible|modulo|larger|smaller|greater",
    "invented": r"poems?|stor(?:y|ies)|songs?|haikus?|limericks?|jokes?|lyrics|screenplay|dialogue|slogans?"
    r"|taglines?|fairy tale|sonnets?|rhymes?|riddle|parody|ballad|tale",
    "texts": r"e-?mails?|letters?|reports?|essays?|articles?|posts?|descriptions?|proposals?|outlines?"
    r"|paragraphs?|memos?|documentation|announcements?|speech|press release|invitations?|agenda|checklist"
    r"|plan|list|table|faq",
}
"""The words that patterns have as `<name>`."""


def _cues(table: str, frame: str = "{}") -> tuple[TaskCue, ...]:
    """Return the cues of a table that has on each line a type of task, a weight and a pattern."""
    for name, words in _WORDS.items():
        table = table.replace(f"<{name}>", words)
    rows = (line.split(maxsplit=2) for line in table.strip().splitlines())
    return tuple(
        (TaskType(task), Pattern(frame.format(cue), MULTILINE), float(weight)) for task, weight, cue in rows
    )


OPENINGS = _cues(
    r"""
translation     4.0 translate|übersetze|traduce|traduis|traduci|traduza|vertaal
summarization   4.0 summari[sz]e|condense|shorten|boil down|recap|abridge|sum up
code_generation 4.5 (?:<built>)\b.{0,60}?\b(?:<programs>)
code_generation 2.0 refactor|debug|optimi[sz]e|implement|fix|port
reasoning       3.0 calculate|compute|solve|prove|derive|simplify|factor|determine|deduce|count|sort|convert
analysis        3.0 <examined>
creative        3.0 imagine|pretend|brainstorm|invent|picture yourself|act as|embody|take on the role
conversation    3.0 hi|hello|hey|howdy|good (?:morning|afternoon|evening)|thanks|thank you|bye|goodbye
generation      1.5 write|draft|compose|generate|produce|prepare|list|describe|suggest|recommend|rewrite
""",
    r"^(?:{})\b",
)
"""Cues for the beginnings of sentences, matched against text with one sentence a line."""
ANYWHERE = _cues(r"""
translation     2.0 \btranslat(?:e|es|ed|ion|ions|ing)\b
translation     2.0 \b(?:into|to|in) (?:<languages>)\b
translation     3.0 \bhow (?:do|would) (?:you|i|we) say\b
translation     2.0 \bfrom (?:<languages>) (?:in)?to\b
summarization   2.0 \b(?:summari[sz]e|summary|summaries|summari[sz]ation|tl;?dr|synopsis)\b
summarization   2.0 \b(?:(?:key|main) (?:points?|ideas?|takeaways?)|takeaways|the gist|in a nutshell)\b
summarization   1.0 \bin (?:one|two|three|a few|\d+) (?:short )?(?:sentences?|bullet points|lines)\b
code_generation 1.5 (?:^|\W)(<dialects>)(?:\W|$)
code_generation 1.5 ```|^\s*(?:def|class|import|function|const|public static)\b|\bselect\b.{1,80}?\bfrom\b
code_generation 1.5 \b(?:stack ?trace|traceback|compile error|unit tests?|refactor|bug|syntax ?error)\b
reasoning       2.5 \bhow (?:many|much|long|far|old|fast|tall)\b
reasoning       2.5 \d\s*[-+*/×÷^=]\s*\(?\d|\d[\d.,]* ?% of\b|\b[xyz]\s?[-+*/^=]
reasoning       2.5 \\frac|\\sqrt|\$[^$\n]{0,60}[\\^_=+]
reasoning       1.5 \b(?:<mathematics>)\b
reasoning       1.0 [0-9][^0-9]{2,80}?[0-9][0-9.,]*
reasoning       2.0 \b(?:step by step|logic(?:al(?:ly)?)?|puzzle|brain ?teaser|must be true|follows? from)\b
reasoning       4.0 \bwhat (?:does|will|would) (?:this|the) (?:code|function|program)|\boutput when\b
reasoning       4.0 \b(?:complete the assertion|executing the (?:provided )?code|predict the output)\b
reasoning       2.0 \b(?:which day|what day|days? (?:after|before|between)|leap year|weekday)\b
reasoning       1.5 ^\(?[a-d][.):] +\S
analysis        2.5 \b(?:pros and cons|trade-?offs?|(?:dis)?advantages|strengths and weaknesses|root cause)\b
analysis        2.0 \b(?:differences? between|similarities|implications|trends?|sentiment)\b
analysis        1.5 \b(?:causes?|effects?|impact) of\b
analysis        1.5 \b(?:analy[sz]e|analysis|compare|comparison|classif(?:y|ication))\b
analysis        1.5 \bwhy (?:is|are|do|does|did)\b
analysis        1.5 \b(?:which of the following|is this (?:review|text|message))\b
creative        4.0 \b(?:<made>)\b[^.\n]{0,40}?\b(?:<invented>)\b
creative        1.5 \b(?:<invented>)\b
creative        2.0 \b(?:creative|fiction(?:al)?|metaphor|in the style of|once upon a time|role-?play)\b
creative        2.0 \b(?:come up with|ideas? for|names? for)\b
conversation    3.0 \b(?:how are you|what'?s up|who are you|what can you do|your name|nice to meet you)\b
conversation    2.5 \b(?:do you (?:like|feel|think|remember|enjoy)|tell me about yourself)\b
conversation    2.5 \b(?:i feel|i am feeling|let'?s (?:chat|talk))\b
generation      3.5 \b(?:<made>)\b[^.\n]{0,30}?\b(?:<texts>)\b
generation      0.5 \b(?:<texts>)\b
generation      0.5 \b(?:what is|who (?:is|was|wrote)|where is|when (?:was|did|is))\b
""")


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
    found: dict[TaskType, list[tuple[float, str]]] = {}
    for part, factor in ((text, 1.0), (instructions, INSTRUCTIONS_FACTOR)):
        for task, weight, words in _cues_in(part):
            found.setdefault(task, []).append((factor * weight, words))
    if not found:
        return Classification(task=DEFAULT_TASK)
    scores = {task: sum(weight for weight, _ in cues) for task, cues in found.items()}
    best = max(TaskType, key=lambda task: scores.get(task, 0.0))
    strongest = sorted(found[best], key=lambda cue: -cue[0])
    total = sum(scores.values()) + DOUBT
    return Classification(
        task=best,
        words=tuple(dict.fromkeys(words for _, words in strongest if words))[:MOST_WORDS],
        shares={task: round(score / total, 4) for task, score in scores.items()},
    )


def _cues_in(text: str) -> Iterator[tuple[TaskType, float, str]]:
    """Yield the task and the weight of each cue that matches, with the words it matched, shortened."""
    instruction = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"
    text = instruction.lower()
    heads = "\n".join(_POLITE.sub("", part, count=1) for part in _SENTENCE.split(text.lstrip()))
    for cues, searched in ((OPENINGS, heads), (ANYWHERE, text)):
        for task, pattern, weight in cues:
            found = pattern.search(searched)
            if found is not None:
                words = " ".join(next(filter(None, found.groups()), found.group()).split())
                yield task, weight, words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…"
