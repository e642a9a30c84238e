"""What a kind of saved definition brings: how it is read, checked and compared. Kinds register at start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.models import PublishedVersion
from orchestration.library.selectors import published_versions, saved_titles
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.kinds import RunKind, SavedTitles

KEPT_PARSED = 200


class NamedDefinition(Protocol):
    """A parsed definition, whatever else it has."""

    @property
    def name(self) -> str:
        """The name that stands in it."""


class Remark(Protocol):
    """A sentence about one place of a definition: a problem, an upgrade, or what differs from another one."""

    @property
    def path(self) -> str:
        """The path of the place, empty for the whole."""

    @property
    def message(self) -> str:
        """The sentence."""


D = TypeVar("D", bound=NamedDefinition)
D_co = TypeVar("D_co", bound=NamedDefinition, covariant=True)
R_co = TypeVar("R_co", bound=Remark, covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntaxFault:
    """Why a text cannot be read at all."""

    message: str
    path: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DefinitionReading(Generic[D_co, R_co]):
    """What a written definition says, as far as it can be read, and all that is wrong with it.

    `document` is in the newest schema version, `upgrades` are what was changed for that. `position` is the
    character at which the text could not be read.
    """

    document: Json = None
    definition: D_co | None = None
    upgrades: Sequence[Remark] = ()
    problems: Sequence[R_co] = ()
    position: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainedDefinition:
    """A saved definition, possibly of another kind, that a definition names."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GalleryEntry:
    """A definition that comes with Orchestra: as it is written, and what that says."""

    name: str
    title: str
    description: str
    text: str
    document: Mapping[str, Json]


class DefinitionKind(ABC, Generic[D]):
    """A kind of definition, parsed as `D`. `name` is that of its runs, whose `ref` is the definition's name.

    `noun` and `plural` are its words inside a sentence. Its addresses are in `namespace`: `list`, `run` and
    those of `definition_urls`; `page` is the address of one definition. A new document has the fields that
    are `fresh` beside its name and its words; the files in `gallery_folder` are definitions to begin with.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    namespace: ClassVar[str]
    page: ClassVar[str]
    fresh: ClassVar[Mapping[str, Json]] = {}
    gallery_folder: ClassVar[Path | None] = None

    def blank(self, name: str) -> dict[str, Json]:
        """Return the document that a new definition begins with."""
        return {"schema_version": 1, "name": name, "title": "", "description": "", **deepcopy(self.fresh)}

    @abstractmethod
    def check(self, written: Json, known: Mapping[str, D], *, name: str = "") -> DefinitionReading[D, Remark]:
        """Check a document whole; `known` are the definitions of this kind that it may contain.

        With a `name`, another one in the document is a problem.
        """

    @abstractmethod
    def stored(self, document: Json) -> D | None:
        """Return a document that was checked when stored, None where it cannot be read any more."""

    @abstractmethod
    def changes(self, old: D, new: D) -> Sequence[Remark]:
        """Return what differs, by meaning; nothing for two of the same meaning."""

    def contained(self, definition: D) -> Iterable[ContainedDefinition]:  # noqa: ARG002  # for overriding
        """Return the saved definitions that one names, directly."""
        return ()

    def example(self, document: Mapping[str, Json]) -> Json:  # noqa: ARG002  # most documents have none
        """Return an input to try a definition on, None where its document has none."""
        return None

    @abstractmethod
    def payload(self, name: str, value: Json) -> Mapping[str, Json]:
        """Return what starts a run of the newest version with an input."""

    @cached_property
    def gallery(self) -> Mapping[str, GalleryEntry]:
        """The definitions that come with Orchestra by name, in the order of their titles."""
        found = {}
        for path in self.gallery_folder.glob("*.yaml") if self.gallery_folder else ():
            text = path.read_text(encoding="utf-8")
            document = read_document(text, "yaml")
            facts = {field: document.get(field, "") for field in ("name", "title", "description")}
            found[document["name"]] = GalleryEntry(text=text, document=document, **facts)
        return dict(sorted(found.items(), key=lambda each: each[1].title))

    def known(self, membership: Membership) -> Mapping[str, D]:
        """Return the definitions of the team that others may contain, by name."""
        return NewestVersions(self, membership)

    def read(
        self,
        text: str,
        known: Mapping[str, D],
        *,
        name: str = "",
        syntax: Literal["yaml", "json"] = "yaml",
    ) -> DefinitionReading[D, Remark]:
        """Read a text and check what it says, as `check` does."""
        try:
            written = read_document(text, syntax)
        except ExpressionError as error:
            fault = SyntaxFault(message=str(error))
            return DefinitionReading(problems=(fault,), position=error.position)
        return self.check(written, known, name=name)

    def published(self, version: PublishedVersion | None) -> D | None:
        """Return what a version says, None where there is none or it cannot be read any more."""
        found: D | None = None if version is None else _published(self, version)
        return found

    def differences(self, old: D | None, new: D | None) -> Sequence[Remark]:
        """Return what differs, nothing where one of the two is missing."""
        return () if old is None or new is None else self.changes(old, new)


@lru_cache(maxsize=KEPT_PARSED)
def _published(kind: DefinitionKind[Any], version: PublishedVersion) -> Any:  # noqa: ANN401  # the kind's
    return kind.stored(version.document)  # it never changes


class NewestVersions(Mapping[str, D]):
    """The newest published versions of a team's definitions by name, each parsed when it is needed."""

    def __init__(self, kind: DefinitionKind[D], membership: Membership) -> None:
        rows = published_versions(membership, kind.name).select_related("definition")
        ordered = rows.only("number", "definition__name")
        self._versions = {row.definition.name: row for row in ordered}
        self._kind = kind

    def __getitem__(self, name: str) -> D:
        """Return the newest version of a definition."""
        found = self._kind.published(self._versions[name])
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield the names in alphabetical order."""
        return iter(self._versions)

    def __len__(self) -> int:
        """Return how many definitions are published."""
        return len(self._versions)


class DefinitionRuns(RunKind):
    """Runs of saved definitions; their refs are the names of these."""

    def saved_titles(self, membership: Membership) -> SavedTitles:
        """Return the titles of all definitions."""
        return saved_titles(membership, self.name)

    def titles(self, membership: Membership, saved: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the titles of all definitions, published or not."""
        return saved


DEFINITION_KINDS: dict[str, DefinitionKind[Any]] = {}


def register_definitions(kind: DefinitionKind[Any]) -> None:
    """Make a kind known; apps call it when Django starts."""
    DEFINITION_KINDS[kind.name] = kind


def definition_kind(name: str) -> DefinitionKind[Any]:
    """Return a kind by name. Raises `InvalidRequest` for one that no app brings."""
    if name not in DEFINITION_KINDS:
        raise InvalidRequest(f"This installation knows no definitions of the kind {name!r}.")
    return DEFINITION_KINDS[name]
