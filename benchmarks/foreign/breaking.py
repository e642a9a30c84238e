"""Steps: the server is stopped in mid-stream, stays away, comes back, and takes another key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from benchmarks.foreign.page import checks, said
from benchmarks.foreign.scene import ALIAS, BABBLER, STAMMERER, Finding, Scene
from benchmarks.foreign.watching import calls_of, ended, growths

MID_STREAM = 200


def stopped_beside_another(scene: Scene) -> Finding:
    """See the other server's answer chosen; the broken one counts as no answer."""
    run = _killed(scene, "parallel", [BABBLER, STAMMERER])
    return Finding(
        step="stopped in mid-stream, parallel", ok=_broke_off(run) and _saved(run), observed=_story(run)
    )


def stopped_before_another(scene: Scene) -> Finding:
    """See the next model take over."""
    scene.first.up()
    run = _killed(scene, "sequential", [BABBLER, STAMMERER])
    return Finding(
        step="stopped in mid-stream, sequential", ok=_broke_off(run) and _saved(run), observed=_story(run)
    )


def stopped_alone(scene: Scene) -> Finding:
    """See the run fail and say why for each model; half an answer is none."""
    scene.first.up()
    _well_again(scene)
    run = _killed(scene, "parallel", [BABBLER, ALIAS])
    return Finding(
        step="stopped in mid-stream, no other model",
        ok=_broke_off(run) and _failed(run, BABBLER, ALIAS),
        observed=_story(run),
    )


def away(scene: Scene) -> Finding:
    """See a run fail at once with each model's reason."""
    run = ended(scene.member, scene.ask([BABBLER, ALIAS]))
    return Finding(step="asked while it is away", ok=_failed(run, BABBLER, ALIAS), observed=_story(run))


def the_worker(scene: Scene) -> Finding:
    """See the process that went through all this work on."""
    run = ended(scene.member, scene.ask([STAMMERER]))
    alive = scene.orchestra.process.poll() is None
    errors = scene.orchestra.printed.count("Traceback")
    return Finding(
        step="the worker lives on",
        ok=alive and run["status"] == "succeeded" and not errors,
        observed=f"{run['status']} on the other server; {errors} tracebacks in the log",
    )


def back(scene: Scene) -> Finding:
    """See runs use the server again once its models were tried."""
    scene.first.up()
    answer = _well_again(scene)
    run = ended(scene.member, scene.ask([BABBLER, ALIAS]))
    done = [call["status"] for call in run["calls"]] == ["done", "done"]
    return Finding(step="back again", ok=bool(answer) and done, observed=_story(run))


def key_revoked(scene: Scene) -> Finding:
    """See the run fail with a sentence, and the refused key not tried again."""
    scene.first.kill()
    scene.first.key = f"key-{secrets.token_hex(12)}"
    scene.first.up()
    run = ended(scene.member, scene.ask([BABBLER]))
    ok = _failed(run, BABBLER) and len(run["calls"]) == 1 and "refused the key" in run["error"]
    return Finding(step="the key is revoked", ok=ok, observed=_story(run))


def key_renewed(scene: Scene) -> Finding:
    """Enter the new key on the provider's page, and see runs work again."""
    path = f"{scene.provider(scene.first)}/"
    given = {"name": "Babbler", "base_url": scene.first.base_url, "api_key": scene.first.key}
    scene.member.post(path, given)
    tested = checks(scene.member.post(f"{path}test/", {}, form_at=path).text)
    run = ended(scene.member, scene.ask([BABBLER]))
    ok = bool(tested) and all(good for good, _ in tested) and run["status"] == "succeeded"
    return Finding(step="a new key is entered", ok=ok, observed=_story(run))


STEPS = (
    *(stopped_beside_another, stopped_before_another, stopped_alone),
    *(away, the_worker, back, key_revoked, key_renewed),
)


def _killed(scene: Scene, strategy: str, models: Sequence[str]) -> dict[str, Any]:
    """Ask, kill the first server once its model's text is seen growing, and return how the run ended."""
    run = scene.ask(models, strategy)
    for growth in growths(scene.member, run):
        if growth.length >= MID_STREAM and scene.model_of(growth.call) == BABBLER:
            scene.first.kill()
            break
    return ended(scene.member, run)


def _well_again(scene: Scene) -> str:
    """Try the first server's models on their pages, which closes their circuits; return the last answer."""
    answers = [
        said(scene.member.post(f"{path}/test/", {}, form_at=f"{path}/").text)
        for path in map(scene.model, (BABBLER, ALIAS))
    ]
    return answers[-1]


def _broke_off(run: dict[str, Any]) -> bool:
    """Tell whether the first call broke off with what it had written, marked as perhaps billed."""
    first = calls_of(run, BABBLER)[0]
    kept = first["status"] == "failed" and len(first["text"]) >= MID_STREAM and first["maybe_billed"]
    return bool(kept and first["error_code"] == "stream_broken")


def _saved(run: dict[str, Any]) -> bool:
    """Tell whether the answer is the other server's, whole."""
    (other,) = calls_of(run, STAMMERER)
    return run["status"] == "succeeded" and run["answer"] == other["text"] and bool(other["finish"] == "stop")


def _failed(run: dict[str, Any], *models: str) -> bool:
    """Tell whether the run failed with a reason for each model, and has no answer."""
    named = all(f"{model}: " in run["error"] for model in models)
    return run["status"] == "failed" and named and not run["answer"]


def _story(run: dict[str, Any]) -> str:
    calls = [f"{call['model']} {call['status']} {_end(call)}" for call in run["calls"]]
    return f"{run['status']}{': ' if run['error'] else ''}{run['error']} [{' | '.join(calls)}]"


def _end(call: dict[str, Any]) -> str:
    billed = ", maybe billed" if call["maybe_billed"] else ""
    return f"({len(call['text'])} characters, {call['error_code'] or call['finish']}{billed})"
