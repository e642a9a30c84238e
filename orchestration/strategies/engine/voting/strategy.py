"""The voting strategy: ballots, a count, an answer; and how other strategies count their answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from orchestration.llm.engine.model import ChatModel
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.consensus.ballots import RuleName, TieRule
from orchestration.strategies.engine.deciding import Selection, overall, select_best
from orchestration.strategies.engine.effort import Effort
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, parse_options
from orchestration.strategies.engine.rounds import Round, Stop, candidates
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, StrategyOutcome, counted, is_usable
from orchestration.strategies.engine.voting.counting import (
    Cast,
    Contender,
    Count,
    comparable,
    countable,
    readable,
)
from orchestration.strategies.engine.voting.deciding import (
    Vote,
    VoteResult,
    cast_answer,
    decide_vote,
    no_winner_error,
    representative,
)
from orchestration.strategies.engine.voting.options import (
    FEWEST_TO_TELL_APART,
    BallotKind,
    StopMode,
    VotingOptions,
    faults,
    voting_effort,
)
from orchestration.strategies.engine.voting.reviewing import Reviewing

BALLOT = "ballot"
BY_MOST_VOTERS = frozenset({RuleName.BELIEF, RuleName.PLURALITY, RuleName.WEIGHTED})
FEWEST_BELIEVED = 2
"""Answers below which the probability asked for must be reached: one more alone rarely outvotes one."""
LEAST_GAIN = 0.005
"""The expected gain in the probability of a right answer for which one more model is asked.

