"""Answers about code, compared with what the code comes to: what is believed, who wins, who is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.strategies.engine.belief.model import AnswerRecord, Belief, Posterior, Reason, Tried
from orchestration.strategies.engine.belief.reading import ReadAnswer, question_traits, read_text
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.quality.scoring import recomputed_finding
from orchestration.strategies.engine.types import StrategyEvent
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.models import ScriptedModel

LOOP_FACTORY = SkippingLoop
QUESTION = "What does this code print?\n\n```python\nx = [1, 2]\nx.append(3)\nprint(x)\n```"
ASKED = question_traits(QUESTION)
RIGHT, WRONG, OTHER = "[1, 2, 3]", "[1, 2]", "None"


def read(*said: str) -> list[ReadAnswer]:
    texts = [f"The output is:\n\n```\n{each}\n```" for each in said]
    return [read_text(f"m{place}", text, QUESTION) for place, text in enumerate(texts)]


def knowing(right: float = 0.7) -> Belief:
    tried = {"code": Tried(right=200 * right, seen=200)}
    records = {f"m{place}": AnswerRecord(prior=right, by_task=tried) for place in range(4)}
    return replace(shipped_belief(), records=records)


def believed(*said: str) -> Posterior:
    return knowing().after(ASKED, read(*said))


def test_what_a_program_comes_to_is_a_trait_of_its_question_unless_it_is_not_wanted() -> None:
    assert ASKED.result is not None
    assert ASKED.result.key == RIGHT
    assert question_traits(QUESTION, recompute=False) == replace(ASKED, result=None)
    assert question_traits("How many are 2 and 2?").result is None


@pytest.mark.parametrize("said", [(RIGHT,), (WRONG, RIGHT), (WRONG, WRONG, OTHER, RIGHT)])
def test_the_answer_that_says_what_the_code_comes_to_is_believed(said: tuple[str, ...]) -> None:
    posterior = believed(*said)
    assert posterior.best.places == (len(said) - 1,)
    assert posterior.best.right > 0.9
    assert posterior.best.terms[Reason.RECOMPUTED] > 0
    assert sum(group.right for group in posterior.groups) + posterior.none == pytest.approx(1)


@pytest.mark.parametrize("said", [(WRONG,), (WRONG, WRONG), (WRONG, WRONG, WRONG, OTHER)])
def test_where_no_answer_says_so_none_is_believed(said: tuple[str, ...]) -> None:
    posterior = believed(*said)
    assert posterior.none > 0.75
    assert posterior.best.terms[Reason.RECOMPUTED] < 0


def test_one_more_answer_is_worth_its_chance_to_be_right_where_none_is_and_nothing_where_one_is() -> None:
    belief = knowing(0.6)
    none, some = believed(WRONG, OTHER), believed(WRONG, RIGHT)
    expected = belief.before(ASKED, "m3") * (1 - none.best.right)
    assert belief.worth(none, ASKED, "m3") == pytest.approx(expected)
    assert belief.worth(some, ASKED, "m3") < 0.01


@pytest.mark.parametrize(("said", "final"), [((RIGHT, WRONG), True), ((WRONG, WRONG), False)])
def test_a_vote_is_final_once_the_answer_that_is_right_has_been_given(
    said: tuple[str, ...], *, final: bool
) -> None:
    assert knowing().is_final(ASKED, read(*said), ["m3"]) is final


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (RIGHT, "Recomputed step by step, the result is “[1, 2, 3]”, as this answer says."),
        (WRONG, "Recomputed step by step, the result is “[1, 2, 3]”; this answer says “[1, 2]”."),
    ],
)
def test_it_is_said_what_the_code_gives(said: str, sentence: str) -> None:
    [answer] = read(said)
    found = recomputed_finding(ASKED, answer)
    assert found is not None
    assert found.evidence == sentence
    assert recomputed_finding(ASKED, replace(answer, answer=None)) is None
    assert recomputed_finding(replace(ASKED, result=None), answer) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2, 3]", True),
        ("**[1, 2, 3]**", True),
        ("The code prints `[1, 2, 3]`.", True),
        ("Output: [1, 2, 3]", True),
        ("It begins with `[1, 2]`, then 3 is appended.\n\n**Output:** `[1, 2, 3]`", True),
        ("**Output:**\n```python\n[1, 2, 3]\n```\nI hope that helps!", True),
        ("This code will print:\n\n[1, 2, 3]", True),
        ("The output of this code would be `[1, 2]`.", False),
        ("['a', 'b', 'c', 'd']", False),
        ("Answer: x = [1, 2, 3]", None),
        ("It prints the list x as it is then.", None),
        ("```\n[1, 2, 3]\n```\nThe list is extended by `append`, which changes it in place.", None),
    ],
)
def test_how_an_answer_says_so(text: str, says: bool | None) -> None:  # noqa: FBT001
    assert ASKED.result is not None
    assert read_text("m", text, QUESTION).says(ASKED.result) is says


TWELVE, LARGE, HALF = "What is 3 * 4?", "What is 48372 * 9913?", "What is 10 / 4?"


@pytest.mark.parametrize(
    ("question", "text", "says"),
    [
        (TWELVE, "3 * 4 = 12", True),
        (TWELVE, '{"answer": 12}', True),
        (TWELVE, "Let's see: 3 + 3 + 3 + 3. So 12", True),
        (TWELVE, "Twelve", True),
        (TWELVE, "Answer: 13", False),
        (TWELVE, "13", False),
        (TWELVE, '{"value": 12}', None),
        (TWELVE, "It's twelve.", None),
        (TWELVE, "3 × 4 equals 12, because 3 × 4 = 4 + 4 + 4.", None),
        (TWELVE, "3 times 4 is 12. (If you meant 3 + 4, it is 7.)", None),
        (LARGE, "48372 × 9913 = 479,511,636", True),
        (LARGE, r"$$48372 \times 9913 = 479{,}511{,}636$$", True),
        (LARGE, "The result is 479\u202f511\u202f636.", True),
        (LARGE, "479 511 636", None),
        (LARGE, "Answer: about 480 million", False),
        (HALF, "5/2", True),
        (HALF, "2 1/2", True),
        (HALF, "2,5", None),
        ("What is 1995 - 2001?", "−6", True),
        ("What is 1995 - 2001?", "minus six", None),
    ],
)
def test_how_an_answer_says_what_a_sum_comes_to(question: str, text: str, says: bool | None) -> None:  # noqa: FBT001
    result = question_traits(question).result
    assert result is not None
    assert read_text("m", text, question).says(result) is says


def test_an_answer_that_is_not_clear_is_neither_confirmed_nor_refuted() -> None:
    unclear = read_text("m", "It prints the list x as it is then.", QUESTION)
    plain = knowing().after(replace(ASKED, result=None), [unclear])
    assert knowing().after(ASKED, [unclear]) == plain
    assert recomputed_finding(ASKED, unclear) is None


def asking(strategy: str, *said: str) -> Stage:
    members = [
        ScriptedModel(f"m{place}", [f"The output is:\n\n```\n{each}\n```"]) for place, each in enumerate(said)
    ]
    return Stage(strategy=strategy, members=members, question=QUESTION)


async def test_a_vote_goes_by_it_before_anything_else_is_known() -> None:
    outcome = await asking("voting", WRONG, WRONG, RIGHT).run()
    assert outcome.chosen == "ask/m2"
    assert outcome.consensus is not None
    assert outcome.consensus.rule == "belief"
    assert outcome.quality is not None
    assert (outcome.quality.accuracy, outcome.quality.overall > 0.9) == (1.0, True)


@pytest.mark.parametrize(
    ("said", "options", "words"),
    [
        ((WRONG, WRONG, RIGHT), {}, "1 of 3 answers clearly says so."),
        ((RIGHT, WRONG, RIGHT), {}, "2 of 3 answers clearly say so."),
        (
            (WRONG, WRONG, RIGHT),
            {"rule": "plurality"},
            "1 of 3 answers clearly says so, but not the one that was chosen.",
        ),
        ((WRONG, OTHER), {}, "no answer clearly says so."),
        ((WRONG, RIGHT), {"recompute": False}, None),
    ],
)
async def test_the_outcome_notes_what_was_recomputed(
    said: tuple[str, ...], options: dict[str, bool | str], words: str | None
) -> None:
    outcome = await asking("voting", *said).run(**options)
    note = f"Recomputed step by step, the result is “[1, 2, 3]”: {words}"
    assert [each for each in outcome.notes if "Recomputed" in each] == ([note] if words else [])


@pytest.mark.parametrize("options", [{"recompute": False}, {"rule": "plurality"}])
async def test_it_does_not_decide_where_it_is_not_wanted(options: dict[str, bool | str]) -> None:
    outcome = await asking("voting", WRONG, WRONG, RIGHT).run(**options)
    assert outcome.chosen == "ask/m0"
    said = " ".join(outcome.quality.evidence if outcome.quality else ())
    assert ("Recomputed" in said) is ("rule" in options)


@pytest.mark.parametrize("strategy", ["parallel", "cascade", "sequential"])
async def test_the_answer_that_it_confirms_is_taken(strategy: str) -> None:
    run = asking(strategy, WRONG, OTHER, RIGHT)
    outcome = await run.run()
    assert outcome.chosen == "ask/m2"
    scored = {event.data["model"]: event.data for event in run.emitted(StrategyEvent.CANDIDATE_SCORED)}
    assert scored["m2"]["overall"] > 0.9
    assert scored["m0"]["overall"] < 0.2


async def test_a_cascade_asks_nobody_else_once_it_confirms_an_answer() -> None:
    run = asking("cascade", WRONG, RIGHT, WRONG)
    outcome = await run.run()
    assert outcome.chosen == "ask/m1"
    assert [candidate.model for candidate in outcome.candidates] == ["m0", "m1"]
