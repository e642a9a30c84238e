"""Ask from the command line, on the same engine and with the same records as the pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.web.logs import printable
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.selectors import usable_models
from orchestration.runs.kinds import get_page
from orchestration.runs.management.run_command import RunCommand
from orchestration.runs.models import CallStatus, Run, RunStatus
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.types import USUAL_ROUNDS, Constraints, percent
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.kinds import first_method
from orchestration.strategies.selectors import PRESET, strategy_name
from orchestration.strategies.services.strategy_runs import NAME, USUAL_STRATEGY

NO_CONSENSUS: Mapping[str, Json] = {"agreement": None, "margin": None, "dissenters": [], "rule": None}
REPEATED = (
    ("--option", "NAME=VALUE", "an option of the strategy"),
    ("--model", "NAME", "a model of the panel, in order"),
    ("--tool", "NAME", "a tool that the models may call"),
)
QUALITY_FIELDS = ("overall", *(dimension.value for dimension in Dimension))


class Command(RunCommand):
    """`manage.py orchestrate "PROMPT"`: exit 0 succeeded, 1 failed, 2 bad arguments.

    An answer that is not shown to have the quality that was asked for succeeds: standard error and the
    field `caveat` say so.
    """

    help = "Ask several models and print the answer; the run is kept like any other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the prompt, the strategy and the constraints."""
        parser.add_argument("prompt", help="what to ask")
        parser.add_argument(
            "--strategy",
            default=first.kind if (first := first_method()) else USUAL_STRATEGY,
            help="auto (default: chosen for the question), parallel, voting, ...",
        )
        preset = "a saved strategy with options and panel"
        parser.add_argument("--preset", default="", metavar="NAME", help=preset)
        for name, shape, words in REPEATED:
            parser.add_argument(name, action="append", default=[], metavar=shape, help=words)
        rounds = "most calls of a model an answer"
        parser.add_argument("--tool-rounds", type=int, default=USUAL_ROUNDS, metavar="N", help=rounds)
        parser.add_argument("--team", default="", help="the team to ask for (the oldest one)")
        for name, limit in Constraints.model_json_schema()["properties"].items():
            parser.add_argument(limit["flag"], dest=name, metavar=limit["metavar"], help=limit["description"])
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, prompt: str, **given: Json) -> None:
        """Ask, wait, print."""
        member = self.member(given["team"])
        with self.refusals():
            kind, payload = _payload(prompt, given, member)
            run = store_run(membership=member, kind=kind, payload=payload)
        self.finish(run)
        found = _answer_object(run)
        shown = json.dumps(found, indent=2, ensure_ascii=False) if given["json"] else _answer_text(found, run)
        self.stdout.write(printable(shown))
        if run.status != RunStatus.SUCCEEDED:
            raise SystemExit(1)
        if run.caveat:
            self.stderr.write(printable(found["notes"][0]))


def _payload(prompt: str, given: dict[str, Json], member: Membership) -> tuple[str, dict[str, Json]]:
    """Return the kind of run and its request; numbers are read by its type. Raises `InvalidRequest`."""
    limits = {name: given[name] for name in Constraints.model_fields if given[name] is not None}
    if given["preset"]:
        of_preset = next((name for name in ("option", "model", "tool") if given[name]), "")
        if of_preset:
            raise InvalidRequest(f"A preset has its own. Leave --{of_preset} out.", field=of_preset)
        return PRESET, {"ref": given["preset"], "text": prompt, "constraints": limits}
    options = _options(given["option"])
    shared = {
        "text": prompt,
        "models": tuple(given["model"]) or tuple(default_panel(usable_models(member))),
        "tools": tuple(given["tool"]),
        "tool_rounds": given["tool_rounds"],
        "constraints": limits,
    }
    first = first_method()
    if first is not None and given["strategy"] == first.kind:
        return first.kind, {**shared, **options}
    return NAME, {**shared, "strategy": given["strategy"], "options": options}


