"""The run page of strategies in which a model answers several times: rounds, layers, drafts, samples."""

from __future__ import annotations

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.models import Run, RunStatus
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.asking import answer_number
from tests.support.engines import Engine
from tests.support.history import a_member, signed_in

PANEL = ("sim-scout", "sim-sage", "sim-oracle")
SUM = "What is 17% of 2,350?"


@pytest.fixture
def member() -> Membership:
    found = a_member()
    seed_simulated(found.team)
    return found


def ended(engine: Engine, member: Membership, name: str, *models: str, **options: Json) -> tuple[Run, str]:
    """Execute a run and return it with its page."""
    payload: dict[str, Json] = {
        "text": SUM,
        "strategy": name,
        "models": models or PANEL,
        "options": options,
    }
    run = engine.execute(store_run(membership=member, kind="strategy", payload=payload))
    engine.runtime.submit(close_resources()).result()
    return run, signed_in(member).get(f"/runs/{run.pk}/").content.decode()


def test_a_debate_shows_each_round_of_a_model_in_its_lane_and_the_vote(
    engine: Engine, member: Membership
) -> None:
    run, page = ended(engine, member, "debate")
    assert run.status == RunStatus.SUCCEEDED
    assert ('id="lane-2"' in page, 'id="lane-3"' in page) == (True, False)
    assert page.count("Round 2 is shown; also round 1") == 3
    for words in ("Ballots: 3 of 3 count", "of 3 models agree", "Round 2 decided", "plurality of answers"):
        assert words in page


@pytest.mark.parametrize(("name", "rests"), [("parallel", "observed"), ("debate", "predicted")])
def test_a_run_stands_beside_its_best_single_model(
    engine: Engine, member: Membership, name: str, rests: str
) -> None:
    run, page = ended(engine, member, name)
    single = (run.outcome or {})["single"]
    assert (single["model"], single["basis"] == "answered") == ("sim-oracle", rests == "observed")
    assert single["cost_usd"] < run.cost_usd
    assert f"sim-oracle alone</span><small>{rests}" in page
    assert "<small>sim-oracle alone $" in page


def test_samples_of_one_model_are_voters_and_stand_in_its_lane(engine: Engine, member: Membership) -> None:
    run, page = ended(engine, member, "self_consistency", "sim-swift", wave=0)
    assert run.calls.count() >= 5
    assert page.count('data-voter="sim-swift') == 5
    assert "sim-swift #5" in page
    assert "of 5 answers agree" in page
    assert "Sample 1" in page


def test_layers_stand_in_the_lanes_and_the_aggregator_has_its_own(engine: Engine, member: Membership) -> None:
    _, page = ended(engine, member, "mixture", aggregator="sim-sage")
    assert page.count("Layer 2 is shown; also layer 1") == 3
    assert "written by sim-sage" in page
    assert "Synthesis" in page


def test_a_refined_answer_shows_its_drafts_and_what_the_critic_said(
    engine: Engine, member: Membership
) -> None:
    run, page = ended(engine, member, "refine", "sim-swift", critic="sim-oracle")
    assert run.status == RunStatus.SUCCEEDED
    assert "Criticised" in page
    if run.calls.filter(step__startswith="answer-2/").exists():
        assert "Draft 2" in page


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("ask/a", 1),
        ("answer-2/ask/a", 2),
        ("fallback/answer-12/ask/a.round-2", 12),
        ("answer-99999/ask/a", 1),
        ("answer-/ask", 1),
        ("", 1),
    ],
)
def test_the_number_of_an_answer_is_read_from_its_key(key: str, number: int) -> None:
    assert answer_number(key) == number
