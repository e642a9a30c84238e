"""Where a provider's API is, with the key to it, and how both may be spoken of."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from orchestration.engine.errors import InvalidRequest
from orchestration.providers.address import normalise_base_url

LONGEST_KEY = 1000
LONGEST_QUOTE = 300
LONGEST_READ = 4000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked base address and its key. Raises `InvalidRequest` at `base_url` or `api_key`."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", normalise_base_url(self.base_url))
        object.__setattr__(self, "api_key", clean_key(self.api_key or "") or None)

    @property
    def host(self) -> str:
        """How sentences name it: the host, with its port where that is not the usual one."""
        return urlsplit(self.base_url).netloc

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def url(self, path: str) -> str:
        """Return the address of one of its paths."""
        return f"{self.base_url}/{path}"

    def quote(self, text: str) -> str:
        """Return a provider's words as they may be shown: one line, at most 300 characters, no key."""
        told = text.replace(self.api_key, "[key]") if self.api_key else text
        visible = (
            " " if unicodedata.category(each).startswith("C") else each for each in told[:LONGEST_READ]
        )
        line = " ".join("".join(visible).split())
        return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1]}…"


def clean_key(text: str) -> str:
    """Return the key without blanks around it. Raises `InvalidRequest` at `api_key` if it cannot be one."""
    key = text.strip()
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(f"The key is longer than {LONGEST_KEY} characters.", field="api_key")
    if not key.isascii() or not key.isprintable() or " " in key:
        message = "The key holds blanks or characters that no key has. Copy it again."
        raise InvalidRequest(message, field="api_key")
    return key
