"""Examines pages with axe-core, which knows the rules of WCAG 2.2 and good practice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from playwright.sync_api import Browser, Page, ViewportSize

from orchestra_site.accounts.models import Membership
from tests.support.browser import visit
from tests.support.every_page import PageState
from tests.support.history import signed_in
from tests.support.tree import VENDORED_FOR_TESTS

AXE = (VENDORED_FOR_TESTS / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SERIOUS = {"moderate", "serious", "critical"}
OF_COLOUR = ["color-contrast", "link-in-text-block"]
"""The rules whose result a theme can change (a theme is colours and nothing else), and no width."""
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=380, height=800)
RULES: Mapping[tuple[int, str], Mapping[str, object]] = {
    (WIDE["width"], "light"): {"runOnly": TAGS, "rules": {"target-size": {"enabled": True}}},
    (WIDE["width"], "dark"): {"runOnly": OF_COLOUR},
    (NARROW["width"], "light"): {
        "runOnly": TAGS,
        "rules": {"target-size": {"enabled": True}} | {rule: {"enabled": False} for rule in OF_COLOUR},
    },
}
"""What axe-core examines in each look. A rule on colours takes as long as all the others together."""
RUN = """async (options) => {
  const {violations} = await axe.run(document, {
    ...options, resultTypes: ['violations'], preload: false, elementRef: false,
  });
  return violations.map(({id, impact, nodes}) => ({
    id, impact, where: nodes.map(({target, failureSummary}) => `${target.join(' ')} (${failureSummary})`),
  }));
}"""
SHOW = """(theme) => new Promise((drawn) => {
  document.documentElement.dataset.bsTheme = theme;
  requestAnimationFrame(() => requestAnimationFrame(drawn));
})"""
OPEN_ALL = "document.querySelectorAll('details:not(.menu)').forEach((one) => { one.open = true })"


class Examiner:
    """One page of a browser that goes from address to address."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
        self._context.add_init_script(AXE)
        self._address = address.rstrip("/")
        self._visit = visit(self._context, address)
        self._page = self._visit.page
        self._who: Membership | None = None

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def open(self, path: str, who: Membership | None) -> Page:
        """Open an address as somebody."""
        if who != self._who:
            self._sign_in(who)
        self._page.set_viewport_size(WIDE)
        self._page.goto(self._address + path)
        return self._page

    def examine(self, state: PageState) -> list[str]:
        """Return what is wrong with a page in any of four looks; what is folded is unfolded."""
        page = self.open(state.path, state.who)
        if state.sends:
            with page.expect_navigation():
                page.evaluate("(form) => document.querySelector(form).submit()", state.sends)
        page.evaluate(OPEN_ALL)
        return self.findings()

    def findings(self) -> list[str]:
        """Return what is wrong with the page as it stands, wide and narrow, in both themes.

        Contrast is measured here, too: axe-core leaves it undecided for text that is scrolled or overlapped.
        """
        found: list[str] = []
        for size in (WIDE, NARROW):
            self._page.set_viewport_size(size)
            for theme in ("light", "dark"):
                self._page.evaluate(SHOW, theme)
                look = f"{size['width']} {theme}"
                rules = RULES.get((size["width"], theme))
                found += [f"{each}: {look}" for each in (self._violations(rules) if rules else ())]
                found += [f"too faint: {text}: {look}" for text in self._visit.faint_text()]
            if self._visit.too_wide():
                found.append(f"wider than the window: {size['width']}")
        found += [f"refused by the policy: {each}" for each in self._visit.complaints]
        self._visit.complaints.clear()
        return found

    def _violations(self, rules: Mapping[str, object]) -> list[str]:
        found: list[dict[str, Any]] = self._page.evaluate(RUN, rules)
        return [
            f"{each['id']}: {where}" for each in found if each["impact"] in SERIOUS for where in each["where"]
        ]

    def _sign_in(self, who: Membership | None) -> None:
        self._context.clear_cookies()
        self._who = who
        if who is not None:
            cookie = signed_in(who).cookies[settings.SESSION_COOKIE_NAME]
            given = {"name": cookie.key, "value": cookie.value, "url": self._address}
            self._context.add_cookies([given])  # type: ignore[list-item]  # a TypedDict of the same keys
