"""What the room of a session shows, made of its records: phases, people, the board, proposals, decisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from math import inf
from typing import Any

from collaboration.engine.offers import pending
from collaboration.engine.people import USER
from collaboration.engine.phases import Phase
from collaboration.engine.records import Row
from collaboration.engine.replaying import ACTION
from collaboration.engine.roles import ParticipantRole, Power, powers
from orchestration.graphs.graph import Graph, GraphNode
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Call, CallStatus, Run, RunStatus
from orchestration.runs.parts.graphs import GraphView, NodeMark

Session = Mapping[str, Json]
Names = Mapping[str, str]
PHASES = (Phase.PLANNING, Phase.NEGOTIATING, Phase.EXECUTING, Phase.REVIEWING)
MARKS: Mapping[str, str] = {
    "waiting": "queued",
    "working": "running",
    "reviewing": "running",
    "accepted": "succeeded",
    "failed": "failed",
    "dropped": "skipped",
}
"""The look of each state of a subtask."""
SEATS: Mapping[str, tuple[str, str]] = {
    "active": ("done", "Takes part"),
    "bench": ("not_run", "Substitute"),
    "lost": ("lost", "Lost"),
    "left": ("cancelled", "Left"),
}
"""The look of each status of a participant, and its word."""
DOING: Mapping[str, str] = {
    "plan": "divides the task",
    "propose": "writes a proposal",
    "stance": "takes a stance",
    "vote": "votes",
    "work": "works on {about}",
    "tool": "uses a tool for {about}",
    "review": "reviews {about}",
    "assemble": "puts the result together",
    "reply": "replies",
    "summarise": "sums up what was said",
}
"""What a participant does for each kind of action."""
KINDS: Mapping[str, tuple[str, str]] = {
    "proposal": ("Proposal", "bulb"),
    "response": ("Says", "message"),
    "question": ("Question", "help-circle"),
    "delegation": ("Delegates", "arrow-forward-up"),
    "status_update": ("Status", "info-circle"),
    "result": ("Result", "file-text"),
    "error": ("Error", "alert-circle"),
}
"""The word and the icon of each kind of message."""
STANCES: Mapping[str, tuple[str, str]] = {
    "support": ("supports", "thumb-up"),
    "oppose": ("opposes", "thumb-down"),
    "abstain": ("abstains", "circle-dashed"),
}
LONG_TEXT, LONG_LINES = 600, 8
"""Characters and lines from which on a text is folded."""


def names_of(session: Session) -> dict[str, str]:
    """Return what participants are called, by their ids."""
    return {each["id"]: each["name"] for each in session["participants"]} | {"": "Session"}


def people(session: Session) -> frozenset[str]:
    """Return the ids of the participants who are people."""
    return frozenset(each["id"] for each in session["participants"] if not each["model"])


def is_private(message: Row, people: Collection[str]) -> bool:
    """Tell whether only a person was told something: that a move of theirs was refused."""
    to = message["to"]
    return message["kind"] == "error" and bool(to) and (to[0] in people or to[0].startswith(USER))


def workers(session: Session) -> list[Row]:
    """Return those who take part and can do subtasks."""
    return [
        each
        for each in session["participants"]
        if each["status"] == "active"
        and Power.WORK in powers(ParticipantRole(each["role"]), is_person=not each["model"])
    ]


def phases(session: Session, run: Run) -> list[dict[str, str]]:
    """Return the phases with the state of each, the last one named by how the session ended."""
    entered = {each["phase"] for each in session["messages"]} | {session["phase"]}
    is_over = run.is_over
    now = "waiting" if session["paused"] or run.status == RunStatus.WAITING else "running"
    found = []
    for each in PHASES:
        is_now = each == session["phase"] and not is_over
        state = now if is_now else "succeeded" if each in entered else "queued"
        if state == "queued" and (is_over or any(later in entered for later in PHASES[PHASES.index(each) :])):
            state = "skipped"
        word = "paused" if is_now and session["paused"] else ""
        found.append({"word": each, "state": state, "remark": word})
    end = run.status if is_over and run.status != RunStatus.SUCCEEDED else "done"
    last = "queued" if not is_over else "succeeded" if end == "done" else end
    return [*found, {"word": end, "state": last, "remark": ""}]


def limits(run: Run, seconds: float, cost: Decimal) -> dict[str, float | None]:
    """Return the time and money that are used, and the limits of the line-up."""
    own = (run.request.get("lineup") or {}).get("limits") or {}
    of_run = (run.request.get("constraints") or {}).get("max_cost_usd")
    money = min((float(each) for each in (own.get("money"), of_run) if each is not None), default=None)
    return {"seconds": seconds, "most_s": own.get("seconds"), "usd": float(cost), "most_usd": money}


def members(session: Session, calls: Sequence[Call]) -> Iterator[dict[str, Any]]:
    """Yield the participants: what they do now, the calls that were made for them, their cost and impact."""
    ending = session["ending"] or {"contributions": []}
    impacts = {each["participant"]: each["impact"] for each in ending["contributions"]}
    doing = defaultdict(list)
    for each in pending(session):
        doing[each["participant"]].append(_words(each))
    actions, costs, counts = _actions(session), defaultdict[str, Decimal](Decimal), Counter[str]()
    for call in calls:
        id = _action_of(actions, call)["participant"]
        costs[id] += call.cost_usd or 0
        counts[id] += 1
    for each in session["participants"]:
        mark, word = SEATS[each["status"]]
        word = "Took part" if each["status"] == "active" and session["ending"] else word
        busy = doing[each["id"]] if each["status"] == "active" and session["ending"] is None else []
        look = "waiting" if session["paused"] or not each["model"] else "running"
        yield {
            **each,
            "calls": counts[each["id"]],
            "cost_usd": costs[each["id"]],
            "mark": look if busy else mark,
            "word": ", ".join(busy).capitalize() if busy else word,
            "impact": impacts.get(each["id"]),
        }


def _action_of(actions: Mapping[str, Row], call: Call) -> Row:
    """Return the action that a call was made for; a child's call is made for that of its parent."""
    none: Row = {"participant": "", "kind": "", "about": ""}
    return actions.get("/".join(call.step.split("/")[:2]), none)


