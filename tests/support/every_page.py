"""Every page of the site in the states that people see, as rows that one test opens after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse

from orchestra_site.accounts.models import Membership
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.tools.selectors import team_credentials, team_servers
from tests.support.furnished import LONG_STAGE, FurnishedTeam
from tests.support.history import signed_in

ALIKE_RUNS = (
    "cascade-open",
    "expert-open",
    "parallel-sum",
    "parallel-open",
    "sequential-sum",
    "sequential-open",
    *("debate-open", "mixture-open", "refine-open", "self_consistency-open", "self_consistency-sum"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageState:
    """A page in one state: its address, who looks (None: nobody who is signed in), and a form sent empty.

    `sends` is the form's selector: the page is the answer to it. `alike` pages differ from another one in
    their words only.
    """

    path: str
    who: Membership | None
    sends: str = ""
    alike: bool = False

    @property
    def name(self) -> str:
        """The page in a message."""
        return f"{self.path[:60]} {self.sends}".strip()

    @property
    def app(self) -> str:
        """The app whose page it is."""
        return self.view.partition(":")[0]

    @property
    def view(self) -> str:
        """The name of the page in the addresses; empty for one that there is not."""
        path = self.path.partition("?")[0]
        return "" if path == "/nowhere/" else resolve(path).view_name

    @property
    def drawn_by(self) -> object:
        """The function that draws the page, which pages of several apps can share; None for no page."""
        return resolve(self.path.partition("?")[0]).func if self.view else None

    def fetch(self) -> HttpResponse:
        """Return what a browser without scripts gets."""
        client = signed_in(self.who) if self.who else Client()
        answer = client.post(self.path, {}) if self.sends else client.get(self.path)
        assert isinstance(answer, HttpResponse)
        return answer


def page_states(team: FurnishedTeam) -> list[PageState]:
    """Return every page, in each state that looks different."""
    _, viewer = team.people
    owned = [
        *_accounts(team),
        *_questions(team),
        *_models(team),
        *_tools(team),
        *_pipelines(team),
        *_sessions(team),
        *_presets(team),
        *_routing(team),
        *_evaluations(team),
    ]
    alike = [*_alike(team)]
    lists = (
        *("strategies:ask", "strategies:methods", "strategies:judges", "runs:runs", "runs:inbox"),
        *("llm:models", "pipelines:list", "sessions:list", "sessions:start", "strategies:presets:list"),
        *("tools:tools", "routing:list"),
        *("evaluation:list", "evaluation:datasets", "evaluation:new", "evaluation:belief"),
    )
    empty = [reverse(view) for view in lists]
    return [
        *(PageState(path=path, who=team.owner) for path in owned),
        *(PageState(path=path, who=team.owner, alike=True) for path in alike),
        *(PageState(path=path, who=team.newcomer) for path in [*empty, reverse("accounts:audit")]),
        *(
            PageState(path=path, who=viewer)
            for path in (
                *("/", "/models/", "/tools/", "/tools/call/clock/", "/team/", "/inbox/", "/pipelines/"),
                *("/sessions/", "/sessions/writers/", "/methods/routing/", "/methods/routing/auto/"),
                "/methods/presets/thorough/",
            )
        ),
        *(PageState(path=path, who=None) for path in _strangers(team)),
        *_refused_forms(team),
    ]


def _accounts(team: FurnishedTeam) -> Iterator[str]:
    yield from map(reverse, ["accounts:password", "accounts:team", "accounts:create-team", "accounts:audit"])
    yield reverse("accounts:join", args=[team.token])


def _questions(team: FurnishedTeam) -> Iterator[str]:
    ask, runs = reverse("strategies:ask"), reverse("runs:runs")
    yield from (ask, f"{ask}?from={team.runs['rich'].pk}", reverse("strategies:methods"))
    yield from (f"{ask}?strategy=parallel", reverse("strategies:method", args=["voting"]))
    yield from map(reverse, ["strategies:judges", "strategies:rubric-new"])
    yield reverse("strategies:rubric", args=[team.rubric.pk])
    yield from (runs, f"{runs}?q=17+swift", f"{runs}?q=nothing+like+it", f"{runs}?min_cost=much")
    yield from ("/inbox/", "/inbox/?who=me", "/inbox/?kind=none")
    yield reverse("runs:run-delete", args=[team.runs["rich"].pk])
    chosen = "&".join(f"run={team.runs[name].pk}" for name in ("rich", "voting-sum", "failed"))
    yield from (f"{reverse(view)}?{chosen}" for view in ("runs:runs-compare", "runs:runs-delete"))
    yield f"{reverse('runs:run', args=[team.runs['session-work'].pk])}?talk=all"
    yield from (
        reverse("runs:run", args=[run.pk]) for name, run in team.runs.items() if name not in ALIKE_RUNS
    )


def _alike(team: FurnishedTeam) -> Iterator[str]:
    yield f"{reverse('accounts:audit')}?who={team.owner.user.email}"
    for name in all_strategies():
        yield f"{reverse('strategies:ask')}?strategy={name}"
        yield reverse("strategies:method", args=[name])
    yield from (reverse("runs:run", args=[team.runs[name].pk]) for name in ALIKE_RUNS)
    yield from map(reverse, ["sessions:new", "sessions:import"])
    yield from map(reverse, ["strategies:presets:new", "strategies:presets:import"])
    for view in ("versions", "publish", "triggers"):
        yield reverse(f"strategies:presets:{view}", args=["thorough"])
    yield from map(reverse, ["routing:new", "routing:import"])
    for view in ("versions", "publish", "triggers"):
        yield reverse(f"sessions:{view}", args=[team.lineup.name])
        yield reverse(f"routing:{view}", args=[team.rules.name])


def _models(team: FurnishedTeam) -> Iterator[str]:
    yield from map(reverse, ["llm:models", "llm:provider-connect", "llm:recording-add"])
    yield reverse("llm:provider-edit", args=[team.provider.pk])
    yield reverse("llm:model", args=[team.model.pk])
    yield from (reverse("llm:provider-choose", args=[each.pk]) for each in (team.provider, team.recording))
    yield f"{reverse('llm:provider-add', args=[team.recording.pk])}?pick=ada&pick=bob"
    yield from (f"{reverse('llm:prices')}?q={search}" for search in ("4o-mini", "no+such+model"))


def _pipelines(team: FurnishedTeam) -> Iterator[str]:
    yield from map(reverse, ["pipelines:list", "pipelines:new", "pipelines:import"])
    for view in ("pipeline", "versions", "run", "publish", "triggers"):
        yield reverse(f"pipelines:{view}", args=[team.pipeline.name])
    yield f"{reverse('pipelines:versions', args=[team.pipeline.name])}?old=1&new=draft"
    editor = reverse("pipelines:pipeline", args=[team.pipeline.name])
    yield from (f"{editor}?stage=loud&tab={tab}" for tab in ("does", "input", "output", "fails", "yaml"))
    yield from (f"{editor}?{lines}" for lines in ("after=loud", "before=loud", "stage=loud&tab=tried"))
    yield f"{reverse('pipelines:pipeline', args=['unfinished'])}?stage=first"
    tried = reverse("pipelines:pipeline", args=["letters"])
    yield from (f"{tried}?stage={key}&tab=tried" for key in ("", "ask", "words", "words/1/item-0"))
    run = team.runs["pipeline-letters"].pk
    yield from (
        f"{reverse('runs:run', args=[run])}?stage={key}" for key in ("ask", "words", "words/1/item-0")
    )
    yield reverse("pipelines:stage-value", args=[team.runs["pipeline-broken"].pk, "parse"])
    yield from (reverse(f"pipelines:{view}", args=["unfinished"]) for view in ("versions", "publish"))


def _sessions(team: FurnishedTeam) -> Iterator[str]:
    yield from map(reverse, ["sessions:list", "sessions:start"])
    for view in ("line-up", "run"):
        yield reverse(f"sessions:{view}", args=[team.lineup.name])
    editor = reverse("sessions:line-up", args=[team.lineup.name])
    yield from (f"{editor}?participant=lead&tab={tab}" for tab in ("who", "how", "yaml"))
    yield from (f"{editor}?tab={tab}" for tab in ("how", "limits"))
    for name in ("headless", "empty"):
        yield from (reverse(f"sessions:{view}", args=[name]) for view in ("line-up", "run"))
    yield f"{reverse('sessions:start')}?from={team.runs['session-small'].pk}"
    yield f"{reverse('sessions:line-up', args=['headless'])}?participant=writer"
    small, fork, played = (team.runs[f"session-{name}"].pk for name in ("small", "fork", "played"))
    yield f"{reverse('sessions:report', args=[played])}?conversation=all"
    yield from (reverse("sessions:report", args=[run]) for run in (small, fork))
    yield from (f"{reverse('sessions:fork', args=[small])}?entry={entry}" for entry in (0, 999))
    yield f"{reverse('runs:runs-compare')}?run={played}&run={fork}"


def _presets(team: FurnishedTeam) -> Iterator[str]:
    yield f"{reverse('strategies:presets:save')}?from={team.runs['debate-sum'].pk}"
    yield reverse("strategies:presets:list")
    editor = reverse("strategies:presets:preset", args=["thorough"])
    yield from (editor, f"{editor}?tab=options", f"{editor}?tab=yaml")
    yield reverse("strategies:presets:preset", args=["unsound"])


def _routing(team: FurnishedTeam) -> Iterator[str]:
    yield reverse("routing:list")
    editor = reverse("routing:rules", args=[team.rules.name])
    yield from (editor, f"{editor}?tab=optimisations")
    yield from (f"{editor}?rule=nights&tab={tab}" for tab in ("when", "use", "yaml"))
    yield f"{reverse('routing:rules', args=['unsound'])}?rule={LONG_STAGE}"
    yield from (reverse("routing:dry-run", args=[name]) for name in (team.rules.name, "unsound"))


def _evaluations(team: FurnishedTeam) -> Iterator[str]:
    views = ("list", "new", "belief", "datasets", "dataset-add", "dataset-rated")
    yield from (reverse(f"evaluation:{view}") for view in views)
    run = team.runs["evaluation"]
    yield reverse("evaluation:dataset", args=[run.ref])
    yield reverse("evaluation:results", args=[run.pk])
    yield from (reverse("evaluation:item-outcome", args=[run.pk, 1, place]) for place in range(2))
    yield reverse("evaluation:results-preset", args=[run.pk, 0])


def _tools(team: FurnishedTeam) -> Iterator[str]:
    views = ("tools:tools", "tools:server-add", "tools:credential-add", "tools:document-add")
    yield from map(reverse, views)
    yield from _tool_changes(team)
    yield from (reverse("tools:tool", args=[name]) for name in ("calculator", "http_request", team.tool))


def _tool_changes(team: FurnishedTeam) -> Iterator[str]:
    yield reverse("tools:server-change", args=[team_servers(team.owner)[0].pk])
    yield reverse("tools:credential-change", args=[team_credentials(team.owner)[0].pk])


def _strangers(team: FurnishedTeam) -> Iterator[str]:
    yield from (reverse("accounts:sign-in"), reverse("accounts:join", args=[team.token]))
    yield from (reverse("accounts:join", args=["used-already"]), "/nowhere/")


def _refused_forms(team: FurnishedTeam) -> Iterator[PageState]:
    yield PageState(path=reverse("accounts:sign-in"), who=None, sends="main form")
    yield PageState(path=reverse("strategies:ask"), who=team.owner, sends="#ask-form")
    for view in ("accounts:password", "accounts:create-team", "llm:provider-connect", "llm:recording-add"):
        yield PageState(path=reverse(view), who=team.owner, sends="main form")
    for view in ("pipelines:new", "pipelines:import", "evaluation:new", "evaluation:dataset-add"):
        yield PageState(path=reverse(view), who=team.owner, sends="main form")
    yield PageState(path=reverse("strategies:rubric-new"), who=team.owner, sends="#rubric-form")
    preset_forms = ("strategies:presets:new", "strategies:presets:import", "routing:new", "routing:import")
    for view in ("sessions:new", "sessions:import", *preset_forms):
        yield PageState(path=reverse(view), who=team.owner, sends="main form", alike=True)
    for view in ("pipelines:run", "pipelines:publish"):
        yield PageState(path=reverse(view, args=["unfinished"]), who=team.owner, sends="main form")
    for name in (team.lineup.name, "headless"):
        yield PageState(path=reverse("sessions:run", args=[name]), who=team.owner, sends="main form")
    fork = reverse("sessions:fork", args=[team.runs["session-small"].pk])
    yield PageState(path=fork, who=team.owner, sends="#session-fork")
    for kind in ("server", "credential", "document"):
        yield PageState(path=reverse(f"tools:{kind}-add"), who=team.owner, sends="main form")
    yield from (PageState(path=path, who=team.owner, sends="main form") for path in _tool_changes(team))
    yield PageState(path=reverse("tools:tool", args=["calculator"]), who=team.owner, sends="#tool-try form")
    for view, thing in (("llm:model", team.model.pk), ("llm:provider-edit", team.provider.pk)):
        yield PageState(path=reverse(view, args=[thing]), who=team.owner, sends="main form")
