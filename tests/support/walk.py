"""Walks an address as everyone who could come by: the world they come to, who they are, what they may get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from orchestra_site.accounts import services
from orchestra_site.accounts.models import Invitation, Membership, Role, Team
from orchestration.library.services.triggers import add_webhook
from orchestration.llm.models import LanguageModel, Provider
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Call, Event, HumanQuestion, Run, RunStatus
from orchestration.strategies.engine.quality.rubrics import Criterion, Rubric
from orchestration.strategies.services.rubrics import save_rubric
from orchestration.tools.models import McpServer, ToolCredential, ToolDocument
from tests.support.evaluations import a_dataset, a_written_evaluation
from tests.support.history import a_member, a_run, signed_in
from tests.support.lineups import a_lineup, a_session_run
from tests.support.pipelines import a_pipeline, a_pipeline_run
from tests.support.presets import a_preset
from tests.support.rule_sets import a_rule_set

SECRET = "Walkers of the north ridge"  # names the team, its run and its model: no stranger may read it

CLOSED_PORT = "http://127.0.0.1:9/v1"
REQUEST = {"text": SECRET, "system": "", "options": {}, "constraints": {}}


class Visitor(StrEnum):
    """Who comes by. A stranger owns another team."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    OWNER = "owner"


MEMBERS = frozenset({Visitor.VIEWER, Visitor.OPERATOR, Visitor.ADMIN, Visitor.OWNER})
RUNNERS = MEMBERS - {Visitor.VIEWER}
ADMINS = RUNNERS - {Visitor.OPERATOR}


class World:
    """A team with one member of each role, a stranger with a team of their own, and one of each thing."""

    def __init__(self) -> None:
        self.team = Team.objects.create(name=SECRET)
        self.people: dict[Visitor, Membership] = {
            visitor: a_member(Role(visitor.value), self.team) for visitor in sorted(MEMBERS)
        }
        self.people[Visitor.STRANGER] = a_member(Role.OWNER)
        self.member = a_member(Role.OPERATOR, self.team)
        self.provider: Provider = Provider.objects.create(team=self.team, name=SECRET, kind="simulated")
        self.model: LanguageModel = LanguageModel.objects.create(
            team=self.team, provider=self.provider, name=SECRET, remote_name="sim-swift"
        )
        self.remote: Provider = Provider.objects.create(
            team=self.team, name=f"{SECRET} (remote)", kind="openai_compatible", base_url=CLOSED_PORT
        )
        self.run: Run = a_run(self.member, SECRET, last_seq=1, request=REQUEST, answer=SECRET)
        self.call = Call.objects.create(
            run=self.run, step="ask/a", attempt=1, model=SECRET, purpose="answer", status="done", text=SECRET
        )
        Event.objects.create(run=self.run, seq=1, kind=EventKind.RUN_QUEUED)
        self.question = HumanQuestion.objects.create(run=self.run, step="human/a", text=SECRET)
        self._tools()
        self.invitation, self.token = self._invitation()
        self.pipeline = a_pipeline(self.people[Visitor.OWNER], title=SECRET)
        self.pipeline_run = a_pipeline_run(self.member)
        Run.objects.filter(pk=self.pipeline_run.pk).update(status=RunStatus.FAILED)
        self.trigger, _ = add_webhook(
            membership=self.people[Visitor.OWNER], definition=self.pipeline, title=SECRET
        )

        self.lineup = a_lineup(self.people[Visitor.OWNER], title=SECRET)
        self.lineup_trigger, _ = add_webhook(
            membership=self.people[Visitor.OWNER], definition=self.lineup, title=SECRET
        )
        self.session = a_session_run(self.member, SECRET)
        owner = self.people[Visitor.OWNER]
        self.preset = a_preset(owner, title=SECRET)
        self.preset_trigger, _ = add_webhook(membership=owner, definition=self.preset, title=SECRET)
        rubric = Rubric(name=SECRET[:60], criteria=(Criterion(name="Tone"),))
        self.rubric = save_rubric(membership=self.people[Visitor.OWNER], rubric=rubric)
        self.rules = a_rule_set(self.people[Visitor.OWNER], name="support", title=SECRET)
        self.rules_trigger, _ = add_webhook(
            membership=self.people[Visitor.OWNER], definition=self.rules, title=SECRET
        )
        self.dataset = a_dataset(self.member, SECRET, items=1)
        self.evaluation = a_written_evaluation(self.member, self.dataset)

    def _tools(self) -> None:
        add = {"name": "add", "description": SECRET, "schema": {}, "repeatable": True, "problem": ""}
        self.server: McpServer = McpServer.objects.create(
            team=self.team, name="north", base_url=CLOSED_PORT, tools=[add], checked_at=timezone.now()
        )
        self.credential: ToolCredential = ToolCredential.objects.create(
            team=self.team, name="north", base_url=CLOSED_PORT
        )
        self.document: ToolDocument = ToolDocument.objects.create(team=self.team, name=SECRET, size=1)

    def _invitation(self) -> tuple[Invitation, str]:
        return services.create_invitation(
            membership=self.people[Visitor.OWNER],
            role=Role.OPERATOR,
            now=timezone.now(),
            valid_for=timedelta(days=1),
        )

    def browser_of(self, visitor: Visitor) -> Client:
        """Return a browser as the visitor has it."""
        return Client() if visitor is Visitor.ANONYMOUS else signed_in(self.people[visitor])


