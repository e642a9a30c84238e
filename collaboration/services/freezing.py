"""What a session is frozen with: its line-up, people, models, tools, pipelines, track records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collaboration.engine.lineup import LineUp, Participant, read_lineup
from collaboration.engine.selection import Records, TrackRecord
from collaboration.selectors import ANY, KIND, LINEUPS
from orchestra_site.accounts.models import Membership, Role
from orchestra_site.accounts.selectors import member_ids, member_names
from orchestration.library.selectors import saved_definitions
from orchestration.library.services.definitions import published_version, sound
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.selectors import usable_models
from orchestration.runs.kinds import CheckedRequest, get_kind, with_children
from orchestration.strategies.engine.classification import classify
from orchestration.strategies.engine.types import Constraints, invalid_request
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.services.profiles import stored_profiles
from orchestration.strategies.services.strategy_runs import checked_request, shared_panel
from orchestration.tools.services.registry import freeze_tools

LONGEST_TASK = 60_000
CALLS_EACH = 6
"""Calls of each model by which a limit on the cost is shared."""


class SessionRequest(BaseModel):
    """What starts a session: the task, and a line-up by name and version, or as a document.

    `models` take the places of the model `any`, in turn; without them the team's usual panel does. A `fork`
    is what is replayed before it goes on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = ""
    lineup: Json = None
    version: Annotated[int, Field(ge=1)] | Literal["latest", "draft"] | None = "latest"
    models: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    fork: dict[str, Json] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenLineUp:
    """A line-up in which every model and person is there.

    `request` is what a session's request has beside its task; `panel` are the models that it may ask.
    """

    lineup: LineUp
    request: Mapping[str, Json]
    panel: Sequence[Mapping[str, Json]]


def parsed_session(payload: Mapping[str, Json]) -> SessionRequest:
    """Return a payload as a request. Raises `InvalidRequest` with the field at fault."""
    try:
        request = SessionRequest.model_validate(payload)
    except ValidationError as error:
        raise invalid_request(error) from None
    if not request.text.strip():
        raise InvalidRequest("Write what the session is to do.", field="text")
    if len(request.text) > LONGEST_TASK:
        message = (
            f"This has {len(request.text):,} characters; a task has at most {LONGEST_TASK:,}. Shorten it."
        )
        raise InvalidRequest(message, field="text")
    if request.constraints.min_quality is not None:
        message = "A session has no limit on the quality: its line-up says which quality it needs."
        raise InvalidRequest(message, field="min_quality")
    return request


def chosen_lineup(membership: Membership, wanted: Json, version: Json) -> tuple[LineUp, int | None]:
    """Return a line-up, and the number of its version if it is a saved one.

    `wanted` is a document, or the name of a saved line-up or of one that comes with Orchestra.
    Raises `InvalidRequest`.
    """
    if not isinstance(wanted, str):
        number = version if isinstance(version, int) else None  # frozen before
        return sound(LINEUPS.check(wanted, {}), "The line-up"), number
    row = saved_definitions(membership, KIND).filter(name=wanted).first()
    if row is None:
        if wanted not in LINEUPS.gallery:
            raise InvalidRequest(f"There is no line-up “{wanted[:40]}” in this team.", field="lineup")
        return gallery_lineup(wanted), None
    if version == "draft":
        return sound(LINEUPS.read(row.draft, {}, name=row.name), "The draft"), None
    number = version if isinstance(version, int) else None
    found = published_version(membership, LINEUPS, wanted, number)
    lineup = LINEUPS.published(found)
    if lineup is None:
        raise InvalidRequest("This version can no longer be read.", field="version")
    return lineup.model_copy(update={"name": wanted}), found.number


def gallery_lineup(name: str) -> LineUp:
    """Return a line-up that comes with Orchestra."""
    return sound(LINEUPS.check(LINEUPS.gallery[name].document, {}), "The line-up")


