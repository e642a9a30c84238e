"""Starting where it cannot work: one sentence and exit status 1 from `up`, the same from `doctor`."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
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
UP, DOCTOR = ["up", "--port", "0"], ["doctor"]
BOTH = (UP, DOCTOR)
Command = list[str]


def outcomes(
    folder: Path, commands: Sequence[Command], prefix: Sequence[str] = (), **settings: str
) -> list[tuple[int, str]]:
    """Run commands on a data folder, one after another; return each one's exit status and what it said."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.support.commands", json.dumps(commands)],
        cwd=ROOT,
        env=Installation(folder, **settings).environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [(code, said) for code, said in json.loads(done.stdout)]


def refusals(
    folder: Path, *commands: Command, prefix: Sequence[str] = (), **settings: str
) -> Iterator[tuple[Command, str]]:
    """Yield each command with the sentence with which it ends; `doctor` says more beside it."""
    found = outcomes(folder, commands, prefix, **settings)
    for command, (code, said) in zip(commands, found, strict=True):
        assert code == 1, said
        assert "Traceback" not in said, said
        assert command == DOCTOR or len(said.strip().splitlines()) == 1, said
        yield command, said


def both_say(words: str, folder: Path, prefix: Sequence[str] = (), **settings: str) -> None:
    """Check that `up` and `doctor` refuse a data folder with these words."""
    for command, said in refusals(folder, *BOTH, prefix=prefix, **settings):
        assert words in said, command


def test_a_quota_that_is_used_up_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    for folder, settings in ((tmp_path / "new" / "var", {}), (tmp_path, KEYS)):
        both_say("there are not 8 MB of room. Make room", folder, SMALL_FILES, **settings)
    assert left_in(tmp_path) == []


def test_a_full_disk_is_said_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    with mounted(tmp_path / "full", "size=64k") as disk:
        both_say("there are not 8 MB of room", disk / "var")
        assert left_in(disk) == []


def test_a_read_only_disk_is_said(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "ro,size=64k") as disk:
        both_say("its file system is read-only", disk / "var")
        both_say("its file system is read-only", disk, **KEYS)


def test_a_folder_of_somebody_else_is_said(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    prefix = close_to_us(foreign)
    for folder in (foreign, foreign / "var"):
        both_say("may not read and write there", folder, prefix)
    both_say("may not read and write there", foreign, prefix, **KEYS)


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    place = tmp_path / "var"
    place.write_text("a file", encoding="ascii")
    both_say("it is not a folder", place)
    both_say("it is not a folder", place / "deeper")
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
    for command, said in refusals(tmp_path / "var", *BOTH):
        assert f"The database {database} is damaged" in said, command
        assert "Put a backup in its place" in said, command
    assert set(left_in(tmp_path)) - set(before) <= {"var/up.lock"}


def test_a_database_of_somebody_else_is_said(tmp_path: Path, migrated: Path) -> None:
    database = in_use_before(tmp_path / "var", migrated)
    both_say(f"may not read and write the database {database}", tmp_path / "var", close_to_us(database))


def test_a_database_server_that_is_away_is_said(tmp_path: Path) -> None:
    away = "postgresql://127.0.0.1:1/orchestra"
    both_say("Check ORCHESTRA_DATABASE_URL and the server", tmp_path, ORCHESTRA_DATABASE_URL=away)


def test_a_key_that_was_lost_to_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    both_say(f"The file {tmp_path / 'secret_key'} is empty", tmp_path)


def test_the_doctor_makes_no_database_to_find_that_there_is_none(tmp_path: Path) -> None:
    for folder, words in ((tmp_path, "There is no database yet"), (tmp_path / "none", "it does not exist")):
        [(_, said)] = refusals(folder, DOCTOR, **KEYS)
        assert words in said
    assert left_in(tmp_path) == []


def test_keys_that_are_given_need_no_file(tmp_path: Path) -> None:
    [(code, said)] = outcomes(tmp_path / "none", [["check"]], **KEYS)
    assert (code, left_in(tmp_path)) == (0, []), said


def test_a_port_out_of_range_is_said_before_anything_is_made(tmp_path: Path) -> None:
    ports = ["65536", "-1", "99999999999999999999"]
    said = refusals(tmp_path / "var", *(["up", f"--port={port}"] for port in ports), **KEYS)
    for port, (_, words) in zip(ports, said, strict=True):
        assert f"There is no port {port}: they go from 1 to 65535" in words
    assert left_in(tmp_path) == []


ADDRESSES = {
    "192.0.2.7": "192.0.2.7 is not an address of this machine",
    "2001:db8::7": "2001:db8::7 is not an address of this machine",
    "300.1.1.1": "300.1.1.1 is not an address, nor a name",
    "a" * 80: "is not an address, nor a name",
}


def test_an_address_that_is_not_ours_is_said(tmp_path: Path) -> None:
    said = refusals(tmp_path, *([*UP, "--host", host] for host in ADDRESSES), **KEYS)
    for words, (command, sentence) in zip(ADDRESSES.values(), said, strict=True):
        assert words in sentence, command
    assert left_in(tmp_path) == ["up.lock"]


def test_a_port_that_is_taken_is_said_before_a_demo_team_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        [(_, said)] = refusals(tmp_path, ["up", "--port", port], **KEYS)
        assert f"Port {port} on 127.0.0.1 is in use" in said
    assert left_in(tmp_path) == ["up.lock"]
