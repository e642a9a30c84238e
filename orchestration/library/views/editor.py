"""Editing the draft of a definition: a card for each of its parts, the YAML of the same text in step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from orchestra_site.accounts.access import MemberRequest, check_may_run
from orchestra_site.accounts.models import Membership
from orchestra_site.web.pages import render_part
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import NAME
from orchestration.expressions.listed import Document, free_id, item_in, moved_item, with_items
from orchestration.expressions.rewriting import rewritten
from orchestration.expressions.upgrades import UnsupportedVersion
from orchestration.library.kinds import DefinitionKind
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import listed_definitions, version_number
from orchestration.library.services.definitions import DraftConflict, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.cards import PartCard

LINES_ABOUT, LONGEST_LINE = 2, 200
MOVES = {"up": -1, "down": 1}
NAME_RULE = "a small letter, then small letters, digits, - or _; 40 at most."
YAML = "yaml"
"""The tab with the whole definition as a text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A draft as it is stored, what it says, and which part and tab of it are open.

    `written` is what the text says, in the newest schema version; `fault` why it cannot be read. `part` is
    empty for the definition itself.
    """

    definition: SavedDefinition
    written: Json = None
    fault: ExpressionError | UnsupportedVersion | None = None
    part: str = ""
    tab: str = YAML
    card: PartCard | None = None
    read_only: bool = False

    @property
    def place(self) -> list[tuple[int, str, bool]]:
        """The lines about where the text cannot be read: number, text, and whether it is that line."""
        text, position = self.definition.draft, getattr(self.fault, "position", None)
        if position is None:
            return []
        wrong = text.count("\n", 0, position)
        lines = enumerate(text.split("\n")[: wrong + LINES_ABOUT + 1])
        return [(n + 1, line[:LONGEST_LINE], n == wrong) for n, line in lines if n >= wrong - LINES_ABOUT]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedProblem:
    """A problem in the list of all: where it is in words, the part and tab on which it is mended.

    `field` is its path in the part.
    """

    part: str
    tab: str
    field: str
    label: str
    message: str


Act = Callable[[MemberRequest, Opened], HttpResponse]


class DefinitionEditor(ABC):
    """What the editor of a kind has of its own. `page` is the template, which has a partial `editor-saved`.

    `word` is what a part is called, also in the address, `listed` the field that has them, empty where there
    are none. The tabs of the card of a part and of the whole stand by name; `yaml` is the text of the whole.
    """

    kind: ClassVar[DefinitionKind[Any]]
    page: ClassVar[str]
    word: ClassVar[str] = "part"
    listed: ClassVar[str] = ""
    part_tabs: ClassVar[Mapping[str, str]] = {}
    whole_tabs: ClassVar[Mapping[str, str]]

    @property
    def acts(self) -> Mapping[str, Act]:
        """What else a POST does, by its word."""
        return {}

    def tabs(self, part: str) -> Mapping[str, str]:
        """Return the tabs of the card of a part, of the whole without one."""
        return self.part_tabs if part else self.whole_tabs

    def read(self, text: str) -> Json:
        """Return what a draft says. Raises `ExpressionError` or `UnsupportedVersion`."""
        return read_document(text, "yaml")

    @abstractmethod
    def card(self, membership: Membership, document: Document, part: str, tab: str) -> PartCard:
        """Return the card of a part; viewers only read it."""

    def added(self, document: Document, data: QueryDict) -> tuple[Document, str]:  # noqa: ARG002  # for overriding
        """Return a document with a part more, and its id. Raises `InvalidRequest`."""
        raise InvalidRequest(f"A {self.kind.noun} has no parts.")

    def mended(self, old: Document, new: Document) -> Document:  # noqa: ARG002  # most fields stand alone
        """Return a part that was edited with what follows from the change."""
        return new

    def duplicated(self, document: Document, part: str) -> tuple[Document, str]:
        """Return a document with a copy of a part behind it, and its id."""
        copy = free_id(document, self.listed, part)
        return with_items(document, self.listed, part, lambda there: [there, {**there, "id": copy}]), copy

    def removed(self, document: Document, part: str) -> Document:
        """Return a document without a part."""
        return with_items(document, self.listed, part, lambda _: [])

    def renamed(self, document: Document, part: str, new: str) -> Document:
        """Return a document in which a part has another id, wherever it is named."""
        return with_items(document, self.listed, part, lambda there: [{**there, "id": new}])

    @abstractmethod
    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return what the template shows of the kind's own; `problems` are `PlacedProblem`s."""

    def edit(self, request: MemberRequest, name: str) -> HttpResponse:
        """Show the draft of a definition; a POST changes it, stores its text, or does what the kind can."""
        rows = listed_definitions(request.membership, self.kind.name)
        definition = get_object_or_404(rows, name=name)
        if request.method != "POST":
            return self.show(request, self._opened(request, definition, request.GET))
        check_may_run(request.membership)
        opened = self._opened(request, definition, request.POST)
        act = {"write": self._write, **self.acts}.get(request.POST.get("do", ""), self._change)
        try:
            return act(request, opened)
        except InvalidRequest as refusal:
            return self.show(request, opened, refusal=refusal)

    def address(self, opened: Opened) -> str:
        """Return the address of the page with this part and tab."""
        query = urlencode({self.word: opened.part, "tab": opened.tab})
        return f"{reverse(self.kind.page, args=[opened.definition.name])}?{query}"

    def show(self, request: MemberRequest, opened: Opened, **more: Any) -> HttpResponse:  # noqa: ANN401  # for the template
        """Show the editor, whole or as the part that htmx swaps; what was refused with 422."""
        refused = {"conflict", "refusal", "unread"} & more.keys()
        status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
        context = self._context(request, opened) | more
        if request.method != "POST" or "HX-Request" not in request.headers:
            return render_part(request, self.page, "editor", context, status=status)
        answer = render(request, f"{self.page}#editor", context, status=status)
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#editor", "outerHTML"
        answer.headers["HX-Push-Url"] = self.address(opened)
        return answer

    def _opened(self, request: MemberRequest, definition: SavedDefinition, data: QueryDict) -> Opened:
        """Read the draft; a part that is not there any more is not open."""
        opened = Opened(definition=definition, read_only=not request.membership.may_run)
        try:
            written = self.read(definition.draft)
        except (ExpressionError, UnsupportedVersion) as error:
            return replace(opened, fault=error)
        if not isinstance(written, dict):
            return replace(opened, written=written)
        part, tab = data.get(self.word, "").partition("/")[0], data.get("tab", "")
        part = part if item_in(written, self.listed, part) is not None else ""
        tabs = self.tabs(part)
        tab = tab if tab in tabs else next(iter(tabs))
        card = self.card(request.membership, written, part, tab)
        return replace(opened, written=written, part=part, tab=tab, card=card)

    def _context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        own: dict[str, Any] = {
            "kind": self.kind,
            "word": self.word,
            "definition": opened.definition,
            "opened": opened,
        }
        own |= {"card": opened.card, "writes": not opened.read_only, "tabs": self.tabs(opened.part).items()}
        own |= self.context(request, opened)
        if opened.card is not None:
            found: Sequence[PlacedProblem] = own["problems"]
            opened.card.say((each.field, each.message) for each in found if each.part == opened.part)
        return own

    def _change(self, request: MemberRequest, opened: Opened) -> HttpResponse:
        """Store the draft with what was typed on the card, and what a button does."""
        if opened.card is None:
            raise InvalidRequest(
                "The YAML of the draft cannot be read. Mend it first, then it can be edited."
            )
        part = opened.card.with_typed(request.POST) if "typed" in request.POST else opened.card.part
        if opened.card.notes.typed:
            if "HX-Request" not in request.headers:
                return self.show(request, opened, unread=True)
            return self._notes(request, opened, HTTPStatus.UNPROCESSABLE_ENTITY)
        part = opened.card.with_row(part, request.POST.get("row", ""))
        document, shown, words = self._changed(opened, part, request.POST)
        draft = opened.definition.draft
        text = draft if document == opened.written else rewritten(draft, document)
        return self._save(request, replace(opened, part=shown), text, words=words)

    def _changed(self, opened: Opened, edited: Document, data: QueryDict) -> tuple[Document, str, str]:
        """Return what the card and a button make of a document, the part that is open then, and words."""
        part, verb, document = opened.part, data.get("do", ""), opened.written
        if part:
            document = with_items(document, self.listed, part, lambda old: [self.mended(old, edited)])
        else:
            document = edited
        if verb == "add":
            document, added = self.added(document, data)
            return document, added, f"{added} was added."
        if not verb or not part:
            return document, part, ""
        if verb in MOVES:
            return moved_item(document, self.listed, part, MOVES[verb]), part, ""
        if verb == "duplicate":
            document, copy = self.duplicated(document, part)
            return document, copy, f"{copy} is a copy of {part}."
        if verb == "remove":
            return self.removed(document, part), "", f"{part} was removed."
        new = data.get("new", "")
        if not NAME.fullmatch(new) or (new != part and item_in(document, self.listed, new) is not None):
            raise InvalidRequest(
                f"A {self.word} needs a name that no other one has: {NAME_RULE}", field="new"
            )
        return self.renamed(document, part, new), new, f"{part} is now called {new}."

    def _notes(
        self, request: MemberRequest, opened: Opened, status: HTTPStatus = HTTPStatus.OK
    ) -> HttpResponse:
        """Return what stands beside the fields, which stay as they are."""
        context = self._context(request, opened) | {"oob": True}
        return render(request, f"{self.page}#editor-saved", context, status=status)

    def _save(self, request: MemberRequest, opened: Opened, text: str, *, words: str = "") -> HttpResponse:
        """Store a text as the draft, and show what that changes. Raises `InvalidRequest`."""
        before, based_on = opened.definition, version_number(request.POST.get("based_on", ""))
        try:
            saved = save_draft(membership=request.membership, definition=before, text=text, based_on=based_on)
        except DraftConflict as conflict:
            theirs = self._opened(request, conflict.theirs, request.POST)
            return self.show(request, theirs, conflict=conflict, mine=text)
        if "HX-Request" not in request.headers:
            messages.success(request, words or "The draft was saved.")
            return redirect(self.address(replace(opened, definition=saved)))
        data = request.POST.copy()
        data[self.word] = opened.part
        after = self._opened(request, saved, data)
        shapes = [(each.tab, each.part, each.card and each.card.shape) for each in (opened, after)]
        if words or shapes[0] != shapes[1]:
            return self.show(request, after, words=words, undo=before.draft if words else "")
        return self._notes(request, after)

    def _write(self, request: MemberRequest, opened: Opened) -> HttpResponse:
        """Store the text of the draft; it comes from the YAML tab, or from where a change is undone."""
        words = "" if opened.tab == YAML else "The draft is as it was before."
        return self._save(request, opened, request.POST.get("text", "").replace("\r\n", "\n"), words=words)
