"""The plan of a session: subtasks with what they need, how far each is, and what may still be changed.

A plan is checked whole: every need is a subtask, nothing waits for itself, there are not too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from collaboration.engine.lineup import Skill
from orchestra_site.web.patterns import Pattern
from orchestration.expressions.values import clipped, unknown
from orchestration.graphs.graph import Graph, GraphNode

LONGEST_TITLE, LONGEST_INSTRUCTIONS, MOST_DIGITS = 120, 4_000, 3
_ITEM = Pattern(r"(?:[-*•]|\d{1,3}[.)])\s+(\S.*)")
_NUMBER = Pattern(rf"[#s]?([0-9]{{1,{MOST_DIGITS}}})")


class SubtaskStatus(StrEnum):
    """How far a subtask is."""

    WAITING = "waiting"
    WORKING = "working"
    REVIEWING = "reviewing"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DROPPED = "dropped"

    @property
    def has_ended(self) -> bool:
        """Whether what needs it waits no longer."""
        return self in {SubtaskStatus.ACCEPTED, SubtaskStatus.FAILED, SubtaskStatus.DROPPED}


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenHelp:
    """What a participant ("" for a tool, or where none came) answered to delegated work."""

    by: str
    request: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegated:
    """Work on a subtask that is with somebody: whose it is, what was asked, and the help that came so far."""

    participant: str
    request: str = ""
    help: tuple[GivenHelp, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedSubtask:
    """A subtask as somebody writes it; `needs` and `assignee` are as they were written."""

    title: str
    instructions: str = ""
    needs: tuple[str, ...] = ()
    skills: tuple[Skill, ...] = ()
    assignee: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subtask(PlannedSubtask):
    """A part of the task.

    `chain` are those who work on it now: the assignee, then each to whom work was delegated. `helpers` is all
    help that was given, `failed_by` those who could not do it. `remark` says why it was sent back, accepted
    without review, or failed. `score` is that of the last review, None without.
    """

    id: str
    status: SubtaskStatus = SubtaskStatus.WAITING
    chain: tuple[Delegated, ...] = ()
    helpers: tuple[GivenHelp, ...] = ()
    result: str = ""
    author: str = ""
    returns: int = 0
    failed_by: frozenset[str] = frozenset()
    remark: str = ""
    score: float | None = None

    @property
    def text(self) -> str:
        """What it is about, in its own words."""
        return f"{self.title}\n{self.instructions}"

    @property
    def line(self) -> str:
        """What it is about, in one line."""
        after = f" (after {', '.join(self.needs)})" if self.needs else ""
        return f"{self.id} {self.title}{after}"


class NotPossible(ValueError):
    """Something that a participant wants and that cannot be. The message is a sentence for them."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Subtasks in the order in which they were written."""

    subtasks: tuple[Subtask, ...] = ()

    def find(self, id: str) -> Subtask | None:
        """Return a subtask by its id."""
        return next((each for each in self.subtasks if each.id == id), None)

    def named(self, id: str) -> Subtask:
        """Return a subtask by its id. Raises `NotPossible`."""
        found = self.find(id)
        if found is None:
            raise NotPossible(unknown("subtask", id, [each.id for each in self.subtasks]))
        return found

    def changeable(self, id: str) -> Subtask:
        """Return a subtask that has not ended. Raises `NotPossible`."""
        found = self.named(id)
        if found.status.has_ended:
            raise NotPossible(f"{id} “{found.title}” is {found.status}: it cannot be changed any more.")
        return found

    @cached_property
    def graph(self) -> Graph:
        """The subtasks by what they wait for."""
        return Graph(nodes=tuple(GraphNode(id=each.id, needs=each.needs) for each in self.subtasks))

    @property
    def ready(self) -> tuple[Subtask, ...]:
        """The subtasks that may start: everything that they need has ended."""
        ended = {each.id for each in self.subtasks if each.status.has_ended}
        waiting = (each for each in self.subtasks if each.status is SubtaskStatus.WAITING)
        return tuple(each for each in waiting if ended.issuperset(each.needs))

    @property
    def accepted(self) -> tuple[Subtask, ...]:
        """The subtasks whose results count, each after all that it needs."""
        ordered = map(self.named, self.graph.order)
        return tuple(each for each in ordered if each.status is SubtaskStatus.ACCEPTED)

    @property
    def is_over(self) -> bool:
        """Whether every subtask has ended."""
        return all(each.status.has_ended for each in self.subtasks)

    def put(self, changed: Subtask) -> Plan:
        """Return the plan with a subtask replaced by another version of it."""
        return Plan(subtasks=tuple(changed if each.id == changed.id else each for each in self.subtasks))


def build_plan(planned: Sequence[PlannedSubtask], *, most: int, lenient: bool = False) -> Plan:
    """Return a plan of new subtasks s1, s2, … Raises `NotPossible` with everything that is wrong.

    A need is a number, an id or a title of the same plan. A `lenient` reading leaves out needs that are none,
    and subtasks beyond the limit; a circle is always refused.
    """
    kept = planned[:most] if lenient else planned
    faults = [] if 0 < len(kept) <= most else [f"A plan has 1 to {most} subtasks, this one {len(kept)}"]
    subtasks = []
    for number, each in enumerate(kept, start=1):
        places = {name: _place(name, kept) for name in each.needs}
        wrong = [name for name, place in places.items() if place in {0, number}]
        faults += [f"s{number} needs “{clipped(name)}”, no other subtask" for name in wrong if not lenient]
        needs = dict.fromkeys(f"s{place}" for name, place in places.items() if name not in wrong)
        subtasks.append(_new(f"s{number}", each, tuple(needs)))
    plan = Plan(subtasks=tuple(subtasks))
    if plan.graph.cycle:
        faults.append(f"the subtasks wait for each other: {' → '.join(plan.graph.cycle)}")
    if faults:
        raise NotPossible(f"{'; '.join(faults[:10])}.")
    return plan


