"""What is installed and shipped: locked packages and vendored files."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestra_site.settings.environment import ROOT
from tests.support.tree import VENDORED, VENDORED_FOR_TESTS

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


def test_whatever_is_needed_with_extras_is_locked_with_them() -> None:
    """Else old pip looks at the newest version that has them, which no hash covers."""
    locks = [locked("base.txt"), locked("dev.txt")]
    lacking = [
        f"{package.name}: {need}"
        for packages in locks
        for package in packages.values()
        for need in asked_for(package)
        if not need.extras <= packages[canonicalize_name(need.name)].extras
    ]
    assert lacking == []


def test_what_tests_use_is_what_runs() -> None:
    tested = locked("dev.txt")
    assert all(tested[name].specifier == package.specifier for name, package in locked("base.txt").items())


LIST = "CHECKSUMS.sha256"


def listed(folder: Path) -> dict[str, str]:
    lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    return {name.lstrip("*"): digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def present(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LIST
    }


@pytest.mark.parametrize("vendored", [VENDORED, VENDORED_FOR_TESTS], ids=["served", "for tests"])
def test_every_vendored_file_is_listed_with_its_checksum(vendored: Path) -> None:
    assert present(vendored) == listed(vendored)


@pytest.mark.parametrize("vendored", [VENDORED, VENDORED_FOR_TESTS], ids=["served", "for tests"])
def test_each_vendored_package_carries_its_licence(vendored: Path) -> None:
    packages = [folder for folder in vendored.iterdir() if folder.is_dir()]
    assert packages
    assert [folder.name for folder in packages if not list(folder.glob("LICEN[CS]E*"))] == []


def test_a_changed_or_unlisted_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text(f"{hashlib.sha256(b'a').hexdigest()}  a.css\n", encoding="utf-8")
    (tmp_path / "a.css").write_bytes(b"a")
    assert present(tmp_path) == listed(tmp_path)
    (tmp_path / "a.css").write_bytes(b"b")
    assert present(tmp_path) != listed(tmp_path)
