"""The one place that reads the environment. Every field is documented in docs/settings.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]


def _words(value: object) -> object:
    """Split a comma-separated string into its words."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


class Environment(BaseSettings):
    """Settings of this process, from variables that start with `ORCHESTRA_`."""

    model_config = SettingsConfigDict(env_prefix="ORCHESTRA_", extra="ignore", frozen=True)

    profile: Literal["embedded", "production"] = "embedded"
    data_dir: Path = ROOT / "var"
    database_url: str = ""
    redis_url: str = ""
    secret_key: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda: ["127.0.0.1", "localhost", "[::1]"]
    )
    allowed_addresses: Annotated[list[str], NoDecode] = Field(default_factory=list)
    trusted_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    worker_concurrency: int = Field(default=32, ge=1, le=512)
    max_body_bytes: int = Field(default=10_000_000, ge=1024)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    time_zone: str = "UTC"

    _split = field_validator("allowed_hosts", "allowed_addresses", "trusted_origins", mode="before")(_words)
