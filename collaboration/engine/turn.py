"""One entry being worked in: the state so far, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from collaboration.engine.answers import CUT, LONGEST_ANSWER, ActionKind
from collaboration.engine.messages import MessageKind, SessionMessage
from collaboration.engine.phases import Phase, moved
from collaboration.engine.plan import Subtask
from collaboration.engine.state import (
    Action,
    DecisionKind,
    DecisionRecord,
    SessionMember,
    SessionState,
    SessionStep,
)
from orchestra_site.web.alphabets import encodable

MOST_REFUSALS = 50
"""Refused moves of one participant that are recorded; later ones are only counted."""


class Turn:
    """The state while an entry is worked in. What is said, asked and decided is collected in order."""

    def __init__(self, state: SessionState, at: float) -> None:
        self.state, self._at = state, at
        self._first_message, self._first_decision = len(state.log), len(state.decisions)
        self._actions: list[Action] = []
        self._withdrawn: list[int] = []

    @property
    def now(self) -> float:
        """Seconds of session time, which stands still in a pause."""
        until = self._at if self.state.paused_at is None else self.state.paused_at
        return until - self.state.paused_for

    @property
    def step(self) -> SessionStep:
        """What has come out so far."""
        return SessionStep(
            state=self.state,
            actions=tuple(self._actions),
            withdrawn=tuple(self._withdrawn),
            messages=self.state.log[self._first_message :],
            decisions=self.state.decisions[self._first_decision :],
        )

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of a state
        """Change fields of the state."""
        self.state = replace(self.state, **changes)

    def count(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of the counts
        """Change counts; `count(idle=0)` says that something new has come."""
        self.set(counts=replace(self.state.counts, **changes))

    def put(self, subtask: Subtask) -> None:
        """Replace a subtask by its new version."""
        self.set(plan=self.state.plan.put(subtask))

    def say(self, kind: MessageKind, text: str, sender: str = "", **rest: Any) -> None:  # noqa: ANN401
        """Add a message to the log. `rest` are further fields of it: to, about, pinned, data."""
        written = encodable(text)
        written = written if len(written) <= LONGEST_ANSWER else written[:LONGEST_ANSWER] + CUT
        number, phase = len(self.state.log) + 1, self.state.phase
        message = SessionMessage(
            number=number, at=self.now, phase=phase, kind=kind, text=written, sender=sender, **rest
        )
        self.set(log=(*self.state.log, message))
        self.count(messages=self.state.counts.messages + bool(sender))

    def refuse(self, sender: str, words: str) -> None:
        """Record that a move is not allowed, in a message that only whoever made it sees."""
        times = self.state.refused.get(sender, 0) + 1
        self.set(refused={**self.state.refused, sender: times})
        if times <= MOST_REFUSALS:
            self.say("error", words, to=(sender,))

    def ask(self, kind: ActionKind, participant: str, **rest: Any) -> None:  # noqa: ANN401
        """Have something done. `rest` are further fields of the action; a pause holds it back."""
        state, is_person = self.state, self.state.members[participant].participant.is_person
        deadline = state.lineup.limits.answer_seconds if is_person and kind is not ActionKind.TOOL else None
        number = state.asked + 1
        action = Action(number=number, kind=kind, participant=participant, deadline_s=deadline, **rest)
        self.set(asked=number, pending={**state.pending, number: action})
        if state.paused_at is None:
            self._actions.append(action)
        else:
            self.set(held=(*state.held, number))

    def ask_again(self, action: Action, **changes: Any) -> None:  # noqa: ANN401 - the fields of an action
        """Have the same done once more, under a number of its own."""
        kept = {each.name: getattr(action, each.name) for each in fields(action)} | changes
        self.ask(**{name: value for name, value in kept.items() if name not in {"number", "deadline_s"}})

    def close(self, number: int) -> None:
        """Note that an action is no longer pending."""
        self.set(pending={key: each for key, each in self.state.pending.items() if key != number})

    def withdraw(self, unwanted: Callable[[Action], object]) -> tuple[Action, ...]:
        """Take back the pending actions that are `unwanted`, and return them."""
        found = tuple(each for each in self.state.pending.values() if unwanted(each))
        for each in found:
            self.close(each.number)
            self._withdrawn.append(each.number)
        self._actions = [each for each in self._actions if each not in found]
        return found

    def decide(self, kind: DecisionKind, question: str, selected: str, rationale: str, **rest: Any) -> None:  # noqa: ANN401
        """Record a decision. `rest` are its options and votes."""
        number = len(self.state.decisions) + 1
        record = DecisionRecord(
            number=number,
            at=self.now,
            kind=kind,
            question=question,
            selected=selected,
            rationale=rationale,
            **rest,
        )
        self.set(decisions=(*self.state.decisions, record))

    def enter(self, phase: Phase) -> None:
        """Go to another phase; it is said."""
        self.set(phase=moved(self.state.phase, phase))
        self.say("status_update", f"The session is {phase}.")

    def pause(self, *, paused: bool) -> None:
        """Hold back what would be asked next, or have it done after all."""
        if paused:
            self.set(paused_at=self._at)
            return
        self._actions += [self.state.pending[each] for each in self.state.held if each in self.state.pending]
        began = self._at if self.state.paused_at is None else self.state.paused_at
        self.set(paused_at=None, paused_for=self.state.paused_for + self._at - began, held=())

    def set_members(self, members: Mapping[str, SessionMember]) -> None:
        """Change who takes part; in a negotiation, who has a weight in it."""
        self.set(members=members)
        if self.state.negotiation is not None:
            weights = {each.id: each.weight for each in self.state.voters}
            self.set(negotiation=replace(self.state.negotiation, weights=weights))
