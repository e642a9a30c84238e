"""Words and patterns that speak for a type of task, with their weights.

A verb that opens a sentence says most, a thing that is asked for next, a word anywhere least. The lists are
English, with the verb for "translate" in a few other languages. Patterns meet lower-case text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.engine.routing.task_types import TaskType


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern that speaks for a type of task; it counts once however often it matches."""

    task: TaskType
    pattern: re.Pattern[str]
    weight: float


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
                r"(?<!\w)(?:python|javascript|typescript|rust|golang|kotlin|c\+\+|c#|sql|bash|html|css|django|regex"
                r"|pandas|numpy|kubernetes|terraform)(?!\w)"
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
        (r"\d\D{2,80}?\d[\d.,]*", 1.0),
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


def _compiled(table: Mapping[TaskType, Iterable[tuple[str, float]]], frame: str) -> tuple[Cue, ...]:
    return tuple(
        Cue(task, re.compile(frame.format(pattern), re.MULTILINE), weight)
        for task, cues in table.items()
        for pattern, weight in cues
    )


OPENINGS = _compiled(_OPENINGS, r"^(?:{})\b")
"""Cues for the beginnings of sentences, each on a line of its own."""
ANYWHERE = _compiled(_ANYWHERE, "{}")
