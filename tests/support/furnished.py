"""A team that has worked with Orchestra for a while: what its pages show is as rich as what people see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from collaboration.selectors import LINEUPS
from collaboration.services.forks import ForkChanges, start_fork
from orchestra_site.accounts import services
from orchestra_site.accounts.models import Membership, Role, Team
from orchestration.library.models import SavedDefinition, Trigger
from orchestration.library.services.definitions import create_definition, publish, save_draft
from orchestration.library.services.triggers import add_schedule, add_webhook
from orchestration.llm.engine.types import Capability, Json, Prices
from orchestration.llm.models import LanguageModel, Provider
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.services.registry.models import NewModel, add_models, suggest_model, update_model
from orchestration.llm.services.registry.prices import set_price
from orchestration.llm.services.registry.providers import (
    connect_provider,
    connect_recording,
    set_secret,
    switch_provider,
)
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import CallStatus, HumanQuestion, Run, RunStatus
from orchestration.runs.services.learning import learn_from_ended_runs, rate_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.quality.rubrics import Criterion, Dimension, JudgedExample, Rubric
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.models import JudgedAnswer, SavedRubric
from orchestration.strategies.selectors import PRESETS
from orchestration.strategies.services.rubrics import save_rubric
from orchestration.tools.models import McpServer
from orchestration.tools.services.changing import add_credential, add_document
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.evaluations import a_dataset, a_written_evaluation
from tests.support.furnished_rooms import furnished_rooms
from tests.support.history import a_member
from tests.support.lineups import LEAD, WRITER, a_lineup, a_lineup_draft, a_played_run
from tests.support.pipelines import UPPER, a_draft, a_pipeline, a_pipeline_run, written
from tests.support.presets import a_version
from tests.support.question_schemas import APPROVAL, REVIEW
from tests.support.recordings import lines, packed
from tests.support.rooms import ANA, JUDGE, LED, SAGE, SCOUT, Room, line_up
from tests.support.rule_sets import a_rule_set, rule, rule_set_draft
from tests.support.run_rows import RunRows

SUM = "What is 17% of 2,300?"
OPEN = "How should a small team decide which bug to fix first?"
PANEL = ("sim-swift", "sim-scout", "sim-sage", "sim-oracle")
LONG_NAME = "a-model-with-a-name-that-is-rather-long-instruct-2026-11-28-preview"
LONG_STAGE = "a-stage-with-a-name-that-is-rather-long"
ARABIC = "ما هي عاصمة فرنسا، ولماذا تُسمّى مدينة النور؟"
RICH = """## Which bug first

| Bug | Users it hurts | Days to fix |
|---|---|---|
| Sign-in fails behind a proxy | many of those who come by for the first time | 1 |
| A chart is empty | few | 3 |

1. Fix what **hurts most** people.
2. Then what is cheap: `git bisect` finds it.

```python
def first(bugs):
    return max(bugs, key=lambda bug: bug.users / bug.days)
```

