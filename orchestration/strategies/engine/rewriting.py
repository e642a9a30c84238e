"""Answers that models write again with those of others in sight: prompts, orders, what agreement is worth.

What others wrote is data in a prompt, without names, in an order that is drawn at random and journaled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Message, ModelSpec, Prompt, Purpose, estimate_tokens
from orchestration.runs.engine.context import RunContext
from orchestration.strategies.engine.asking import announce, ask_step, read_candidate
from orchestration.strategies.engine.consensus.grouping import same_answer
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.quality.prompts import (
    CHARACTERS_PER_TOKEN,
    DATA_ONLY,
    FINAL_LINE,
    LEAST_SHOWN,
    ROOM_FOR_REST,
    blocks,
    shortened,
)
from orchestration.strategies.engine.rounds import Round, candidates
from orchestration.strategies.engine.running import StrategyRun
from orchestration.strategies.engine.types import Candidate, is_usable, listed


def rewriting_prompt(
    run: StrategyRun, task: str, spec: ModelSpec, shown: Sequence[str], own: str = ""
) -> Prompt:
    """Return the prompt that has a model answer again, `shown` answers as data.

    Its `own` earlier answer, if there is one, is its turn of the conversation. All are shortened to what its
    context window holds.
    """
    tokens = max(0, spec.context_window - spec.max_output_tokens - ROOM_FOR_REST)
    room = max(LEAST_SHOWN, tokens * CHARACTERS_PER_TOKEN // (len(shown) + 1))
    said = shortened(own, room)
    marked = blocks(spec, run.request, shown, rest=ROOM_FOR_REST + estimate_tokens(said))
    turns = (Message(role="user", content=run.request.text), Message(role="assistant", content=said))
    told = Message(role="system", content=f"{task}{FINAL_LINE}{DATA_ONLY}")
    messages = (told, *(turns if own else ()), Message(role="user", content=marked))
    return replace(run.prompt, messages=messages, purpose=Purpose.AGGREGATE)


async def answer_again(
    run: StrategyRun, members: Sequence[ChatModel], prompt: Callable[[ChatModel], Prompt], number: int
) -> tuple[Candidate, ...]:
    """Ask models for answer `number`, all at once; return these, checked. The run has the limit reached."""
    part = run.timer.again(number)

    async def ask(model: ChatModel) -> Candidate:
        return await ask_member(model, prompt(model), part, request=run.request)

    ended = await Round(members, ask, part.context).run()
    run.stop = ended.stop
    if ended.stop is not None:
        await announce(part.context, ended.stop.decision, "stop")
    found = candidates(ended, lambda name: part.key(ask_step(name)))
    return await run.scorer.check(found)


def say_the_same(first: Candidate, second: Candidate, question: str) -> bool:
    """Return whether both state a final answer, and the same."""
    one, other = (read_candidate(each, question).answer for each in (first, second))
    return one is not None and other is not None and same_answer(one, other)


def independent_answers(
    rewritten: Iterable[Candidate], first: Iterable[Candidate], question: str
) -> tuple[Candidate, ...]:
    """Return the `first` answers, each rewritten one in the place of one of them that says the same.

    An answer that was written after seeing others is no further witness for what they say: it stands for the
    one that its model, or else another one, gave before. Where nobody did, it stands alone.
    """
    left = [each for each in first if is_usable(each)]
    placed = []
    for each in rewritten:
        own_first = sorted(left, key=lambda one: one.model != each.model)
        same = next((one for one in own_first if say_the_same(one, each, question)), None)
        if same is not None:
            left.remove(same)
            placed.append(each)
    return (*placed, *left)


@dataclass(kw_only=True, slots=True)
class RewritingRun(StrategyRun):
    """The state of a run in which models answer again: the first answers, independent, and the newest."""

    first: tuple[Candidate, ...] = ()
    newest: tuple[Candidate, ...] = ()

    @property
    def usable(self) -> list[Candidate]:
        """The newest usable answers."""
        return [each for each in self.newest if is_usable(each)]

    async def answer_first(self) -> None:
        """Have all models answer. Raises `AllModelsFailed`, `NoUsableAnswer`, `LimitReached`."""
        self.first = await answer_again(self, self.panel.members, lambda _: self.prompt, 1)
        self.newest = self.first
        self.require_answers(self.first)

    async def answer_anew(self, number: int, word: str, task: str, *, own: bool) -> None:
        """Have all models with a usable answer write it again, each with the newest of the others in sight.

        Where its `own` is a turn of its conversation it is not among those shown.
        """
        await self.timer.begin(f"{word} {number}")
        said = {each.model: each.text for each in self.usable}
        drawn = {name: [each for each in said if not own or each != name] for name in said}
        context: RunContext = self.timer.again(number).context
        for others in drawn.values():
            context.random.shuffle(others)
        orders = await context.decide("order", drawn)

        def prompt(model: ChatModel) -> Prompt:
            name = model.spec.name
            shown = [said[each] for each in orders[name]]
            before = said[name] if own else ""
            return rewriting_prompt(self, task, model.spec, shown, before)

        members = [model for model in self.panel.members if model.spec.name in said]
        written = await answer_again(self, members, prompt, number)
        kept = [each.model for each in written if not is_usable(each)]
        if kept:
            self.notes.append(f"In {word} {number} the earlier answer stands of {listed(kept)}.")
        usable = {each.model: each for each in written if is_usable(each)}
        self.newest = tuple(usable.get(each.model, each) for each in self.newest)

    async def score_newest(self, written: Sequence[Candidate] | None = None) -> tuple[Candidate, ...]:
        """Return the newest answers, or what was `written` from them, with their quality."""
        asked = self.request.text
        independent = independent_answers(written or self.usable, self.first, asked)
        return await self.scorer.score(written or self.newest, "judge", independent=independent)
