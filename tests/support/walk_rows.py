"""What each address of the site answers with, and to whom: a row for each verb of each.

    the page of one thing (strangers: 404)   Row(view="app:name", args=a_run, marker='data-page="name"')
    an action                                Row(view="app:name", method="POST", who=ADMINS, status=302)

`who` are those who are let in (MEMBERS, RUNNERS, ADMINS); other members get 403. `args` and `data` are made
from the World. `marker` is a text that only this page holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.walk import ADMINS, RUNNERS, SECRET, Make, Row, Visitor, World

ALL, NOT_YET_IN = frozenset(Visitor), frozenset({Visitor.ANONYMOUS})


def a_member(world: World) -> dict[str, Any]:
    return {"member_id": world.member.pk}


def an_invitation(world: World) -> dict[str, Any]:
    return {"invitation_id": world.invitation.pk}


def a_link(world: World) -> dict[str, Any]:
    return {"token": world.token}


def a_run(world: World) -> dict[str, Any]:
    return {"run": world.run.pk}


def a_call(world: World) -> dict[str, Any]:
    return {"run": world.run.pk, "call": world.call.pk}


def a_question(world: World) -> dict[str, Any]:
    return {"run": world.run.pk, "question": world.question.pk}


def a_provider(world: World) -> dict[str, Any]:
    return {"provider_id": world.remote.pk}


def a_model(world: World) -> dict[str, Any]:
    return {"model_id": world.model.pk}


def a_rubric(world: World) -> dict[str, Any]:
    return {"rubric_id": world.rubric.pk}


def a_rubric_version(world: World) -> dict[str, Any]:
    return {"rubric_id": world.rubric.pk, "number": 1}


def a_strategy(_world: World) -> dict[str, Any]:
    return {"name": "parallel"}


def a_pipeline(world: World) -> dict[str, Any]:
    return {"name": world.pipeline.name}


def a_lineup(world: World) -> dict[str, Any]:
    return {"name": world.lineup.name}


def a_preset(world: World) -> dict[str, Any]:
    return {"name": world.preset.name}


def a_rule_set(world: World) -> dict[str, Any]:
    return {"name": world.rules.name}


def a_stage(world: World) -> dict[str, Any]:
    return {"run": world.pipeline_run.pk, "stage": "loud"}


def a_session(world: World) -> dict[str, Any]:
    return {"run": world.session.pk}


def a_version(world: World) -> dict[str, Any]:
    return {"name": world.pipeline.name, "number": 1}


def a_tool(world: World) -> dict[str, Any]:
    return {"name": f"{world.server.name}.add"}


def a_server(world: World) -> dict[str, Any]:
    return {"pk": world.server.pk}


def a_credential(world: World) -> dict[str, Any]:
    return {"pk": world.credential.pk}


def a_document(world: World) -> dict[str, Any]:
    return {"pk": world.document.pk}


def a_newcomer(_world: World) -> dict[str, Any]:
    return {"name": "New", "email": "new@example.org", "password": "long-enough-words"}


def a_trigger(world: World) -> dict[str, Any]:
    return {"name": world.pipeline.name, "trigger": world.trigger.pk}


def a_hook(world: World) -> dict[str, Any]:
    return {"trigger": world.trigger.pk}


def a_walked_dataset(world: World) -> dict[str, Any]:
    return {"pk": world.dataset.pk}


def a_walked_evaluation(world: World) -> dict[str, Any]:
    return {"run": world.evaluation.pk}


WRITTEN = {
    "pipelines": "stages:",
    "sessions": "participants:",
    "strategies:presets": "strategy:",
    "routing": "exploration_usd:",
}
"""A field that a definition has, by the namespace of its kind."""


def definition_rows(kind: str, one: Make, version: Make, trigger: Make) -> Iterator[Row]:
    """Yield the pages that definitions of every kind have."""
    yield Row(view=f"{kind}:triggers", who=ADMINS, args=one, marker='data-page="triggers"')
    for page, marker in (("new", "definition-new"), ("import", "definition-import")):
        yield Row(view=f"{kind}:{page}", who=RUNNERS, marker=f'id="{marker}"')
        yield Row(view=f"{kind}:{page}", method="POST", who=RUNNERS, status=422, marker=f'id="{marker}"')
    refused: dict[str, Any] = {"method": "POST", "who": ADMINS, "args": one, "status": 422}
    yield Row(view=f"{kind}:triggers", marker='data-page="triggers"', **refused)
    yield Row(view=f"{kind}:publish", marker='id="definition-publish"', **refused)
    yield Row(view=f"{kind}:publish", who=ADMINS, args=one, marker='id="definition-publish"')
    yield Row(view=f"{kind}:versions", args=one, marker='data-page="versions"')
    yield Row(view=f"{kind}:restore", method="POST", who=RUNNERS, args=version, status=302)
    yield Row(view=f"{kind}:rename", method="POST", who=ADMINS, args=one, status=302)
    yield Row(view=f"{kind}:delete", method="POST", who=ADMINS, args=one, status=302)
    yield Row(view=f"{kind}:export-yaml", args=one, marker=WRITTEN[kind])
    yield Row(view=f"{kind}:export-json", args=one, marker='"name":')
    for do in ("switch", "delete"):
        yield Row(view=f"{kind}:trigger-{do}", method="POST", who=ADMINS, args=trigger, status=302)


ROWS = [
    Row(view="evaluation:list", marker='id="evaluation-list"'),
    Row(view="evaluation:new", who=RUNNERS, marker='id="evaluation-new"'),
    Row(view="evaluation:new", method="POST", who=RUNNERS, status=422, marker='id="evaluation-new"'),
    Row(view="evaluation:results", args=a_walked_evaluation, marker='id="evaluation-results"'),
    Row(
        view="evaluation:item-outcome",
        args=lambda world: {**a_walked_evaluation(world), "item": 1, "place": 1},
        marker='id="item-outcome"',
    ),
    Row(view="evaluation:results-csv", args=a_walked_evaluation, marker="configuration"),
    Row(view="evaluation:results-json", args=a_walked_evaluation, marker='"outcomes"'),
    Row(
        view="evaluation:results-preset",
        who=ADMINS,
        args=lambda world: {**a_walked_evaluation(world), "number": 0},
        marker='id="preset-save"',
    ),
    Row(view="evaluation:belief", marker='id="coefficients-title"'),
    Row(view="evaluation:belief-reset", method="POST", who=ADMINS, status=302),
    Row(view="evaluation:datasets", marker='id="dataset-list"'),
    Row(view="evaluation:dataset-add", who=RUNNERS, marker='id="dataset-add"'),
    Row(view="evaluation:dataset-add", method="POST", who=RUNNERS, status=422, marker='id="dataset-add"'),
    Row(view="evaluation:dataset-rated", who=RUNNERS, marker='id="dataset-rated"'),
    Row(view="evaluation:dataset-rated", method="POST", who=RUNNERS, status=422, marker='id="dataset-rated"'),
    Row(view="evaluation:dataset", args=a_walked_dataset, marker='id="dataset-items"'),
    Row(view="evaluation:dataset-export", args=a_walked_dataset, marker='"prompt"'),
    Row(view="evaluation:dataset-remove", method="POST", who=ADMINS, args=a_walked_dataset, status=302),
    *definition_rows("pipelines", a_pipeline, a_version, a_trigger),
    *definition_rows(
        "sessions",
        a_lineup,
        lambda world: {**a_lineup(world), "number": 1},
        lambda world: {**a_lineup(world), "trigger": world.lineup_trigger.pk},
    ),
    *definition_rows(
        "strategies:presets",
        a_preset,
        lambda world: {**a_preset(world), "number": 1},
        lambda world: {**a_preset(world), "trigger": world.preset_trigger.pk},
    ),
    Row(view="strategies:presets:list", marker='id="preset-list"'),
    Row(
        view="strategies:presets:save",
        who=ADMINS,
        data=lambda world: {"from": world.run.pk},
        names_a_team=True,
        marker='id="preset-save"',
    ),
    Row(
        view="strategies:presets:save",
        method="POST",
        who=ADMINS,
        data=lambda _: {"strategy": "voting"},
        marker='id="preset-save"',
    ),
    Row(view="strategies:presets:preset", args=a_preset, marker='id="editor"'),
    Row(view="strategies:presets:preset", method="POST", who=RUNNERS, args=a_preset, status=302),
    Row(view="strategies:presets:run", args=a_preset, status=302),
    *definition_rows(
        "routing",
        a_rule_set,
        lambda world: {**a_rule_set(world), "number": 1},
        lambda world: {**a_rule_set(world), "trigger": world.rules_trigger.pk},
    ),
    Row(view="routing:list", marker='id="router"'),
    Row(view="routing:reset", method="POST", who=ADMINS, status=302),
    Row(view="routing:rules", args=a_rule_set, marker='id="editor"'),
    Row(view="routing:rules", method="POST", who=RUNNERS, args=a_rule_set, status=302),
    Row(view="routing:run", args=a_rule_set, status=302, shared=True),
    Row(view="routing:dry-run", args=a_rule_set, marker='id="dry-run"'),
    Row(view="sessions:list", marker='id="session-list"'),
    Row(view="sessions:start", who=RUNNERS, marker='id="session-start"'),
    Row(view="sessions:start", method="POST", who=RUNNERS, status=422, marker='id="session-start"'),
    Row(view="sessions:run", who=RUNNERS, args=a_lineup, marker='id="session-start"'),
    Row(
        view="sessions:run",
        method="POST",
        who=RUNNERS,
        args=a_lineup,
        status=422,
        marker='id="session-start"',
    ),
    Row(view="sessions:report", args=a_session, marker='data-page="session-report"'),
    Row(view="sessions:report-md", args=a_session, marker="## Task"),
    Row(view="sessions:session-json", args=a_session, marker='"run_id"'),
    Row(view="sessions:fork", who=RUNNERS, args=a_session, marker='id="session-fork"'),
    Row(
        view="sessions:fork",
        method="POST",
        who=RUNNERS,
        args=a_session,
        status=422,
        marker='id="session-fork"',
    ),
    Row(view="sessions:line-up", args=a_lineup, marker='id="editor"'),
    Row(view="sessions:line-up", method="POST", who=RUNNERS, args=a_lineup, status=302),
    Row(view="accounts:sign-in", open_to_all=True, who=NOT_YET_IN, marker='data-page="sign-in"'),
    Row(view="accounts:sign-in", method="POST", open_to_all=True, who=NOT_YET_IN, status=422),
    Row(view="accounts:sign-out", method="POST", status=302),
    Row(view="accounts:password", marker='data-page="password"'),
    Row(view="accounts:password", method="POST", status=422, marker='data-page="password"'),
    Row(
        view="accounts:switch-team",
        method="POST",
        data=lambda world: {"team": world.team.pk},
        names_a_team=True,
        status=302,
    ),
    Row(view="accounts:team", marker='data-page="team"'),
    Row(view="accounts:create-team", who=ADMINS, marker='data-page="team-new"'),
    Row(
        view="accounts:create-team", method="POST", who=ADMINS, data=lambda _: {"name": "Second"}, status=302
    ),
    Row(view="accounts:rename-team", method="POST", who=ADMINS, data=lambda _: {"name": "Other"}, status=302),
    Row(
        view="accounts:change-role",
        method="POST",
        who=ADMINS,
        args=a_member,
        data=lambda _: {"role": "viewer"},
        status=302,
    ),
    Row(view="accounts:remove-member", method="POST", who=ADMINS, args=a_member, status=302),
    Row(
        view="accounts:invite",
        method="POST",
        who=ADMINS,
        data=lambda _: {"role": "viewer", "days": "1"},
        marker='id="new-link"',
    ),
    Row(view="accounts:withdraw-invitation", method="POST", who=ADMINS, args=an_invitation, status=302),
    Row(view="accounts:audit", who=ADMINS, marker='data-page="audit"'),
    Row(view="accounts:join", open_to_all=True, who=ALL, args=a_link, marker='data-page="join"'),
    Row(
        view="accounts:join",
        method="POST",
        open_to_all=True,
        who=ALL,
        args=a_link,
        data=a_newcomer,
        status=302,
    ),
    Row(view="strategies:ask", marker='id="ask-form"'),
    Row(view="strategies:ask", method="POST", who=RUNNERS, status=422, marker='id="ask-form"'),
    Row(view="strategies:ask-preview", method="POST", marker='id="ask-options"'),
    Row(view="strategies:ask-estimate", method="POST", marker='id="ask-estimate"'),
    Row(view="runs:runs", marker='id="run-list"'),
    Row(view="runs:runs-csv", marker="question,answer"),
    Row(view="runs:runs-json", marker='"complete": true'),
    Row(
        view="runs:runs-compare",
        data=a_run,
        names_a_team=True,
        status=422,
        marker='data-page="run-compare"',
    ),
    Row(
        view="runs:runs-delete",
        who=RUNNERS,
        data=a_run,
        names_a_team=True,
        marker='data-page="run-delete"',
    ),
    Row(
        view="runs:runs-delete",
        method="POST",
        who=RUNNERS,
        data=a_run,
        names_a_team=True,
        status=302,
    ),
    Row(view="runs:run-delete", who=ADMINS, args=a_run, marker='data-page="run-delete"'),
    Row(view="runs:run-delete", method="POST", who=ADMINS, args=a_run, status=302),
    Row(view="runs:run", args=a_run, marker='id="live-seq"'),
    Row(view="runs:run-json", args=a_run, marker=SECRET),
    Row(view="runs:run-question", args=a_run, marker=SECRET),
    Row(view="runs:run-text", args=a_run, marker=SECRET),
    Row(view="runs:run-call-text", args=a_call, marker=SECRET),
    Row(view="runs:run-cancel", method="POST", who=RUNNERS, args=a_run, status=302),
    Row(view="runs:run-pause", method="POST", who=RUNNERS, args=a_run, status=302),
    Row(view="runs:run-message", method="POST", who=RUNNERS, args=a_run, status=422),
    Row(view="runs:run-resume", method="POST", who=RUNNERS, args=a_run, status=302),
    Row(view="runs:run-answer", who=RUNNERS, args=a_question, status=302),
    Row(view="runs:run-answer", method="POST", who=RUNNERS, args=a_question, status=422),
    Row(view="runs:run-undo", method="POST", who=RUNNERS, args=a_question, status=422),
    Row(view="runs:inbox", marker='id="inbox-list"'),
    Row(view="runs:run-rerun", method="POST", who=RUNNERS, args=a_run, status=302),
    Row(
        view="runs:run-rate",
        method="POST",
        who=RUNNERS,
        args=a_run,
        data=lambda _: {"value": "1"},
        status=302,
    ),
    Row(view="strategies:methods", marker='id="method-cards"'),
    Row(view="strategies:judges", marker='data-page="judges"'),
    Row(view="strategies:rubric-new", who=RUNNERS, marker='data-page="rubric"'),
    Row(view="strategies:rubric-new", method="POST", who=RUNNERS, status=422, marker='data-page="rubric"'),
    Row(view="strategies:rubric", args=a_rubric, marker='data-page="rubric"'),
    Row(
        view="strategies:rubric",
        method="POST",
        who=RUNNERS,
        args=a_rubric,
        status=422,
        marker='data-page="rubric"',
    ),
    Row(
        view="strategies:rubric-try",
        method="POST",
        who=RUNNERS,
        args=a_rubric,
        status=422,
        marker='id="rubric-trial"',
    ),
    Row(view="strategies:rubric-restore", method="POST", who=RUNNERS, args=a_rubric_version, status=302),
    Row(view="strategies:rubric-delete", method="POST", who=ADMINS, args=a_rubric, status=302),
    Row(view="strategies:method", args=a_strategy, shared=True, marker='id="method-page"'),
    Row(view="hook", method="POST", open_to_all=True, who=ALL, args=a_hook, status=401, marker="secret"),
    Row(view="pipelines:list", marker='id="pipeline-list"'),
    Row(view="pipelines:pipeline", args=a_pipeline, marker='id="editor"'),
    Row(view="pipelines:pipeline", method="POST", who=RUNNERS, args=a_pipeline, status=302),
    Row(view="pipelines:run", who=RUNNERS, args=a_pipeline, marker='id="pipeline-run"'),
    Row(
        view="pipelines:run",
        method="POST",
        who=RUNNERS,
        args=a_pipeline,
        status=422,
        marker='id="pipeline-run"',
    ),
    Row(view="pipelines:stage-again", method="POST", who=RUNNERS, args=a_stage, status=302),
    Row(view="pipelines:stage-value", who=RUNNERS, args=a_stage, marker='id="stage-value"'),
    Row(
        view="pipelines:stage-value",
        method="POST",
        who=RUNNERS,
        args=a_stage,
        status=422,
        marker='id="stage-value"',
    ),
    Row(view="tools:tools", marker='id="built-in"'),
    Row(view="tools:tool", args=a_tool, marker='id="tool-try"'),
    Row(
        view="tools:tool",
        method="POST",
        who=RUNNERS,
        args=a_tool,
        data=lambda _: {"arguments": "{}"},
        status=422,
        marker='id="tool-try"',
    ),
    *(
        row
        for kind in ("server", "credential", "document")
        for row in (
            Row(view=f"tools:{kind}-add", who=ADMINS, marker=f'id="{kind}-form"'),
            Row(view=f"tools:{kind}-add", method="POST", who=ADMINS, status=422, marker=f'id="{kind}-form"'),
        )
    ),
    *(
        row
        for kind, args in (("server", a_server), ("credential", a_credential))
        for row in (
            Row(view=f"tools:{kind}-change", who=ADMINS, args=args, marker='id="change-form"'),
            Row(
                view=f"tools:{kind}-change",
                method="POST",
                who=ADMINS,
                args=args,
                status=422,
                marker='id="change-form"',
            ),
        )
    ),
    Row(view="tools:server-refresh", method="POST", who=RUNNERS, args=a_server, status=302),
    Row(view="tools:server-remove", method="POST", who=ADMINS, args=a_server, status=302),
    Row(view="tools:credential-remove", method="POST", who=ADMINS, args=a_credential, status=302),
    Row(view="tools:document-remove", method="POST", who=ADMINS, args=a_document, status=302),
    Row(view="llm:models", marker="Models"),
    Row(view="llm:prices", marker='data-page="prices"'),
    Row(
        view="llm:model-follow",
        method="POST",
        who=ADMINS,
        args=a_model,
        status=422,
        marker='id="price-title"',
    ),
    Row(view="llm:provider-connect", who=ADMINS, marker='id="connect-form"'),
    Row(view="llm:provider-connect", method="POST", who=ADMINS, status=422, marker='id="connect-form"'),
    Row(view="llm:recording-add", who=ADMINS, marker='id="recording-form"'),
    Row(
        view="llm:recording-add",
        method="POST",
        who=ADMINS,
        status=422,
        marker='id="recording-form"',
    ),
    Row(view="llm:simulated-add", method="POST", who=ADMINS, status=302),
    Row(view="llm:provider-edit", who=ADMINS, args=a_provider, marker='id="provider-test"'),
    Row(
        view="llm:provider-edit",
        method="POST",
        who=ADMINS,
        args=a_provider,
        status=422,
        marker='id="provider-test"',
    ),
    Row(
        view="llm:provider-test",
        method="POST",
        who=ADMINS,
        args=a_provider,
        marker='id="provider-test"',
    ),
    Row(view="llm:provider-forget-key", method="POST", who=ADMINS, args=a_provider, status=302),
    Row(view="llm:provider-switch", method="POST", who=ADMINS, args=a_provider, status=302),
    Row(view="llm:provider-delete", method="POST", who=ADMINS, args=a_provider, status=302),
    Row(view="llm:provider-choose", who=ADMINS, args=a_provider, marker='id="choose-other"'),
    Row(view="llm:provider-add", who=ADMINS, args=a_provider, status=422, marker='id="choose-other"'),
    Row(view="llm:provider-add", method="POST", who=ADMINS, args=a_provider, status=422),
    Row(view="llm:model", who=ADMINS, args=a_model, marker='id="model-test"'),
    Row(view="llm:model", method="POST", who=ADMINS, args=a_model, status=422, marker='id="model-test"'),
    Row(
        view="llm:model-price",
        method="POST",
        who=ADMINS,
        args=a_model,
        status=422,
        marker='id="price-title"',
    ),
    Row(view="llm:model-test", method="POST", who=ADMINS, args=a_model, marker='id="model-test"'),
    Row(view="llm:model-reset", method="POST", who=ADMINS, args=a_model, status=302),
    Row(view="llm:model-delete", method="POST", who=ADMINS, args=a_model, status=302),
]
