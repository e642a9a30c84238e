"""Signing in and out, throttled; changing the password."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestra_site.accounts.models import Role, User
from orchestra_site.accounts.services import create_team
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
PASSWORD = "correct-horse-staple"


@pytest.fixture
def ada() -> User:
    user = User.objects.create_user("Ada@Example.org", PASSWORD, name="Ada")
    create_team("Engines", user)
    return user


def try_in(client: Client, password: str = PASSWORD, **more: str) -> int:
    return client.post(SIGN_IN, {"username": "ada@example.org", "password": password, **more}).status_code


@pytest.mark.parametrize("address", ["ada@example.org", " ADA@EXAMPLE.ORG "])
def test_an_address_is_read_without_regard_to_case(client: Client, ada: User, address: str) -> None:
    answer = client.post(SIGN_IN, {"username": address, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/team/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "target"),
    [("/team/", "/team/"), ("https://evil.example/", "/"), ("//evil.example/", "/"), ("", "/")],
)
def test_signing_in_leads_only_to_our_own_pages(client: Client, ada: User, wanted: str, target: str) -> None:
    given = {"username": "ada@example.org", "password": PASSWORD, "next": wanted}
    assert client.post(SIGN_IN, given)["Location"] == target


def test_the_page_one_wanted_survives_a_wrong_password(client: Client, ada: User) -> None:
    page = client.post(f"{SIGN_IN}?next=/team/", {"username": "ada@example.org", "password": "no"})
    assert page.status_code == 422
    assert 'name="next" value="/team/"' in page.content.decode()


def test_a_wrong_password_and_an_unknown_address_get_the_same_words(client: Client, ada: User) -> None:
    wrong = client.post(SIGN_IN, {"username": "ada@example.org", "password": "no"}).content.decode()
    unknown = client.post(SIGN_IN, {"username": "bob@example.org", "password": "no"}).content.decode()
    words = "No account has this e-mail address and password."
    assert words in wrong
    assert words in unknown


def test_an_empty_form_names_what_is_missing(client: Client) -> None:
    page = client.post(SIGN_IN, {})
    assert page.status_code == 422
    assert page.content.decode().count("This field is required.") == 2


def test_someone_who_is_in_is_sent_on(ada: User) -> None:
    client = Client()
    try_in(client)
    assert client.get(f"{SIGN_IN}?next=/team/")["Location"] == "/team/"


def test_too_many_failures_close_the_account_to_that_address_only(client: Client, ada: User) -> None:
    answers = [try_in(client, "wrong") for _ in range(8)]
    assert answers == [422] * 7 + [429]
    assert try_in(client) == 429, "the right password does not open it"
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert try_in(elsewhere) == 302


def test_the_closed_page_says_for_how_long(client: Client, ada: User) -> None:
    for _ in range(8):
        try_in(client, "wrong")
    page = client.post(SIGN_IN, {"username": "ADA@example.org", "password": PASSWORD}).content.decode()
    assert 'data-page="locked"' in page
    assert "15 min 00 s" in page


def test_someone_switched_off_cannot_sign_in_nor_go_on(ada: User) -> None:
    client = Client()
    try_in(client)
    User.objects.update(is_active=False)
    assert try_in(Client()) == 422
    assert client.get("/team/").status_code == 302


def test_signing_out_ends_the_session(ada: User) -> None:
    client = Client()
    try_in(client)
    assert client.post("/account/sign-out/")["Location"] == SIGN_IN
    assert client.get("/team/").status_code == 302


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(ada: User) -> None:
    here, there = Client(), Client()
    try_in(here)
    try_in(there)
    given = {
        "old_password": PASSWORD,
        "new_password1": "another-long-one",
        "new_password2": "another-long-one",
    }
    assert here.post("/account/password/", given).status_code == 302
    assert here.get("/team/").status_code == 200
    assert there.get("/team/").status_code == 302
    assert try_in(Client(), "another-long-one") == 302


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wrong", "another-long-one", "old password was entered incorrectly"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "1234567890123", "entirely numeric"),
    ],
)
def test_a_bad_new_password_is_an_error_at_its_field(ada: User, old: str, new: str, words: str) -> None:
    client = Client()
    try_in(client)
    given = {"old_password": old, "new_password1": new, "new_password2": new}
    page = client.post("/account/password/", given)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert 'aria-invalid="true"' in page.content.decode()


def test_guessing_the_old_password_is_throttled_as_signing_in_is(ada: User) -> None:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    given = {"new_password1": "another-long-one", "new_password2": "another-long-one"}
    wrong = [
        client.post("/account/password/", {**given, "old_password": f"no-{n}"}).status_code for n in range(8)
    ]
    assert wrong == [422] * 7 + [429]
    assert client.post("/account/password/", {**given, "old_password": PASSWORD}).status_code == 429
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_passwords_are_never_sent_back(ada: User) -> None:
    page = Client().post(SIGN_IN, {"username": "ada@example.org", "password": "canary-word"})
    assert "canary-word" not in page.content.decode()


def test_anonymous_visitors_come_back_to_where_they_wanted_to_go(client: Client) -> None:
    assert client.get("/team/audit/?cursor=x")["Location"] == f"{SIGN_IN}?next=/team/audit/%3Fcursor%3Dx"


def test_htmx_gets_the_address_of_the_sign_in_page(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/runs/?q=moon"}
    answer = client.get("/team/", headers=headers)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"{SIGN_IN}?next=%2Fruns%2F%3Fq%3Dmoon"


def test_a_page_reads_its_member_in_few_queries(django_assert_max_num_queries: object) -> None:
    client = signed_in(a_member(Role.OWNER))
    with django_assert_max_num_queries(9):  # type: ignore[operator]  # a fixture without a type
        assert client.get("/team/").status_code == 200
