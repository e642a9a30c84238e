"""Short word problems of three kinds: a price times a number, a way at a speed, and giving and taking."""

from __future__ import annotations

import re
from fractions import Fraction

from orchestration.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.providers.simulated.question import Question
from orchestration.providers.simulated.solution import Solution, numeric

_N = rf"({NUMBER})"
_MONEY = rf"(?:[$€£]\s*{_N}|{_N}\s*(?:dollars?|euros?|pounds|cents|usd|eur|[$€£]))"
_GAINS = """
    buy buys bought get gets got receive receives received find finds found pick picks picked earn earns
    earned win wins won collect collects collected add adds added gain gains gained bake bakes baked
    more arrive arrives arrived join joins joined catches caught gather gathers gathered
"""
_LOSSES = """
    give gives gave eat eats ate lose loses lost sell sells sold spend spends spent use uses used donate
    donates donated throw throws threw break breaks broke drop drops dropped remove removes removed away
    leave leaves left fly flies flew share shares shared drink drinks drank
"""
_SPEED = (
    rf"{_N}\s*(?:km/h|kph|kmh|mph|miles per hour|kilomet(?:er|re)s per hour|km per hour|miles an hour"
    rf"|m/s|met(?:er|re)s per second)"
)
_HOURS = rf"{_N}[\s-]*(hours?|hrs?|h|minutes?|mins?|seconds?|s)\b"
_DISTANCE = rf"{_N}\s*(?:km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|m)\b(?!/| per)"
_PAIR = 2
_HOLDS = "holds?|has|contains?|makes?|produces?|carries|seats?|reads?|eats?|weighs?|earns?|packs?|comes with"
_STORY = re.compile(r"(.+?)[.,;]\s+((?:and\s+)?how (?:many|much)\b.*)$", re.IGNORECASE | re.DOTALL)
_ASKS_REST = re.compile(
    r"\b(?:have|has|left|now|remain|are there|altogether|in total|in all)\b", re.IGNORECASE
)
_OTHER_STORY = re.compile(r"\b(?:each|times|twice|half|per|every|percent|third|quarter)\b|%", re.IGNORECASE)
_CLAUSE = re.compile(r"[.;,]\s+|\s+(?:and|then)\s+")


def solve(question: Question) -> Solution | None:
    """Solve a story whose numbers play a clear part; decline every other."""
    text = with_digits(question.text)
    if "?" not in text and not re.search(r"\bhow (?:many|much|far|long)\b", text, re.IGNORECASE):
        return None
    return (
        _motion(text, question.places)
        or _purchase(text, question.places)
        or _groups(text, question.places)
        or _ledger(text, question.places)
    )


def _numbers(text: str) -> list[Fraction]:
    return [parse_number(found) for found in re.findall(rf"(?<![\w.]){NUMBER}", text)]


def _found(pattern: str, text: str) -> Fraction | None:
    match = re.search(pattern, text, re.IGNORECASE)
    return parse_number(next(group for group in match.groups() if group)) if match else None


def _hours(text: str, speed: str) -> Fraction | None:
    """Return the duration in the speed's unit of time."""
    match = re.search(_HOURS, text, re.IGNORECASE)
    if not match:
        return None
    seconds = {"h": 3600, "m": 60, "s": 1}[match[2][0].lower()]
    base = 1 if re.search("m/s|second", speed) else 3600
    return parse_number(match[1]) * seconds / base


def _motion(text: str, places: int | None) -> Solution | None:
    """Relate speed, time and distance when two of the three are given."""
    said = re.search(_SPEED, text, re.IGNORECASE)
    rest = re.sub(_SPEED, " ", text, count=1, flags=re.IGNORECASE)
    time, way = _hours(rest, said[0] if said else ""), _found(_DISTANCE, rest)
    given = len(_numbers(text))
    if given != _PAIR:
        return None
    if (
        said
        and time
        and re.search(r"\bhow (?:far|many (?:km|kilomet|miles|met))|\bdistance\b", text, re.IGNORECASE)
    ):
        speed = parse_number(said[1])
        return numeric(
            speed * time, f"Distance is speed times time: {show(speed)} × {show(time)}", places=places
        )
    if (
        said
        and way
        and re.search(r"\bhow (?:long|many (?:hours|seconds))|\bwhat time\b", text, re.IGNORECASE)
    ):
        speed = parse_number(said[1])
        return (
            numeric(way / speed, f"Time is distance over speed: {show(way)} / {show(speed)}", places=places)
            if speed
            else None
        )
    if time and way and re.search(r"\bspeed\b|\bhow fast\b", text, re.IGNORECASE):
        return numeric(way / time, f"Speed is distance over time: {show(way)} / {show(time)}", places=places)
    return None


