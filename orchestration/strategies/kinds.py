"""What higher apps bring to Ask and Methods: the method that Ask offers first, and pages about methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.strategies.engine.estimating import Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodPreview:
    """What would be done about a request, why, and its estimate; or the `refusal`: why nothing can be."""

    title: str = ""
    reason: str = ""
    estimate: Estimate | None = None
    refusal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstMethod:
    """A method that leads the list on Ask and is chosen there at first; `kind` and `ref` say what it runs.

    `preview` says what would be done about a payload, as far as that is filled in; `decision` how the method
    of a run was chosen, as plain JSON.
    """

    kind: str
    ref: str
    preview: Callable[[Membership, Mapping[str, Json]], MethodPreview]
    decision: Callable[[Run], Mapping[str, Json]]


FIRST_METHODS: list[FirstMethod] = []


def register_first_method(method: FirstMethod) -> None:
    """Let a method lead the list on Ask; apps call it when Django starts."""
    FIRST_METHODS[:] = [method]


def first_method() -> FirstMethod | None:
    """Return the method that leads the list, None where no app brings one."""
    return next(iter(FIRST_METHODS), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodPage:
    """A page about methods that Methods links to: its title, its icon, and the name of its address."""

    title: str
    icon: str
    view: str


METHOD_PAGES = [
    MethodPage(title="Presets", icon="star", view="strategies:presets:list"),
    MethodPage(title="Judges", icon="scale", view="strategies:judges"),
]


def register_method_page(page: MethodPage) -> None:
    """Let Methods link to a page; apps call it when Django starts."""
    if page not in METHOD_PAGES:
        METHOD_PAGES.append(page)
