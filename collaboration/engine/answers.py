"""What participants are asked for, the JSON Schema of each answer, and how an answer is read.

A form that a person fills is JSON already. Of a model's text the last JSON object that fits counts. Where
the protocol allows prose, the last clear statement in it counts; a stance or vote without any is an
abstention. What cannot be read raises `NotPossible`, in words by which it can be corrected once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from collaboration.engine.lineup import SKILLS, SessionProtocol
from collaboration.engine.plan import NotPossible, PlannedSubtask, list_items
from orchestra_site.web.alphabets import storable_text, words
from orchestra_site.web.patterns import IGNORECASE, Pattern
from orchestration.expressions.embedded import json_values, unfenced
from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.types import Json

LONGEST_ANSWER, LONGEST_REASON = 60_000, 2_000
CUT = "\n[… cut for length]"
ABSTAIN = "abstain"
StanceKind = Literal["support", "oppose", "abstain"]


class ActionKind(StrEnum):
    """What a participant is asked to do; `tool` asks a tool."""

    PLAN = "plan"
    PROPOSE = "propose"
    STANCE = "stance"
    VOTE = "vote"
    WORK = "work"
    TOOL = "tool"
    REVIEW = "review"
    ASSEMBLE = "assemble"
    REPLY = "reply"
    SUMMARISE = "summarise"


PLAIN = frozenset({ActionKind.TOOL, ActionKind.REPLY, ActionKind.SUMMARISE})
"""What is answered in words under every protocol."""
_FORM = Pattern(r'\A\s*(?:```\w*\s*)?\{\s*"(?:text|status)"\s*:')
"""How the form of a result begins: what begins so and cannot be read is no result, but cut off or broken."""
MAKES_TEXT = frozenset({ActionKind.WORK, ActionKind.ASSEMBLE})
"""Whose answer may be JSON for another reason: it is the work itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedAnswer:
    """What an answer says; which fields it has depends on what was asked.

    `text` is a result, a proposal or a request to whom work is delegated (`delegate_to`). `stances` are by
    the id of the proposal, each with its reason. An `option` is "" for an abstention. `score` is from 0 to 1,
    None where none was given.
    """

    text: str = ""
    subtasks: tuple[PlannedSubtask, ...] = ()
    stances: Mapping[str, tuple[StanceKind, str]] = field(default_factory=dict)
    counter: str = ""
    option: str = ""
    accepted: bool = False
    score: float | None = None
    reason: str = ""
    delegate_to: str = ""


Form = Mapping[str, Json]
_TEXT: Form = {"type": "string"}
_SKILL: Form = {"type": "string", "enum": list(SKILLS)}
_SUBTASK: Form = {
    "title": _TEXT,
    "instructions": _TEXT,
    "needs": {"type": "array", "items": {"type": ["integer", "string"]}},
    "skills": {"type": "array", "items": _SKILL},
    "assignee": _TEXT,
}
_ESSENTIAL = frozenset({"subtasks", "title", "stances", "proposal", "stance", "option", "verdict"})
"""What is never assumed to be empty."""


def answer_schema(kind: ActionKind, choices: Sequence[str] = ()) -> dict[str, Json]:
    """Return the JSON Schema of an answer.

    `choices` are what it may name: proposals, options of a vote, or those to whom work can be delegated.
    """
    match kind:
        case ActionKind.PLAN:
            subtasks = {"type": "array", "minItems": 1, "maxItems": 50, "items": _object(**_SUBTASK)}
            return _object(subtasks=subtasks)
        case ActionKind.STANCE:
            stance = _one_of("support", "oppose", "abstain", "counter")
            one = _object(proposal=_one_of(*choices), stance=stance, reason=_TEXT)
            return _object(stances={"type": "array", "items": one}, counter=_TEXT)
        case ActionKind.VOTE:
            return _object(option=_one_of(*choices, ABSTAIN), reason=_TEXT)
        case ActionKind.REVIEW:
            score = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
            return _object(verdict=_one_of("accept", "return"), score=score, reason=_TEXT)
        case ActionKind.WORK if choices:
            status = _one_of("done", "delegate")
            return _object(status=status, text=_TEXT, to=_one_of(*choices, ""), request=_TEXT)
        case _:
            return _object(text=_TEXT)


