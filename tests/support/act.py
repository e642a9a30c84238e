"""`python -m tests.support.act VERB ...`: what a person or a dispatcher does, from another process."""

from __future__ import annotations

import sys

import django

from orchestra_site.settings.environment import select_settings

select_settings()
django.setup()

from orchestra_site.accounts.models import Membership  # noqa: E402
from orchestration.runs.models import HumanQuestion  # noqa: E402
from orchestration.runs.services.commands import answer_question  # noqa: E402
from tests.support.kinds import queued_run  # noqa: E402


def start(kind: str) -> None:
    """Queue a run of a test's kind and print its id; the sweeper finds it."""
    sys.stdout.write(str(queued_run(kind, Membership.objects.get()).id))


def answer(question: str, words: str) -> None:
    """Answer a question."""
    asked = HumanQuestion.objects.get(text=question)
    answer_question(membership=Membership.objects.get(), question=asked, answer=words)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start", kind]:
            start(kind)
        case ["answer", question, words]:
            answer(question, words)
        case unknown:
            sys.exit(f"There is no {unknown}.")
