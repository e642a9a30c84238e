"""Planning and negotiating: the leader divides the task, the others take stances, a conflict is settled.

The leader's plan is the first proposal. Where another approach is agreed on, the leader divides the task once
more by it. Where no plan comes that can be read, the task is divided by its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from collaboration.engine.answers import ABSTAIN, ActionKind, ParsedAnswer, StanceKind
from collaboration.engine.conflicts import RESOLUTIONS, Dispute
from collaboration.engine.negotiation import Negotiation, Stance
from collaboration.engine.phases import Phase
from collaboration.engine.plan import NotPossible, Plan, build_plan, divided
from collaboration.engine.roles import Power
from collaboration.engine.state import Action, CastVote, DecisionKind, Turn
from collaboration.engine.working import begin_work, fail

MOST_PROPOSALS = 30
DEBATE = (ActionKind.PROPOSE, ActionKind.STANCE, ActionKind.VOTE)
VERBS: Mapping[StanceKind, str] = {"support": "supports", "oppose": "opposes", "abstain": "abstains on"}


def take_plan(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take the leader's plan; one that was asked for again is read leniently. Raises `NotPossible`."""
    most = turn.state.lineup.limits.subtasks
    plan = build_plan(answer.subtasks, most=most, lenient=bool(action.problem))
    _adopt(turn, plan, action.participant, f"{turn.state.title(action.participant)} divided it so.")


def miss_plan(turn: Turn, action: Action) -> None:
    """Divide the task by its own words; a plan that there is already is kept."""
    if turn.state.plan.subtasks:
        begin_work(turn)
        return
    most = turn.state.lineup.limits.subtasks
    plan = build_plan(divided(turn.state.task, most=most), most=most)
    _adopt(turn, plan, action.participant, "No plan came: the task is divided by its own words.")


def _adopt(turn: Turn, plan: Plan, by: str, rationale: str) -> None:
    turn.set(plan=plan)
    lines = [each.line for each in plan.subtasks]
    options = {each.id: each.title for each in plan.subtasks}
    turn.decide("task_division", "How is the task divided?", ", ".join(options), rationale, options=options)
    turn.say("proposal", "\n".join(lines), by, pinned=True, data={"subtasks": lines})
    state, rules = turn.state, turn.state.lineup.negotiation
    if state.phase is Phase.NEGOTIATING or rules.rounds == 0 or len(state.voters) < 2:  # noqa: PLR2004
        begin_work(turn)
        return
    turn.enter(Phase.NEGOTIATING)
    opened = Negotiation(weights={each.id: each.weight for each in state.voters}, opened_at=turn.now)
    turn.set(negotiation=opened.with_proposal(by, "\n".join(lines), is_plan=True))
    for each in state.voters if rules.proposals == "everyone" else ():
        if each.id != by and Power.PROPOSE in each.powers:
            turn.ask(ActionKind.PROPOSE, each.id)
    go_round(turn)


def add_proposal(turn: Turn, by: str, text: str) -> None:
    """Put a proposal on the table. Raises `NotPossible` for one that is there already, or one too many."""
    found = negotiation(turn)
    if len(found.proposals) >= MOST_PROPOSALS:
        raise NotPossible(f"There are {MOST_PROPOSALS} proposals: no more are taken.")
    if any(each.text.strip() == text.strip() for each in found.proposals):
        raise NotPossible("This has been proposed already.")
    found = found.with_proposal(by, text)
    turn.set(negotiation=found)
    turn.say("proposal", text, by, about=found.options[-1])


def negotiation(turn: Turn) -> Negotiation:
    """Return the negotiation that is open. Raises `NotPossible`."""
    found = turn.state.negotiation
    if found is None or found.stage == "over":
        raise NotPossible("Nothing is being negotiated now. Redirect the session, or change its plan.")
    return found


