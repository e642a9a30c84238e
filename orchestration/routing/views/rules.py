"""The page of a rule set: read by viewers, edited by operators; and what it would have done before."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.models import Membership
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.listed import Document, all_items, free_id
from orchestration.expressions.places import value_at
from orchestration.library.selectors import saved_definitions
from orchestration.library.views.editor import YAML, DefinitionEditor, Opened, PlacedProblem
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import RoutingRules
from orchestration.routing.forms import (
    FIELDS,
    RULES_LIST,
    TABS,
    WHOLE_FIELDS,
    WHOLE_TABS,
    RoutingChoices,
    RuleCard,
    routing_choices,
)
from orchestration.routing.parts.overview import rule_lines
from orchestration.routing.selectors import KIND, RULES, rules_in_force
from orchestration.routing.services.trials import MOST_TRIED, try_rules

FIRST_METHOD = "strategy/voting"


class RuleSetEditor(DefinitionEditor):
    """Rules as parts, in the order in which they are tried, and what holds for the whole."""

    kind = RULES
    page = "routing/rules_edit.html"
    word = "rule"
    listed = RULES_LIST
    part_tabs, whole_tabs = TABS, WHOLE_TABS

    def card(self, membership: Membership, document: Document, part: str, tab: str) -> RuleCard:
        """Return the card of a rule, or of the rule set."""
        choices = routing_choices(membership)
        return RuleCard(document, part, tab, choices, read_only=not membership.may_run)

    def added(self, document: Document, data: QueryDict) -> tuple[Document, str]:  # noqa: ARG002  # one kind of rule
        """Return a document with a rule more at the end, which matches every request."""
        id = free_id(document, RULES_LIST, "rule")
        rule = {"id": id, "enabled": False, "use": [{"method": FIRST_METHOD}]}
        return {**document, RULES_LIST: [*all_items(document, RULES_LIST), rule]}, id

    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return the rules in words, and each problem at its place."""
        reading = RULES.check(opened.written, {}, name=opened.definition.name)
        found = reading.problems if opened.fault is None else (DocumentFault("", str(opened.fault)),)
        choices = routing_choices(request.membership)
        if reading.definition is not None:
            found = (*found, *unknown_methods(reading.definition, choices))
        problems = [_placed(each, opened.written) for each in found]
        return {
            "rules": rule_lines(opened.written, dict(choices.methods)),
            "problems": problems,
            "wrong": {each.part for each in problems},
        }


def unknown_methods(rules: RoutingRules, choices: RoutingChoices) -> list[DocumentFault]:
    """Return a problem for each method that rules name and the team does not have."""
    known = {ref for ref, _ in choices.methods}
    places = [
        (f"rules[{number}].use[{place}].method", target.method)
        for number, rule in enumerate(rules.rules)
        for place, target in enumerate(rule.use)
    ]
    places += [(f"methods[{number}]", ref) for number, ref in enumerate(rules.methods)]
    return [
        DocumentFault(path, f"There is no method “{ref[:80]}” in this team: the rule would be passed over.")
        for path, ref in places
        if ref not in known
    ]


def _placed(problem: DocumentFault, document: Json) -> PlacedProblem:
    """Return a problem with the rule and the tab at which it is mended."""
    head, _, field = problem.path.partition(".")
    number = head.removeprefix(f"{RULES_LIST}[").removesuffix("]")
    id = value_at(document, (RULES_LIST, int(number), "id")) if number.isdecimal() else ""
    is_named = isinstance(id, str) and id != ""
    field, fields = (field, FIELDS) if is_named else (problem.path, WHOLE_FIELDS)
    name = field.partition(".")[0].partition("[")[0]
    tabs = TABS if is_named else WHOLE_TABS
    tab = next((tab for tab, names in fields.items() if name in names), next(iter(tabs)))
    words = filter(None, [id if is_named else "", field])
    return PlacedProblem(
        part=id if is_named else "",
        tab=tab if problem.path else YAML,
        field=field,
        label=(problem.path and " · ".join(words)) or "the rule set",
        message=problem.message,
    )


EDITOR = RuleSetEditor()


@require_http_methods(READ_OR_SEND)
def rules(request: MemberRequest, name: str) -> HttpResponse:
    """Show a rule set; a POST changes its draft or stores its text."""
    return EDITOR.edit(request, name)


@require_safe
def ask_with(request: MemberRequest, name: str) -> HttpResponse:  # noqa: ARG001  # Ask looks itself
    """Lead to Ask, with the rule set chosen."""
    return redirect(f"{reverse('strategies:ask')}?strategy={KIND}/{name}")


@require_safe
def dry_run(request: MemberRequest, name: str) -> HttpResponse:
    """Show what the draft of a rule set would have changed among the team's last requests."""
    definition = get_object_or_404(saved_definitions(request.membership, KIND), name=name)
    reading = RULES.read(definition.draft, {}, name=name)
    context: dict[str, Any] = {"kind": RULES, "definition": definition, "most": MOST_TRIED}
    if reading.definition is None or reading.problems:
        context["problems"] = reading.problems
    else:
        versions = definition.versions.exists()
        old = rules_in_force(request.membership, name) if versions or name in RULES.gallery else None
        if old is not None:
            context["trial"] = try_rules(request.membership, old.rules, reading.definition)
            context["old"] = old
    return render(request, "routing/dry_run.html", context)