def person_schema(kind: ActionKind, choices: Sequence[str] = ()) -> dict[str, Json]:
    """Return the JSON Schema of what a person fills in: no lists of objects, which have no plain fields."""
    match kind:
        case ActionKind.PLAN:
            lines = {"type": "array", "minItems": 1, "maxItems": 50, "items": _TEXT}
            return _object(subtasks=lines | {"title": "Subtasks, one a line"})
        case ActionKind.STANCE:
            stances = {each: _one_of("support", "oppose", "abstain") | {"title": each} for each in choices}
            counter = {**_TEXT, "title": "A proposal of your own instead"}
            return _object(**stances, reason=_TEXT, counter=counter) | {"required": list(choices)}
        case ActionKind.VOTE | ActionKind.REVIEW:
            schema = answer_schema(kind, choices)
            return schema | {"required": schema["required"][:1]}
        case _:
            return answer_schema(kind, choices)


def _read_person(kind: ActionKind, content: Json, choices: Sequence[str]) -> ParsedAnswer:
    """Return what a person filled in. Raises `NotPossible`."""
    schema, counter = answer_schema(kind, choices), ""
    if isinstance(content, dict) and kind is ActionKind.PLAN and isinstance(content.get("subtasks"), list):
        lines = content["subtasks"]
        content = {"subtasks": [{"title": each} if isinstance(each, str) else each for each in lines]}
    elif isinstance(content, dict) and kind is ActionKind.STANCE and "stances" not in content:
        reason, counter = content.get("reason", ""), str(content.get("counter", ""))
        given = [each for each in choices if each in content]
        said = [{"proposal": each, "stance": content[each], "reason": reason} for each in given]
        content = {"stances": said, "counter": ""} if said else content
    found = _from_form(kind, _fitting([content], schema))
    return replace(found, counter=storable_text(counter.strip())[:LONGEST_ANSWER]) if counter else found


def _object(**fields: Json) -> dict[str, Json]:
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "required": list(fields), "properties": fields}


def _one_of(*values: str) -> dict[str, Json]:
    return {"type": "string", "enum": list(values)}


def read_answer(
    kind: ActionKind, content: Json, protocol: SessionProtocol, choices: Sequence[str] = ()
) -> ParsedAnswer:
    """Return what an answer says. Raises `NotPossible`."""
    schema = answer_schema(kind, choices)
    if not isinstance(content, str):
        return _read_person(kind, content, choices)
    text = _without_thoughts(storable_text(content)).strip()
    text = text if len(text) <= LONGEST_ANSWER else text[:LONGEST_ANSWER] + CUT
    if not text:
        raise NotPossible("The answer is empty.")
    if kind in PLAIN:
        return ParsedAnswer(text=text)
    try:
        return _from_form(
            kind, _fitting([each for each in json_values(text) if isinstance(each, dict)], schema)
        )
    except NotPossible:
        is_work = kind in MAKES_TEXT
        is_form = _FORM.search(text) if is_work else unfenced(text).lstrip().startswith("{")
        if protocol == "structured" or is_form or ("```json" in text and not is_work):
            raise
    return _from_prose(kind, text, choices)


def _without_thoughts(text: str) -> str:
    """Return an answer without the reasoning in <think> tags that some models begin with; it is no statement.

    The opening tag may be missing, as it is part of the prompt for some. What was never closed was cut off.
    """
    thoughts, closing, answer = text.partition("</think>")
    begins = thoughts.lstrip().startswith("<think>")
    if closing:
        return answer if begins or "<think>" not in thoughts else text
    return "" if begins else text


def _fitting(found: Sequence[Json], schema: Form) -> Form:
    """Return the last of some values that fits a schema, as far as it can be understood."""
    checked, problems = parse_schema(dict(schema)), ["The answer has no JSON object"]
    about = [each for each in found if isinstance(each, dict) and schema["properties"].keys() & each.keys()]
    for each in reversed([_understood(value, schema) for value in about or found]):
        problems = [f"{at.path or 'the answer'} {at.message}" for at in checked.problems(each)]
        if not problems:
            fits: Form = each
            return fits
    raise NotPossible(f"{'; '.join(problems[:5])}.")


def _understood(value: Json, schema: Form) -> Json:
    """Return a value without fields that nobody asked for, empty ones added, words in their spelling."""
    if isinstance(value, list) and "items" in schema:
        return [_understood(each, schema["items"]) for each in value]
    if isinstance(value, str):
        text = storable_text(value.strip())[:LONGEST_ANSWER]
        return next((each for each in schema.get("enum", ()) if each.casefold() == text.casefold()), text)
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    given = {name: each for name, each in value.items() if each is not None}
    return {
        name: _understood(given[name], inner) if name in given else _default(inner)
        for name, inner in schema["properties"].items()
        if name in given or name not in _ESSENTIAL
    }


