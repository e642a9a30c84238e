"""Steps: what runs make of models that answer at length and never do as they are told."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.foreign.scene import ALIAS, BABBLER, STAMMERER, Finding, Scene
from benchmarks.foreign.watching import calls_of, ended, growths

PANEL = (BABBLER, ALIAS, STAMMERER)
LEAST_GROWTHS = 3


def in_parallel(scene: Scene) -> Finding:
    """See all models answer, one answer chosen, and billed what the server counted."""
    run = ended(scene.member, scene.ask(PANEL))
    done = [call for call in run["calls"] if call["status"] == "done" and not call["usage_estimated"]]
    ok = run["status"] == "succeeded" and len(done) == len(PANEL) and _adds_up(run)
    return Finding(step="parallel", ok=ok and bool(run["answer"]), observed=_story(run))


def in_sequence(scene: Scene) -> Finding:
    """See models asked one after the other, none of them twice."""
    run = ended(scene.member, scene.ask(PANEL, "sequential"))
    asked = [call["model"] for call in run["calls"]]
    ok = run["status"] == "succeeded" and asked == list(PANEL[: len(asked)]) and _adds_up(run)
    return Finding(step="sequential", ok=ok and bool(run["answer"]), observed=_story(run))


def streaming(scene: Scene) -> Finding:
    """See each text grow while it is written."""
    run = scene.ask(PANEL)
    lengths: dict[str, list[int]] = defaultdict(list)
    for growth in growths(scene.member, run):
        lengths[growth.call].append(growth.length)
    seen = {call["model"]: lengths[call["id"]] for call in ended(scene.member, run)["calls"]}
    ok = set(seen) == set(PANEL) and all(len(each) >= LEAST_GROWTHS for each in seen.values())
    shown = [f"{model} {len(each)}: {', '.join(map(str, each[:4]))} …" for model, each in seen.items()]
    return Finding(step="streaming, lengths seen", ok=ok, observed=" | ".join(shown))


def cut_short(scene: Scene) -> Finding:
    """Limit an answer to few tokens: it is known to be cut short."""
    run = ended(scene.member, scene.ask([STAMMERER], **{"options.max_tokens": "40"}))
    finishes = [call["finish"] for call in run["calls"]]
    tokens = [call["output_tokens"] for call in run["calls"]]
    shown = f"{run['status']}; finish {finishes}, output tokens {tokens}"
    return Finding(step="an answer cut short", ok=finishes == ["length"] and tokens == [40], observed=shown)


def a_useless_judge(scene: Scene) -> Finding:
    """Let a model judge that ignores its instructions: it judges nothing, and the run ends all the same."""
    run = ended(scene.member, scene.ask([BABBLER, ALIAS], **{"options.judge": STAMMERER}))
    judged = [call for call in run["calls"] if call["purpose"] == "judge"]
    ok = run["status"] == "succeeded" and bool(judged) and run["answer"] in _answers(run)
    shown = f"{_story(run)}; {len(judged)} calls of the judge"
    return Finding(step="a judge that ignores its instructions", ok=ok, observed=shown)


def too_long(scene: Scene) -> Finding:
    """Send what the server refuses for its length: a sentence says so, and it is not tried again."""
    run = ended(scene.member, scene.member.ask("count " * 2000, [ALIAS]))
    ok = run["status"] == "failed" and len(run["calls"]) == 1 and "longer than the model" in run["error"]
    return Finding(
        step="a prompt too long for the server", ok=ok, observed=f"{run['status']}: {run['error']}"
    )


STEPS = (in_parallel, in_sequence, streaming, cut_short, a_useless_judge, too_long)


def _story(run: dict[str, Any]) -> str:
    chosen = (run["outcome"] or {}).get("chosen") or "nothing"
    tokens = sum(call["output_tokens"] for call in run["calls"])
    asked = ", ".join(f"{call['model']} {call['status']}" for call in run["calls"])
    quality = "unknown" if run["quality"] is None else f"{run['quality']:.2f}"
    return (
        f"{run['status']}; {asked}; chosen {chosen}, quality {quality}, {tokens} tokens, ${run['cost_usd']}"
    )


def _answers(run: dict[str, Any]) -> list[str]:
    return [call["text"] for model in PANEL for call in calls_of(run, model) if call["purpose"] == "answer"]


def _adds_up(run: dict[str, Any]) -> bool:
    """Tell whether every call has its tokens, and the run costs what its calls cost."""
    calls = run["calls"]
    counted = all(call["input_tokens"] and call["output_tokens"] for call in calls)
    return counted and abs(float(run["cost_usd"]) - sum(float(call["cost_usd"]) for call in calls)) < 1e-9
