"""The messages of a session: a numbered log that only grows, and who sees which of them.

| reader | sees of what goes to all |
|---|---|
| leader, observer, any person | everything |
| reviewer | everything but status updates |
| specialist, executor | proposals, questions, results; where models may write prose also what is said |

What is addressed to somebody is seen by the sender and the recipients, and by leader, observers and people,
who watch over the session; an error is private to those it is addressed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from collaboration.engine.lineup import Participant, SessionProtocol
from collaboration.engine.phases import Phase
from collaboration.engine.roles import ParticipantRole
from orchestration.llm.engine.types import Json, estimate_tokens

HEADING = 20
"""Tokens of what stands around a message in a prompt."""
MessageKind = Literal["proposal", "response", "question", "delegation", "status_update", "result", "error"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionMessage:
    """One message. `sender` is a participant, "" for the session itself; `to` is empty for all.

    `about` is the subtask or proposal that it concerns, `data` what readers under the structured protocol are
    shown instead of the text. A `pinned` one stays in every context. `at` is seconds of session time.
    """

    number: int
    at: float
    phase: Phase
    kind: MessageKind
    text: str
    sender: str = ""
    to: tuple[str, ...] = ()
    about: str = ""
    pinned: bool = False
    data: Mapping[str, Json] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Roughly how many tokens it takes in a prompt."""
        return estimate_tokens(self.text) + HEADING


def is_visible(message: SessionMessage, reader: Participant, protocol: SessionProtocol) -> bool:
    """Return whether a participant sees a message."""
    if message.sender == reader.id or reader.id in message.to:
        return True
    watches = reader.role in {ParticipantRole.LEADER, ParticipantRole.OBSERVER} or reader.is_person
    if message.to or watches:
        return watches and not (message.to and message.kind == "error")
    if reader.role is ParticipantRole.REVIEWER:
        return message.kind != "status_update"
    is_said = message.kind == "response" and protocol != "structured"
    return is_said or message.kind in {"proposal", "question", "result"}
