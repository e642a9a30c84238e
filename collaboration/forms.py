"""The fields of a line-up, and the forms that start a session and fork one: seats, rules, task, plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.text import slugify

from collaboration.engine.lineup import LineUp, Participant, lineup_schema
from collaboration.engine.phases import Phase
from collaboration.engine.plan import LONGEST_TITLE, Subtask
from collaboration.engine.roles import SENTENCES, ParticipantRole, Power
from collaboration.engine.state import SessionState
from collaboration.selectors import ANY, ANY_MODEL, LINEUPS, PARTICIPANTS
from collaboration.services.freezing import LONGEST_TASK
from orchestra_site.accounts.models import Membership, Role
from orchestra_site.accounts.selectors import member_names
from orchestration.expressions.listed import Document, item_in, items_in
from orchestration.expressions.places import GONE, Keys, value_at, with_value
from orchestration.library.selectors import published_versions
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.forms import refuse
from orchestration.llm.selectors import usable_models
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.tools.forms.cards import PartCard
from orchestration.tools.forms.documents import Choices, Notes, PartField, Rows
from orchestration.tools.services.registry import team_tools

TABS = {"who": "Who it is", "how": "How it works", "yaml": "YAML"}
WHOLE_TABS = {"who": "About", "how": "Rules", "limits": "Limits", "yaml": "YAML"}
FIELDS: Mapping[str, Sequence[str]] = {
    "who": ("name", "role", "model", "specialty", "skills"),
    "how": ("instructions", "strategy", "pipeline", "tools", "weight"),
}
"""The fields of a participant on each tab; `model` stands for whatever takes the seat."""
WHOLE_FIELDS: Mapping[str, Sequence[str]] = {
    "who": ("title", "description", "protocol", "choose"),
    "how": ("negotiation", "conflict"),
    "limits": ("limits", "constraints"),
    "start": ("negotiation", "conflict", "limits"),
}
AT_START = {
    *(("negotiation", "rounds"), ("negotiation", "threshold"), ("conflict", "rule"), ("conflict", "arbiter")),
    *(("limits", "money"), ("limits", "seconds"), ("limits", "answer_seconds"), ("limits", "returns")),
}
"""The rules and limits that are asked for when a session is started; the line-up has the others."""
AS_BEFORE = ":as-before"
"""Stands for the line-up of the run that is started again, as it was."""
LONG = forms.Textarea(attrs={"rows": 3, "dir": "auto"})
SEAT, SEATED_BY = "seat", ("model", "user", "team_role")
"""The name of the field for who takes a seat, and the fields of a participant that say it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamChoices:
    """What a team's line-ups can name; `people` are names by the ids of users."""

    models: Sequence[str]
    people: Mapping[str, str]
    strategies: Choices
    pipelines: Choices
    tools: Choices

    def seats(self, any_model: str) -> Sequence[tuple[str, Choices]]:
        """Return who can take a seat, in groups; `any_model` is what `any` is called."""
        models = [(f"model:{name}", name) for name in self.models if name != ANY]
        people = [(f"user:{id}", name) for id, name in self.people.items()]
        roles = [(f"team_role:{role}", f"Whoever is {role.label.lower()}") for role in Role]
        return [("Models", [(f"model:{ANY}", any_model), *models]), ("People", [*people, *roles])]


