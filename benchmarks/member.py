"""A member who uses the site over HTTP, without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
RUN = re.compile(r"/runs/([0-9a-f-]{36})/")


class Member:
    """Signed in, with cookies and CSRF tokens as a browser would have them.

    `site` is the https address that a proxy in front of `address` would have: the member then speaks as
    through that proxy.
    """

    def __init__(self, address: str, sign_in: tuple[str, str], *, site: str = "") -> None:
        self.address = address
        self.site = site or address.rstrip("/")
        through = {"host": urlsplit(site).netloc, "x-forwarded-proto": "https"} if site else {}
        self.client = httpx.Client(
            base_url=address,
            headers=through,
            follow_redirects=False,
            timeout=30,
            event_hooks={"request": [self._with_cookies]},
        )
        email, password = sign_in
        answer = self.post("/account/sign-in/", {"username": email, "password": password})
        assert answer.status_code == 302, answer.text[:2000]

    def _with_cookies(self, request: httpx.Request) -> None:
        """Send every cookie: the jar keeps secure ones back, although it is https that the member sees."""
        if self.cookies:
            request.headers["cookie"] = self.cookies

    @property
    def cookies(self) -> str:
        """The cookies as a header holds them."""
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def post(
        self, path: str, data: Mapping[str, str | Sequence[str]], form_at: str | None = None
    ) -> httpx.Response:
        """Fetch the page with the form, then send it."""
        page = self.client.get(form_at or path)
        token = TOKEN.search(page.text)
        assert token is not None, page.text[:2000]
        headers = {"referer": f"{self.site}{path}"}
        return self.client.post(path, data={**data, "csrfmiddlewaretoken": token[1]}, headers=headers)

    def ask(self, text: str, models: Sequence[str], strategy: str = "parallel", **fields: str) -> str:
        """Ask, and return the id of the run that was started."""
        answer = self.post("/", {"text": text, "strategy": strategy, "models": list(models), **fields})
        assert answer.status_code == 303, answer.text[:3000]
        found = RUN.search(answer.headers["location"])
        assert found is not None
        return found[1]

    def run(self, run: str) -> dict[str, Any]:
        """Return everything that is known of a run."""
        told: dict[str, Any] = self.client.get(f"/runs/{run}/json").json()
        return told
