"""Secrets of this installation, made once and kept in 0600 files of the data folder."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path


def read_or_create(path: Path, *, size: int) -> str:
    """Return the secret kept at `path`, making one of `size` random bytes (URL-safe base64) the first time.

    Two processes that start at once agree: the file is created exclusively, the loser reads the winner's.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(size)).decode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(fresh)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text(encoding="ascii").strip()
