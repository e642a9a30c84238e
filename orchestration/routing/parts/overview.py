"""What the pages of the router show: rules in sentences, and what was learned of each method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orchestration.expressions.listed import items_in
from orchestration.expressions.places import value_at
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import OptimisationRule, Signal
from orchestration.routing.models import RouterCell
from orchestration.strategies.engine.types import listed

MOST_KINDS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleLine:
    """A rule in a list, in words: when it matches, the `condition` that has to hold, what it uses."""

    id: str
    note: str
    when: str
    condition: str
    use: str
    is_on: bool


def rule_lines(document: Json, titles: Mapping[str, str]) -> list[RuleLine]:
    """Return the rules of a document that have an id; `titles` are those of methods."""
    return [
        RuleLine(
            id=each["id"],
            note=_text(each.get("note")),
            when=_when(each.get("when")),
            condition=_text(value_at(each, ("when", "condition"))).strip(),
            use=_use(each, titles),
            is_on=each.get("enabled", True) is not False,
        )
        for each in items_in(document, "rules")
    ]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _any(value: Json) -> str:
    return " or ".join(str(each).replace("_", " ") for each in value) if isinstance(value, list) else ""


def _when(written: Json) -> str:
    """Return what a rule asks of a request, in words."""
    when: Mapping[str, Json] = written if isinstance(written, dict) else {}
    parts = [
        f"{words} {_any(when.get(name))}"
        for name, words in (
            ("request_types", "the request is"),
            ("tasks", "the task is"),
            ("priorities", "the priority is"),
            ("days", "it is"),
        )
        if _any(when.get(name))
    ]
    for name, words in (("min_tokens", "at least {} tokens"), ("max_tokens", "at most {} tokens")):
        if when.get(name) is not None:
            parts.append(words.format(when[name]))
    if when.get("from_time"):
        zone = f" ({when['zone']})" if when.get("zone") else ""
        parts.append(f"between {when['from_time']} and {when.get('until_time', '…')}{zone}")
    if when.get("busy_model"):
        parts.append(f"{when['busy_model']} is busy")
    has_condition = _text(when.get("condition")).strip()
    return ", ".join(map(str, parts)) or ("" if has_condition else "every request")


def _use(rule: Mapping[str, Json], titles: Mapping[str, str]) -> str:
    """Return what a rule uses, in words."""
    refs = [value_at(each, ("method",)) for each in rule.get("use") or () if isinstance(each, dict)]
    names = [titles.get(ref, ref) for ref in refs if isinstance(ref, str)]
    if rule.get("how") == "failover":
        return ", then ".join(names)
    if rule.get("how") == "balance":
        return f"{listed(names)}, in turn by weight"
    return listed(names) or "nothing yet"


def optimisation_line(rule: OptimisationRule) -> str:
    """Return an optimisation rule in a sentence."""
    value = f"{rule.limit:g} s" if rule.signal is Signal.LATENCY else f"{rule.limit:.0%}"
    what = {
        Signal.LATENCY: f"a run takes {value} or longer",
        Signal.QUALITY: f"the mean quality is {value} or less",
        Signal.RETRIES: f"{value} of the calls or more are repeated",
        Signal.OVERLOAD: f"a model has {value} of the calls that it can have, or refuses as many",
    }[rule.signal]
    to = f" ({rule.to})" if rule.to else ""
    amount = f" to {rule.amount:g}" if rule.amount else ""
    return f"When {what}, over up to {rule.runs} runs of {rule.minutes} minutes: {rule.remedy}{amount}{to}."


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedMethod:
    """What was learned of a method: means over its results, None where nothing was judged or measured.

    `counted` are results of Auto and of evaluations whose cost was measured; `judged` is the weight of what
    judged its answers, also without any of these. `kinds` are the kinds of question that are known most of,
    each with its number of results and mean quality. `worse` says since when its rated answers are worse than
    was expected, and by how much.
    """

    ref: str
    title: str
    counted: float
    quality: float | None
    judged: float
    cost_usd: float | None
    seconds: float | None
    kinds: Sequence[tuple[str, float, float | None]] = field(default_factory=tuple)
    worse: tuple[datetime, float] | None = None


def learned_methods(
    rows: Iterable[RouterCell], titles: Mapping[str, str], worse: Mapping[str, tuple[datetime, float]]
) -> list[LearnedMethod]:
    """Return what was learned of each method, those with most results first."""
    whole, kinds = dict[str, RouterCell](), dict[str, list[RouterCell]]()
    for row in rows:
        if not row.level:
            whole[row.ref] = row
        elif row.level.startswith("kind/") and row.level.count("/") == 1:
            kinds.setdefault(row.ref, []).append(row)
    found = [
        LearnedMethod(
            ref=ref,
            title=titles.get(ref, ref),
            counted=row.counted,
            quality=_mean(row),
            worse=worse.get(ref),
            judged=row.judged,
            cost_usd=row.cost_usd / row.counted if row.counted else None,
            seconds=row.seconds / row.counted if row.counted else None,
            kinds=[
                (each.level.removeprefix("kind/"), each.counted, _mean(each))
                for each in sorted(kinds.get(ref, ()), key=_evidence, reverse=True)[:MOST_KINDS]
            ],
        )
        for ref, row in whole.items()
    ]
    return sorted(found, key=lambda each: (-each.counted, -each.judged, each.ref))


def _evidence(row: RouterCell) -> tuple[float, float]:
    return row.counted, row.judged


def _mean(row: RouterCell) -> float | None:
    return row.quality / row.judged if row.judged > 0 else None