See [the list](https://example.org/bugs).
"""


class FurnishedTeam:
    """Its people, models and runs, and the token of an invitation; `newcomer` has an empty team."""

    def __init__(self, engine: Engine) -> None:
        self.owner = a_member(Role.OWNER, Team.objects.create(name="Research & Development"), "Ana Müller")
        self.people: Sequence[Membership] = [
            a_member(Role.ADMIN, self.owner.team, "ليلى حداد"),
            a_member(Role.VIEWER, self.owner.team, "Bartholomew Featherstonehaugh-Cholmondeley"),
        ]
        self.newcomer = a_member(Role.OWNER, name="Ñandú")
        self.token = self._people()
        self.recording = connect_recording(
            membership=self.owner, name="Old answers", source="old.jsonl", chunks=[packed(lines("7 7 3"))]
        )
        self.provider, self.model = self._models()
        self.tool = self._tools()
        self.pipeline = self._pipelines()
        self.lineup = self._lineups()
        self.rules = self._rules()
        self.runs: Mapping[str, Run] = {
            **self._executed(engine),
            **self._written(),
            **self._staged(engine),
            **self._in_session(engine),
            **self._with_preset(engine),
            **self._routed(engine),
            **furnished_rooms(self.owner, self.people[0]),
            "evaluation": a_written_evaluation(self.owner, a_dataset(self.owner, ARABIC, items=2)),
        }
        learn_from_ended_runs()
        self.rubric = self._rubric()

    def _people(self) -> str:
        owner, left = self.owner, a_member(Role.VIEWER, self.owner.team)
        services.change_role(membership=owner, member=left, role=Role.OPERATOR)
        services.remove_member(membership=owner, member=left)
        services.rename_team(membership=owner, name="Research & Development, Zürich")
        now, days = timezone.now(), timedelta(days=7)
        invitation, _ = services.create_invitation(
            membership=owner, role=Role.VIEWER, now=now, valid_for=days
        )
        services.withdraw_invitation(membership=owner, invitation=invitation, now=now)
        _, token = services.create_invitation(membership=owner, role=Role.OPERATOR, now=now, valid_for=days)
        return token

    def _models(self) -> tuple[Provider, LanguageModel]:
        owner, cents = self.owner, Prices(input_per_million=Decimal("0.25"), output_per_million=Decimal(2))
        simulated = add_simulated(membership=owner)
        address = "http://127.0.0.1:9/v1"
        provider = connect_provider(membership=owner, name="Acme Cloud", base_url=address, api_key="not-real")
        can = frozenset({Capability.JSON_SCHEMA, Capability.REASONING})
        new = NewModel(name=LONG_NAME, remote_name=f"acme/{LONG_NAME}", capabilities=can, prices=cents)
        [model] = add_models(membership=owner, provider=provider, models=[new])
        update_model(membership=owner, model=model, timeout_s=180.0, tier="large", max_output_tokens=4096)
        for day in (date(2026, 1, 1), date(2099, 1, 1)):
            set_price(
                membership=owner,
                model=model,
                input_per_million=Decimal(1),
                output_per_million=Decimal(4),
                valid_from=day,
            )
        cloud = connect_provider(membership=owner, name="OpenAI", base_url="https://api.openai.com/v1")
        listed, other = (
            suggest_model(RemoteModel(id=name), cloud.base_url) for name in ("gpt-4o-mini", "gpt-4o")
        )
        add_models(membership=owner, provider=cloud, models=[listed, replace(other, prices=cents)])
        switch_provider(membership=owner, provider=cloud, enabled=False)
        switch_provider(membership=owner, provider=simulated[0].provider, enabled=False)
        switch_provider(membership=owner, provider=simulated[0].provider, enabled=True)
        set_secret(membership=owner, provider=provider, api_key="not-real-either")
        return provider, model

    def _rubric(self) -> SavedRubric:
        """Have a rubric of two versions, and a judge who scored an answer by it."""
        tone = Criterion(name="Tone & manners", description=ARABIC, weight=3, dimension=Dimension.FLUENCY)
        example = JudgedExample(question="Hi?", answer="No.", verdict="Tone 0 of 10: curt.")
        first = Rubric(name="House style", description=f"{LONG_NAME} {LONG_STAGE}", criteria=(tone,))
        saved = save_rubric(membership=self.owner, rubric=first)
        criteria = (tone.model_copy(update={"weight": 2.5}), Criterion(name=LONG_STAGE))
        second = first.model_copy(update={"criteria": criteria, "examples": (example,), "points": 100})
        save_rubric(membership=self.owner, saved=saved, rubric=second, based_on=1)
        said = {"judge": "sim-oracle", "rubric": saved.name, "version": 2, "score": 0.8}
        JudgedAnswer.objects.create(run=self.runs["rich"], **said)
        return saved

    def _pipelines(self) -> SavedDefinition:
        """Have a pipeline of two versions with changes in its draft, and one with problems."""
        words = "Answers customers, after somebody has looked at it."
        loud, quiet = stage("loud", processor="transform", input=UPPER), stage("quiet", processor="transform")
        row = a_pipeline(self.owner, loud, name="replies", title="ردود لطيفة", description=words)
        for note, stages in (("Quieter.", [loud, quiet]), ("", [quiet, loud])):
            text = written(*stages, name="replies", title="Kind replies", description=words)
            row = save_draft(membership=self.owner, definition=row, text=text, based_on=row.draft_number)
            if note:
                publish(membership=self.owner, definition=row, note=note, based_on=row.draft_number)
        add_webhook(membership=self.owner, definition=row, title="Shop")
        every = Trigger(title="Mornings", crontab="30 9 * * mon-fri", zone="UTC", input={"text": "go"})
        add_schedule(membership=self.owner, definition=row, trigger=every)
        a_draft(self.owner, stage("first", "nobody", "transform"), name="unfinished")
        return row

    def _lineups(self) -> SavedDefinition:
        """Have a line-up with people and long words in it, one with problems, and an empty one."""
        told = {"instructions": f"{ARABIC} " * 9, "skills": ["analysis", "validation"], "tools": ["clock"]}
        people = [
            {"id": "boss", "role": "reviewer", "user": str(self.owner.user_id)},
            {"id": "watcher", "role": "observer", "team_role": "viewer"},
        ]
        doubter = {"id": LONG_STAGE, "name": "المعترض", "role": "specialist", "model": LONG_NAME, **told}
        words = {"title": "Zwei, die schreiben", "description": ARABIC}
        row = a_lineup(self.owner, LEAD, WRITER, doubter, *people, name="writers", **words)
        save_draft(membership=self.owner, definition=row, text=row.draft + "choose: best\n", based_on=1)
        conflict, wrong = {"rule": "arbitration"}, {**WRITER, "user": "nobody"}
        a_lineup_draft(self.owner, wrong, name="headless", conflict=conflict, negotiation={"threshold": 2})
        create_definition(membership=self.owner, kind=LINEUPS, name="empty")
        return row

    def _with_preset(self, engine: Engine) -> dict[str, Run]:
        """Have a preset of two versions that was used, and one with problems."""
        words = {"title": "Gründlich und langsam", "description": ARABIC}
        a_version(
            self.owner, "thorough", strategy="self_consistency", options={}, models=list(PANEL), **words
        )
        a_version(self.owner, "thorough", models=list(PANEL), note="Debates instead.")
        wrong = "name: unsound\nstrategy: oracle\nmodels: [a, a]\n"
        create_definition(membership=self.owner, kind=PRESETS, name="unsound", text=wrong)
        run = store_run(membership=self.owner, kind="preset", payload={"ref": "thorough", "text": SUM})
        return {"preset-thorough": engine.execute(run)}

    def _rules(self) -> SavedDefinition:
        """Have rules of each kind in force, a draft that differs, and a set with problems."""
        busy = {"days": ["mon"], "from_time": "22:00", "until_time": "06:00", "zone": "Europe/Zurich"}
        rules = (
            rule("letters", "pipeline/letters", when={"condition": "text.startsWith('Dear')"}, note=ARABIC),
            rule("nights", "session/small", "strategy/voting", how="failover", when=busy),
            rule("off", "model/sim-swift", "model/sim-sage", how="balance", enabled=False),
        )
        slow = {"id": "slow", "signal": "latency", "limit": 30, "remedy": "switch method"}
        row = a_rule_set(self.owner, *rules, methods=["session/small"], optimisations=[slow])
        text = row.draft.replace("dial: 0.5", "dial: 0.9") + "description: Drafted.\n"
        save_draft(membership=self.owner, definition=row, text=text, based_on=row.draft_number)
        wrong = rule(LONG_STAGE, "pipeline/nowhere", when={"condition": "texts == 1"}, how="use")
        rule_set_draft(self.owner, wrong, name="unsound", dial=2)
        return row

    def _routed(self, engine: Engine) -> dict[str, Run]:
        """Have runs that chose their method: by score with a baseline, by request, and one that failed."""
        asked: dict[str, dict[str, Json]] = {
            "score": {"text": SUM, "baseline": True},
            "critical": {"text": SUM, "priority": "critical", "require_explanation": True},
            "chain": {"text": OPEN, "method": "session/small", "constraints": {"max_calls": 2}},
        }
        found = {}
        for name, payload in asked.items():
            run = store_run(membership=self.owner, kind="auto", payload=payload)
            found[f"auto-{name}"] = engine.execute(run)
        return found

    def _in_session(self, engine: Engine) -> dict[str, Run]:
        """Have a session that is over and one that waits for a person."""
        a_lineup(self.owner, title="Small")
        text = f"{OPEN} {ARABIC}"
        done = store_run(membership=self.owner, kind="session", payload={"text": text, "lineup": "small"})
        session, lineup = engine.execute(done), line_up(LED, SCOUT, SAGE, JUDGE, ANA)
        played = a_played_run(self.owner, Room(lineup, task=text).play())
        changes = ForkChanges(lineup=session.request["lineup"], constraints={}, direction=ARABIC)
        fork = start_fork(membership=self.owner, run=session, entry=0, changes=changes)
        return {
            "session-small": session,
            "session-fork": engine.execute(fork),
            "session-played": played,
        }

    def _tools(self) -> str:
        """Add a server that answered once, a credential and a document; return the name of a tool."""
        owner, address = self.owner, "https://api.example.com"
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        rest = {"description": "Tells the weather of a city.", "schema": schema, "repeatable": False}
        tools = [{"name": "forecast", **rest, "problem": ""}]
        tools.append({"name": "map", **rest, "problem": "Its schema cannot be used. It is too large."})
        for name, error in (
            ("weather", ""),
            ("maps", "maps.example.com did not list its tools within 20 s."),
        ):
            McpServer.objects.create(
                team=owner.team,
                name=name,
                base_url=f"https://{name}.example.com/mcp",
                tools=tools,
                checked_at=timezone.now(),
                error=error,
            )
        add_credential(membership=owner, name="shop", base_url=address, header="X-Key", value="not-real-key")
        add_document(membership=owner, name="دليل.md", raw=ARABIC.encode() * 50)
        return "weather.forecast"

    def _executed(self, engine: Engine) -> dict[str, Run]:
        """Let each strategy answer a sum and an open question with simulated models."""
        found = {}
        for name in all_strategies():
            for kind, text in (("sum", SUM), ("open", OPEN)):
                payload: dict[str, Json] = {"strategy": name, "text": text, "models": PANEL, "options": {}}
                payload["constraints"] = {"max_cost_usd": "0.5", "min_quality": 0.3}
                run = store_run(membership=self.owner, kind="strategy", payload=payload)
                found[f"{name}-{kind}"] = engine.execute(run)
        rate_run(membership=self.owner, run=found["voting-sum"], value=1, comment="Quick, and right.")
        return found

    def _staged(self, engine: Engine) -> dict[str, Run]:
        """Have runs of pipelines: one that went well, one that waits for a person, one that failed."""
        each = {"processor": "transform", "input": {"from": "context.item", "transforms": ["upper"]}}
        lines = {"from": "stages.ask.output", "transforms": [{"split": "\n"}]}
        cases = [{"when": "size(input.text) > 9", "to": "approve"}]
        stages = (
            stage("ask", options={"strategy": "voting", "models": list(PANEL), "prompt": "{{ input.text }}"}),
            stage("lines", "ask", "transform", input=lines),
            stage("words", "lines", "map", options={"items": "stages.lines.output", "stage": each}),
            stage("route", "ask", "branch", options={"cases": cases, "default": LONG_STAGE}),
            stage("approve", "route", "human", options={"text": "Shall this be sent?"}, on_error="skip"),
            stage(LONG_STAGE, "route", "transform"),
        )
        a_pipeline(self.owner, *stages, name="letters", title="Letters")
        broken = {"from": "input.text", "transforms": ["parse_json"]}
        a_pipeline(self.owner, stage("parse", processor="transform", input=broken), name="broken")
        runs = {
            name: a_pipeline_run(self.owner, name, input={"text": SUM})
            for name in ("replies", "letters", "broken")
        }
        return {f"pipeline-{name}": engine.execute(run) for name, run in runs.items()}

    def _written(self) -> dict[str, Run]:
        names = ("running", "waiting", "choosing", "reviewing", "failed", "cancelled", "unusable", "tools")
        rows = {"rich": self._asked(ARABIC), **{name: self._asked(SUM) for name in names}}
        rows["running"].ask("sim-sage", "Let me think: seventeen of every hundred")
        self._wait(rows["waiting"], {})
        due: dict[str, Any] = {"deadline_at": timezone.now() + timedelta(hours=3), "default": "Send it back"}
        self._wait(rows["choosing"], {"enum": ["Publish it", "Send it back"]}, **due)
        self._wait(rows["reviewing"], REVIEW)
        self._wait(rows["reviewing"], {}, "human/legal", audience={"roles": ["viewer"]})
        said: dict[str, Any] = {
            "answer": {"decision": "approve"},
            "answered_at": timezone.now(),
            "answered_by": self.owner.user,
        }
        self._wait(rows["reviewing"], APPROVAL, "human/tone", **said)
        failed, gone = "The provider refused the key of Acme Cloud.", "Stopped by Ana Müller."
        rows["failed"].fail(rows["failed"].ask("sim-swift"), failed, code="auth_failed")
        rows["failed"].end(RunStatus.FAILED, error=failed, error_code="all_models_failed")
        rows["unusable"].answer(rows["unusable"].ask("sim-swift"), "I cannot help with that.")
        rows["unusable"].end(RunStatus.FAILED, error="All models declined.", error_code="no_usable_answer")
        rows["cancelled"].drop(rows["cancelled"].ask("sim-swift", "It is"))
        rows["cancelled"].drop(rows["cancelled"].ask("sim-sage"), CallStatus.LOST)
        rows["cancelled"].end(RunStatus.CANCELLED, error=gone)
        self._answer_richly(rows["rich"])
        self._call_tools(rows["tools"])
        rows["queued"] = RunRows.queued(self.owner, prompt=SUM, age_s=90)
        return {name: each.run for name, each in rows.items()}

    def _asked(self, prompt: str) -> RunRows:
        rows = RunRows.queued(self.owner, "sim-swift", "sim-sage", LONG_NAME, prompt=prompt, age_s=400)
        rows.start(age_s=300)
        return rows

    @staticmethod
    def _wait(
        rows: RunRows, schema: Mapping[str, Json], step: str = "human/publish", **columns: object
    ) -> None:
        text = "Is this summary good enough to publish?"
        HumanQuestion.objects.create(run=rows.run, step=step, text=text, schema=dict(schema), **columns)
        parked = {"status": RunStatus.WAITING, "waiting_since": timezone.now()}
        rows.emit(EventKind.QUESTION_ASKED, step, text=text)
        rows.emit(EventKind.RUN_WAITED, "", parked, for_people=True)

    @staticmethod
    def _call_tools(rows: RunRows) -> None:
        for model in ("sim-sage", LONG_NAME, "sim-swift"):
            rows.want_tools(model)
        sums = {"arguments": '{"expression": "17/100 * 2300"}', "result": '{"value": 391, "text": "391"}'}
        rows.end_tool("sim-sage", "calculator", **sums)
        rows.end_tool("sim-sage", "search_documents", 2, arguments='{"query": "door"}', result=ARABIC * 9)
        rows.ask("sim-sage", "Seventeen of every hundred", part=".round-2", at_s=1.2)
        rows.end_tool(LONG_NAME, LONG_NAME, arguments="{}", error=f"There is no tool called {LONG_NAME!r}.")
        rows.call_tool("sim-swift", "http_request")

    @staticmethod
    def _answer_richly(rows: RunRows) -> None:
        for model in ("sim-swift", LONG_NAME):
            rows.answer(rows.ask(model), RICH, seconds=4.25, tokens=420)
        rows.fail(rows.ask("sim-sage"), "Too many requests.", final=False)
        rows.score(LONG_NAME, 0.91)
        rows.choose(LONG_NAME, {"sim-swift": 0.62, LONG_NAME: 0.91})
        rows.succeed(RICH, chosen=f"ask/{LONG_NAME}")
