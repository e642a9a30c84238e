"""Tags for what pages share. They are built in: templates need not load them."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.template.context import Context
from django.utils.safestring import SafeString

from orchestra_site.web.markdown import render_markdown
from orchestra_site.web.navigation import NavEntry, entries
from orchestra_site.web.states import look_of

register = template.Library()


@register.inclusion_tag("components/_icon.html")
def icon(name: str, tone: str = "", label: str = "") -> dict[str, str]:
    """Draw an icon of the sprite. Without `label` it is hidden from screen readers."""
    return {"name": name, "tone": tone, "label": label}


@register.inclusion_tag("components/_state.html")
def state(value: str, word: str = "") -> dict[str, str]:
    """Show a state as icon, word and colour."""
    look = look_of(value)
    return {"icon_name": look.icon, "tone": look.tone, "word": word or look.word}


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
def navigation(context: Context) -> list[NavEntry]:
    """Return the entries of the main menu."""
    return entries(context["request"].path)


@register.filter
def markdown(text: str) -> SafeString:
    """Render untrusted markdown as clean HTML."""
    return render_markdown(text)