def frozen_lineup(membership: Membership, lineup: LineUp, request: SessionRequest) -> FrozenLineUp:
    """Return a line-up as a run keeps it. Raises `InvalidRequest` at the field of whoever is missing."""
    lineup = _with_people(membership, with_models(membership, lineup, request.models))
    children = list(_children(membership, lineup))
    tools = dict(_tools(membership, lineup))
    named = {
        each.model: f"lineup.participants[{number}].model"
        for number, each in enumerate(lineup.participants)
        if each.model
    }
    named |= {name: "models" for name in request.models if name in named}
    named |= {entry["spec"]["name"]: "lineup" for child in children for entry in child.panel}
    panel = shared_panel(membership, named, request.constraints, request.text, CALLS_EACH)
    known = {entry["spec"]["name"]: entry for entry in panel}
    own: dict[str, Json] = {
        "lineup": lineup.model_dump(mode="json"),
        "records": {each.id: _record(known, each, request.text) for each in lineup.participants},
        "models": list(request.models),
        "team": membership.team.name,
        "tools": tools,
    }
    return FrozenLineUp(lineup=lineup, request=with_children(own, children), panel=panel)


def with_models(membership: Membership, lineup: LineUp, wanted: Sequence[str] = ()) -> LineUp:
    """Return a line-up with a model for each `any`, in turn: the wanted ones, or those of the usual panel.

    A model may be called `any`, too. Raises `InvalidRequest` where there is none.
    """
    models = usable_models(membership)
    if any(model.name == ANY for model in models):
        return lineup
    usual = wanted or default_panel(models)
    names = cycle(usual)
    found = []
    for number, each in enumerate(lineup.participants):
        if each.model == ANY and not usual:
            message = "There is no model yet. Connect one under Models."
            raise InvalidRequest(message, field=f"lineup.participants[{number}].model")
        found.append(each.model_copy(update={"model": next(names)}) if each.model == ANY else each)
    return lineup.model_copy(update={"participants": tuple(found)})


def _with_people(membership: Membership, lineup: LineUp) -> LineUp:
    """Return a line-up with the ids of the users that it names by id, name or address."""
    if all(each.model for each in lineup.participants):
        return lineup
    ids = member_ids(membership)
    names = member_names(membership)
    found = []
    for number, each in enumerate(lineup.participants):
        at = f"lineup.participants[{number}]"
        if each.user and each.user not in ids:
            message = f"There is nobody called “{each.user}” in this team."
            raise InvalidRequest(message, field=f"{at}.user")
        if each.team_role and each.team_role not in Role.values:
            message = f"There is no role “{each.team_role}” in teams; there are {', '.join(Role.values)}."
            raise InvalidRequest(message, field=f"{at}.team_role")
        user = ids.get(each.user, "")
        name = each.name or names.get(user, "")[:120]
        found.append(each.model_copy(update={"user": user, "name": name}))
    return lineup.model_copy(update={"participants": tuple(found)})


def _children(membership: Membership, lineup: LineUp) -> Iterator[CheckedRequest]:
    """Yield what the session has to be frozen with for those who work by a strategy or a pipeline."""
    for number, each in enumerate(lineup.participants):
        way = "strategy" if each.strategy else "pipeline"
        try:
            if each.strategy:
                checked_request({"text": "A subtask", "strategy": each.strategy, "models": (each.model,)})
            if each.strategy or each.pipeline:
                yield get_kind(way).freeze_child(membership, each.strategy or each.pipeline, {})
        except InvalidRequest as error:
            raise InvalidRequest(str(error), field=f"lineup.participants[{number}].{way}") from error


def _tools(membership: Membership, lineup: LineUp) -> Iterator[tuple[str, Json]]:
    for number, each in enumerate(lineup.participants):
        at = f"lineup.participants[{number}].tools"
        yield from freeze_tools(membership.team_id, each.tools, at).items()


def _record(panel: Mapping[str, Mapping[str, Json]], each: Participant, task: str) -> dict[str, Json]:
    """Return what is known of a participant: what its model's profile for this type of task says."""
    entry, kind = panel.get(each.model, {}), classify(task).task
    found = next((profile for profile in stored_profiles(entry) if profile.task is kind), None)
    if found is None:
        return {}
    return {"performance": min(1.0, max(0.0, found.expected)), "evidence": found.evidence}


def stored_lineup(document: Json) -> LineUp:
    """Return a line-up that was checked when it was frozen. Raises `InvalidRequest`."""
    lineup, found = read_lineup(document)
    if lineup is None:
        raise InvalidRequest(f"This line-up can no longer be read. {found[0].path}: {found[0].message}")
    return lineup


def stored_records(stored: Mapping[str, Mapping[str, Json]]) -> Records:
    """Return track records as a run has them."""
    return {id: TrackRecord(**each) for id, each in stored.items()}


def model_names(lineup: LineUp) -> Iterable[str]:
    """Return the names of the models that take part."""
    return dict.fromkeys(each.model for each in lineup.participants if each.model)
