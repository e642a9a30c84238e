"""Starting where it cannot work: one sentence and exit status 1 from `up`, the same from `doctor`."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.installation import Installation
from tests.support.refusals import SMALL_FILES, close_to_us, left_in, mounted

pytestmark = pytest.mark.e2e
KEYS = {
    "ORCHESTRA_SECRET_KEY": "a-long-random-looking-value-0123456789-abcdefghijklmn",
    "ORCHESTRA_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
}
IN_PAIRS = (["up", "--port", "0"], ["doctor"])


def manage(folder: Path, *arguments: str, prefix: Sequence[str] = (), **settings: str) -> tuple[int, str]:
    """Run a command on a data folder; return its exit status and what it said."""
    done = subprocess.run(
        [*prefix, sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=Installation(folder, **settings).environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def refusal(folder: Path, *arguments: str, prefix: Sequence[str] = (), **settings: str) -> str:
    """Return the sentence with which a command ends; `doctor` says more beside it."""
    code, said = manage(folder, *arguments, prefix=prefix, **settings)
    assert code == 1, said
    assert "Traceback" not in said, said
    assert arguments[0] == "doctor" or len(said.strip().splitlines()) == 1, said
    return said


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_quota_that_is_used_up_is_said_and_leaves_nothing(tmp_path: Path, command: list[str]) -> None:
    places: list[tuple[Path, dict[str, str]]] = [(tmp_path / "new" / "var", {}), (tmp_path, KEYS)]
    for folder, settings in places:
        said = refusal(folder, *command, prefix=SMALL_FILES, **settings)
        assert "there are not 8 MB of room. Make room" in said
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_full_disk_is_said_and_nothing_is_left_on_it(tmp_path: Path, command: list[str]) -> None:
    with mounted(tmp_path / "full", "size=64k") as disk:
        assert "there are not 8 MB of room" in refusal(disk / "var", *command)
        assert left_in(disk) == []


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_read_only_disk_is_said(tmp_path: Path, command: list[str]) -> None:
    with mounted(tmp_path / "disk", "ro,size=64k") as disk:
        assert "its file system is read-only" in refusal(disk / "var", *command)
        assert "its file system is read-only" in refusal(disk, *command, **KEYS)


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_folder_of_somebody_else_is_said(tmp_path: Path, command: list[str]) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    prefix = close_to_us(foreign)
    for folder in (foreign, foreign / "var"):
        assert "may not read and write there" in refusal(folder, *command, prefix=prefix)
    assert "may not read and write there" in refusal(foreign, *command, prefix=prefix, **KEYS)


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path, command: list[str]) -> None:
    place = tmp_path / "var"
    place.write_text("a file", encoding="ascii")
    assert "it is not a folder" in refusal(place, *command)
    assert "it is not a folder" in refusal(place / "deeper", *command)
    assert left_in(tmp_path) == ["var"]


def in_use_before(folder: Path, migrated: Path) -> Path:
    """Return the database of an installation that was up before."""
    Installation(folder).begin_with(migrated)
    return folder / "orchestra.sqlite3"


def damage(database: Path, how: str) -> None:
    size = database.stat().st_size
    with database.open("r+b") as file:
        if how == "cut":
            file.truncate(size // 2)
        else:
            file.seek(0 if how == "beginning" else size // 3)
            file.write(os.urandom(size // 3))


@pytest.mark.parametrize("how", ["beginning", "middle", "cut"])
def test_a_damaged_database_is_said(tmp_path: Path, migrated: Path, how: str) -> None:
    database = in_use_before(tmp_path / "var", migrated)
    damage(database, how)
    before = left_in(tmp_path)
    for command in IN_PAIRS:
        said = refusal(tmp_path / "var", *command)
        assert f"The database {database} is damaged" in said
        assert "Put a backup in its place" in said
    assert set(left_in(tmp_path)) - set(before) <= {"var/up.lock"}


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_database_of_somebody_else_is_said(tmp_path: Path, migrated: Path, command: list[str]) -> None:
    database = in_use_before(tmp_path / "var", migrated)
    prefix = close_to_us(database)
    assert f"may not read and write the database {database}" in refusal(
        tmp_path / "var", *command, prefix=prefix
    )


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_database_server_that_is_away_is_said(tmp_path: Path, command: list[str]) -> None:
    said = refusal(tmp_path, *command, ORCHESTRA_DATABASE_URL="postgresql://127.0.0.1:1/orchestra")
    assert "Check ORCHESTRA_DATABASE_URL and the server" in said


@pytest.mark.parametrize("command", IN_PAIRS, ids=["up", "doctor"])
def test_a_key_that_was_lost_to_a_full_disk_is_said(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "secret_key").touch()
    assert f"The file {tmp_path / 'secret_key'} is empty" in refusal(tmp_path, *command)


def test_the_doctor_makes_no_database_to_find_that_there_is_none(tmp_path: Path) -> None:
    assert "There is no database yet" in refusal(tmp_path, "doctor", **KEYS)
    assert "it does not exist" in refusal(tmp_path / "none", "doctor", **KEYS)
    assert left_in(tmp_path) == []


def test_keys_that_are_given_need_no_file(tmp_path: Path) -> None:
    code, said = manage(tmp_path / "none", "check", **KEYS)
    assert (code, left_in(tmp_path)) == (0, []), said


@pytest.mark.parametrize("port", ["65536", "-1", "99999999999999999999"])
def test_a_port_out_of_range_is_said_before_anything_is_made(tmp_path: Path, port: str) -> None:
    said = refusal(tmp_path / "var", "up", f"--port={port}", **KEYS)
    assert f"There is no port {port}: they go from 1 to 65535" in said
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("192.0.2.7", "192.0.2.7 is not an address of this machine"),
        ("2001:db8::7", "2001:db8::7 is not an address of this machine"),
        ("300.1.1.1", "300.1.1.1 is not an address, nor a name"),
        ("a" * 80, "is not an address, nor a name"),
    ],
)
def test_an_address_that_is_not_ours_is_said(tmp_path: Path, host: str, words: str) -> None:
    assert words in refusal(tmp_path, "up", "--port", "0", "--host", host, **KEYS)
    assert left_in(tmp_path) == ["up.lock"]


def test_a_port_that_is_taken_is_said_before_a_demo_team_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 is in use" in refusal(tmp_path, "up", "--port", port, **KEYS)
    assert left_in(tmp_path) == ["up.lock"]
