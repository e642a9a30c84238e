"""The types of task, and what is known of a model for one type."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Sums over the calls of a model, which can be added and subtracted.

    `asked` counts calls whose result depended on the model, `answered` usable answers among them; `timed`
    counts the answers that `seconds` and tokens are summed over; `quality` sums estimates (0 to 1), each
    times its weight, and `judged` the weights.
    """

    asked: int = 0
    answered: int = 0
    timed: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    quality: float = 0.0
    judged: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What to expect of a model: quality and probability of a usable answer (0 to 1), seconds, US dollars.

    `cost_usd` is None without a price. `evidence` is the weight of judged answers and ratings that the
    quality is learned from, `asked` the number of calls for the rest; both are 0 for a mere prior.
    """

    task: TaskType
    quality: float
    success: float
    seconds: float
    cost_usd: Decimal | None = None
    evidence: float = 0.0
    asked: int = 0

    @property
    def expected(self) -> float:
        """The expected quality of a call: a failure counts 0."""
        return self.quality * self.success
