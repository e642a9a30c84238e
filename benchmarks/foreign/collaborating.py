"""Steps: sessions among models that ignore the protocol, alone and beside one that keeps to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.foreign.scene import ALIAS, BABBLER, STAMMERER, Finding, Scene
from benchmarks.foreign.watching import ended

TASK = "Describe the harbour of Genoa. Describe the harbour of Marseille. Compare what {} ships paid."
OBEDIENT = "sim-sage"
SHORT: Mapping[str, Any] = {"subtasks": 3, "returns": 0}


def nobody_keeps_to_it(scene: Scene) -> Finding:
    """See the task divided by its own words, no vote counted, and a result or a reason."""
    run, session = _session(scene, [BABBLER, ALIAS, STAMMERER, BABBLER])
    said = [each for each in _votes(session) if "abstain" not in (each["said"], each["option"])]
    said = [each for each in said if each["voter"] != "lead"]
    divided = "divided by its own words" in _rationales(session)
    ok = divided and not said and bool(session["result"] or run["error"])
    return Finding(step="a session of such models alone", ok=ok, observed=_story(run, session))


def one_keeps_to_it(scene: Scene) -> Finding:
    """See a plan of the one that does, the others abstain, and a result."""
    run, session = _session(scene, [OBEDIENT, BABBLER, STAMMERER, OBEDIENT])
    ok = run["status"] == "succeeded" and bool(session["result"])
    return Finding(step="a session beside one that can", ok=ok, observed=_story(run, session))


STEPS = (nobody_keeps_to_it, one_keeps_to_it)


def _session(scene: Scene, models: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have a session of four run: leader, two who work, a reviewer."""
    roles = {"lead": "leader", "scout": "executor", "sage": "executor", "judge": "reviewer"}
    seats = [
        {"id": id, "role": role, "model": model}
        for (id, role), model in zip(roles.items(), models, strict=True)
    ]
    name = f"foreign-{next(scene.numbers)}"
    lineup = {"name": name, "participants": seats, "negotiation": {"rounds": 1}, "limits": SHORT}
    run = scene.session(TASK.format(next(scene.numbers)), lineup)
    found = ended(scene.member, run)
    return found, scene.member.client.get(f"/sessions/runs/{run}/session.json").json()


def _votes(session: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [vote for each in session["decisions"] for vote in each["votes"]]


def _rationales(session: Mapping[str, Any]) -> str:
    return " ".join(each["rationale"] for each in session["decisions"])


def _story(run: Mapping[str, Any], session: Mapping[str, Any]) -> str:
    errors = sum(each["kind"] == "error" for each in session["messages"])
    states = ", ".join(f"{each['id']} {each['status']}" for each in session["subtasks"])
    said = ", ".join(f"{vote['voter']} {vote['said']}" for vote in _votes(session))
    shown = f"{run['status']}: {run['error'] or session['phase']}; {states}; votes: {said or 'none'}"
    return f"{shown}; {errors} errors recorded, {len(session['result'] or '')} characters of result"
