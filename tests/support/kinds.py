"""Run kinds for tests, so that the life of a run is tried without strategies or providers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from orchestra_site.accounts.models import Membership, Role, Team, User
from orchestration.engine.context import RunContext
from orchestration.engine.types import Message, Outcome, Prompt
from orchestration.kinds import Assignment, RunKind, register, unregister
from orchestration.models import Run

Story = Callable[[RunContext], Awaitable[Outcome]]


@contextmanager
def kind_that(tells: Story) -> Iterator[str]:
    """Register a kind whose runs do what `tells` says, for as long as the block lasts."""
    name = f"test{uuid4().hex[:8]}"

    async def execute(assignment: Assignment, context: RunContext) -> Outcome:
        return await tells(context)

    register(RunKind(name=name, execute=execute))
    try:
        yield name
    finally:
        unregister(name)


def member(role: Role = Role.OPERATOR) -> Membership:
    """Return a member of a team of their own."""
    team = Team.objects.create(name="Testers")
    user = User.objects.create(email=f"{uuid4().hex}@example.com")
    return Membership.objects.create(team=team, user=user, role=role)


def queued_run(kind: str, membership: Membership | None = None, **constraints: object) -> Run:
    """Store a run of `kind` as a dispatcher would."""
    membership = membership or member()
    return Run.objects.create(
        team=membership.team,
        created_by=membership.user,
        kind=kind,
        ref=kind,
        prompt="?",
        request={"text": "?", "constraints": constraints},
        seed=7,
    )


def question(text: str = "How many?") -> Prompt:
    """Return a small prompt."""
    return Prompt(messages=(Message(role="user", content=text),))
