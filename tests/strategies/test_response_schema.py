"""A request with a JSON Schema for its answer: what models are sent, and what a run keeps of it."""

from __future__ import annotations

import json

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json, Purpose, digest
from orchestration.llm.providers.simulated.catalog import CATALOG
from orchestration.llm.providers.simulated.reply import reply_to
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.runs.kinds import get_kind
from orchestration.strategies.engine.asking import answer_prompt
from orchestration.strategies.engine.options import AnswerOptions
from orchestration.strategies.engine.quality.prompts import blocks
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import Request
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.models import ScriptedModel, prompt_of, spec_named

LOOP_FACTORY = SkippingLoop
SCHEMA: Json = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
ASKED = {"text": "What is 2 + 2?", "strategy": "parallel", "models": ["sim-sage"]}


@pytest.mark.parametrize("name", all_strategies())
@pytest.mark.parametrize("schema", [None, SCHEMA])
async def test_every_strategy_asks_for_an_answer_that_fits(name: str, schema: Json) -> None:
    members = [ScriptedModel(f"m{n}", [f'{{"total": {n}}}']) for n in range(3)]
    run = Stage(strategy=name, members=members, response_schema=schema)
    await run.run()
    prompts = [prompt for model in members for prompt in model.count.prompts]
    sent = [prompt.response_schema for prompt in prompts if prompt.purpose is Purpose.ANSWER]
    assert sent
    assert all(each == schema for each in sent)


async def test_a_synthesis_is_asked_for_one_that_fits() -> None:
    members = [ScriptedModel(f"m{n}", [f'{{"total": {n}}}']) for n in range(2)]
    await Stage(strategy="parallel", members=members, response_schema=SCHEMA).run(select="synthesis")
    prompts = members[0].count.prompts
    assert [each.response_schema for each in prompts if each.purpose is Purpose.AGGREGATE] == [SCHEMA]


FITS: dict[str, tuple[str, Json, int]] = {
    "an object": ('{"total": 1}', SCHEMA, 0),
    "in a fence": ('```json\n{"total": 1}\n```', SCHEMA, 0),
    "among words": ('Here: {"total": 1}.', SCHEMA, 0),
    "a field of another type": ('{"total": "one"}', SCHEMA, 1),
    "no JSON": ("The total is one.", SCHEMA, 1),
    "too deep": ("[" * 100_000, SCHEMA, 1),
    "a number": ("7", {"type": "integer"}, 0),
    "a text": ("yes", {"type": "string", "enum": ["yes", "no"]}, 0),
    "another text": ("maybe", {"type": "string", "enum": ["yes", "no"]}, 1),
    "what would decline in words": ('{"total": 1, "note": "I cannot help with that."}', SCHEMA, 0),
}


@pytest.mark.parametrize(("text", "schema", "more"), FITS.values(), ids=FITS)
async def test_an_answer_that_does_not_fit_is_followed_by_the_next_model(
    text: str, schema: Json, more: int
) -> None:
    members = [ScriptedModel("first", [text]), ScriptedModel("second", ['{"total": 2}'])]
    run = Stage(strategy="sequential", members=members, response_schema=schema)
    outcome = await run.run()
    assert run.calls == {"first": 1, "second": more}
    first = outcome.candidates[0].quality
    assert first is not None
    assert any("fits the schema" in each for each in first.evidence) == more


def test_without_a_schema_a_prompt_has_the_hash_that_runs_have_recorded() -> None:
    prompt = answer_prompt(Request(text="Why?"), AnswerOptions())
    assert digest(prompt) == digest(prompt_of("Why?"))
    assert "response_schema" not in Request(text="Why?").model_dump(mode="json")


def test_a_run_keeps_the_schema_and_can_be_started_again_with_it(member: Membership) -> None:
    seed_simulated(member.team)
    kept = get_kind("strategy").check(member, {**ASKED, "response_schema": SCHEMA}).request
    assert kept["response_schema"] == SCHEMA
    assert get_kind("strategy").check(member, kept).request == kept


def test_what_is_no_schema_is_refused_at_its_field(member: Membership) -> None:
    for schema in ({"type": "date"}, {"$ref": "https://example.org/schema"}):
        with pytest.raises(InvalidRequest) as refused:
            get_kind("strategy").check(member, {**ASKED, "response_schema": schema})
        assert refused.value.field == "response_schema"


def test_simulated_models_fill_the_schema_also_when_they_combine_answers() -> None:
    answers = blocks(spec_named("m"), Request(text="What is 2 + 2?"), ["Answer: 4", "Answer: 5"])
    for text, purpose in (("What is 2 + 2?", Purpose.ANSWER), (answers, Purpose.AGGREGATE)):
        prompt = prompt_of(text)
        asked = type(prompt)(messages=prompt.messages, purpose=purpose, response_schema=SCHEMA)
        written = [json.loads(reply_to(profile, asked)) for profile in CATALOG]
        assert {type(each["total"]) for each in written} == {int}
