"""The environment: the one place that reads it, checks it, and creates the secrets that it does not set.

Every field of `Environment` is documented in docs/settings.md.
"""

from __future__ import annotations

import base64
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestra_site.web.encryption import KEY_SIZE, decoded_key
from orchestra_site.web.storage import StorageUnusable, prepare_folder, writing_in

ROOT = Path(__file__).resolve().parents[2]
SHORTEST_SECRET_KEY = 50


class Environment(BaseSettings):
    """Settings of this process, from variables that start with `ORCHESTRA_` and a few well-known ones."""

    model_config = SettingsConfigDict(
        env_prefix="ORCHESTRA_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    profile: Literal["embedded", "production"] = "embedded"
    data_dir: Path = ROOT / "var"
    database_url: str = ""
    redis_url: str = ""
    broker_url: str = ""
    secret_key: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda: ["127.0.0.1", "localhost", "[::1]"]
    )
    allowed_addresses: Annotated[list[str], NoDecode] = Field(default_factory=list)
    trusted_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    behind_proxy: bool = False
    trusted_proxies: int | None = Field(default=None, ge=0, le=16)
    hsts_seconds: int = Field(default=31_536_000, ge=0)
    worker_concurrency: int = Field(default=32, ge=1, le=512)
    answer_cache_seconds: float = Field(default=0.0, ge=0.0)
    stall_seconds: float = Field(default=20.0, ge=2.0)
    simulated_pace: float = Field(default=1.0, ge=0.0)
    simulated_failures: float = Field(default=1.0, ge=0.0)
    max_body_bytes: int = Field(default=10_000_000, ge=1024)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    time_zone: str = "UTC"
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str = Field(default="", validation_alias="OPENAI_BASE_URL")
    ollama_host: str = Field(default="", validation_alias="OLLAMA_HOST")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("allowed_hosts", "allowed_addresses", "trusted_origins", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        """Split a comma-separated string into its words."""
        return (
            [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value
        )


def read_environment() -> Environment:
    """Return the settings of this process. Raises `ImproperlyConfigured` with one line for each fault."""
    try:
        environment = Environment()
    except ValidationError as error:
        lines = [f"{variable_name(str(fault['loc'][0]))}: {fault['msg']}." for fault in error.errors()]
        raise ImproperlyConfigured(_refusal(lines)) from None
    keys, secret_key = (
        secret.get_secret_value() if secret else ""
        for secret in (environment.encryption_keys, environment.secret_key)
    )
    problems = encryption_key_problems(keys) if keys else []
    if environment.profile == "production":
        problems += production_problems(
            secret_key=secret_key,
            encryption_keys=keys,
            allowed_hosts=environment.allowed_hosts
            if "allowed_hosts" in environment.model_fields_set
            else (),
            database_url=environment.database_url,
            redis_url=environment.redis_url,
        )
    if problems:
        raise ImproperlyConfigured(_refusal(problems))
    return environment


def variable_name(field: str) -> str:
    """Return the name of the variable that sets `field`."""
    alias = Environment.model_fields[field].validation_alias if field in Environment.model_fields else None
    return alias if isinstance(alias, str) else f"ORCHESTRA_{field.upper()}"


def settings_module() -> str:
    """Return the settings module of this process's profile."""
    return f"orchestra_site.settings.{'prod' if read_environment().profile == 'production' else 'dev'}"


def select_settings() -> None:
    """Point Django at the settings of this process's profile, unless DJANGO_SETTINGS_MODULE is set."""
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings_module()


def _refusal(problems: list[str]) -> str:
    listed = "\n".join(f"  - {problem}" for problem in problems)
    return f"Orchestra does not start with these settings:\n{listed}\nThey are described in docs/settings.md."


def encryption_key_problems(keys: str) -> list[str]:
    """Return a sentence for each of the comma-separated `keys` that AES-256 could not use."""
    return [
        f"ORCHESTRA_ENCRYPTION_KEYS: key {position} is not {KEY_SIZE} bytes in URL-safe base64."
        for position, key in enumerate(keys.split(","), start=1)
        if decoded_key(key.strip()) is None
    ]


def production_problems(
    *, secret_key: str, encryption_keys: str, allowed_hosts: Sequence[str], database_url: str, redis_url: str
) -> list[str]:
    """Return a sentence for everything that production must have and these settings lack."""
    needed = (
        ("SECRET_KEY", secret_key, "the key that sessions are signed with"),
        ("ENCRYPTION_KEYS", encryption_keys, "the keys that provider secrets are stored under"),
        ("ALLOWED_HOSTS", allowed_hosts, "the names that the site answers to"),
        ("DATABASE_URL", database_url, "the PostgreSQL database that all processes share"),
        ("REDIS_URL", redis_url, "the Redis through which processes notify each other of changes"),
    )
    problems = [f"ORCHESTRA_{name}: production needs {what}." for name, value, what in needed if not value]
    if 0 < len(secret_key) < SHORTEST_SECRET_KEY:
        problems.append(
            f"ORCHESTRA_SECRET_KEY: shorter than {SHORTEST_SECRET_KEY} characters, which could be guessed."
        )
    if "*" in allowed_hosts:
        problems.append("ORCHESTRA_ALLOWED_HOSTS: * would answer to any name; list the names of this site.")
    return problems


def make_private(folder: Path) -> Path:
    """Take a folder that is there away from group and others, if it is this user's own; return it.

    A folder that all users share, such as /tmp, stays as it is.
    """
    try:
        found = folder.stat()
        if found.st_uid == os.getuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
            folder.chmod(0o700)
    except OSError:
        pass  # what reads or writes there says what is wrong
    return folder


def read_or_create(path: Path, *, size: int) -> str:
    """Return the secret stored at `path`; without one, store `size` random bytes in URL-safe base64.

    The file has mode 0600. It is created exclusively: of two processes that start at once, the second reads
    what the first wrote. Raises `StorageUnusable`, and leaves nothing of a file that could not be written.
    """
    with writing_in(path.parent):
        if not path.exists():
            prepare_folder(path.parent)
            _create(path, size)
        stored = path.read_text(encoding="ascii", errors="replace").strip()
    if not stored:
        raise StorageUnusable(
            f"The file {path} is empty. Put the key that it had back from a backup; without one, delete it:"
            " a new key is made, and what depends on the old one (sign-ins, stored provider keys) is lost."
        )
    return stored


def _create(path: Path, size: int) -> None:
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(size)).decode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(fresh)
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
