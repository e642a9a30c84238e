"""A real browser on a running page, and what it found wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from orchestra_site.accounts.models import Membership
from tests.support.history import signed_in

# Text whose contrast with what lies behind it is below 4.5 to 1 (WCAG 2.2 AA), as "ratio text".
FAINT_TEXT = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const parts = (colour) => {
    if (!known.has(colour)) known.set(colour, painted(colour));
    return known.get(colour);
  };
  const painted = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => {
    const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!says || !element.offsetParent || element.disabled) continue;
    const shades = [parts(getComputedStyle(element).color), behind(element)];
    const pair = shades.map(light).sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""
# Told by the page itself, whatever the console says of it.
TELL_VIOLATIONS = """addEventListener('securitypolicyviolation', (event) =>
  console.error(`Content Security Policy: ${event.violatedDirective} of ${event.blockedURI}`))"""
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Visit:
    """One browser window: its page, and what its console said.

    `complaints` are violations of the security policy and errors of scripts, `errors` all it showed in red.
    """

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(self.address + path)

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Fail when the page is left or loaded again meanwhile."""
        moves: list[str] = []
        self.page.on("framenavigated", lambda frame: moves.append(frame.url))
        self.page.evaluate("window.isStillTheSame = true")
        yield
        assert moves == []
        assert self.page.evaluate("window.isStillTheSame") is True

    def faint_text(self) -> list[str]:
        """Return the text on the page that is too faint to read."""
        found: list[str] = self.page.evaluate(FAINT_TEXT)
        return found

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate(TOO_WIDE))


def chromium_path() -> str | None:
    """Return where this machine's Chromium is, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def visit(context: BrowserContext, address: str, member: Membership | None = None) -> Visit:
    """Open a window, signed in as `member`, that writes down every violation of the security policy."""
    if member is not None:
        cookie = signed_in(member).cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    found = Visit(context.new_page(), address.rstrip("/"))
    found.page.set_default_timeout(PATIENCE_MS)
    found.page.add_init_script(TELL_VIOLATIONS)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("console", lambda line: _note(found, line))
    return found


def _note(found: Visit, line: ConsoleMessage) -> None:
    if "Content Security Policy" in line.text:
        found.complaints.append(line.text)
    if line.type == "error":
        found.errors.append(line.text)


def sign_in(browser: Browser, address: str, account: tuple[str, str]) -> StorageState:
    """Sign in at the form with an e-mail address and a password; return the cookies that this gave."""
    context = browser.new_context()
    page = visit(context, address).page
    page.goto(address)
    page.get_by_label("E-mail address").fill(account[0])
    page.get_by_label("Password").fill(account[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(address)
    state = context.storage_state()
    context.close()
    return state
