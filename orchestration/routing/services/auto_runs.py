"""The run kind `auto`: a request is planned, frozen with its plan, and answered by the methods of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestra_site.web.threads import in_thread
from orchestration.library.selectors import newest_documents, saved_titles
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json, plain
from orchestration.routing.engine.executing import ROUTE, Execution, execute_plan
from orchestration.routing.engine.plans import Attempt
from orchestration.routing.engine.request import PLANNED, AutoRequest, parsed_auto
from orchestration.routing.selectors import KIND, RULES, USUAL_RULES, method_titles, usable_names
from orchestration.routing.services import learning
from orchestration.routing.services.planning import (
    LATER,
    ROUTED,
    RULE_SETS,
    checked_auto,
    frozen_plan,
    frozen_rules,
    make_plan,
    plan_child,
)
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Decision, Outcome
from orchestration.runs.kinds import CheckedRequest, FrozenRun, RunKind, SavedTitles, Startable
from orchestration.runs.models import Run
from orchestration.strategies.engine.asking import announce
from orchestration.strategies.services import profiles
from orchestration.tools.forms.schemas import MOST_OPTIONS

SUMMARY = (
    "Chooses the method for each question: one model, a strategy, a pipeline or a session, and says why."
)


class AutoKind(RunKind):
    """Runs whose method is chosen when they start."""

    name = KIND
    title = "Auto"

    def check(self, membership: Membership, payload: Mapping[str, Json]) -> CheckedRequest:
        """Plan a request and freeze the plan with all that its methods need. Raises `InvalidRequest`."""
        request = checked_auto(payload)
        made = make_plan(membership, request, str(payload.get("ref") or USUAL_RULES))
        return frozen_plan(membership, made)

    def payload(self, run: Run) -> Mapping[str, Json]:
        """Return the request without its plan: it is planned anew."""
        stored = {name: run.request[name] for name in AutoRequest.model_fields if name in run.request}
        return {**stored, "tools": list(run.request["asked_tools"]), "ref": run.ref}

    def freeze_child(self, membership: Membership, ref: str, payload: Mapping[str, Json]) -> CheckedRequest:
        """Return what a parent is frozen with: a rule set, and the models and methods that it may use."""
        return frozen_rules(membership, ref, checked_auto({**payload, "text": payload.get("text") or LATER}))

    def check_child(
        self, parent: FrozenRun, ref: str, payload: Mapping[str, Json], panel: Sequence[str]
    ) -> FrozenRun:
        """Freeze a child by a rule set that its parent was frozen with; it is planned when it starts."""
        known = parent.request.get(RULE_SETS, {}).get(ref)
        if known is None:
            raise InvalidRequest(f"This run was not started with the rule set “{ref[:60]}”.", field="ref")
        models = [*panel] or payload.get("models") or known["panel"]
        request = checked_auto({**payload, "models": models}).model_dump(mode="json")
        own = {name: parent.request[name] for name in (RULE_SETS, ROUTED)}
        return replace(parent, kind=KIND, ref=ref, request={**own, **request})

    async def execute(self, run: FrozenRun, context: RunContext) -> Outcome:
        """Try the methods of the plan in order. Raises `NoMethodAnswered`."""
        request = run.request if PLANNED in run.request else await _planned(run, context)
        plan, reused = request[PLANNED], request.get("reused")
        if reused:
            return await _answered_again(plan, reused, context)
        context = context.with_timeouts(plan["timeout_factor"])
        work = Execution(
            request=parsed_auto(dict(request)),
            chain=[stored_attempt(each) for each in plan["chain"]],
            needed=plan["needed"],
            reason=plan["reason"],
            analysis_s=plan["analysis_s"],
            planning_s=plan["planning_s"],
            single=plan["single"].partition("/")[2],
            fired=plan["fired"],
        )
        return await execute_plan(work, context)

    def choices(self, membership: Membership) -> Sequence[Startable]:
        """Return Auto, and the team's other published rule sets."""
        models = usable_names(membership)
        schema = request_schema(models, {"": "Choose for me", **method_titles(membership, models)})
        published = {
            name: document
            for name, document in newest_documents(membership, KIND).items()
            if document is not None and name != USUAL_RULES
        }
        others = [
            Startable(ref=name, title=document.get("title") or name, summary=SUMMARY, schema=schema)
            for name, document in sorted(published.items())
        ]
        return [Startable(ref=USUAL_RULES, title="Auto", summary=SUMMARY, schema=schema), *others]

    def saved_titles(self, membership: Membership) -> SavedTitles:
        """Return the titles of the team's rule sets."""
        return saved_titles(membership, KIND)

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the titles of all rule sets, the usual one first."""
        return {USUAL_RULES: RULES.gallery[USUAL_RULES].title, **saved}

    def learn(self, runs: Sequence[Run]) -> None:
        """Add ended runs to what the router knows of methods, and to the profiles of their models."""
        learning.learn_from_runs(runs)
        profiles.learn_from_children(runs)

    def learn_rating(self, run: Run) -> None:
        """Count the ratings of an answer for the method that gave it."""
        learning.learn_ratings(run)
        profiles.learn_ratings(run)


def request_schema(models: Sequence[str], methods: Mapping[str, str]) -> Mapping[str, Json]:
    """Return the JSON Schema of a request, where models and methods of the team are named."""
    schema: dict[str, Any] = AutoRequest.model_json_schema()
    offered = [{"const": ref, "title": title} for ref, title in methods.items()]
    schema["properties"]["method"] |= {"oneOf": offered[:MOST_OPTIONS]}
    for name in ("preferred", "required", "excluded"):
        schema["properties"][name]["items"] = {"type": "string", "enum": list(models)}
    return schema


def stored_attempt(stored: Mapping[str, Json]) -> Attempt:
    """Return a link of a chain as a run has it."""
    return Attempt(**{**stored, "models": tuple(stored["models"])})


async def _planned(run: FrozenRun, context: RunContext) -> Mapping[str, Json]:
    """Return the request of a child with its plan, which is journaled before it takes effect."""
    made = context.recall(PLANNED) or await in_thread(plan_child, run)
    return {**run.request, **await context.decide(PLANNED, made)}


async def _answered_again(
    plan: Mapping[str, Json], reused: Mapping[str, Json], context: RunContext
) -> Outcome:
    """Return an earlier answer to the same question."""
    reason = f"The answer of an earlier run is used again. {' '.join(plan['fired'])}"
    made = Decision(kind=ROUTE, chosen="An earlier answer", reason=reason)
    await announce(context, made, ROUTE)
    return Outcome(
        answer=reused["answer"],
        output=reused["output"],
        score=reused["quality"],
        data={
            "method": plan["method"],
            "title": plan["title"],
            "attempts": [],
            "candidates": [],
            "single": None,
            "reused": reused["run"],
            "notes": [],
            "decisions": [plain(made)],
        },
    )