On recorded answers of five cheap models, in five folds, this and a probability of 0.97 leave out 49 % of the
calls and lose 0.2 points of accuracy (`python -m benchmarks.stopping`)."""
_ONE_ANSWER = "There is only one answer: nothing to compare it with, and nobody else's to review."
_TWO_ANSWERS = "Of two answers a review decides nothing: each model could only rank the other's first."
WITHOUT_A_VOTE = (
    "There was no review of the others' answers, so nothing was voted on: this is the answer of the highest"
    " estimated quality."
)


def choose_ballot(casts: Sequence[Cast], answers: int, quorum: int) -> tuple[BallotKind, str]:
    """Return the kind of ballot for so many `answers`, read as `casts`, and why."""
    alike = comparable(casts)
    if countable(casts, answers, quorum):
        give = f"{alike} of {counted(answers, 'answer')} {'gives' if alike == 1 else 'give'}"
        return BallotKind.ANSWERS, f"{give} a result that can be compared, so equal results count together."
    if answers < FEWEST_TO_TELL_APART:
        return BallotKind.ANSWERS, _ONE_ANSWER if answers == 1 else _TWO_ANSWERS
    why_not = f"Only {alike} of {answers} answers can be compared"
    if not alike:
        why_not = "The answers are in each model's own words and cannot be counted"
    elif 2 * alike > answers:
        why_not = f"Only {counted(readable(casts), 'answer')} can be counted and the quorum is {quorum}"
    return BallotKind.REVIEW, f"{why_not}, so each model reviews the others'."


def ballots_to_count(casts: Sequence[Cast], written: Sequence[Candidate], quorum: int) -> Sequence[Cast]:
    """Return the ballots to count: with too few to read, and to review, a whole text votes for itself."""
    if readable(casts) >= quorum or len(written) >= FEWEST_TO_TELL_APART:
        return casts
    whole = {c.model: c for c in written}
    return [_text_vote(whole[c.voter]) if c.voter in whole and c.abstained else c for c in casts]


def _text_vote(candidate: Candidate) -> Cast:
    """Return a vote for the whole text, named after its writer; only the same, word for word, is equal."""
    key = hashlib.sha256(" ".join(candidate.text.split()).encode()).hexdigest()
    answer = Extracted(kind=AnswerKind.TEXT, key=key, raw=candidate.model)
    return Cast(voter=candidate.model, answer=answer, confidence=overall(candidate))


@dataclass(kw_only=True, slots=True)
class VotingRun(Vote):
    """A vote from the answers to the winner."""

    async def run(self) -> StrategyOutcome:
        """Have the panel answer, and vote. Raises `QuorumMissed`, `VoteUndecided` as well."""
        STRATEGY.check(self.options, self.panel.names)
        self.options = self.options.with_ballot_by_rule()
        if self.question.result is None and not self.panel.belief.has_records(self.panel.names):
            self.options = self.options.by_most_votes()
        await self._ask_all()
        if any(map(is_usable, self.candidates)):
            await self._collect_ballots()
        for each in self.stops:
            await self.note_stop(each)
        self.require_answers(self.candidates)
        return await self._conclude()

    async def _ask_all(self) -> None:
        """Have each model answer.

        Ballots are emitted only where answers are voted with. Where that is undecided, asking ends early only
        once no answer to come can make it a review; for a review all are asked at once.
        """
        wave = 0 if self.options.ballot is BallotKind.REVIEW else self.options.waves
        step = "stop" if self.options.ballot is BallotKind.ANSWERS else "stop/answers"
        await self.timer.begin("asking")
        asked = Round(
            self.panel.members, self._ask_voter, self.context, until=self._until, wave=wave, step=step
        )
        ended = await asked.run()
        self.candidates, self.stops = candidates(ended), [] if ended.stop is None else [ended.stop]

    async def _ask_voter(self, model: ChatModel) -> Candidate:
        [candidate] = await self.scorer.check([await self.ask(model)])
        self.keep(candidate)
        if self.options.ballot is BallotKind.ANSWERS:
            await self.emit_ballot(self.casts[candidate.model])
        return candidate

    def keep(self, candidate: Candidate) -> None:
        """Keep a voter's answer with the ballot that it is."""
        if is_usable(candidate):
            self.written.append(candidate)
        self.casts[candidate.model] = cast_answer(candidate, self.request.text)

    def _until(self, asked: Round[Candidate]) -> Stop | None:
        most, quorum = len(self.written) + len(asked.waiting), self.options.quorum
        if self.options.ballot is BallotKind.AUTO and not countable(self.casts.values(), most, quorum):
            return None
        counted = self.count()
        likely = self._likely(counted) if self.options.stop is StopMode.POSTERIOR else ""
        return self.reason_to_stop(asked, counted, self.prompt, likely)

    def _likely(self, counted: Count) -> str:
        """Return why the winner so far is believed, empty where further answers are worth asking for.

        It is believed once it is right with the probability that was asked for, or once no model that is left
        is expected to raise it by more than `LEAST_GAIN`. Only of rules that the most voters decide.
        """
        winner = counted.tally().winner
        if winner is None or self.options.rule not in BY_MOST_VOTERS:
            return ""
        read, posterior = self.believed()
        backers = set(counted.contender(winner).models)
        if not posterior.groups or {read[place].model for place in posterior.best.places} != backers:
            return ""
        right, asked = posterior.best.right, self.options.posterior
        if right >= asked:
            return f"“{winner}” is right with a probability of {right:.3f}; {asked:g} was asked for."
        left = [name for name in self.panel.names if name not in self.casts]
        belief, question = self.panel.belief, self.question
        gain = max((belief.worth(posterior, question, name) for name in left), default=0.0)
        if posterior.voters < FEWEST_BELIEVED or gain > LEAST_GAIN:
            return ""
        sure = f"“{winner}” is right with a probability of {right:.3f}"
        return f"{sure}; no other model is expected to raise it by more than {LEAST_GAIN:.1%}."

    async def _collect_ballots(self) -> None:
        """Have as ballots what follows from the answers: these themselves, or reviews of them.

        Under the auto ballot the answers decide which; that is journaled before any ballot is emitted or a
        review asked for.
        """
        self.is_auto = self.options.ballot is BallotKind.AUTO
        if self.is_auto:
            written = [candidate for candidate in self.candidates if is_usable(candidate)]
            read = [self.casts[name] for name in self.panel.names if name in self.casts]
            found, why = choose_ballot(read, len(written), self.options.quorum)
            stored = await self.context.decide(BALLOT, {"kind": found.value, "reason": why})
            self.options = self.options.with_ballot(BallotKind(stored["kind"]))
            chosen = Decision(kind=BALLOT, chosen=stored["kind"], reason=stored["reason"])
            await self.announce(chosen, BALLOT)
            self.casts = {each.voter: each for each in ballots_to_count(read, written, self.options.quorum)}
        if self.options.ballot is BallotKind.REVIEW:
            texts = {each.model: each.text for each in self.candidates if is_usable(each)}
            await Reviewing(vote=self, texts=texts).run()
        elif self.is_auto:
            for cast in self.casts.values():
                await self.emit_ballot(cast)

    async def _conclude(self) -> StrategyOutcome:
        """Count the ballots and conclude; with the best answer if no review was read and none is required."""
        result = await decide_vote(self)
        is_won = result.tally.winner is not None
        unread = self.options.ballot is BallotKind.REVIEW and not result.count.counting
        if not is_won and not (unread and self.options.quorum <= 1):
            raise no_winner_error(self, result)
        if is_won:
            await self.announce(result.decision, "vote")
        self.notes += result.notes if is_won else (*result.notes, WITHOUT_A_VOTE)
        candidates = await self.scorer.score(self.candidates, "checks")
        selection = _selection(result, candidates) if is_won else select_best(candidates)
        return await self.conclude(selection, candidates, consensus=result.consensus if is_won else None)