def _purchase(text: str, places: int | None) -> Solution | None:
    """Multiply the price of one thing by their number, or share a price among them."""
    text = re.sub(r"\b1\s+(?=[a-z]+ costs?\b)", "a ", text, flags=re.IGNORECASE)
    price = _found(_MONEY, text)
    numbers = _numbers(text)
    if (
        price is None
        or len(numbers) != _PAIR
        or not re.search(r"\bhow much|\bcost|\btotal|\bpay\b", text, re.IGNORECASE)
    ):
        return None
    count = next((number for number in numbers if number != price), price)
    if re.search(
        (
            r"\b(?:each|apiece|per|every|one \w+ costs?|an? \w+ costs?|a piece)\b(?!.*\bhow much (?:is"
            r"|does|did) (?:each|one|a)\b)"
        ),
        text,
        re.IGNORECASE,
    ):
        return numeric(
            price * count, f"Each costs {show(price)}, so take {show(price)} × {show(count)}", places=places
        )
    if count and re.search(
        r"\bhow much (?:is|does|did|for) (?:each|one|an?|a single|1)\b", text, re.IGNORECASE
    ):
        return numeric(
            price / count, f"Share the price among them: {show(price)} / {show(count)}", places=places
        )
    return None


def _groups(text: str, places: int | None) -> Solution | None:
    """Multiply how much one holds by how many there are."""
    held = re.search(
        rf"\b(?:an?|each|every|one|1)\s+([a-z]+)\s+(?:\w+\s+)?(?:{_HOLDS})\s+{_N}", text, re.IGNORECASE
    )
    asked = re.search(r"\bhow many\b(?P<rest>.*)", text, re.IGNORECASE | re.DOTALL)
    if not held or not asked:
        return None
    many = re.search(rf"{_N}\s+(?:such\s+|of these\s+)?{re.escape(held[1])}(?:s|es)?\b", text, re.IGNORECASE)
    if not many or len(_numbers(text[held.end(1) :])) != _PAIR:
        return None
    each, count = parse_number(held[2]), parse_number(many[1])
    return numeric(
        each * count, f"One {held[1]} makes {show(each)}: {show(each)} × {show(count)}", places=places
    )


def _ledger(text: str, places: int | None) -> Solution | None:
    """Follow what one owner gains and loses, clause by clause."""
    found = _STORY.match(text.strip())
    if not found or not _ASKS_REST.search(found[2]) or _OTHER_STORY.search(text):
        return None
    told = [(clause, _numbers(clause)) for clause in _CLAUSE.split(found[1])]
    (_, first), *changes = [(_sign(clause), values) for clause, values in told if values] or [(0, [])]
    if not changes or any(len(values) > 1 for values in (first, *(values for _, values in changes))):
        return None
    if not all(sign for sign, _ in changes):
        return None
    total = first[0] + sum(sign * values[0] for sign, values in changes)
    said = " ".join(f"{'-' if sign < 0 else '+'} {show(values[0])}" for sign, values in changes)
    return numeric(total, f"Write down what comes and what goes: {show(first[0])} {said}", places=places)


def _sign(clause: str) -> int:
    """Return +1 for a gain, -1 for a loss, 0 when the clause is neither or both."""
    found = set(re.findall("[a-z]+", clause.lower()))
    losses = bool(found & set(_LOSSES.split()))
    gains = bool(found & (set(_GAINS.split()) - {"more"})) or (not losses and "more" in found)
    if re.search(r"\b(?:give|gives|gave) (?:him|her|them|us|me|it)\b", clause, re.IGNORECASE):
        return 1
    return gains - losses
