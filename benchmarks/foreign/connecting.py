"""Steps: what the Models pages make of the server."""

from __future__ import annotations

import httpx

from benchmarks.foreign.page import checks, choices, field_errors, formset, said
from benchmarks.foreign.scene import ALIAS, BABBLER, STAMMERER, Finding, Scene
from benchmarks.foreign.server import ForeignServer

WRONG_KEY = "key-that-never-was"


def a_wrong_key(scene: Scene) -> Finding:
    """See nothing stored, and the page say why without repeating the key."""
    return _refused(scene, "connect with a wrong key", WRONG_KEY, "refused the key")


def no_key(scene: Scene) -> Finding:
    """See nothing stored, and the page say that a key is wanted."""
    return _refused(scene, "connect without a key", "", "asks for a key")


def the_right_key(scene: Scene) -> Finding:
    """See both servers stored, each as a provider."""
    answers = [_connect(scene, server, server.key) for server in (scene.first, scene.second)]
    targets = [answer.headers.get("location", "") for answer in answers]
    stored = _stored(scene)
    return Finding(
        step="connect with the right key",
        ok=stored == 2 and all(target.endswith("/choose/") for target in targets),
        observed=f"{stored} providers stored, then on to the list of models",
    )


def the_connection(scene: Scene) -> Finding:
    """See each check of the stored connection work."""
    path = scene.provider(scene.first)
    shown = checks(scene.member.post(f"{path}/test/", {}, form_at=f"{path}/").text)
    return Finding(
        step="test the connection",
        ok=len(shown) == 3 and all(good for good, _ in shown),
        observed=" | ".join(sentence for _, sentence in shown),
    )


def the_list(scene: Scene) -> Finding:
    """See the server's own list."""
    listed = choices(scene.member.client.get(f"{scene.provider(scene.first)}/choose/").text)
    return Finding(step="list the models", ok=listed == [BABBLER], observed=", ".join(listed))


def the_models(scene: Scene) -> Finding:
    """Add listed models and a name typed in, with what the server tells of them."""
    windows = _add(scene, scene.first, BABBLER, ALIAS) | _add(scene, scene.second, STAMMERER)
    told = windows.get(BABBLER) == "4096" == windows.get(STAMMERER)
    query = "select count(*) from llm_languagemodel where remote_name in (?, ?, ?)"
    ((stored,),) = scene.orchestra.rows(query, [BABBLER, ALIAS, STAMMERER])
    shown = ", ".join(f"{name} (window {tokens})" for name, tokens in windows.items())
    return Finding(step="add models", ok=told and stored == 3, observed=shown)


def one_model(scene: Scene) -> Finding:
    """See on a model's page what it answers to a small question."""
    path = scene.model(BABBLER)
    answer = said(scene.member.post(f"{path}/test/", {}, form_at=f"{path}/").text)
    return Finding(step="try one model", ok=len(answer) > 100, observed=f"{answer[:60]}…")


STEPS = (a_wrong_key, no_key, the_right_key, the_connection, the_list, the_models, one_model)


def _connect(scene: Scene, server: ForeignServer, key: str) -> httpx.Response:
    given = {"name": server.name.title(), "base_url": server.base_url, "api_key": key}
    return scene.member.post("/models/connect/", given)


def _stored(scene: Scene) -> int:
    query = "select count(*) from llm_provider where kind = 'openai_compatible'"
    ((stored,),) = scene.orchestra.rows(query)
    return int(stored)


def _refused(scene: Scene, step: str, key: str, words: str) -> Finding:
    answer = _connect(scene, scene.first, key)
    told = field_errors(answer.text).get("api_key", "nothing at the field of the key")
    leaked = bool(key) and key in answer.text
    ok = answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and words in told and not leaked
    return Finding(
        step=step, ok=ok and not _stored(scene), observed=f"{told} ({_stored(scene)} providers stored)"
    )


def _add(scene: Scene, server: ForeignServer, *names: str) -> dict[str, str]:
    """Add models as the page suggests them, at a price; return the context windows it suggested."""
    path = f"{scene.provider(server)}/add/"
    query = "&".join(f"pick={name}" for name in names)
    fields = formset(scene.member.client.get(f"{path}?{query}").text)
    for number in range(len(names)):
        fields |= {f"form-{number}-input_per_million": "0.5", f"form-{number}-output_per_million": "1.5"}
    scene.member.post(path, fields, form_at=f"{path}?{query}")
    return {name: fields[f"form-{number}-context_window"] for number, name in enumerate(names)}
