"""`manage.py add_team`: the first team of a production installation."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from benchmarks.installation import SIGN_IN
from orchestra_site.accounts.models import Membership, Role, Team
from orchestration.llm.models import LanguageModel

pytestmark = pytest.mark.django_db


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("add_team", *arguments, stdout=out)
    return out.getvalue()


def test_a_new_owner_gets_a_password_that_signs_in() -> None:
    found = SIGN_IN.search(printed("Ours", "--owner", "Ada@example.com"))
    assert found is not None
    user = authenticate(RequestFactory().post("/"), username=found[1], password=found[2])
    assert Membership.objects.get(user=user, team__name="Ours").role == Role.OWNER
    assert not LanguageModel.objects.exists()


def test_an_owner_that_is_there_keeps_the_password() -> None:
    printed("Ours", "--owner", "ada@example.com")
    assert "password" not in printed("Theirs", "--owner", "ADA@example.com", "--simulated")
    assert Team.objects.get(name="Theirs").language_models.exists()


@pytest.mark.parametrize(
    ("name", "owner", "refusal"),
    [
        (" ", "ada@example.com", "1 to 80 characters"),
        ("x" * 81, "ada@example.com", "1 to 80 characters"),
        ("Ours", "ada", "not an e-mail address"),
    ],
)
def test_what_cannot_be_is_refused_with_words(name: str, owner: str, refusal: str) -> None:
    with pytest.raises(CommandError, match=refusal):
        printed(name, "--owner", owner)


def test_a_name_can_be_had_once() -> None:
    printed("Ours", "--owner", "ada@example.com")
    with pytest.raises(CommandError, match="already"):
        printed("Ours", "--owner", "bob@example.com")