def _options(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise InvalidRequest(f"Write an option as name=value, not {name!r}.", field="option")
    return {name.strip(): value for name, _, value in pairs}


def _answer_object(run: Run) -> dict[str, Json]:
    """Return the object that `orchestrate --json` prints: a contract.

    Money (US dollars) and seconds are numbers, scores run from 0 to 1. The decision is the one that the
    outcome follows from: that for a method with `auto`, else the vote where there was one, else the last.
    `single` is the best model of the panel by itself, and what the run added to it, null where only one
    answer was asked for. `maybe_billed` tells whether a provider may have billed a call that `cost_usd` does
    not contain. `caveat` is the code of what the answer falls short of; the first of the `notes` says it.
    """
    outcome: Mapping[str, Json] = run.outcome or {}
    start, end = run.started_at, run.finished_at
    decisions = outcome.get("decisions", [])
    votes = [decision for decision in decisions if decision["kind"] == "vote"]
    return {
        "run_id": str(run.id),
        "status": run.status,
        "strategy": strategy_name(run),
        "answer": run.answer or None,
        "candidates": [*map(_candidate, outcome["candidates"] if outcome else _last_calls(run))],
        "consensus": outcome.get("consensus") or NO_CONSENSUS,
        "quality": {name: _judged(outcome.get("quality")).get(name) for name in QUALITY_FIELDS},
        "cost_usd": float(run.cost_usd),
        "latency_s": round((end - start).total_seconds(), 3) if start and end else 0.0,
        "single": get_page(run.kind).beside_one_model(run, outcome.get("single"), timezone.now()),
        "path": [
            {name: step[name] for name in ("step", "seconds", "ok", "detail")}
            for step in outcome.get("path", [])
        ],
        "decision": _route(run) or (votes or decisions or [None])[-1],
        "error": run.error or None,
        "error_code": run.error_code or None,
        "caveat": run.caveat or None,
        "notes": outcome.get("notes", []),
        "maybe_billed": run.calls.filter(maybe_billed=True).exists(),
    }


def _route(run: Run) -> Mapping[str, Json] | None:
    """Return how the method was chosen, None where a person did."""
    first = first_method()
    return first.decision(run) if first is not None and run.kind == first.kind else None


def _answer_text(found: dict[str, Json], run: Run) -> str:
    """Return the answer object of a run as text for people."""
    lines = [found["answer"] or f"No answer: the run {run.status}. {found['error'] or ''}".rstrip(), ""]
    for candidate in found["candidates"]:
        answer = candidate["error"] or candidate["extracted"] or " ".join(candidate["text"].split())[:60]
        lines.append(f"  {candidate['model']:<24} {candidate['latency_s']:6.1f} s  {answer}")
    decision = found["decision"]
    if decision:
        lines.append(f"Decision: {decision['reason']}")
    if found["single"]:
        lines.append(found["single"]["sentence"])
    quality = found["quality"]["overall"]
    scored = ", not judged" if quality is None else f", quality {percent(quality)}"
    ref = f"{run.ref} ({decision['chosen']})" if _route(run) else run.ref
    lines.append(f"{ref}, ${found['cost_usd']:.6f}, {found['latency_s']:.1f} s{scored}. Run {run.id}")
    return "\n".join(lines)


def _judged(quality: Mapping[str, Json] | None) -> Mapping[str, Json]:
    """Return a stored quality, empty where there is none or nothing stands behind it."""
    return quality if quality and quality.get("judged", True) else {}


def _candidate(stored: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "model": stored["model"],
        "text": stored["text"],
        "extracted": stored["extracted"],
        "quality": _judged(stored["quality"]).get("overall"),
        "latency_s": stored["latency_s"],
        "cost_usd": None if stored["cost_usd"] is None else float(stored["cost_usd"]),
        "error": stored["error"] or (None if stored["state"] == "answered" else stored["state"]),
    }


def _last_calls(run: Run) -> Iterator[dict[str, Json]]:
    """Yield the last call of each model as a candidate, for a run without an outcome."""
    columns = ("model", "text", "latency_s", "cost_usd", "error", "status")
    last = {call["model"]: call for call in run.calls.filter(purpose="answer").values(*columns)}
    for call in last.values():
        state = "answered" if call["status"] == CallStatus.DONE else call["status"]
        yield {
            **call,
            "latency_s": call["latency_s"] or 0.0,
            "extracted": None,
            "quality": None,
            "state": state,
        }