def take_proposal(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take the proposal that somebody was asked for. Raises `NotPossible`."""
    add_proposal(turn, action.participant, answer.text)
    go_round(turn)


def take_stances(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take stances, and a counter-proposal; none at all is an abstention. Raises `NotPossible`."""
    voter = action.participant
    if answer.counter and all(each.text != answer.counter for each in negotiation(turn).proposals):
        add_proposal(turn, voter, answer.counter)
    for proposal, (kind, reason) in answer.stances.items():
        stance = Stance(voter=voter, proposal=proposal, kind=kind, reason=reason)
        turn.set(negotiation=negotiation(turn).with_stance(stance))
        said = f"{VERBS[kind]} {proposal}. {reason}".strip()
        turn.say("response", said, voter, about=proposal, data={"stance": kind})
    if not answer.stances:
        turn.say("response", "takes no clear stance, which counts as an abstention.", voter)
    go_round(turn)


def take_vote(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take a vote on what settles the conflict."""
    turn.set(votes={**turn.state.votes, action.participant: answer})
    said = f"votes for {answer.option or 'none (abstains)'}. {answer.reason}".strip()
    turn.say("response", said, action.participant, about=answer.option)
    go_round(turn)


def go_round(turn: Turn, _: object = None) -> None:
    """Go on with the negotiation once everyone who was asked has answered, or will not."""
    found = turn.state.negotiation
    if found is None or found.stage == "over" or turn.state.asks(*DEBATE):
        return
    if found.stage == "settling":
        _settled(turn, found)
        return
    proposing = found.stage == "proposing"
    found = (
        replace(found, stage="debating", round=1)
        if proposing
        else found.after_round(turn.state.lineup.negotiation)
    )
    turn.set(negotiation=found)
    if found.stage == "over":
        _conclude(turn, found, "The threshold of support is reached.")
    elif found.stage == "settling":
        _settle(turn, found)
    else:
        _ask_stances(turn, found)


def _ask_stances(turn: Turn, found: Negotiation) -> None:
    """Ask everyone for a stance on what others proposed."""
    turn.count(rounds=turn.state.counts.rounds + 1)
    for each in turn.state.voters:
        others = tuple(made.id for made in found.proposals if made.by != each.id)
        if others:
            turn.ask(ActionKind.STANCE, each.id, choices=others)
    go_round(turn)


def time_out(turn: Turn) -> None:
    """End the rounds of a negotiation whose time has passed; the conflict rule settles it."""
    found, seconds = turn.state.negotiation, turn.state.lineup.negotiation.seconds
    if found is not None and found.is_open and seconds is not None and turn.now >= found.opened_at + seconds:
        turn.withdraw(lambda each: each.kind in DEBATE)
        late = replace(found, stage="settling", outcome="timeout")
        turn.set(negotiation=late)
        _settle(turn, late)


def _settle(turn: Turn, found: Negotiation) -> None:
    """Begin to settle a conflict by the rule of the line-up."""
    resolution, active = RESOLUTIONS[turn.state.lineup.conflict.rule], turn.state.active
    turn.say("status_update", f"The negotiation ends in a {found.outcome}; it is being settled.")
    if resolution.another_round:
        _ask_stances(turn, found)
        return
    for voter in resolution.electorate(_dispute(turn, found)):
        if any(each.id == voter for each in active):
            turn.ask(ActionKind.VOTE, voter, choices=found.options)
    go_round(turn)


def _dispute(turn: Turn, found: Negotiation) -> Dispute:
    state = turn.state
    return Dispute(
        negotiation=found, lineup=state.lineup, voters=state.voters, seed=state.seed, votes=state.votes
    )


def _settled(turn: Turn, found: Negotiation) -> None:
    """Take the choice of the conflict rule."""
    chosen, reason = RESOLUTIONS[turn.state.lineup.conflict.rule].settle(_dispute(turn, found))
    found = replace(found, stage="over", outcome="resolved" if chosen else found.outcome, chosen=chosen)
    turn.set(negotiation=found)
    _conclude(turn, found, reason)


def _conclude(turn: Turn, found: Negotiation, reason: str) -> None:
    """Record what was agreed on, and go on with it; without any choice the leader's plan stands."""
    chosen = found.proposal(found.chosen) or found.proposals[0]
    score, wanted = found.score(chosen.id), turn.state.lineup.constraints.consensus
    turn.set(consensus=score)
    rationale = f"Outcome: {found.outcome}. {reason}{'' if found.chosen else ' The first plan stands.'}"
    kind: DecisionKind = "approach" if found.outcome == "consensus" else "conflict"
    options = {each.id: each.text for each in found.proposals}
    votes = tuple(_cast(turn, found))
    turn.decide(kind, "Which approach is taken?", chosen.id, rationale, options=options, votes=votes)
    if wanted is not None and score < wanted:
        fail(turn, "no_consensus", f"{chosen.id} has {score:.0%} of the support, {wanted:.0%} is required.")
    elif chosen.is_plan:
        begin_work(turn)
    else:
        turn.set(approach=chosen.text)
        turn.ask(ActionKind.PLAN, turn.state.leader.id)


def _cast(turn: Turn, found: Negotiation) -> Iterator[CastVote]:
    """Yield every stance and vote with its weight."""
    for each in found.stances.values():
        weight = found.weights.get(each.voter, 0.0)
        yield CastVote(each.voter, each.proposal, each.kind, weight, each.reason)
    for voter, vote in turn.state.votes.items():
        weight = turn.state.members[voter].participant.weight
        yield CastVote(voter, vote.option or ABSTAIN, "vote", weight, vote.reason)