Make = Callable[[World], dict[str, Any]]


def _nothing(_world: World) -> dict[str, Any]:
    return {}


class Outcome(StrEnum):
    """What a visit comes to."""

    ALLOWED = "allowed"
    OWN_TEAM_ONLY = "own team only"
    SIGN_IN = "sent to sign in"
    ALREADY_IN = "sent on"
    REFUSED = "refused"
    NOT_FOUND = "not found"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One address with one verb, and what those who are allowed get: `status`, and `marker` on the page.

    `args` makes the address of one of the team's things (`names_a_team` says that `data` does): a stranger
    gets 404. Without it, or where it names nothing of a team (`shared`), a stranger, who has a team of their
    own, may see the page, but nothing of this team.
    """

    view: str
    method: str = "GET"
    who: frozenset[Visitor] = MEMBERS
    open_to_all: bool = False
    args: Make = _nothing
    data: Make = _nothing
    names_a_team: bool = False
    shared: bool = False
    marker: str = ""
    status: int = 200

    @property
    def label(self) -> str:
        """Name the row in a test's id."""
        return f"{self.method} {self.view}"

    def outcome(self, visitor: Visitor) -> Outcome:
        """Return what `visitor` must get."""
        if self.open_to_all:
            return Outcome.ALLOWED if visitor in self.who else Outcome.ALREADY_IN
        if visitor is Visitor.ANONYMOUS:
            return Outcome.SIGN_IN
        if visitor is Visitor.STRANGER:
            of_a_team = self.names_a_team or (self.args is not _nothing and not self.shared)
            return Outcome.NOT_FOUND if of_a_team else Outcome.OWN_TEAM_ONLY
        return Outcome.ALLOWED if visitor in self.who else Outcome.REFUSED

    def visit(self, world: World, visitor: Visitor) -> HttpResponse:
        """Ask for the address as the visitor does."""
        browser = world.browser_of(visitor)
        send = browser.post if self.method == "POST" else browser.get
        return cast("HttpResponse", send(self.address(world), self.data(world)))

    def address(self, world: World) -> str:
        """Return the address in this world."""
        return reverse(self.view, kwargs=self.args(world))


def addresses() -> set[str]:
    """Return the names of every address of the site; one without a name stands under its pattern."""
    return set(_named(get_resolver(), ""))


def _named(resolver: URLResolver, space: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{space}{entry.name}" if entry.name else f"unnamed: {entry.pattern}"
        else:
            yield from _named(entry, f"{space}{entry.namespace}:" if entry.namespace else space)


def application() -> Any:  # noqa: ANN401  # an ASGI application of several makers
    """Return what the server runs."""
    return import_module("orchestra_site.asgi").application


def socket_routes() -> dict[str, str]:
    """Return the sockets that the server really answers, by name, with their patterns."""
    inner = application()
    while not hasattr(inner, "routes"):
        mapping = getattr(inner, "application_mapping", None)
        inner = mapping["websocket"] if mapping else _wrapped(inner)
    return {route.name: str(route.pattern) for route in inner.routes}


def _wrapped(outer: Any) -> Any:  # noqa: ANN401  # middleware of several makers
    names = ("_app", "application", "inner", "app")
    return next(getattr(outer, name) for name in names if hasattr(outer, name))


def text_of(answer: HttpResponse) -> str:
    """Return what an answer says, also where it is sent while it is made."""
    return answer.getvalue().decode()
