"""`manage.py evaluate` from files to figures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.support.recordings import MODELS, answer, line, lines, written

COLUMNS = ("7 7 3", "7 3 3", "3 3 7", "1 2 3", "7 7 7")
KEYS = {
    "strategy",
    "options",
    "accuracy",
    "accuracy_ci95",
    "cost_per_1k_usd",
    "calls_per_item",
    "escalation_rate",
    "quality_auroc",
    "quality_ece",
    "baseline",
    "routing",
}
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "panels.json").write_text(json.dumps({"pair": ["cyd", "bob"]}))
    return written(tmp_path / "data.jsonl.gz", lines(*COLUMNS))


def run(*words: object) -> str:
    out = io.StringIO()
    call_command("evaluate", *map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def found(*words: object) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(*words, "--json"))
    return result


def refused(*words: object) -> str:
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert caught.value.returncode == 2
    return str(caught.value)


def test_the_contract_is_kept(data: Path) -> None:
    report = found("--data", data, "--panel", "ada,bob,cyd", "--strategy", "parallel,sequential")
    assert report["data"] == [str(data)]
    assert (report["panel"], report["items"]) == (["ada", "bob", "cyd"], 5)
    assert [result["strategy"] for result in report["results"]] == ["parallel", "sequential"]
    for result in report["results"]:
        assert result.keys() >= KEYS
        low, high = result["accuracy_ci95"]
        assert 0 <= low <= result["accuracy"] <= high <= 1
        assert result["routing"] is None
    assert report["results"][0]["calls_per_item"] == 3
    assert report["results"][0]["cost_per_1k_usd"] == pytest.approx(3.0)
    assert report["results"][0]["baseline"] == {
        "best_single": 0.6,
        "random": pytest.approx(7 / 15),
        "plurality": pytest.approx(0.4),
        "oracle": 0.8,
    }


def test_a_panel_of_panels_json_can_be_named(data: Path) -> None:
    assert found("--data", data, "--panel", "pair,ada", "--strategy", "parallel")["panel"] == [
        "cyd",
        "bob",
        "ada",
    ]


def test_options_go_to_those_that_have_them(data: Path) -> None:
    words = ("--option", "threshold=0.2", "--option", "parallel.select=first_good_enough")
    report = found("--data", data, "--panel", "pair", "--strategy", "parallel,sequential", *words)
    options = [result["options"] for result in report["results"]]
    assert [given["threshold"] for given in options] == [0.2, 0.2]
    assert options[0]["select"] == "first_good_enough"


def test_a_limit_draws_a_sample_by_seed(data: Path) -> None:
    words = ("--data", data, "--panel", "ada", "--strategy", "sequential", "--limit", 2)
    assert found(*words)["items"] == 2
    drawn = {found(*words, "--seed", seed)["results"][0]["accuracy"] for seed in range(8)}
    assert len(drawn) > 1
    assert found(*words, "--seed", 5)["results"] == found(*words, "--seed", 5)["results"]


def test_items_without_a_model_or_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    given = [
        *lines("7 7 3"),
        line(1, {"ada": "7"}),
        line(2, {}, answers=[answer("ada", "7"), answer("bob", "7", text=None)]),
        line(3, {}, answers=[answer("ada", "7"), answer("bob", "7", correct=None)]),
    ]
    file = written(tmp_path / "gaps.jsonl", given)
    report = found("--data", file, "--panel", "ada,bob", "--strategy", "parallel")
    assert (report["items"], report["skipped"]) == (1, {"missing_model": 2, "unlabelled": 1})
    assert "left out: 2 without an answer of every model, 1 without a label" in run(
        "--data", file, "--panel", "ada,bob", "--strategy", "parallel"
    )


def test_an_outage_rate_shows_in_calls_and_failures(data: Path) -> None:
    report = found("--data", data, "--panel", "ada", "--strategy", "sequential", "--failure-rate", 1)
    [result] = report["results"]
    assert (result["accuracy"], result["failed_rate"], result["calls_per_item"]) == (0, 1, 3)
    assert result["failures"][0].startswith("all_models_failed: ")


def test_what_is_learned_from_is_counted_and_kept_apart(data: Path, tmp_path: Path) -> None:
    other = written(
        tmp_path / "other.jsonl", [*lines("7 7 7", start=9), line(0, {"ada": "7"}, item_id="again")]
    )
    words = ("--data", data, "--panel", "ada,bob", "--strategy", "parallel")
    report = found(*words, "--fit", other)
    assert report["fitted_items"] == 1
    assert report["notes"] == [
        "1 items of --fit ask what a scored item asks: they are left out.",
        (
            "1 item of --fit: too few to learn how far to trust agreement, which takes 30. Only how often"
            " each model is right is learned; the rest is as shipped."
        ),
    ]
    assert "scored as well" in refused(*words, "--fit", data)


def test_what_is_learned_is_believed_when_others_are_scored(tmp_path: Path) -> None:
    """One is always right, two are wrong together: only who has learned it goes by the one."""
    scored = written(tmp_path / "scored.jsonl", lines(*["7 3 3"] * 5))
    graded = written(tmp_path / "graded.jsonl", lines(*["7 3 3", "7 1 1"] * 20, start=5))
    words = ("--data", scored, "--panel", "ada,bob,cyd", "--strategy", "voting,parallel")
    options = ("--option", "ballot=answers", "--option", "rule=belief")
    plain, learned = (found(*words, *options, *more) for more in ((), ("--fit", graded)))
    assert [each["accuracy"] for each in plain["results"]] == [0.0, 0.0]
    assert [each["accuracy"] for each in learned["results"]] == [1.0, 1.0]
    assert learned["notes"] == []


def test_a_judge_of_the_recording_is_asked_but_has_only_recorded_words(data: Path) -> None:
    words = ("--data", data, "--panel", "ada,bob", "--strategy", "parallel", "--option", "judge=cyd")
    [result] = found(*words)["results"]
    assert result["options"]["judge"] == "cyd"
    assert result["calls_per_item"] > 2
    assert result["cost_per_1k_usd"] == pytest.approx(2.0)


def test_a_vote_counts_recorded_answers_without_being_told_to(data: Path) -> None:
    words = ("--data", data, "--panel", "ada,bob,cyd", "--strategy", "voting")
    [usual], [counted] = (found(*words, *more)["results"] for more in ((), ("--option", "ballot=answers")))
    assert (usual.pop("options")["ballot"], counted.pop("options")["ballot"]) == ("auto", "answers")
    assert usual == counted


def test_recorded_models_that_would_have_to_review_are_chosen_from_by_estimate(tmp_path: Path) -> None:
    texts = (
        "Much can be said of bags.",
        "Stones are old, and nobody counts them.",
        "Have you looked inside?",
    )
    said = [answer(name, "", text=f"{text} " * 3) for name, text in zip(MODELS, texts, strict=True)]
    file = written(tmp_path / "texts.jsonl", [line(0, {}, answers=said)])
    asked = ("--data", file, "--panel", ",".join(MODELS), "--strategy", "voting")
    [result] = found(*asked)["results"]
    assert (result["failed_rate"], result["calls_per_item"]) == (0.0, 6.0)
    [strict] = found(*asked, "--option", "quorum=2")["results"]
    [failure] = strict["failures"]
    assert "ada abstained: It could not review: The recording of ada has no answer to" in failure


def test_a_cost_that_nobody_recorded_is_unknown(tmp_path: Path) -> None:
    file = written(tmp_path / "free.jsonl", [line(0, {}, answers=[answer("ada", "7", "7", cost_usd=None)])])
    words = ("--data", file, "--panel", "ada", "--strategy", "sequential")
    assert found(*words)["results"][0]["cost_per_1k_usd"] is None
    assert "unknown" in run(*words)


def test_the_table_reads_as_one(data: Path) -> None:
    shown = run("--data", data, "--panel", "ada,bob,cyd", "--strategy", "parallel")
    assert "5 items of" in shown
    assert "panel: ada, bob and cyd" in shown
    assert "best single 60.0%, random 46.7%, plurality 40.0%, oracle 80.0%" in shown


def test_progress_is_shown_where_it_is_asked_for(data: Path) -> None:
    err = io.StringIO()
    words = ("--data", str(data), "--panel", "ada", "--strategy", "sequential", "--progress")
    call_command("evaluate", *words, stdout=io.StringIO(), stderr=err)
    assert "sequential: 5 of 5 items" in err.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--panel", "adda"), "panel: The data has no answers of 'adda'. Did you mean ada?"),
        (("--panel", "zzz"), "it has ada, bob, cyd. Panels: pair."),
        (("--panel", "ada,ada"), "ada is on the panel twice"),
        (("--panel", ","), "The panel is empty"),
        (("--strategy", "magic"), "There is no strategy “magic”"),
        (("--option", "threshold"), "Write an option as name=value"),
        (("--option", "magic=1"), "There is no option 'magic'. There are: parallel:"),
        (("--option", "sequential.threshold=1"), "is for sequential, which is not evaluated"),
        (("--option", "threshold=7"), "options.threshold: Good enough:"),
        (("--option", "select=[1"), "contains invalid JSON"),
        (("--option", "judge=zzz"), "option: The data has no answers of 'zzz'"),
        (("--limit", "0"), "limit: At least one item must be scored"),
        (("--failure-rate", "2"), "failure-rate: The share of attempts that fail lies between 0 and 1"),
        (("--fit", "/nowhere.jsonl"), "/nowhere.jsonl cannot be used"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_words(data: Path, words: tuple[str, ...], said: str) -> None:
    usual = {"--panel": "ada", "--strategy": "parallel"} | dict(zip(words[::2], words[1::2], strict=True))
    given = [word for pair in usual.items() for word in pair]
    assert said in refused("--data", data, *given)


def test_broken_panels_and_unusable_items_are_refused_in_words(data: Path, tmp_path: Path) -> None:
    (data.parent / "panels.json").write_text("[]")
    assert "must map names to lists of models" in refused(
        "--data", data, "--panel", "ada", "--strategy", "parallel"
    )
    (tmp_path / "panels.json").unlink()
    unlabelled = written(tmp_path / "bare.jsonl", [line(0, {}, answers=[answer("ada", "7", correct=None)])])
    words = ("--panel", "ada", "--strategy", "parallel")
    assert "No item can be scored" in refused("--data", unlabelled, *words)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the recorded answers of real models (../shared/data) are not here"
)
@pytest.mark.parametrize("model", ["gpt-4o-mini-2024-07-18", "claude-3-haiku-20240307"])
def test_single_models_are_as_good_as_their_labels_on_real_answers(model: str) -> None:
    file = SHARED / "zeroeval_gsm8k.dev.jsonl.gz"
    [result] = found("--data", file, "--panel", model, "--strategy", "sequential", "--limit", 100)["results"]
    assert result["accuracy"] == pytest.approx(result["baseline"]["best_single"], abs=0.005)
