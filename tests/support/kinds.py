"""Run kinds for tests, so that the life of a run is tried without strategies or providers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

from orchestra_site.accounts.models import Membership, Role, Team, User
from orchestration.llm.engine.types import Json, Message, Prompt
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import KINDS, PAGES, CheckedRequest, FrozenRun, RunKind, Startable, register
from orchestration.runs.models import Run

Story = Callable[[RunContext], Awaitable[Outcome]]


class StoryKind(RunKind):
    """A kind that does what it is given; `name` and `title` are an instance's own."""

    def __init__(self, name: str, story: Callable[[FrozenRun, RunContext], Awaitable[Outcome]]) -> None:
        self.name = self.title = name  # type: ignore[misc]
        self._story = story

    def check(self, _membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        return CheckedRequest(ref=self.name, prompt=payload.get("text", "?"), request=payload)

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        return await self._story(run, context)

    def choices(self, _membership: Membership) -> Sequence[Startable]:
        return [Startable(ref=self.name, title=self.title, schema={"properties": {"text": {}}})]


@contextmanager
def kind_that(tells: Story) -> Iterator[str]:
    """Register a kind whose runs do what `tells` says, for as long as the block lasts."""
    kind = StoryKind(f"test{uuid4().hex[:8]}", lambda _run, context: tells(context))
    register(kind)
    try:
        yield kind.name
    finally:
        del KINDS[kind.name], PAGES[kind.name]


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
