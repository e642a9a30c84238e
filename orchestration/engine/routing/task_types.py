"""The kinds of task that models are good or bad at."""

from __future__ import annotations

from enum import StrEnum


class TaskType(StrEnum):
    """What a request asks a model to do."""

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
    """Return the type whose value or label is `name`, whatever its case and spelling of gaps."""
    folded = "_".join(name.casefold().replace("-", " ").replace("_", " ").split())
    folded = folded.replace("isation", "ization")
    return TaskType(folded) if folded in {task.value for task in TaskType} else None