def _default(schema: Form) -> Json:
    if schema["type"] != "string":
        return [] if schema["type"] == "array" else None
    return schema["enum"][0] if schema.get("enum", ("",))[-1] else ""


def _from_form(kind: ActionKind, form: Form) -> ParsedAnswer:
    """Return what a form that fits its schema says. Raises `NotPossible` where it says nothing."""
    reason = form.get("reason", "")[:LONGEST_REASON]
    match kind:
        case ActionKind.PLAN:
            return ParsedAnswer(subtasks=tuple(map(planned_from, form["subtasks"])))
        case ActionKind.STANCE:
            # A counter-proposal opposes what it counters.
            kinds = {
                each["proposal"]: each["stance"].replace("counter", "oppose") for each in form["stances"]
            }
            reasons = {each["proposal"]: each["reason"][:LONGEST_REASON] for each in form["stances"]}
            counters = any(each["stance"] == "counter" for each in form["stances"])
            stances = {id: (said, reasons[id]) for id, said in kinds.items()}
            return ParsedAnswer(stances=stances, counter=form["counter"] if counters else "")
        case ActionKind.VOTE:
            return ParsedAnswer(option=form["option"] if form["option"] != ABSTAIN else "", reason=reason)
        case ActionKind.REVIEW:
            return ParsedAnswer(accepted=form["verdict"] == "accept", score=form["score"], reason=reason)
        case _:
            return _text_from(form)


def _text_from(form: Form) -> ParsedAnswer:
    if form.get("status") == "delegate" and form["to"] and form["request"]:
        return ParsedAnswer(text=form["request"], delegate_to=form["to"])
    if not form["text"]:
        missing = "; to delegate, “to” and “request” say who is asked for what" if "to" in form else ""
        raise NotPossible(f"“text” is empty{missing}.")
    return ParsedAnswer(text=form["text"])


def planned_from(form: Form) -> PlannedSubtask:
    """Return a subtask as a form names it."""
    needs = tuple(map(str, form.get("needs", ())))
    texts = {name: form.get(name, "") for name in ("title", "instructions", "assignee")}
    return PlannedSubtask(needs=needs, skills=tuple(form.get("skills", ())), **texts)


_CLAUSE = Pattern(r"[.!?;,\n]|\bbut\b|\bwhile\b|\bwhereas\b|\bhowever\b", IGNORECASE)
_FOR = frozenset(
    words("support supports agree endorse favor favour approve approved accept accepted vote choose")
)
_AGAINST = frozenset(words("oppose opposes disagree reject rejected objection object return revise redo"))
_NOT = frozenset(words("not no never cannot don t isn"))


def _from_prose(kind: ActionKind, text: str, choices: Sequence[str]) -> ParsedAnswer:
    reason = text[:LONGEST_REASON]
    match kind:
        case ActionKind.PLAN:
            return ParsedAnswer(subtasks=tuple(PlannedSubtask(title=each) for each in list_items(text)))
        case ActionKind.STANCE:
            sides: Mapping[bool, StanceKind] = {True: "support", False: "oppose"}
            said = _statements(text, choices)
            return ParsedAnswer(stances={each: (sides[is_for], reason) for each, is_for in said.items()})
        case ActionKind.VOTE:
            chosen = [each for each, is_for in _statements(text, choices).items() if is_for]
            return ParsedAnswer(option=chosen[-1] if chosen else "", reason=reason)
        case ActionKind.REVIEW:
            verdict = _statements(text, ("it",))
            if not verdict:
                raise NotPossible("It is not clear whether the work is accepted or returned.")
            return ParsedAnswer(accepted=verdict["it"], reason=reason)
        case _:
            return ParsedAnswer(text=text)


def _statements(text: str, choices: Sequence[str]) -> dict[str, bool]:
    """Return whether a text is for or against each choice, the latest last; one choice needs no name.

    A clause that is for something and against something says nothing clear.
    """
    said: dict[str, bool] = {}
    for spoken in map(words, _CLAUSE.split(text.casefold())):
        sides = {
            (word in _FOR) != bool(_NOT.intersection(spoken[max(0, place - 3) : place]))
            for place, word in enumerate(spoken)
            if word in _FOR or word in _AGAINST
        }
        named = [each for each in choices if each.casefold() in spoken] or choices[: len(choices) == 1]
        for each in named if len(sides) == 1 else ():
            said.pop(each, None)
            said[each] = next(iter(sides))
    return said
