"""A line-up: who takes part in a session, by which rules, within which limits; every problem at its path.

Times are seconds, money is US dollars, scores run from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from collaboration.engine.roles import ParticipantRole, Power, powers
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.schemas import Schema, parse_schema, read_definition
from orchestration.expressions.transforms.specs import title
from orchestration.expressions.values import Bounds
from orchestration.llm.engine.types import Json

BOUNDS = Bounds(depth=16, nodes=20_000, characters=500_000)
_MONEY: dict[str, Json] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A small letter, then small letters, digits, - and _; 40 at most."""
Title = Annotated[str, StringConstraints(max_length=120)]
Text = Annotated[str, StringConstraints(max_length=5_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Dollars = Annotated[Decimal, WithJsonSchema(_MONEY), PlainSerializer(float, when_used="json")]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]
Skill = Literal["analysis", "generation", "validation", "optimization", "delegation", "negotiation", "custom"]
SKILLS: tuple[Skill, ...] = Skill.__args__  # type: ignore[attr-defined]  # how a Literal keeps its values
SessionProtocol = Literal["structured", "natural", "hybrid"]
ConflictRule = Literal["voting", "hierarchy", "consensus", "arbitration", "random"]


class LineUpPart(BaseModel):
    """Base of the parts of a line-up. Types are checked by the JSON Schema that is made of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=title)


class Participant(LineUpPart):
    """A model or a person in a session: `model`, `user` or `team_role` says which."""

    id: Name = Field(description="Unique in the line-up.")
    name: Title = Field("", description="What the others read. Empty: the id.")
    role: ParticipantRole = Field(description="What it may do.")
    specialty: Title = Field("", description="Its field, in words.")
    skills: tuple[Skill, ...] = Field((), max_length=7, description="What it is good at.")
    model: Title = Field("", description="The name of its model.")
    user: Title = Field("", description="The id of the user who takes part.")
    team_role: Title = Field("", description="A role in the team: whoever has it may answer.")
    instructions: Text = Field("", description="What it is told besides its role.")
    strategy: Title = Field("", description="The strategy that does its subtasks. Not set: its model.")
    pipeline: Title = Field("", description="The pipeline that does its subtasks instead.")
    tools: tuple[Title, ...] = Field((), max_length=20, description="The tools that it may use.")
    weight: float = Field(1.0, gt=0, le=100, description="How much its stances and votes count.")

    @property
    def title(self) -> str:
        """What the others read."""
        return self.name or self.id

    @property
    def is_person(self) -> bool:
        """Whether a person is asked, not a model."""
        return not self.model

    @property
    def is_observer(self) -> bool:
        """Whether it only watches."""
        return self.role is ParticipantRole.OBSERVER

    @property
    def powers(self) -> frozenset[Power]:
        """What it may do."""
        return powers(self.role, is_person=self.is_person)


class NegotiationRules(LineUpPart):
    """How the participants agree on an approach."""

    rounds: int = Field(3, ge=0, le=20, description="Most rounds of stances. 0: the plan is taken as it is.")
    threshold: Share = Field(0.6, description="The share of support that is a consensus.")
    proposals: Literal["leader", "everyone"] = Field("leader", description="Who proposes at first.")
    seconds: Seconds | None = Field(None, title="Time (s)", description="How long it may take, in seconds.")


class ConflictSettings(LineUpPart):
    """What settles a negotiation without consensus."""

    rule: ConflictRule = Field("voting", title="Without consensus", description="How a deadlock is settled.")
    arbiter: Name | None = Field(None, description="Who decides under arbitration, and does not negotiate.")


class SessionLimits(LineUpPart):
    """What a session may use; the engine stops it, not a prompt."""

    participants: int = Field(8, ge=1, le=50, description="How many take part, observers not counted.")
    subtasks: int = Field(12, ge=1, le=50, description="Parts that the task may be divided into.")
    messages: int = Field(300, ge=1, le=5_000, description="Messages of participants.")
    rounds: int = Field(40, ge=1, le=200, description="Rounds of negotiation and returns of work, together.")
    returns: int = Field(2, ge=0, le=10, description="How often one piece of work may be sent back.")
    delegation_depth: int = Field(2, ge=0, le=8, description="How far delegated work may be delegated again.")
    repeats: int = Field(3, ge=2, le=20, description="How often one may give the same result for one work.")
    idle: int = Field(20, ge=2, le=500, description="Answers in a row that bring nothing new.")
    money: Dollars | None = Field(None, title="Money ($)", description="US dollars. Empty: no limit.")
    seconds: Seconds | None = Field(
        None, title="Time (s)", description="Seconds that it may take, pauses not counted."
    )
    answer_seconds: Seconds = Field(
        3_600, title="Wait for a person (s)", description="Seconds that a person is waited for."
    )
    context_tokens: int = Field(
        4_000, ge=200, le=200_000, description="Tokens of conversation that one sees."
    )


class SessionConstraints(LineUpPart):
    """What the result has to meet."""

    quality: Share | None = Field(None, description="A review below this sends work back.")
    consensus: Share | None = Field(None, description="What is chosen with less support fails the session.")
    specialist: Title = Field("", description="A specialty that somebody must have.")


class LineUp(LineUpPart):
    """A group of participants and the rules of its sessions."""

    schema_version: Literal[1] = Field(1, description="Version of this format.")
    name: Name = Field(description="What others call the line-up by.")
    title: Title = Field("", description="What pages call it.")
    description: Text = Field("", description="What it is for.")
    participants: tuple[Participant, ...] = Field(max_length=50, description="Who takes part.")
    choose: Literal["all", "best"] = Field(
        "all", title="Who takes part", description="The best for a task leave the others as substitutes."
    )
    protocol: SessionProtocol = Field(
        "hybrid", description="They answer in JSON only, in prose, or in JSON with prose allowed."
    )
    negotiation: NegotiationRules = Field(NegotiationRules(), description="How they agree.")
    conflict: ConflictSettings = Field(ConflictSettings(), description="What settles a deadlock.")
    limits: SessionLimits = Field(SessionLimits(), description="What a session may use.")
    constraints: SessionConstraints = Field(SessionConstraints(), description="What the result has to meet.")


@cache
def lineup_schema() -> Schema:
    """Return the JSON Schema of a line-up; `written` is what is exported."""
    return parse_schema(LineUp.model_json_schema())


def read_lineup(document: Json) -> tuple[LineUp | None, tuple[DocumentFault, ...]]:
    """Return a document as a line-up, or all that is wrong with it, first the fields, then what they mean."""
    return read_definition(LineUp, document, "line-up", lineup_schema(), BOUNDS, _faults)


def _faults(lineup: LineUp) -> Iterator[DocumentFault]:
    yield from _seat_faults(lineup)
    yield from _group_faults(lineup)
    yield from _arbiter_faults(lineup)


def _seat_faults(lineup: LineUp) -> Iterator[DocumentFault]:
    counted = Counter(each.id for each in lineup.participants)
    for number, each in enumerate(lineup.participants):
        at = f"participants[{number}]"
        if counted[each.id] > 1:
            yield DocumentFault(f"{at}.id", f"{counted[each.id]} participants are called “{each.id}”.")
        if sum(map(bool, (each.model, each.user, each.team_role))) != 1:
            yield DocumentFault(at, "Name one of these: its model, the user, or a role of the team.")
        if (each.strategy or each.pipeline) and (each.is_person or (each.strategy and each.pipeline)):
            yield DocumentFault(
                at, "A model works by one strategy or by one pipeline; people work themselves."
            )


def _group_faults(lineup: LineUp) -> Iterator[DocumentFault]:
    active = [each for each in lineup.participants if not each.is_observer]
    have = {power for each in active for power in each.powers}
    if Power.DIVIDE not in have:
        yield DocumentFault("participants", "Nobody leads: give one participant the role leader.")
    if Power.WORK not in have:
        yield DocumentFault("participants", "Nobody does subtasks: add an executor or a specialist.")
    most, wanted = lineup.limits.participants, lineup.constraints.specialist.strip().casefold()
    if lineup.choose == "all" and len(active) > most:
        message = f"{len(active)} take part, at most {most} may. Raise the limit, or let the best be chosen."
        yield DocumentFault("limits.participants", message)
    if wanted and all(wanted != each.specialty.strip().casefold() for each in active):
        yield DocumentFault("constraints.specialist", f"Nobody has the specialty “{wanted}”.")


def _arbiter_faults(lineup: LineUp) -> Iterator[DocumentFault]:
    arbiter, at = lineup.conflict.arbiter, "conflict.arbiter"
    if (lineup.conflict.rule == "arbitration") != (arbiter is not None):
        yield DocumentFault(at, "An arbiter is named where the rule is arbitration, and only there.")
    named = next((each for each in lineup.participants if each.id == arbiter), None)
    if arbiter is not None and named is None:
        yield DocumentFault(at, f"There is no participant “{arbiter}”.")
    elif named is not None and (named.is_observer or Power.DIVIDE in named.powers):
        yield DocumentFault(at, f"The arbiter is an outsider of the negotiation: no {named.role}.")
