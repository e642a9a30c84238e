"""A question to people as pages show it: its form, who may answer, until when, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone
from django.utils.text import Truncator

from orchestra_site.accounts.models import User
from orchestra_site.web.words import plain_name
from orchestration.llm.engine.types import Json
from orchestration.runs.models import HumanQuestion, RunStatus
from orchestration.tools.forms.schemas import SchemaForm

LONGEST_SHOWN = 300
"""Characters of an answer that pages show."""


class AnswerForm(SchemaForm):
    """The form of a question to people."""

    def __init__(self, question: HumanQuestion, data: QueryDict | None = None) -> None:
        super().__init__(question.schema, data, auto_id=f"{question.id}-%s")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionCard:
    """A question as it stands on a page.

    `who` says who may answer, unless that is anyone who may run; `may_undo` that the answer can be taken
    back; `error` why the run does not take what was sent; `method` what was run, in words.
    """

    question: HumanQuestion
    form: AnswerForm
    who: str
    may_answer: bool
    may_undo: bool = False
    error: str = ""
    method: str = ""
    now: datetime = field(default_factory=timezone.now)

    @property
    def if_nobody(self) -> str:
        """What happens at the deadline, empty without one."""
        due = self.question.deadline_at
        if due is None:
            return ""
        if self.question.fails:
            return f"If nobody answers by {moment(due, self.now)}, this part of the run fails."
        if self.question.default is None:
            return f"It can be answered until {moment(due, self.now)}."
        taken = answer_words(self.question.default)
        return f"If nobody answers by {moment(due, self.now)}, “{taken}” is taken."

    @property
    def answer(self) -> str:
        """What was answered, in words."""
        return answer_words(self.question.answer)

    @property
    def lapsed(self) -> str:
        """Why a question that nobody has answered waits no more."""
        if not self.question.is_late(self.now):
            return "The run does not wait for an answer any more."
        if self.question.default is None:
            return f"Nobody answered in time{': this part of the run failed' if self.question.fails else ''}."
        return f"Nobody answered in time: the run went on with “{answer_words(self.question.default)}”."


def question_card(
    question: HumanQuestion, *, may_answer: bool, who: str | None = None, user: User | None = None
) -> QuestionCard:
    """Return the card of a question with an empty form.

    `user` is the one who looks, where the page is for one alone; `who` is given where it is known already.
    """
    is_own = question.answered_at is not None and question.answered_by == user
    return QuestionCard(
        question=question,
        form=AnswerForm(question),
        who=question.answerable_by if who is None else who,
        may_answer=may_answer,
        may_undo=is_own and question.run.status == RunStatus.QUEUED,
    )


def moment(when: datetime, now: datetime) -> str:
    """Return a moment in the site's time zone, with its day unless that is today."""
    local, today = timezone.localtime(when), timezone.localtime(now)
    clock = f"{local:%H:%M}"
    if local.date() == today.date():
        return clock
    year = f" {local:%Y}" if local.year != today.year else ""
    return f"{clock} on {local.day} {local:%B}{year}"


def answer_words(answer: Json) -> str:
    """Return an answer in words, at most 300 characters."""
    return Truncator(_words(answer)).chars(LONGEST_SHOWN)


def _words(answer: Json) -> str:
    match answer:
        case None:
            return "nothing"
        case bool():
            return "Yes" if answer else "No"
        case dict():
            return " · ".join(f"{plain_name(str(k)).capitalize()}: {_words(v)}" for k, v in answer.items())
        case list():
            return ", ".join(_words(each) for each in answer)
        case _:
            return str(answer)