def team_choices(membership: Membership) -> TeamChoices:
    """Return what line-ups of a team can name."""
    pipelines = published_versions(membership, "pipeline").values_list("definition__name", flat=True)
    return TeamChoices(
        models=[model.name for model in usable_models(membership)],
        people=member_names(membership),
        strategies=[(name, each.title) for name, each in all_strategies().items()],
        pipelines=[(name, name) for name in dict.fromkeys(pipelines)],
        tools=[(name, each.label) for name, each in team_tools(membership.team_id).items()],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatField(PartField):
    """Who takes the seat of the participant at a place: a model, a person, or whoever has a role."""

    groups: Sequence[tuple[str, Choices]]

    def shown(self, part: Json) -> str:
        """Return who has the seat, as in `model:any`."""
        seat = value_at(part, self.place[:-1])
        found = ((name, value_at(seat, (name,))) for name in SEATED_BY)
        return next((f"{name}:{who}" for name, who in found if isinstance(who, str) and who), "")

    def with_typed(self, part: Json, data: QueryDict) -> Json:
        """Return a part with somebody else in the seat; people work without a strategy or a pipeline."""
        chosen = data.get(self.name)
        by, _, who = (chosen or "").partition(":")
        if chosen is None or chosen == self.shown(part) or by not in SEATED_BY:
            return part
        gone = [*SEATED_BY, *(("strategy", "pipeline", "tools") if by != "model" else ())]
        for name in gone:
            part = with_value(part, (*self.place[:-1], name), GONE)
        return with_value(part, (*self.place[:-1], by), who)

    def _widget(self, shown: str | list[str] | bool) -> forms.Widget:  # noqa: FBT001  # as it is typed
        known = {value for _, group in self.groups for value, _ in group}
        odd = [(shown, str(shown).partition(":")[2] or "Nobody yet")] if shown not in known else []
        return forms.Select(attrs={"class": "form-select"}, choices=[*odd, *self.groups])


def seat_field(
    notes: Notes, team: TeamChoices, place: Keys = (), label: str = "Who takes the seat", any_model: str = ""
) -> SeatField:
    """Return the field for who takes the seat of the participant at a place; `any_model` is what `any` is."""
    made = forms.CharField(label=label, help_text="A model, or a person, who is asked in the inbox.")
    groups = team.seats(f"Any, now {any_model}" if any_model else ANY_MODEL.capitalize())
    return SeatField(notes=notes, place=(*place, SEAT), made=made, groups=groups)


class LineUpCard(PartCard):
    """The fields of one tab for a participant, or for the line-up where `participant` is empty."""

    groups: ClassVar = {
        "negotiation": "Negotiation",
        "conflict": "A conflict",
        "limits": "What a session may use",
        "constraints": "What the result has to meet",
    }

    def __init__(
        self, document: Document, participant: str, tab: str, team: TeamChoices, *, read_only: bool = False
    ) -> None:
        schema, self._team = lineup_schema().written, team
        fields = FIELDS if participant else WHOLE_FIELDS
        if participant:
            schema = {**schema["$defs"][Participant.__name__], "$defs": schema["$defs"]}
        part = item_in(document, PARTICIPANTS, participant) or document
        self._others = [(each["id"], each["id"]) for each in items_in(document, PARTICIPANTS)]
        super().__init__(part, schema, fields.get(tab, ()), read_only=read_only)
        self.notes.offered = {"strategy": team.strategies, "pipeline": team.pipelines}

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value, with what the team has to choose from."""
        name = str(place[-1])
        if place == ("model",):
            return seat_field(self.notes, self._team)
        offers = name if name in {"strategy", "pipeline"} else offers
        field = super().field(place, shape, offers=offers, only=only)
        label, hint = field.made.label, field.made.help_text
        if place == ("role",):
            field.made.help_text = SENTENCES.get(str(self.part.get("role")), hint)
        if name == "tools":
            tools = forms.MultipleChoiceField(label=label, help_text=hint, choices=self._team.tools)
            return replace(field, made=tools, rows=0)
        if name == "arbiter":
            made = forms.ChoiceField(label=label, help_text=hint, choices=[("", "Nobody"), *self._others])
            return replace(field, made=made)
        return field


class SessionSetup(LineUpCard):
    """What is chosen for one session: who takes each seat of a line-up, and the rules that tasks differ in.

    `models` are those that take the seats, as they are chosen by themselves, by the ids of participants.
    """

    def __init__(self, document: Document, team: TeamChoices, models: Mapping[str, str]) -> None:
        super().__init__(document, "", "start", team)
        self._models, self.seats = models, []
        for number, each in enumerate(document[PARTICIPANTS]):
            label, place = each.get("name") or each["id"], (PARTICIPANTS, number)
            self.seats.append((seat_field(self.notes, team, place, label, models[each["id"]]), each))

    def __iter__(self) -> Iterator[PartField]:
        """Yield the fields of the rules, and the seats."""
        yield from (*super().__iter__(), *(field for field, _ in self.seats))

    @property
    def has_problems(self) -> bool:
        """Whether a rule is wrong, so that the fields have to be seen."""
        return any(each.problems for each in super().__iter__())

    def drawn(self, place: Keys, shape: Json, schema: Mapping[str, Json]) -> Iterator[PartField | Rows]:
        """Yield the fields for a value, those that are asked for at the start."""
        if len(place) == 1 or place in AT_START:
            yield from super().drawn(place, shape, schema)

    def with_typed(self, data: QueryDict) -> Document:
        """Return the line-up of the session; once something is changed every seat keeps the model shown."""
        typed = super().with_typed(data)
        if typed == self.part:
            return typed
        seated = [
            {**each, "model": self._models[each["id"]]} if each.get("model") == ANY else each
            for each in typed[PARTICIPANTS]
        ]
        return {**typed, PARTICIPANTS: seated}

    def is_sound(self, document: Document) -> bool:
        """Return whether a session can have this line-up; each problem stands at its field then."""
        self.say((seat_path(each.path), each.message) for each in LINEUPS.check(document, {}).problems)
        return not self.notes.problems

    def refuse(self, form: forms.Form, refusal: InvalidRequest) -> None:
        """Put a refusal at the field of the line-up that it names, or of the form."""
        _, is_of_lineup, path = refusal.field.partition("lineup.")
        if is_of_lineup:
            self.say([(seat_path(path), str(refusal))])
        else:
            refuse(form, refusal)


def session_setup(membership: Membership, lineup: LineUp, seated: LineUp) -> SessionSetup:
    """Return the fields of a line-up for one session; `seated` has a model in each of its seats."""
    models = {each.id: each.model for each in seated.participants}
    written = lineup.model_dump(mode="json", exclude_defaults=True)
    return SessionSetup(written, team_choices(membership), models)


def seat_path(path: str) -> str:
    """Return a path in which what says who takes a seat is the field for that."""
    head, _, last = path.rpartition(".")
    return f"{head}.{SEAT}".lstrip(".") if last in SEATED_BY else path


class StartForm(forms.Form):
    """The task, and the line-up that does it."""

    text = forms.CharField(
        label="Task",
        max_length=LONGEST_TASK,
        strip=False,
        error_messages={"required": "Write what the session is to do."},
        widget=forms.Textarea(
            attrs={"rows": 4, "dir": "auto", "placeholder": "What is to be done? Say what the result is for."}
        ),
    )
    lineup = forms.ChoiceField(
        label="Line-up", widget=forms.RadioSelect, error_messages={"required": "Choose a line-up."}
    )

    def __init__(
        self, data: QueryDict | None, *, titles: Mapping[str, str], initial: Mapping[str, Any]
    ) -> None:
        super().__init__(data, initial=dict(initial))
        self.fields["lineup"].choices = list(titles.items())  # type: ignore[attr-defined]  # declared above

    @property
    def chosen(self) -> str:
        """The name of the line-up, as it is sent or proposed."""
        return str(self["lineup"].value() or "")


class ForkForm(forms.Form):
    """What else is different in a fork: a direction, the plan, somebody new, the limit on the cost.

    Each subtask that has not ended has its fields, once the plan is settled.
    """

    direction = forms.CharField(
        label="Direction",
        required=False,
        max_length=20_000,
        help_text="What it should do otherwise from here on. Everyone who is asked reads it.",
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    max_cost_usd = forms.DecimalField(
        label="Cost limit ($)",
        required=False,
        min_value=Decimal("0.000001"),
        help_text="Of the fork alone: what came before was paid there.",
    )
    new_name = forms.CharField(label="Name", required=False, max_length=60)
    new_role = forms.ChoiceField(label="Role", choices=[(str(each), str(each)) for each in ParticipantRole])
    new_specialty = forms.CharField(label="Specialty", required=False, max_length=120)
    new_model = forms.ChoiceField(label="Model")
    add_title = forms.CharField(label="Title", required=False, max_length=LONGEST_TITLE)
    add_instructions = forms.CharField(label="Instructions", required=False, widget=LONG, max_length=4_000)

    def __init__(
        self, data: QueryDict | None, state: SessionState, models: Sequence[str], most_usd: Json
    ) -> None:
        initial = {"new_role": str(ParticipantRole.SPECIALIST), "max_cost_usd": most_usd}
        super().__init__(data, initial=initial)
        self.fields["new_model"].choices = [(name, name) for name in models]  # type: ignore[attr-defined]
        self.has_plan = state.phase in {Phase.EXECUTING, Phase.REVIEWING}
        open_ones = [each for each in state.plan.subtasks if self.has_plan and not each.status.has_ended]
        self.open_subtasks = open_ones
        workers = [("", "whoever fits best"), *((each.id, each.title) for each in state.able(Power.WORK))]
        for each in open_ones:
            self.fields |= {
                f"{each.id}-title": forms.CharField(
                    label="Title", initial=each.title, max_length=LONGEST_TITLE
                ),
                f"{each.id}-instructions": forms.CharField(
                    label="Instructions", initial=each.instructions, max_length=4_000, widget=LONG
                ),
                f"{each.id}-assignee": forms.ChoiceField(
                    label="Who does it", initial=each.assignee, choices=workers, required=False
                ),
                f"{each.id}-drop": forms.BooleanField(label="Leave it out", required=False),
            }

    @property
    def subtasks(self) -> list[tuple[Subtask, list[forms.BoundField]]]:
        """The subtasks that can be changed, each with its fields."""
        names = ("title", "instructions", "assignee", "drop")
        return [(each, [self[f"{each.id}-{name}"] for name in names]) for each in self.open_subtasks]

    def edits(self) -> Iterator[dict[str, Json]]:
        """Yield what is changed in the plan, as the commands of people."""
        given = self.cleaned_data
        for each in self.open_subtasks:
            about = {"subtask": each.id}
            texts = {name: given[f"{each.id}-{name}"].strip() for name in ("title", "instructions")}
            changed = {name: text for name, text in texts.items() if text != getattr(each, name)}
            assignee = given[f"{each.id}-assignee"]
            if given[f"{each.id}-drop"]:
                yield {"do": "drop", **about}
                continue
            if changed:
                yield {"do": "change", **about, **changed}
            if assignee and assignee != each.assignee:
                yield {"do": "reassign", **about, "assignee": assignee}
        if given["add_title"]:
            yield {"do": "add", "title": given["add_title"], "instructions": given["add_instructions"]}

    def with_participant(self, document: Document) -> Document:
        """Return a line-up with whoever is new in the fork."""
        given, known = self.cleaned_data, document[PARTICIPANTS]
        if not given["new_name"]:
            return document
        wanted = slugify(given["new_name"])[:30].strip("-_")
        taken = {each["id"] for each in known}
        id = wanted if wanted[:1].isalpha() and wanted not in taken else f"new-{len(known) + 1}"
        new = {
            "id": id,
            "name": given["new_name"],
            "role": given["new_role"],
            "specialty": given["new_specialty"],
            "model": given["new_model"],
        }
        return {**document, PARTICIPANTS: [*known, new]}
