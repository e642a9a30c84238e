"""What a first start connects by itself."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from pytest_django import Settings

from orchestra_site.accounts.models import Team
from orchestration.llm.models import LanguageModel, Provider
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.services.credentials import open_secret
from orchestration.llm.services.registry.seeding import (
    FoundProvider,
    connect_from_environment,
    environment_providers,
    ollama_address,
    store_found,
)
from orchestration.llm.services.resources import LoopThread
from tests.support.openai_server import Behaviour, OpenAIServer

pytestmark = pytest.mark.django_db
Start = Callable[..., OpenAIServer]


@pytest.fixture
def start(settings: Settings, loop_thread: LoopThread) -> Iterator[Start]:
    """Start servers on a loop of their own; the environment names nothing yet."""
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    settings.OLLAMA_HOST = "127.0.0.1:1"
    started: list[OpenAIServer] = []

    def start_one(*models: str, api_key: str = "") -> OpenAIServer:
        started.append(OpenAIServer(models=models, api_key=api_key))
        loop_thread.wait_for(started[-1].start(), 5)
        return started[-1]

    yield start_one
    for server in started:
        loop_thread.wait_for(server.stop(), 5)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:9999", "http://127.0.0.1:9999/v1"),
        (":9999", "http://127.0.0.1:9999/v1"),
        ("[::]:9999", "http://127.0.0.1:9999/v1"),
        ("gpu-box", "http://gpu-box:11434/v1"),
        ("gpu-box:80", "http://gpu-box:80/v1"),
        ("http://gpu-box:80/", "http://gpu-box:80/v1"),
        ("https://ollama.example.com", "https://ollama.example.com:443/v1"),
    ],
)
def test_ollama_is_looked_for_where_its_variable_points(host: str, address: str) -> None:
    assert ollama_address(host) == address


def test_nothing_to_offer_is_nothing(start: Start, team: Team) -> None:
    assert connect_from_environment(team) == ""
    assert not Provider.objects.exists()


def test_a_local_ollama_is_connected_with_its_models(start: Start, team: Team, settings: Settings) -> None:
    server = start("llama3.2:3b", "qwen3:8b")
    settings.OLLAMA_HOST = f"127.0.0.1:{server.port}"
    assert connect_from_environment(team) == "2 models of Ollama beside simulated ones"
    assert list(LanguageModel.objects.values_list("name", "family")) == [
        ("llama3.2:3b", "llama"),
        ("qwen3:8b", "qwen"),
    ]
    assert connect_from_environment(team) == ""
    assert Provider.objects.count() == 1


def test_a_key_in_the_environment_is_sealed_and_its_models_connected(
    start: Start, team: Team, settings: Settings
) -> None:
    server = start("gpt-4o", "homemade", api_key="sk-environment")
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-environment", server.base_url
    assert connect_from_environment(team) == "2 models of OpenAI beside simulated ones"
    assert open_secret(Provider.objects.get()) == "sk-environment"


def test_of_openai_only_models_whose_price_is_known_are_taken(team: Team) -> None:
    openai = FoundProvider(name="OpenAI", base_url="https://api.openai.com/v1", listed_only=True)
    unknown, known = RemoteModel(id="gpt-realtime"), RemoteModel(id="gpt-4o")
    assert store_found(team, openai, (unknown,)) == 0
    assert store_found(team, openai, (unknown, known)) == 1
    assert LanguageModel.objects.get(name="gpt-4o").price_on(date(2025, 1, 1)) is not None


@pytest.mark.parametrize("behaviour", [Behaviour(status=500, body=b""), Behaviour(body=b"<html>")])
def test_a_server_that_misbehaves_is_left_out(
    start: Start, team: Team, settings: Settings, behaviour: Behaviour
) -> None:
    server = start()
    server.listing = behaviour
    settings.OLLAMA_HOST = f"127.0.0.1:{server.port}"
    assert connect_from_environment(team) == ""
    assert not Provider.objects.exists()


def test_an_address_that_is_none_is_left_out(start: Start, team: Team, settings: Settings) -> None:
    settings.OLLAMA_HOST = "not an address"
    assert connect_from_environment(team) == ""


def test_production_looks_for_no_local_ollama_by_itself(settings: Settings) -> None:
    settings.PROFILE, settings.OLLAMA_HOST, settings.OPENAI_API_KEY = "production", "", "sk-1"
    settings.OPENAI_BASE_URL = ""
    assert environment_providers() == (
        FoundProvider(name="OpenAI", base_url="https://api.openai.com/v1", api_key="sk-1", listed_only=True),
    )
    assert "sk-1" not in repr(environment_providers())
