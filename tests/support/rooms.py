"""A session on plain values: participants that answer as they are told, and people who act."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, Self

from collaboration.engine.answers import ActionKind
from collaboration.engine.lineup import LineUp, read_lineup
from collaboration.engine.records import Row, session_row
from collaboration.engine.selection import TrackRecord
from collaboration.engine.session import advance, open_session
from collaboration.engine.state import (
    Acted,
    Action,
    Answered,
    Ended,
    Entry,
    Forked,
    Missed,
    SessionState,
    SessionStep,
    TimePassed,
)
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Person

TASK = (
    "Compare the harbours of Genoa and Marseille. Describe the trade of Genoa."
    " Describe the trade of Marseille."
)
PLAN: Json = {
    "subtasks": [
        {"title": "Trade of Genoa", "instructions": "Describe the trade of Genoa."},
        {"title": "Trade of Marseille", "instructions": "Describe the trade of Marseille."},
        {"title": "Comparison", "instructions": "Compare both harbours.", "needs": [1, 2]},
    ]
}
LED = {"id": "lead", "role": "leader", "model": "m-lead"}
SCOUT = {"id": "scout", "role": "executor", "model": "m-scout"}
SAGE = {"id": "sage", "role": "specialist", "specialty": "Marseille", "model": "m-sage"}
JUDGE = {"id": "judge", "role": "reviewer", "model": "m-judge"}
ANA = {"id": "ana", "role": "reviewer", "user": "u-ana", "name": "Ana"}
OLE = {"id": "ole", "role": "observer", "user": "u-ole", "name": "Ole"}
QUIET = {"rounds": 0}
"""No negotiation."""


def line_up(*participants: Mapping[str, Json], **rest: Json) -> LineUp:
    """Return a valid line-up."""
    document = {"name": "harbours", "participants": list(participants or (LED, SCOUT, SAGE, JUDGE)), **rest}
    lineup, problems = read_lineup(document)
    assert lineup is not None, problems
    return lineup


def agreeable(action: Action, state: SessionState) -> Json:  # noqa: PLR0911  # a table
    """Return an answer with which nobody quarrels."""
    match action.kind:
        case ActionKind.PLAN:
            return PLAN
        case ActionKind.STANCE:
            said = [{"proposal": each, "stance": "support", "reason": "Good."} for each in action.choices]
            return {"stances": said, "counter": ""}
        case ActionKind.VOTE:
            return {"option": action.choices[0], "reason": "First."}
        case ActionKind.REVIEW:
            return {"verdict": "accept", "score": 0.9, "reason": "Fine."}
        case ActionKind.WORK:
            return {"text": f"{action.participant} wrote about {action.subtask}: {action.request}"}
        case ActionKind.ASSEMBLE:
            return {"text": "\n".join(each.result for each in state.plan.accepted)}
        case _:
            return {"text": f"{action.participant} says {action.kind} {action.number}."}


Reply = Callable[[Action, SessionState], Json]


class Room:
    """A session that is fed by hand or plays by itself. `replies` are by participant, kind or both."""

    def __init__(
        self,
        lineup: LineUp | None = None,
        replies: Mapping[Any, Json | Reply] | None = None,
        task: str = TASK,
        records: Mapping[str, TrackRecord] | None = None,
        seed: int = 0,
    ) -> None:
        self.replies = dict(replies or {})
        self.begun = (lineup or line_up(), task, records or {}, seed)
        self.steps = [open_session(*self.begun)]
        self.entries: list[Entry] = []
        self.clock = 0.0

    @property
    def state(self) -> SessionState:
        return self.steps[-1].state

    def feed(self, entry: Entry) -> SessionStep:
        self.entries.append(entry)
        self.steps.append(advance(self.state, entry))
        return self.steps[-1]

    def tick(self, seconds: float = 1.0) -> float:
        self.clock += seconds
        return self.clock

    def pending(self, kind: str = "", by: str = "") -> list[Action]:
        actions = [each for each in self.state.pending.values() if each.number not in self.state.held]
        return [each for each in actions if kind in {"", each.kind} and by in {"", each.participant}]

    def answer(self, content: Json, kind: str = "", by: str = "", cost: str = "0") -> SessionStep:
        """Answer the first action of a kind or participant; a model answers in text."""
        action = self.pending(kind, by)[0]
        is_person = self.state.members[action.participant].participant.is_person
        as_it_is = is_person or action.kind is ActionKind.TOOL or isinstance(content, str)
        said = content if as_it_is else json.dumps(content)
        return self.feed(Answered(at=self.tick(), action=action.number, content=said, cost_usd=Decimal(cost)))

    def miss(self, why: Json = "failed", kind: str = "", by: str = "", words: str = "503.") -> SessionStep:
        action = self.pending(kind, by)[0]
        return self.feed(Missed(at=self.tick(), action=action.number, why=why, words=words))

    def act(self, user: str, do: str, **fields: Json) -> SessionStep:
        by = Person(id=user, name=user.removeprefix("u-").title())
        return self.feed(Acted(at=self.tick(), by=by, payload={"do": do, **fields}))

    def wait(self, seconds: float) -> SessionStep:
        return self.feed(TimePassed(at=self.tick(seconds)))

    def end(self, words: str, *, cancelled: bool = False) -> SessionStep:
        return self.feed(Ended(at=self.tick(), words=words, cancelled=cancelled))

    def fork(self, lineup: LineUp | None = None, **rest: Json) -> SessionStep:
        """Have Ana fork the session as it is now."""
        given = {"of": "run-1", "entry": len(self.entries), "lineup": lineup or self.state.lineup, **rest}
        return self.feed(Forked(at=self.clock, by=Person(id="u-ana", name="Ana"), **given))

    def play(self, until: str = "", most: int = 500) -> Self:
        """Answer what is pending, the oldest first, until the phase begins or nothing is pending."""
        for _ in range(most):
            if self.state.phase == until or not self.pending():
                return self
            self.answer_next()
        raise AssertionError("The session does not end.")

    def answer_next(self) -> None:
        """Answer the oldest action that is pending."""
        action = self.pending()[0]
        reply = self._reply(action)
        if isinstance(reply, Missed):
            self.feed(replace(reply, at=self.tick(), action=action.number))
        else:
            self.answer(reply, action.kind, action.participant)

    def _reply(self, action: Action) -> Json:
        keys = ((action.participant, str(action.kind)), action.participant, str(action.kind))
        found = next((self.replies[key] for key in keys if key in self.replies), agreeable)
        return found(action, self.state) if callable(found) else found

    def rows(self) -> list[Row]:
        """Return the rows of the session, as its run has them."""
        first = session_row(None, self.steps[0], 0.0)
        after = [
            session_row(old.state, new, entry.at)
            for (old, new), entry in zip(pairwise(self.steps), self.entries, strict=True)
        ]
        return [first, *after]

    def said(self, kind: str = "") -> list[str]:
        """Return the messages of a kind, with their senders."""
        return [f"{each.sender}: {each.text}" for each in self.state.log if kind in {"", each.kind}]

    def statuses(self) -> dict[str, str]:
        return {each.id: str(each.status) for each in self.state.plan.subtasks}


def down(words: str = "The provider cannot be reached.") -> Missed:
    """Return what happens when a model is down; its action and time are filled in."""
    return Missed(at=0, action=0, why="down", words=words)
