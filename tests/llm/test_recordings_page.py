"""Adding a recording on the Models page."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from orchestra_site.accounts.models import Membership
from orchestration.llm.models import LanguageModel, Provider, ProviderKind
from orchestration.llm.services.provider_kinds import offered_folder
from tests.support.history import signed_in
from tests.support.recordings import lines, packed, written

pytestmark = pytest.mark.django_db
ADDRESS = "/models/recording/"
GOOD = packed(lines("7 7 3", "7 1 2"))


def upload(**fields: object) -> dict[str, object]:
    return {"name": "Old answers", "file": SimpleUploadedFile("old.jsonl", GOOD), **fields}


def test_an_upload_leads_to_the_choice_of_its_models(admin: Membership) -> None:
    client = signed_in(admin)
    answer = client.post(ADDRESS, upload())
    provider = Provider.objects.get()
    assert answer["Location"] == f"/models/providers/{provider.id}/choose/"
    page = client.get(answer["Location"]).content.decode()
    assert all(f'value="{name}"' in page for name in ("ada", "bob", "cyd"))
    assert "was added" in page


def test_chosen_models_are_added_with_the_price_that_the_recording_shows(admin: Membership) -> None:
    client = signed_in(admin)
    client.post(ADDRESS, upload())
    provider = Provider.objects.get()
    page = client.get(f"/models/providers/{provider.id}/add/?pick=ada").content.decode()
    assert 'name="form-0-input_per_million" value="33.333333"' in page
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 0, "form-0-capabilities": "streaming"}
    given = {"remote_name": "ada", "name": "ada", "tier": "large", "context_window": 8192}
    fields = {f"form-0-{name}": value for name, value in (given | {"max_output_tokens": 99}).items()}
    client.post(f"/models/providers/{provider.id}/add/", form | fields)
    model = LanguageModel.objects.get()
    shown = client.get("/models/").content.decode()
    assert "real answers of the past" in shown
    assert f"/models/providers/{provider.id}/choose/" in shown
    assert f'"/models/providers/{provider.id}/"' not in shown
    assert "stones in bag 0" in client.get(f"/models/{model.id}/").content.decode()
    assert "The answer is 7." in client.post(f"/models/{model.id}/test/").content.decode()


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"file": ""}, "file", "Choose a file."),
        ({"name": ""}, "name", "This field is required"),
        ({"file": SimpleUploadedFile("a.jsonl", b"")}, "file", "empty"),
        ({"file": SimpleUploadedFile("a.jsonl", b"{}\n[1]")}, "file", "Line 2: Input should be an object"),
        (
            {"file": SimpleUploadedFile("a.jsonl", b'{"prompt": "<b>"}')},
            "file",
            "Line 1: dataset: Field required",
        ),
    ],
)
def test_what_cannot_be_added_is_refused_at_its_field(
    admin: Membership, fields: dict[str, object], field: str, words: str
) -> None:
    answer = signed_in(admin).post(ADDRESS, upload(**fields))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert words in page
    assert not Provider.objects.exists()


def test_a_name_that_is_taken_is_refused(admin: Membership) -> None:
    client = signed_in(admin)
    client.post(ADDRESS, upload())
    answer = client.post(ADDRESS, upload())
    assert answer.status_code == 422
    assert "has a provider of this name" in answer.content.decode()


def test_offered_files_can_be_chosen_instead_of_an_upload(admin: Membership) -> None:
    client = signed_in(admin)
    name = f"{uuid4()}.jsonl.gz"
    offered_folder().mkdir(exist_ok=True)
    file = written(offered_folder() / name, lines("7 7 3"))
    assert name in client.get(ADDRESS).content.decode()
    both = client.post(ADDRESS, upload(offered=name))
    assert "not both" in both.content.decode()
    assert client.post(ADDRESS, {"name": "Offered", "offered": name}).status_code == 302
    assert Provider.objects.get().kind == ProviderKind.RECORDED
    file.unlink()


def test_without_offered_files_the_choice_is_not_shown(admin: Membership) -> None:
    assert 'name="file"' in signed_in(admin).get(ADDRESS).content.decode()


def test_a_recording_cannot_be_edited_like_a_server(admin: Membership) -> None:
    client = signed_in(admin)
    client.post(ADDRESS, upload())
    assert client.get(f"/models/providers/{Provider.objects.get().id}/").status_code == 404
