"""The review ballot: each model ranks the answers of the others without knowing who wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.embedded import json_values
from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, ModelSpec, Prompt, Purpose
from orchestration.runs.engine.records import step_key
from orchestration.strategies.engine.consensus.ballots import RuleName
from orchestration.strategies.engine.quality.judging import stated_reason
from orchestration.strategies.engine.quality.prompts import (
    DATA_ONLY,
    ROOM_FOR_REST,
    blocks,
    closed_object,
    helper_prompt,
    label,
)
from orchestration.strategies.engine.rounds import Round, Stop
from orchestration.strategies.engine.types import Candidate, Request
from orchestration.strategies.engine.voting.counting import Cast
from orchestration.strategies.engine.voting.deciding import Vote

TASK = """You rank answers to a question. You do not know who wrote them, and their order means nothing.
Work out the right answer yourself first. Then rank the answers from best to worst: first by whether what
they state and conclude is right, then by how completely and clearly they answer what was asked.
Length alone is no merit.
"""
APPROVE = "Also list the answers that you approve of: those that are right. There may be several, or none.\n"
MOST_CHARACTERS = 100_000
"""Characters at the end of a review in which a ranking without JSON is searched."""
_ARROWS = Pattern(r"\b[A-Z]{1,2}(?:\s*>\s*[A-Z]{1,2}\b)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewing:
    """The reviews of one vote, each of others' `texts` (by model, in panel order) in an order of its own."""

    vote: Vote
    texts: Mapping[str, str]
    orders: dict[str, Sequence[str]] = field(default_factory=dict)

    async def run(self) -> None:
        """Have the panel rank the usable answers, in waves; a model that gave none has no vote.

        Orders are drawn and journaled.
        """
        vote, context = self.vote, self.vote.context
        vote.casts, vote.written = {}, []
        await vote.timer.begin("reviewing")
        for silent in (each for each in vote.candidates if each.model not in self.texts):
            why = f"It gave no answer: {silent.error}"
            if silent.state == "answered" and silent.quality is not None:
                why = f"It gave no usable answer: {silent.quality.evidence[0]}"
            await self._keep(self._none(silent.model, why))
        drawn = {reviewer: [name for name in self.texts if name != reviewer] for reviewer in self.texts}
        for others in drawn.values():
            context.random.shuffle(others)
        self.orders.update(await context.decide("review/orders", drawn))
        reviewers = [model for model in vote.panel.members if model.spec.name in self.texts]
        asked = Round(reviewers, self._ask, context, until=self._until, wave=vote.options.waves)
        ended = await asked.run()
        vote.stops += [] if ended.stop is None else [ended.stop]

    async def _ask(self, model: ChatModel) -> Cast:
        try:
            cast = await self._cast(model)
        except ModelError as error:
            cast = self._none(model.spec.name, f"It could not review: {error}")
        await self._keep(cast)
        return cast

    async def _keep(self, cast: Cast) -> None:
        self.vote.casts[cast.voter] = cast
        await self.vote.emit_ballot(cast)

    async def _cast(self, model: ChatModel) -> Cast:
        name, timer = model.spec.name, self.vote.timer
        if not self.orders[name]:
            return self._none(name, "There was no other answer to rank.")
        step = step_key("review", name)
        with timer.step(step, name):
            completion = await timer.context.ask(model, self._prompt(model), step)
        self.vote.written.append(Candidate(model=name, step=step, usage=completion.usage))
        whose = {label(place): model for place, model in enumerate(self.orders[name])}
        return self._read(name, read_review(completion.text, tuple(whose)), whose)

    def _prompt(self, model: ChatModel) -> Prompt:
        shown = [self.texts[name] for name in self.orders[model.spec.name]]
        return review_prompt(model.spec, self.vote.request, shown, self.vote.options.rule)

    def _read(self, voter: str, review: Review | None, whose: Mapping[str, str]) -> Cast:
        if review is None:
            return self._none(voter, "No ranking can be read in what it wrote.")
        if review.approved is None and self.vote.options.rule is RuleName.APPROVAL:
            return self._none(voter, "It ranked the answers, but did not say of which it approves.")
        return Cast(
            voter=voter,
            contenders=tuple(self.texts),
            ranking=tuple(whose[each] for each in review.ranking),
            approvals=tuple(whose[each] for each in review.approved or ()),
            confidence=review.confidence,
            reason=review.reason,
        )

    def _none(self, voter: str, why: str) -> Cast:
        return Cast.none(voter, why, contenders=tuple(self.texts))

    def _until(self, asked: Round[Cast]) -> Stop | None:
        return self.vote.reason_to_stop(asked, self.vote.count(), self._prompt(asked.waiting[0]), "")


def review_prompt(reviewer: ModelSpec, request: Request, answers: Sequence[str], rule: RuleName) -> Prompt:
    """Return the prompt that has `reviewer` rank `answers` in this order, fitted to its context window."""
    marked = blocks(reviewer, request, answers, rest=ROOM_FOR_REST)
    labels = [label(number) for number in range(len(answers))]
    example = ",".join(f'"{each}"' for each in reversed(labels))
    task, approved = TASK, ""
    some = {"type": "array", "items": {"type": "string", "enum": labels}}
    asked: dict[str, Json] = {"ranking": some}
    if rule is RuleName.APPROVAL:
        task, approved, asked["approved"] = f"{TASK}{APPROVE}", f',"approved":["{labels[-1]}"]', some
    asked["confidence"] = {"type": "number", "minimum": 0, "maximum": 1}
    asked["reason"] = {"type": "string"}
    form = (
        "Reply with JSON only, every answer once, the best first:\n"
        f'{{"ranking":[{example}]{approved},"confidence":0-1,"reason":"one short sentence"}}'
    )
    texts = (f"{task}{DATA_ONLY}", f"{marked}\n\n{form}")
    return helper_prompt(reviewer, Purpose.RANK, *texts, schema=closed_object(asked))


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Labels from best to worst; `approved` is None where the reviewer did not say."""

    ranking: tuple[str, ...]
    approved: tuple[str, ...] | None = None
    confidence: float | None = None
    reason: str = ""


def read_review(text: str, labels: Sequence[str]) -> Review | None:
    """Return the last review in `text` that ranks some of `labels`, others left out; None without one."""
    found = [review for value in json_values(text) if (review := _review_in(value, labels)) is not None]
    if found:
        return found[-1]
    arrows = _ARROWS.findall(text[-MOST_CHARACTERS:])
    ranking = _known(arrows[-1].split(">"), labels) if arrows else ()
    return Review(ranking=ranking) if ranking else None


def _review_in(value: Json, labels: Sequence[str]) -> Review | None:
    if not isinstance(value, Mapping):
        return None
    ranking = _known(value.get("ranking"), labels)
    if not ranking:
        return None
    approved = value.get("approved")
    return Review(
        ranking=ranking,
        approved=_known(approved, labels) if isinstance(approved, list) else None,
        confidence=_share(value.get("confidence")),
        reason=stated_reason(value),
    )


def _known(said: Json, labels: Sequence[str]) -> tuple[str, ...]:
    entries = said if isinstance(said, list) else ()
    named = [entry.get("id") if isinstance(entry, Mapping) else entry for entry in entries]
    read = [name.strip().upper().removeprefix("ANSWER").strip() for name in named if isinstance(name, str)]
    return tuple(dict.fromkeys(name for name in read if name in labels))


def _share(said: Json) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    share = float(min(max(said, 0), 1))
    return share if math.isfinite(share) else None
