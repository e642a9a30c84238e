"""Whether the data folder and the SQLite file in it can be used, and what to do where they cannot."""

from __future__ import annotations

import errno
import os
import pwd
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

ROOM_BYTES = 8_000_000
"""A new database with its log takes about two thirds of it."""
CHECK_WITHIN_S = 2.0
OPCODES_BETWEEN_LOOKS = 10_000
ELSEWHERE = "or set ORCHESTRA_DATA_DIR to another folder."
NO_ROOM = f"there are not {ROOM_BYTES / 1e6:g} MB of room. Make room"
NOT_ALLOWED = "the user {user} may not read and write there. Give the folder to that user"
NO_FOLDER = "it is not a folder. Move what is in its place away"
FOLDER_FAULTS = {
    errno.ENOSPC: NO_ROOM,
    errno.EDQUOT: NO_ROOM,
    errno.EFBIG: NO_ROOM,
    errno.EROFS: "its file system is read-only. Mount it for writing",
    errno.EACCES: NOT_ALLOWED,
    errno.EPERM: NOT_ALLOWED,
    errno.ENOTDIR: NO_FOLDER,
    errno.EEXIST: NO_FOLDER,
    errno.ELOOP: NO_FOLDER,
    errno.ENOENT: "it does not exist. Start Orchestra once to make it",
}
NOT_YOURS = "The user {user} may not read and write the database {file}. Give the file to that user."
DATABASE_FAULTS = {
    "is locked": "Another program keeps the database {file} locked. End it, and start again.",
    "is full": f"There is no room left to write the database {{file}}. Make room, {ELSEWHERE}",
    "readonly": NOT_YOURS,
    "unable to open": "The database {file} cannot be opened by the user {user}. Repair that, " + ELSEWHERE,
}
DAMAGED = ("not a database", "malformed", "corrupt")


class StorageUnusable(ImproperlyConfigured):
    """Data cannot be kept where it should be. Its text says why, and what to do."""


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Say what went wrong with a file in `folder`. Raises `StorageUnusable`."""
    try:
        yield
    except OSError as error:
        raise StorageUnusable(folder_sentence(folder, error)) from error


def folder_sentence(folder: Path, error: OSError) -> str:
    """Return why nothing can be written in the data folder, and what to do."""
    fault = FOLDER_FAULTS.get(error.errno or 0, f"{error.strerror or error}. Repair that")
    return f"Orchestra cannot keep its data in {folder}: {fault.format(user=_user())}, {ELSEWHERE}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def prepare_folder(folder: Path) -> None:
    """Make the data folder where it is missing, and check that there is room in it.

    Leaves nothing behind that was not there before when it raises `StorageUnusable`.
    """
    made = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        with writing_in(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_room(folder)
    except StorageUnusable:
        with suppress(OSError):
            for place in made:
                place.rmdir()
        raise


def check_room(folder: Path) -> None:
    """Write into the folder, under no name, as much as a new database takes. Raises `OSError`."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(ROOM_BYTES))
        file.flush()
    os.scandir(folder).close()


def check_file(connection: BaseDatabaseWrapper, *, within_s: float = CHECK_WITHIN_S) -> None:
    """Check that a SQLite database can be written and, as far as `within_s` goes, that it is intact.

    Raises `StorageUnusable`, `DatabaseError` where it cannot even be opened.
    """
    file = Path(str(connection.settings_dict["NAME"]))
    for path in (file, *(file.with_name(f"{file.name}-{log}") for log in ("wal", "shm"))):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise StorageUnusable(NOT_YOURS.format(user=_user(), file=path))
    connection.ensure_connection()
    raw, ends = connection.connection, time.monotonic() + within_s
    raw.set_progress_handler(lambda: time.monotonic() > ends, OPCODES_BETWEEN_LOOKS)
    try:
        found = str(raw.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise DatabaseError(*error.args) from error
        found = "ok"
    except sqlite3.DatabaseError as error:
        raise DatabaseError(*error.args) from error
    finally:
        raw.set_progress_handler(None, 0)
    if found != "ok":
        raise StorageUnusable(_damaged(str(file), found))


def database_sentence(connection: BaseDatabaseWrapper, error: Exception) -> str:
    """Return why the database cannot be used, and what to do."""
    if isinstance(error, StorageUnusable):
        return str(error)
    said = " ".join(str(error).split()).rstrip(".")
    if connection.vendor != "sqlite":
        return f"The database cannot be used: {said}. Check ORCHESTRA_DATABASE_URL and the server."
    file = str(connection.settings_dict["NAME"])
    if any(words in said for words in DAMAGED):
        return _damaged(file, said)
    sentence = next((sentence for words, sentence in DATABASE_FAULTS.items() if words in said), None)
    unknown = f"The database {file} cannot be used: {said}. Look at the file, and at the disk that it is on."
    return sentence.format(file=file, user=_user()) if sentence else unknown


def _damaged(file: str, said: str) -> str:
    return (
        f"The database {file} is damaged ({' '.join(said.split())[:200]})."
        " Put a backup in its place, or move it away to start with an empty one."
    )
