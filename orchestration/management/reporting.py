"""A run as the commands print it. The JSON object is a contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestration.engine.types import Json
from orchestration.models import Call, Run

NO_CONSENSUS: Mapping[str, Json] = {"agreement": None, "margin": None, "dissenters": [], "rule": None}
DIMENSIONS = ("overall", "coherence", "relevance", "completeness", "accuracy", "fluency")


def answer_object(run: Run) -> dict[str, Json]:
    """Return what `orchestrate --json` prints. Money and seconds are numbers, scores run from 0 to 1."""
    outcome: Mapping[str, Json] = run.outcome or {}
    decisions = outcome.get("decisions", [])
    return {
        "run_id": str(run.id),
        "status": run.status,
        "strategy": run.ref,
        "answer": run.answer or None,
        "candidates": [*map(_candidate, outcome["candidates"])] if outcome else [*_from_calls(run)],
        "consensus": outcome.get("consensus") or NO_CONSENSUS,
        "quality": _quality(outcome.get("quality")),
        "cost_usd": float(run.cost_usd),
        "latency_s": _seconds(run),
        "path": [
            {"step": step["step"], "seconds": step["seconds"], "ok": step["ok"], "detail": step["detail"]}
            for step in outcome.get("path", [])
        ],
        "decision": _deciding(decisions),
        "error": run.error or None,
    }


def _deciding(decisions: Sequence[Json]) -> Json:
    """Return the decision that an outcome rests on: the vote where there was one, else the last."""
    votes = [decision for decision in decisions if decision["kind"] == "vote"]
    return (votes or list(decisions) or [None])[-1]


def answer_text(run: Run) -> str:
    """Return a run as a person reads it."""
    found = answer_object(run)
    lines = [found["answer"] or f"No answer: the run {run.status}. {found['error'] or ''}".rstrip(), ""]
    lines += _candidate_lines(found["candidates"])
    decision = found["decision"]
    if decision:
        lines.append(f"Decision: {decision['reason']}")
    quality = found["quality"]["overall"]
    scored = "" if quality is None else f", quality {quality:.2f}"
    lines.append(f"{run.ref}, ${found['cost_usd']:.6f}, {found['latency_s']:.1f} s{scored}. Run {run.id}")
    return "\n".join(lines)


def _candidate_lines(candidates: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    for candidate in candidates:
        said = candidate["error"] or candidate["extracted"] or " ".join(candidate["text"].split())[:60]
        yield f"  {candidate['model']:<24} {candidate['latency_s']:6.1f} s  {said}"


def _candidate(stored: Mapping[str, Json]) -> dict[str, Json]:
    quality = stored["quality"]
    return {
        "model": stored["model"],
        "text": stored["text"],
        "extracted": stored["extracted"],
        "quality": None if quality is None else quality["overall"],
        "latency_s": stored["latency_s"],
        "cost_usd": None if stored["cost_usd"] is None else float(stored["cost_usd"]),
        "error": stored["error"] or (None if stored["state"] == "answered" else stored["state"]),
    }


def _from_calls(run: Run) -> Iterator[dict[str, Json]]:
    """Yield the last call of each model, for a run that left no outcome."""
    last: dict[str, Call] = {call.model: call for call in run.calls.filter(purpose="answer")}
    for call in last.values():
        yield {
            "model": call.model,
            "text": call.text,
            "extracted": None,
            "quality": None,
            "latency_s": call.latency_s or 0.0,
            "cost_usd": None if call.cost_usd is None else float(call.cost_usd),
            "error": call.error or (None if call.status == "done" else call.status),
        }


def _quality(stored: Mapping[str, Json] | None) -> dict[str, Json]:
    return {name: (stored or {}).get(name) for name in DIMENSIONS}


def _seconds(run: Run) -> float:
    if run.started_at is None or run.finished_at is None:
        return 0.0
    return round((run.finished_at - run.started_at).total_seconds(), 3)
