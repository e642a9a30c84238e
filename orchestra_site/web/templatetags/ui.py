"""Tags for what pages share: menu, icons, states, form fields. Built in: templates need not load them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now

from orchestra_site.web.templatetags.text import relative

register = template.Library()
MOST_DRAWN = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class NavItem:
    """An entry of the main menu: word, icon, view, and the key that opens it after `g`."""

    word: str
    icon: str
    view: str
    key: str


MENU = (  # only pages that exist
    NavItem(word="Ask", icon="message-circle-question", view="strategies:ask", key="a"),
    NavItem(word="Runs", icon="history", view="runs:runs", key="r"),
    NavItem(word="Pipelines", icon="git-branch", view="pipelines:list", key="p"),
    NavItem(word="Sessions", icon="messages", view="sessions:list", key="s"),
    NavItem(word="Methods", icon="route", view="strategies:methods", key="h"),
    NavItem(word="Models", icon="cpu", view="llm:models", key="m"),
    NavItem(word="Tools", icon="tool", view="tools:tools", key="o"),
    NavItem(word="Team", icon="users", view="accounts:team", key="t"),
)


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a state looks, never by colour alone: an icon of the sprite, a word, and the CSS tone."""

    icon: str
    word: str
    tone: str


STOPPED = ("run_limit", "money", "time", "messages", "rounds", "repetition", "no_progress", "person")
"""Why something ended with what there was by then."""
LOOKS = {
    "queued": StateLook("clock", "Queued", "queued"),
    "running": StateLook("loader-2", "Running", "running"),
    "waiting": StateLook("hand-stop", "Waiting", "waiting"),
    "succeeded": StateLook("circle-check", "Succeeded", "succeeded"),
    "done": StateLook("circle-check", "Answered", "succeeded"),
    "failed": StateLook("circle-x", "Failed", "failed"),
    "cancelled": StateLook("player-stop", "Cancelled", "cancelled"),
    "resumed": StateLook("arrow-forward-up", "Resumed", "resumed"),
    "lost": StateLook("alert-triangle", "Lost", "resumed"),
    "no_usable_answer": StateLook("ban", "No answer", "resumed"),
    "below_quality": StateLook("gauge", "Below your quality", "resumed"),
    "quality_unknown": StateLook("help-circle", "Quality not judged", "resumed"),
    "declined": StateLook("ban", "Not usable", "resumed"),
    "cached": StateLook("history", "Used again", "succeeded"),
    "skipped": StateLook("arrow-forward-up", "Skipped", "cancelled"),
    "not_run": StateLook("circle-dashed", "Not run", "cancelled"),
    "stages_failed": StateLook("alert-triangle", "With failures", "resumed"),
    "incomplete": StateLook("alert-triangle", "Incomplete", "resumed"),
    **dict.fromkeys(STOPPED, StateLook("player-stop", "Stopped early", "resumed")),
}


@register.simple_tag
@lru_cache(MOST_DRAWN)
def icon(name: str, tone: str = "", label: str = "") -> str:
    """Draw an icon of the sprite. Without `label` it is hidden from screen readers.

    What was drawn is kept: a page has hundreds of icons and a live page draws them again and again.
    """
    return render_to_string("components/_icon.html", {"name": name, "tone": tone, "label": label})


def _look(state: str) -> StateLook:
    return LOOKS.get(state) or StateLook("circle-dashed", state.replace("_", " ").capitalize(), "queued")


@register.simple_tag
@lru_cache(MOST_DRAWN)
def state(value: str, word: str = "") -> str:
    """Show a state as icon, word and colour; an unknown one shows its name in a neutral tone."""
    look = _look(value)
    shown = {"icon_name": look.icon, "tone": look.tone, "word": word or look.word}
    return render_to_string("components/_state.html", shown)


@register.inclusion_tag("components/_icon.html")
def state_mark(value: str, at: datetime) -> dict[str, str]:
    """Show the state of something that happened as an icon, whose label says it and when that was."""
    look = _look(value)
    return {"name": look.icon, "tone": f"state-{look.tone}", "label": f"{look.word}, {relative(at, now())}"}


@register.inclusion_tag("components/_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Show a form field with its label, help and error, tied together for screen readers."""
    widget = bound.field.widget
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        widget.attrs["class"] = "form-check-input"
        return {"bound": bound, "kind": "group"}
    kind, style = "line", "form-control"
    if isinstance(widget, forms.CheckboxInput):
        kind, style = "check", "form-check-input"
    elif isinstance(widget, forms.Select):
        style = "form-select"
    own = widget.attrs.get("class", "")
    classes = " ".join(filter(None, [style, own, "is-invalid" if bound.errors else ""]))
    return {"bound": bound, "kind": kind, "widget": bound.as_widget(attrs={"class": classes})}


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[tuple[NavItem, str, bool]]:
    """Return the items of the main menu with their addresses, and whether the page is there or below."""
    path = context["request"].path
    addresses = [(item, reverse(item.view)) for item in MENU]
    return [(item, url, path == url or (url != "/" and path.startswith(url))) for item, url in addresses]
