"""Every field and parameter of every page with hostile values: no page answers 500.

Pages come from the rows of the walk, which knows every address; fields from the forms and links in their
HTML. PARAMETERS are those that no form shows, HEADERS those that views read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from itertools import chain, product
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import resolve

from tests.support.hostile import BOUNDARY, VALUES, WORST, Form, encoded, forms_in, multipart
from tests.support.walk import Visitor, World
from tests.support.walk_rows import ROWS

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]
ROW_NUMBER = re.compile(r"^c\d+-|-\d+-|\[\d+\]")
PARAMETERS = {
    "/": ("from", "prompt", "strategy", "order", "redraw"),
    "/runs/": ("cursor",),
    "/inbox/": ("cursor", "who", "kind", "since", "shown"),
    "/runs/export.csv": ("q", "status", "cursor", "since", "who"),
    "/runs/export.json": ("q", "method", "max_cost"),
    "/runs/compare": ("run", "show"),
    "/runs/delete": ("run",),
    "/team/audit/": ("cursor",),
    "/pipelines/support/": ("stage", "tab"),
    "/pipelines/support/versions/": ("old", "new"),
    "/pipelines/support/run": ("from", "version"),
    "/pipelines/support/export.yaml": ("version",),
    "/pipelines/support/export.json": ("version",),
    "/sessions/start": ("from", "lineup", "version", "text", "setup_of"),
    "/sessions/small/": ("participant", "tab"),
    "/account/sign-in/": ("next",),
}
HEADERS = ("HX-Current-URL", "HX-Target", "HX-Trigger", "X-Forwarded-For", "Referer", "Origin", "Cookie")
HTMX = {"HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"


class Attacker:
    """A member's browser that undoes whatever a request changed."""

    def __init__(self, world: World, visitor: Visitor) -> None:
        self.client: Client = world.browser_of(visitor)
        self.client.raise_request_exception = False
        self._jar = {name: morsel.value for name, morsel in self.client.cookies.items()}
        self.failed: set[str] = set()

    def send(self, form: Form, why: str, headers: dict[str, str] | None = None) -> None:
        """Send a form and open where it leads; remember what answered 500."""
        with transaction.atomic():
            answer = self._answer(form, headers or {})
            if answer.status_code in {302, 303}:
                answer = self.client.get(answer["Location"]) if answer["Location"][0] == "/" else answer
            transaction.set_rollback(True)
        self.client.cookies.clear()
        self.client.cookies.load(self._jar)
        if answer.status_code == 500:
            self.failed.add(f"{form.method} {form.action[:60]}: {why}")

    def _answer(self, form: Form, headers: dict[str, str]) -> Any:  # noqa: ANN401  # a response of the test client
        send: Any = self.client.generic
        if form.method == "GET":
            return send("GET", form.action, QUERY_STRING=encoded(form.pairs), headers=headers)
        if form.uploads:
            kind = f"multipart/form-data; boundary={BOUNDARY}"
            return send("POST", form.action, multipart(form.pairs), kind, headers=headers)
        return send("POST", form.action, encoded(form.pairs), FORM, headers=headers)


def place(form: Form, name: str) -> tuple[str, str, str]:
    """Return what reads a field: its view, method and name without its row.

    The pages of `orchestration.library` serve every kind of definition, and a setting with a path belongs to
    a document that several pages of its app change: each is one place.
    """
    match = resolve(urlsplit(form.action).path)
    shared = match.func.__module__.startswith("orchestration.library.")
    view = match.url_name if shared else match.namespace if "." in name else match.view_name
    return view or "", form.method, ROW_NUMBER.sub("-", name)


def fields(world: World, attacker: Attacker, visitor: Visitor) -> dict[tuple[str, str, str], Form]:
    """Return a form for each field that the visitor finds, by the place that reads it."""
    found: dict[tuple[str, str, str], Form] = {}
    for row in ROWS:
        if visitor in row.who:
            address = row.address(world)
            given = tuple((name, str(value)) for name, value in row.data(world).items())
            shown = attacker.client.get(address).getvalue().decode() if row.method == "GET" else ""
            itself = Form(action=address, method=row.method, pairs=given)
            for form in chain([itself], forms_in(shown, address)):
                for name in form.names:
                    found.setdefault(place(form, name), form)
    return found


def forms(found: Mapping[tuple[str, str, str], Form]) -> list[tuple[Form, list[str]]]:
    """Return the forms, each with those of its fields that no other one stands for."""
    by_form: dict[Form, list[str]] = {}
    for (_, _, field), form in found.items():
        by_form.setdefault(form, []).append(next(n for n in form.names if ROW_NUMBER.sub("-", n) == field))
    return list(by_form.items())