def _place(need: str, planned: Sequence[PlannedSubtask]) -> int:
    """Return the number of the subtask that a need names, 0 for none."""
    wanted = need.strip().casefold()
    if number := _NUMBER.fullmatch(wanted):
        return int(number[1]) if int(number[1]) <= len(planned) else 0
    titles = [each.title.strip().casefold() for each in planned]
    return titles.index(wanted) + 1 if wanted in titles else 0


def _new(id: str, planned: PlannedSubtask, needs: tuple[str, ...]) -> Subtask:
    title = clipped(" ".join(planned.title.split()), LONGEST_TITLE)
    instructions = planned.instructions.strip()[:LONGEST_INSTRUCTIONS] or title
    return Subtask(
        id=id,
        title=title,
        instructions=instructions,
        needs=needs,
        skills=planned.skills,
        assignee=planned.assignee,
    )


def with_added(plan: Plan, planned: PlannedSubtask, *, most: int) -> tuple[Plan, Subtask]:
    """Return the plan with one more subtask. Raises `NotPossible`."""
    open_ones = sum(each.status is not SubtaskStatus.DROPPED for each in plan.subtasks)
    if open_ones >= most:
        raise NotPossible(f"The plan has {open_ones} subtasks; at most {most} are allowed.")
    needs = dict.fromkeys(plan.named(name).id for name in planned.needs)
    added = _new(f"s{len(plan.subtasks) + 1}", planned, tuple(needs))
    return Plan(subtasks=(*plan.subtasks, added)), added


def with_changed(plan: Plan, id: str, changes: PlannedSubtask) -> tuple[Plan, Subtask]:
    """Return the plan with a subtask that says and needs something else; what is empty stays as it is.

    Work on it begins again. Raises `NotPossible` for one that has ended, and for a circle.
    """
    old = restarted(plan.changeable(id))
    needs = tuple(dict.fromkeys(plan.named(name).id for name in changes.needs)) or old.needs
    new = _new(id, replace(changes, title=changes.title or old.title), needs)
    changed = replace(old, title=new.title, needs=needs)
    if changes.instructions.strip():
        changed = replace(changed, instructions=new.instructions)
    if new.assignee:
        changed = replace(changed, assignee=new.assignee, failed_by=old.failed_by - {new.assignee})
    found = plan.put(changed)
    if id in needs or found.graph.cycle:
        raise NotPossible(f"{id} would wait for itself: {' → '.join(found.graph.cycle or (id, id))}.")
    return found, changed


def with_dropped(plan: Plan, id: str) -> tuple[Plan, Subtask]:
    """Return the plan without the work on a subtask; what needs it goes on without. Raises `NotPossible`."""
    dropped = replace(plan.changeable(id), status=SubtaskStatus.DROPPED, chain=())
    found = plan.put(dropped)
    if all(each.status is SubtaskStatus.DROPPED for each in found.subtasks):
        raise NotPossible(f"{id} is the only subtask: change it, or end the session.")
    return found, dropped


def restarted(subtask: Subtask, *, failed_by: str = "") -> Subtask:
    """Return a subtask on which work begins again, by somebody else than who failed at it."""
    failed = subtask.failed_by | ({failed_by} if failed_by else set())
    return replace(subtask, status=SubtaskStatus.WAITING, chain=(), failed_by=failed)


def divided(task: str, *, most: int) -> tuple[PlannedSubtask, ...]:
    """Return a division of a task by its own words, for where the leader gives none.

    Each item of its list is a subtask, else each sentence that stands for itself, else the whole. A last
    subtask, which needs the others, puts them together where there are several.
    """
    items = list_items(task)
    parts = (items if len(items) > 1 else _sentences(task))[: max(1, most - 1)]
    whole = PlannedSubtask(title=clipped(" ".join(task.split())) or "The task", instructions=task)
    if len(parts) < 2:  # noqa: PLR2004
        return (whole,)
    each = [PlannedSubtask(title=part, instructions=part) for part in parts]
    return (*each, replace(whole, needs=tuple(str(number + 1) for number in range(len(each)))))


def list_items(text: str) -> list[str]:
    """Return the items of the list that a text has: lines with a dash, a bullet or a number."""
    found = (_ITEM.fullmatch(line.strip()) for line in text[: 10 * LONGEST_INSTRUCTIONS].splitlines())
    return [item[1].strip() for item in found if item is not None]


def _sentences(task: str) -> list[str]:
    flat = " ".join(task[: 4 * LONGEST_INSTRUCTIONS].split())
    for end in ("? ", "! ", "; "):
        flat = flat.replace(end, f"{end[0]}. ")
    return [part.strip().rstrip(".;") for part in flat.split(". ") if len(part.split()) > 2]  # noqa: PLR2004
