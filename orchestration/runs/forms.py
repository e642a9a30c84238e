"""Forms of runs: what people send is checked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.models import RunStatus
from orchestration.runs.selectors.runs import OPEN, RatingFilter, RunFilter
from orchestration.runs.selectors.search import MOST_WORDS, search_words

LONGEST_MESSAGE = 20_000
ANY = ("", "Any")


class SentForm(forms.Form):
    """What people send to a run: one sentence says what is wrong with it."""

    def submit(self, change: Callable[[], object]) -> str:
        """Make the change that a valid form describes; return what is wrong first, empty when it was made."""
        if not self.is_valid():
            return next(str(errors[0]) for errors in self.errors.values())
        try:
            change()
        except InvalidRequest as refusal:
            return str(refusal)
        return ""


class MessageForm(SentForm):
    """What a member says to a run."""

    text = forms.CharField(
        max_length=LONGEST_MESSAGE,
        error_messages={
            "required": "Write a message.",
            "max_length": f"A message has at most {LONGEST_MESSAGE:,} characters. Shorten it.",
        },
    )


class RatingForm(SentForm):
    """Good or bad, and why."""

    value = forms.TypedChoiceField(
        choices=[("1", "Good"), ("-1", "Bad")],
        coerce=int,
        error_messages={"required": "Choose good or bad.", "invalid_choice": "A rating is good or bad."},
    )
    comment = forms.CharField(
        max_length=500, required=False, error_messages={"max_length": "A comment has at most 500 characters."}
    )


class InboxFilterForm(forms.Form):
    """Which questions to show: those for the member or all, of one kind of run or any."""

    who = forms.ChoiceField(label="For", choices=[ANY, ("me", "Me")], required=False)
    kind = forms.ChoiceField(label="From", required=False)

    def __init__(self, data: QueryDict, kinds: Sequence[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["kind"].choices = [ANY, *kinds]  # type: ignore[attr-defined]

    @property
    def is_used(self) -> bool:
        """True when a filter is set."""
        return any(self.data.get(name) for name in self.fields)


RARER = ("model", "rating", "since", "until", "min_cost", "max_cost")
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def day_field(label: str) -> forms.DateField:
    """Return a field for a day that a run can have been asked on."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A filter that is set: its name, its value in words, and the query of the page without it."""

    label: str
    value: str
    rest: str


class RunFilterForm(forms.Form):
    """Search and filters. Methods and models are taken as they come: old runs keep names that are gone.

    A method is a kind and a name inside it, with a slash between them.
    """

    q = forms.CharField(label="Search", max_length=200, required=False)
    status = forms.ChoiceField(
        label="State", choices=[ANY, (OPEN, "Still going"), *RunStatus.choices], required=False
    )
    method = forms.CharField(label="Method", max_length=260, required=False)
    model = forms.CharField(label="Model", max_length=120, required=False)
    who = forms.UUIDField(
        label="Asked by", required=False, error_messages={"invalid": "Choose a member of this team."}
    )
    rating = forms.ChoiceField(label="Rating", choices=[ANY, *RatingFilter.choices], required=False)
    since = day_field("From")
    until = day_field("To")
    min_cost = forms.DecimalField(label="Cost from ($)", min_value=0, max_digits=12, required=False)
    max_cost = forms.DecimalField(label="Cost to ($)", min_value=0, max_digits=12, required=False)

    def clean_q(self) -> str:
        """Refuse a search of more words than can be looked for at once."""
        text: str = self.cleaned_data["q"]
        if len(search_words(text)) > MOST_WORDS:
            raise forms.ValidationError(f"Search for at most {MOST_WORDS} words.")
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse ranges that end before they begin."""
        data = super().clean() or self.cleaned_data
        self._check_order("since", "until", "This day is before the first one. Choose a later day.")
        self._check_order("min_cost", "max_cost", "This is less than the lowest cost. Enter a higher amount.")
        return data

    def _check_order(self, low: str, high: str, sentence: str) -> None:
        first, last = self.cleaned_data.get(low), self.cleaned_data.get(high)
        if first is not None and last is not None and last < first:
            self.add_error(high, sentence)

    def wanted(self) -> RunFilter:
        """Return the filter; call it on a valid form."""
        data = self.cleaned_data
        until: date | None = data["until"]
        kind, _, ref = data["method"].rpartition("/")
        return RunFilter(
            text=data["q"],
            status=data["status"],
            method=(kind, ref) if data["method"] else None,
            model=data["model"],
            member=data["who"],
            rating=RatingFilter(data["rating"]) if data["rating"] else None,
            since=_start_of(data["since"]),
            until=_start_of(until + timedelta(days=1)) if until else None,
            min_cost=data["min_cost"],
            max_cost=data["max_cost"],
        )

    def offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Show `name` as a list of `choices`; a value that is none of them any more stays chosen."""
        chosen = str(self.data.get(name) or "")
        gone = [] if chosen in {"", *(value for value, _ in choices)} else [(chosen, chosen)]
        field = self.fields[name]
        field.widget = forms.Select(choices=[ANY, *choices, *gone])
        field.widget.is_required = False

    @property
    def is_used(self) -> bool:
        """True when a filter is set."""
        return bool(self._set(self.fields))

    @property
    def more_used(self) -> int:
        """How many of the rarer filters are set."""
        return len(self._set(RARER))

    def address_query(self, without: str = "") -> str:
        """Return the filters that are set, all but one, as the query of an address with its question mark."""
        found = self._set(name for name in self.fields if name != without)
        return f"?{urlencode(found)}" if found else ""

    def chips(self, named: Mapping[str, str]) -> list[Chip]:
        """Return the filters that are set, in words; `named` has those of values that are no words."""
        return [
            Chip(
                label=str(self.fields[name].label),
                value=named.get(name) or self._choice(name, value),
                rest=self.address_query(without=name),
            )
            for name, value in self._set(self.fields).items()
        ]

    def _choice(self, name: str, value: str) -> str:
        """Return a value as its field offers it."""
        field = self.fields[name]
        choices: Iterable[tuple[str, str]] = getattr(field, "choices", getattr(field.widget, "choices", ()))
        return str(dict(choices).get(value, value))

    def _set(self, names: Iterable[str]) -> dict[str, str]:
        given = {name: str(self.data.get(name) or "").strip() for name in names}
        return {name: value for name, value in given.items() if value}


def _start_of(day: date | None) -> datetime | None:
    """Return the first moment of `day` in the site's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