def _actions(session: Session) -> dict[str, Row]:
    """Return the actions by the beginning of the keys of their steps."""
    return {f"{ACTION}/{each['number']}": each for each in session["actions"]}


def _words(action: Row) -> str:
    """Return what a participant does for an action."""
    return DOING.get(action["kind"], "writes").format(about=action["about"] or "the result")


def writing(session: Session, calls: Sequence[Call], names: Names) -> Iterator[dict[str, Any]]:
    """Yield the calls that are under way with whom they are made for, and what for."""
    actions = _actions(session)
    for call in calls:
        if call.status == CallStatus.RUNNING:
            action = _action_of(actions, call)
            by = names[action["participant"]] if action["participant"] else call.model
            yield {"call": call, "by": by, "doing": _words(action)}


def subtasks(session: Session, names: Names) -> list[dict[str, Any]]:
    """Return the subtasks with their looks and the names of those who do them."""
    found = []
    for each in session["subtasks"]:
        by = each["at_work"] or each["author"] or each["assignee"]
        helpers = [
            {**given, "by": names.get(given["by"], given["by"]) or "A tool"} for given in each["helpers"]
        ]
        found.append(
            {**each, "mark": MARKS[each["status"]], "by": names.get(by, "") if by else "", "helped": helpers}
        )
    return found


def shape(rows: Mapping[int, Row], until: float = inf) -> dict[str, tuple[Json, ...]]:
    """Return what the graph of the plan is drawn from, by the rows before number `until`."""
    found = [each for number, row in rows.items() if number < until for each in row.get("subtasks", ())]
    return {each["id"]: (each["title"], *each["needs"]) for each in found}


def plan_graph(found: Sequence[Mapping[str, Any]]) -> GraphView | None:
    """Return the subtasks as a graph whose nodes lead to them."""
    if not found:
        return None
    return GraphView(
        title="the plan",
        graph=Graph(nodes=tuple(GraphNode(id=each["id"], needs=tuple(each["needs"])) for each in found)),
        kinds={each["id"]: (each["by"] or "Nobody yet", "clipboard-list") for each in found},
        marks={each["id"]: NodeMark(state=each["mark"], words=_mark_words(each)) for each in found},
        titles={each["id"]: f"{each['id']} {each['title']}" for each in found},
        link="#subtask-",
        narrow=True,
    )


def _mark_words(each: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (each["status"].capitalize(), each["by"])))


def proposals(session: Session, rows: Collection[Row], names: Names) -> list[dict[str, Any]]:
    """Return the proposals with the stances on each, their weight, and its support after each round."""
    tallies = rounds(rows)
    found = []
    for each in session["proposals"]:
        stances = [
            {
                **stance,
                "voter": names.get(stance["voter"], stance["voter"]),
                "word": STANCES[stance["stance"]][0],
                "icon": STANCES[stance["stance"]][1],
                "shown_weight": _weight_words(stance),
            }
            for stance in each["stances"]
        ]
        weights = {
            kind: sum(stance.get("weight", 1) for stance in each["stances"] if stance["stance"] == kind)
            for kind in STANCES
        }
        sides = weights["support"] + weights["oppose"]
        found.append(
            {
                **each,
                "by_id": each["by"],
                "by": names.get(each["by"], each["by"]),
                "stances": stances,
                "tally": [(kind, f"{weight:g}") for kind, weight in weights.items()],
                "is_open": not sides,
                "rounds": tallies.get(each["id"], []),
            }
        )
    return found


def rounds(rows: Collection[Row]) -> dict[str, list[tuple[int, float]]]:
    """Return the support of each proposal at the end of each round in which it changed."""
    number, found = 0, defaultdict[str, dict[int, float]](dict)
    for row in rows:
        for each in row.get("proposals", ()):
            found[each["id"]][number] = each["support"]
        number = row.get("round", number)
    return {id: sorted(each for each in tally.items() if each[0]) for id, tally in found.items()}


def _weight_words(said: Row) -> str:
    return "" if (weight := said.get("weight", 1)) == 1 else f"weight {weight:g}"


def decision(each: Row, names: Names) -> dict[str, Any]:
    """Return a decision with the names of its voters."""
    votes = [
        {
            **vote,
            "voter": names.get(vote["voter"], vote["voter"]),
            "shown_weight": _weight_words(vote),
        }
        for vote in each["votes"]
    ]
    return {**each, "votes": votes, "label": each["kind"].replace("_", " ")}


def message(each: Row, names: Names) -> dict[str, Any]:
    """Return a message with the names of its sender and of those it is to."""
    word, icon = KINDS[each["kind"]]
    stance = str(each["data"].get("stance", "")) if each["kind"] == "response" else ""
    if stance in STANCES:
        word, icon = STANCES[stance][0].capitalize(), STANCES[stance][1]
    text, about = each["text"], each["about"]
    is_proposal = about.startswith("P") and about not in names
    return {
        **each,
        "anchor": "" if about in names else f"{'about' if is_proposal else 'subtask'}-{about}",
        "from": names.get(each["sender"], each["sender"]),
        "recipients": ", ".join(names.get(id, id) for id in each["to"]) or "all",
        "word": word,
        "icon": icon,
        "folds": len(text) > LONG_TEXT or text.count("\n") >= LONG_LINES,
    }
