"""Vendored files are the ones that were vendored."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.support.tree import VENDORED

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


def test_every_vendored_file_is_listed_with_its_checksum() -> None:
    assert present(VENDORED) == listed(VENDORED)


def test_each_vendored_package_carries_its_licence() -> None:
    packages = [folder for folder in VENDORED.iterdir() if folder.is_dir()]
    assert packages
    assert [folder.name for folder in packages if not list(folder.glob("LICEN[CS]E*"))] == []


def test_a_changed_or_unlisted_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text(f"{hashlib.sha256(b'a').hexdigest()}  a.css\n", encoding="utf-8")
    (tmp_path / "a.css").write_bytes(b"a")
    assert present(tmp_path) == listed(tmp_path)
    (tmp_path / "a.css").write_bytes(b"b")
    assert present(tmp_path) != listed(tmp_path)
