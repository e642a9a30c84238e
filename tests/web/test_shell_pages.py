"""What every page has: menu, policy, parts, words for errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory

from orchestra_site.accounts.models import Membership
from orchestra_site.web import errors
from orchestra_site.web.pages import render_part
from orchestra_site.web.templatetags.ui import MENU, NavItem, navigation
from tests.support.history import signed_in


def page_of(owner: Membership, path: str = "/team/") -> str:
    return signed_in(owner).get(path).content.decode()


def menu(path: str) -> list[tuple[NavItem, str, bool]]:
    return navigation(Context({"request": RequestFactory().get(path)}))


def test_every_entry_of_the_menu_leads_somewhere() -> None:
    assert [item for item, _, _ in menu("/")] == list(MENU)
    assert len({item.key for item in MENU}) == len(MENU)


def test_the_menu_marks_where_one_is() -> None:
    def current(path: str) -> list[str]:
        return [item.word for item, _, is_current in menu(path) if is_current]

    assert (current("/"), current("/team/audit/"), current("/runs/1/")) == (["Ask"], ["Team"], ["Runs"])
    assert current("/account/password/") == []


def test_a_page_has_its_landmarks_and_a_way_past_the_menu(owner: Membership) -> None:
    page = page_of(owner)
    for part in ('<html lang="en">', 'href="#main"', '<main id="main"', 'aria-label="Main"', 'role="search"'):
        assert part in page
    assert page.count("<h1>") == 1
    assert re.search(r'aria-current="page"[^>]*>.*?Team', page, re.DOTALL)


def test_htmx_is_told_to_run_nothing_and_to_show_refused_forms(owner: Membership) -> None:
    found = re.search(r"name=\"htmx-config\" content='([^']+)'", page_of(owner))
    assert found
    config = json.loads(found[1])
    assert (config["allowEval"], config["selfRequestsOnly"], config["includeIndicatorStyles"]) == (
        False,
        True,
        False,
    )
    swaps = {rule["code"]: rule["swap"] for rule in config["responseHandling"]}
    assert (swaps["422"], swaps["[45].."]) == (True, False)


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(owner: Membership) -> None:
    policy = signed_in(owner).get("/team/")["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = Path(finders.find("vendor/tabler-icons/sprite.svg") or "").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    templates = (settings.BASE_DIR / "templates").rglob("*.html")
    texts = "".join(template.read_text(encoding="utf-8") for template in templates)
    named = {a or b for a, b in re.findall(r'{% icon "([^"]+)"|with icon="([^"]+)"', texts)}
    assert named
    assert named <= drawn
    assert {item.icon for item in MENU} <= drawn


Failing = tuple[Callable[[HttpRequest], HttpResponse], int, str]
PAGES: list[Failing] = [
    (lambda request: errors.bad_request(request, ValueError()), 400, "is not valid"),
    (lambda request: errors.forbidden(request, PermissionDenied("Ask Ada.")), 403, "Ask Ada."),
    (lambda request: errors.forbidden(request, PermissionDenied()), 403, "Your role does not allow this"),
    (lambda request: errors.not_found(request, ValueError()), 404, "There is nothing here"),
    (errors.server_error, 500, "The server failed"),
    (errors.csrf_failure, 403, "out of date"),
]


@pytest.mark.parametrize(("view", "status", "words"), PAGES)
def test_an_error_page_says_what_happened_without_a_database(
    view: Callable[[HttpRequest], HttpResponse], status: int, words: str
) -> None:
    page = view(RequestFactory().get("/"))
    assert (page.status_code, words in page.content.decode()) == (status, True)
    assert f'data-page="error-{status}"' in page.content.decode()


@pytest.mark.parametrize(("view", "status", "words"), PAGES)
def test_htmx_gets_an_error_as_one_plain_sentence(
    view: Callable[[HttpRequest], HttpResponse], status: int, words: str
) -> None:
    answer = view(RequestFactory().get("/", headers={"HX-Request": "true"}))
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert words in answer.content.decode()
    assert "<" not in answer.content.decode()


def test_an_unknown_address_and_a_stale_form_get_our_pages(owner: Membership) -> None:
    assert 'data-page="error-404"' in Client().get("/nowhere/").content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner.user, backend="django.contrib.auth.backends.ModelBackend")
    refused = strict.post("/account/sign-out/")
    assert (refused.status_code, "out of date" in refused.content.decode()) == (403, True)


class Example(forms.Form):
    name = forms.CharField(help_text="As on the door.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    agree = forms.BooleanField()
    size = forms.ChoiceField(choices=[("s", "Small")])
    way = forms.ChoiceField(choices=[("a", "Air")], widget=forms.RadioSelect)


def field(name: str, data: dict[str, str] | None = None) -> str:
    form = Example(data)
    return Template("{% field bound %}").render(Context({"bound": form[name]}))


def test_a_field_ties_label_help_and_error_together() -> None:
    html = field("name", {})
    assert '<label class="form-label" for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext">As on the door.' in html
    assert 'id="id_name_error"' in html
    assert 'class="form-control is-invalid"' in html


def test_each_kind_of_field_has_its_own_shape() -> None:
    assert "optional" in field("note")
    assert 'class="form-check-input"' in field("agree")
    assert 'class="form-select"' in field("size")
    assert "<fieldset" in field("way")
    assert 'class="form-check-input"' in field("way")


def test_an_icon_with_a_label_speaks_and_one_without_is_silent() -> None:
    html = Template('{% icon "clock" %}{% icon "check" label="Yes" %}').render(Context())
    assert 'aria-hidden="true"' in html
    assert 'role="img" aria-label="Yes"' in html


def test_a_state_is_icon_word_and_colour() -> None:
    html = Template('{% state "running" %}{% state "done" word="Ready" %}').render(Context())
    for part in ("state-running", "#loader-2", ">Running<", "state-succeeded", ">Ready<"):
        assert part in html


def test_a_part_is_rendered_alone_for_the_element_that_asked(owner: Membership) -> None:
    template, context = "errors/error.html", {"status": 1, "title": "T", "words": "W"}
    whole = render_part(RequestFactory().get("/"), template, "some-part", context, status=202)
    assert (whole.status_code, "<html" in whole.content.decode()) == (202, True)
    assert whole["Vary"] == "HX-Request, HX-Target"
