"""The main menu. Only pages that exist are listed here."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, kw_only=True, slots=True)
class NavItem:
    """One entry: its word, icon, the page it opens, and the key that follows `g`."""

    word: str
    icon: str
    view: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NavEntry:
    """An item as one page shows it."""

    item: NavItem
    url: str
    current: bool


MENU = (
    NavItem(word="Ask", icon="message-circle-question", view="orchestration:ask", key="a"),
    NavItem(word="Runs", icon="history", view="orchestration:runs", key="r"),
    NavItem(word="Methods", icon="route", view="orchestration:methods", key="h"),
    NavItem(word="Models", icon="cpu", view="orchestration:models", key="m"),
    NavItem(word="Team", icon="users", view="accounts:team", key="t"),
)


def entries(path: str) -> list[NavEntry]:
    """Return the menu as a page at `path` shows it; pages below an entry count as that entry's."""
    addresses = [(item, reverse(item.view)) for item in MENU]
    return [NavEntry(item=item, url=url, current=_stands_for(url, path)) for item, url in addresses]


def _stands_for(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
