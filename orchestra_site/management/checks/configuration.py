"""The settings: are they the ones that were meant."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from django.conf import settings

from orchestra_site.settings.environment import Environment, variable_of
from orchestra_site.web.health import Finding, fail, ok, warn


def configuration() -> Iterator[Finding]:
    """Say which profile runs, which variables mean nothing, and what production would stumble over."""
    environment: Environment = settings.ENV
    yield ok(f"The {environment.profile} profile, from {settings.SETTINGS_MODULE}.")
    yield from misspelled(os.environ)
    if settings.DEBUG:
        yield fail("DEBUG is on: error pages show code and values.", "Set DEBUG = False.")
    if environment.profile == "production" and not environment.behind_proxy:
        yield warn(
            "Plain HTTP is redirected to HTTPS, and no proxy is trusted to say which of them a request used.",
            "Behind a proxy that terminates TLS, set ORCHESTRA_BEHIND_PROXY=true.",
        )


def misspelled(variables: Iterable[str]) -> Iterator[Finding]:
    """Say which of the environment's `variables` look like settings but are none."""
    known = [variable_of(field) for field in Environment.model_fields]
    for name in sorted(variables):
        if name.startswith("ORCHESTRA_") and name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f"Did you mean {close[0]}?" if close else "docs/settings.md lists them all."
            yield warn(f"{name} is not a setting and has no effect.", advice)