def attack(attacker: Attacker, form: Form, names: Sequence[str]) -> None:
    """Put each value into each field: into all fields at once, each in turn, and the worst into one alone.

    Alone, a value meets what reads only a form that is valid otherwise.
    """
    labels = list(VALUES)
    for shift in range(len(labels) if len(names) > 1 else 0):
        given = {name: labels[(shift + place) % len(labels)] for place, name in enumerate(names)}
        hostile = form
        for name, label in given.items():
            hostile = hostile.with_value(name, VALUES[label])
        attacker.send(hostile, f"together {given}")
    for name in names:
        for label in WORST if len(names) > 1 else VALUES:
            attacker.send(form.with_value(name, VALUES[label]), f"{name} = {label}")
        attacker.send(form.with_value(name, "1", "2", "x"), f"{name} = three values")
        attacker.send(form.with_value(name).with_value(f"{name}[]", "1"), f"{name} = array")


@pytest.mark.parametrize("visitor", [Visitor.ANONYMOUS, Visitor.OWNER])
def test_no_field_of_a_form_breaks_its_page(visitor: Visitor) -> None:
    world = World()
    attacker = Attacker(world, visitor)
    found = forms(fields(world, attacker, visitor))
    for form, names in found:
        attack(attacker, form, names)
    assert found
    assert attacker.failed == set()


@pytest.mark.parametrize("visitor", [Visitor.ANONYMOUS, Visitor.OWNER])
def test_no_parameter_breaks_a_page(visitor: Visitor) -> None:
    attacker = Attacker(World(), visitor)
    for address, names in PARAMETERS.items():
        pairs = tuple((name, "") for name in names)
        attack(attacker, Form(action=address, pairs=pairs), names)
    assert attacker.failed == set()


def test_no_header_breaks_an_action() -> None:
    world = World()
    attacker = Attacker(world, Visitor.OWNER)
    for row in (row for row in ROWS if Visitor.OWNER in row.who):
        for label in ("NUL", "lone surrogate", "bad address", "400 digits"):
            sent = dict.fromkeys(HEADERS[:-1], wire(VALUES[label]))
            form = Form(action=row.address(world), method=row.method)
            attacker.send(form, f"headers = {label}", HTMX | sent)
    assert attacker.failed == set()


CURSORS = (
    "[" * 9_000,
    '["o", "0001-01-01T00:00:00+14:00", "x"]',
    '["o", "9999-12-31T23:59:59-14:00", "00000000-0000-0000-0000-000000000000"]',
    '["n", "0001-01-01T00:00:00+14:00", "00000000-0000-0000-0000-000000000000"]',
    '["o", "2026-01-01T00:00:00", "00000000-0000-0000-0000-000000000000"]',
    f'["o", {"9" * 400}]',
    f'["o", {"9" * 5_000}]',
    '["n", 1e400]',
    '["o", "-1"]',
    '[["o"], "1"]',
    '[{}, "1"]',
)


def test_no_cursor_breaks_a_list() -> None:
    attacker = Attacker(World(), Visitor.OWNER)
    for address, content in product(("/runs/", "/runs/?q=a", "/team/audit/"), CURSORS):
        path, _, query = address.partition("?")
        cursor = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
        pairs = (("cursor", cursor), ("q", query[2:]))
        attacker.send(Form(action=path, pairs=pairs), f"cursor = {content[:60]}")
    assert attacker.failed == set()


def test_headers_alone_and_anonymously_break_nothing() -> None:
    world = World()
    for visitor in (Visitor.ANONYMOUS, Visitor.OWNER):
        attacker = Attacker(world, visitor)
        for label, value in VALUES.items():
            for header in HEADERS:
                form = Form(action="/runs/")
                attacker.send(form, f"{visitor} {header} = {label}", HTMX | {header: wire(value)})
        assert attacker.failed == set()


def test_no_part_of_an_address_breaks_a_page() -> None:
    world = World()
    attacker = Attacker(world, Visitor.OWNER)
    for row in {row.view: row for row in ROWS if row.args(world)}.values():
        for name, real in row.args(world).items():
            for label, value in VALUES.items():
                quoted = quote_from_bytes(value.encode("utf-8", "surrogatepass"), safe="")
                address = row.address(world).replace(str(real), quoted)
                attacker.send(Form(action=address, method=row.method), f"{name} = {label}")
    assert attacker.failed == set()


def wire(value: str) -> str:
    """Return a header's value as the server reads it: bytes as Latin-1, no line breaks."""
    return value.encode("utf-8", "surrogatepass").decode("latin-1").translate({10: None, 13: None})
