"""The locked packages install wherever pip is as old as CPython 3.11's own."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestra_site.settings.environment import ROOT

LOCKED = re.compile(r"^([\w.-]+(?:\[[\w,.-]+\])?==\S+)", re.MULTILINE)


def locked(name: str) -> dict[str, Requirement]:
    found = map(Requirement, LOCKED.findall((ROOT / "requirements" / name).read_text(encoding="utf-8")))
    return {canonicalize_name(each.name): each for each in found}


def asked_for(package: Requirement) -> list[Requirement]:
    """Return what `package` needs here, with the extras that it is locked with."""
    needs = map(Requirement, requires(package.name) or [])
    extras = package.extras or {""}
    return [
        need for need in needs if not need.marker or any(need.marker.evaluate({"extra": e}) for e in extras)
    ]


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_whatever_is_needed_with_extras_is_locked_with_them(name: str) -> None:
    """Else old pip looks at the newest version that has them, which no hash covers."""
    packages = locked(name)
    for package in packages.values():
        for need in asked_for(package):
            assert need.extras <= packages[canonicalize_name(need.name)].extras, f"{package.name}: {need}"


def test_what_tests_use_is_what_runs() -> None:
    tested = locked("dev.txt")
    assert all(tested[name].specifier == package.specifier for name, package in locked("base.txt").items())
