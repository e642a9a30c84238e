"""`manage.py orchestrate` on an installation that has never been started."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orchestra_site.accounts.models import Membership
from orchestration.llm.services.registry.seeding import add_simulated
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e

QUESTION = "What is 17% of 2,300?"
CONTRACT = {
    "run_id",
    "status",
    "strategy",
    "answer",
    "candidates",
    "consensus",
    "quality",
    "cost_usd",
    "latency_s",
    "single",
    "path",
    "decision",
    "error",
    "error_code",
    "maybe_billed",
    "caveat",
    "notes",
}


@pytest.fixture
def hasty(installation: Installation) -> Installation:
    installation.settings["ORCHESTRA_SIMULATED_PACE"] = "0"
    return installation


@pytest.mark.parametrize("strategy", ["parallel", "sequential", "voting"])
def test_the_answer_is_printed_as_the_contract_says(hasty: Installation, strategy: str) -> None:
    done = hasty.manage("orchestrate", QUESTION, "--strategy", strategy, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, set(found), found["status"]) == (0, CONTRACT, "succeeded")
    assert "391" in found["answer"]
    assert found["candidates"][0]["extracted"] == "391"
    assert "password" in done.stderr


def test_a_person_reads_the_answer_who_gave_it_and_what_it_cost(empty_folder: Installation) -> None:
    done = empty_folder.manage("orchestrate", QUESTION)
    assert "Answer: 391" in done.stdout
    assert re.search(r"^auto \(.*\), \$0\.00\d", done.stdout, re.MULTILINE)


def test_without_a_strategy_the_method_is_chosen_and_the_choice_is_explained(hasty: Installation) -> None:
    done = hasty.manage("orchestrate", QUESTION, "--option", "dial=1", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, set(found), found["strategy"]) == (0, CONTRACT, "auto")
    decision = found["decision"]
    assert (decision["kind"], decision["decided_by"]) == ("route", "score")
    assert {"strategy/voting", "strategy/cascade"} <= {each["ref"] for each in decision["considered"]}
    assert [each["step"] for each in found["path"]][:3] == ["analysis", "optimisation", "execution"]


def test_limits_that_no_method_meets_are_refused_with_what_would_work(owner: Membership) -> None:
    add_simulated(membership=owner)
    words = "the cost limit stands in the way.*it could be used"
    with pytest.raises(CommandError, match=words) as caught:
        call_command("orchestrate", QUESTION, "--max-cost", "0.000001", stderr=StringIO())
    assert caught.value.returncode == 2


def test_a_failed_run_exits_with_one_and_says_why(hasty: Installation) -> None:
    done = hasty.manage("orchestrate", QUESTION, "--strategy", "parallel", "--max-cost", "0.000001", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"]) == (1, "failed")
    assert "limit" in found["error"]
    assert (found["error_code"], found["maybe_billed"]) == ("limit_reached", False)


def test_an_answer_below_the_quality_that_was_asked_for_is_given_and_said_to_be_so(
    hasty: Installation,
) -> None:
    asked = (QUESTION, "--strategy", "voting", "--min-quality", "1")
    done = hasty.manage("orchestrate", *asked, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"], found["caveat"]) == (0, "succeeded", "below_quality")
    assert found["notes"][0].startswith("Quality ")
    assert found["notes"][0] in done.stderr


def test_bad_arguments_exit_with_two_and_words(hasty: Installation) -> None:
    done = hasty.manage("orchestrate", QUESTION, "--strategy", "oracle")
    assert done.returncode == 2, done.stderr
    assert "There is no strategy" in done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["", "--strategy", "parallel"], "Write what you want to ask"),
        ([QUESTION, "--model", "nobody"], "There is no model"),
        ([QUESTION, "--option", "threshold=7"], "Auto has no option"),
        ([QUESTION, "--strategy", "parallel", "--option", "threshold=7"], "Good enough"),
        ([QUESTION, "--option", "threshold"], "name=value"),
        ([QUESTION, "--max-cost", "much"], "not an amount"),
        ([QUESTION, "--team", "Nobody's"], "There is no team"),
    ],
)
def test_each_bad_argument_has_its_words(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        call_command("orchestrate", *arguments, stderr=StringIO())
    assert caught.value.returncode == 2