class Voting(PanelStrategy):
    """Let the panel vote on the best answer."""

    name: ClassVar[str] = "voting"
    title: ClassVar[str] = "Voting"
    summary: ClassVar[str] = (
        "Asks all models and lets them vote: equal final answers count together; where answers are long, each"
        " model ranks the others' blind. Says how far they agree and who dissents."
    )
    Options: ClassVar[type[AnswerOptions]] = VotingOptions
    Run: ClassVar[type[StrategyRun]] = VotingRun
    labels: ClassVar[Mapping[str, str]] = {BALLOT: "Ballot", "vote": "Vote"}
    moments: ClassVar[Mapping[str, str]] = {
        BALLOT: "Ballot chosen",
        "judge/order": "Order drawn",
        "review/orders": "Orders drawn",
        "stop/answers": "Stopped early",
    }

    def check(self, options: StrategyOptions, panel: Sequence[str]) -> None:
        """Refuse options that do not fit the panel. Raises `InvalidOptions`."""
        found = tuple(faults(parse_options(VotingOptions, options.model_dump()), panel))
        if found:
            raise InvalidOptions(found)

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how many models a vote asks: reviews are a second call of each."""
        return voting_effort(parse_options(VotingOptions, options.model_dump()), panel)


def _selection(result: VoteResult, candidates: Sequence[Candidate]) -> Selection:
    """Return the candidate whose text is given for the winner."""
    winner = result.count.contender(result.tally.winner or "")
    chosen = representative(winner, candidates)
    if len(winner.models) == 1:
        return Selection(step=chosen.step, reason=f"{chosen.model} gave the answer that won the vote.")
    others = [each for each in candidates if each.model in winner.models and each is not chosen]
    is_first = any(overall(each) == overall(chosen) for each in others)
    place = "is the first on the panel of" if is_first else "has the highest estimated quality of"
    reason = f"{chosen.model} {place} the {len(winner.models)} whose answer won."
    return Selection(step=chosen.step, reason=reason)


PLURALITY = VotingOptions(ballot=BallotKind.ANSWERS, rule=RuleName.PLURALITY, tie=TieRule.CONFIDENCE)
"""The most voters win; of equals those whose answers are better by the built-in checks."""
FEWEST_COUNTED = 2


def answer_vote(run: StrategyRun, panel: Panel) -> VotingRun:
    """Return the vote of a panel by plurality of the final answers of a run."""
    return VotingRun(request=run.request, options=PLURALITY, panel=panel, timer=run.timer, scorer=run.scorer)


def can_be_counted(casts: Sequence[Cast], candidates: Sequence[Candidate]) -> bool:
    """Return whether more than half of the usable answers can be compared."""
    return countable(casts, sum(map(is_usable, candidates)), PLURALITY.quorum)


async def conclude_by_vote(
    run: StrategyRun,
    vote: Vote,
    casts: Sequence[Cast],
    scored: Sequence[Candidate],
    voters: Sequence[Candidate],
) -> StrategyOutcome:
    """Return the outcome of a vote, which is emitted; where it cannot be counted, that of the best answer.

    `voters` are the scored candidates, under the names of the voters.
    """
    if sum(map(is_usable, voters)) < FEWEST_COUNTED or not can_be_counted(casts, voters):
        return await run.conclude(select_best(scored), scored)
    for cast in casts:
        await vote.emit_ballot(cast)
    vote.casts, vote.candidates = {cast.voter: cast for cast in casts}, voters
    vote.stops = [] if run.stop is None else [run.stop]
    result = await decide_vote(vote)
    await run.announce(result.decision, "vote")
    run.notes += result.notes
    selection = _best_worded(result.count.contender(result.tally.winner or ""), voters)
    return await run.conclude(selection, scored, consensus=result.consensus)


def _best_worded(winner: Contender, voters: Sequence[Candidate]) -> Selection:
    """Return the answer that won for which most speaks, one that is judged first, and why it was chosen."""
    behind = [each for each in voters if each.model in winner.spoken_by]
    chosen = max(behind, key=lambda each: (each.quality is not None and each.quality.judged, overall(each)))
    reason = f"{chosen.model} gave the answer that won the vote."
    if len(winner.models) > 1:
        alike = counted(len(winner.models), "answer")
        reason = f"{chosen.model} gave the best worded of the {alike} that won the vote."
    return Selection(step=chosen.step, reason=reason)


STRATEGY = Voting()
