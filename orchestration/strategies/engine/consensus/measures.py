"""Units of measure: which two quantities are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from orchestra_site.web.patterns import DOTALL, Pattern

_NAMES = """
mass: mg milligram =0.001 | g gram gramme =1 | kg kilogram kilogramme kilo =1000 | t tonne =1000000
mass: oz ounce =28.349523125 | lb pound =453.59237
length: nm nanometre nanometer =0.000000001 | µm μm micrometre micrometer micron =0.000001
length: mm millimetre millimeter =0.001 | cm centimetre centimeter =0.01 | m metre meter =1
length: km kilometre kilometer =1000
length: inch inches =0.0254 | ft foot feet =0.3048 | yd yard =0.9144 | mi mile =1609.344
time: ns nanosecond =0.000000001 | ms millisecond =0.001 | s sec second =1 | min minute =60 | h hr hour =3600
time: day =86400 | week =604800 | fortnight =1209600
calendar: month =1 | year yr =12 | decade =120 | century centuries =1200
volume: ml mL millilitre milliliter cc cm^3 =0.001 | cl cL =0.01 | dl dL =0.1 | l L litre liter =1 | m^3 =1000
volume: gallon gal =3.785411784 | quart =0.946352946 | pint =0.473176473
area: mm^2 =0.000001 | cm^2 =0.0001 | m^2 sqm =1 | ha hectare =10000 | km^2 =1000000 | acre =4046.8564224
area: in^2 =0.00064516 | ft^2 =0.09290304
speed: m/s metre/second meter/second =1 | km/h kmh kph km/hour kilometre/hour kilometer/hour =5/18
speed: mph mi/h mile/hour =0.44704
data: bit =0.125 | byte B =1 | kB KB kilobyte =1000 | MB megabyte =1000000 | GB gigabyte =1000000000
data: TB terabyte =1000000000000 | KiB =1024 | MiB =1048576 | GiB =1073741824 | TiB =1099511627776
energy: J joule =1 | kJ kilojoule =1000 | MJ =1000000 | cal calorie =4.184 | kcal kilocalorie =4184
energy: Wh =3600 | kWh =3600000
power: mW milliwatt =0.001 | W watt =1 | kW kilowatt =1000 | MW megawatt =1000000 | GW gigawatt =1000000000
frequency: Hz hertz =1 | kHz kilohertz =1000 | MHz megahertz =1000000 | GHz gigahertz =1000000000
pressure: Pa pascal =1 | hPa mbar =100 | kPa kilopascal =1000 | bar =100000 | atm =101325
force: N newton =1 | kN kilonewton =1000
voltage: mV millivolt =0.001 | V volt =1 | kV kilovolt =1000
current: mA milliampere =0.001 | A amp ampere =1
angle: ° degree deg =1 | rad radian =57.29577951308232
share: % percent pct =1
usd: $ usd dollar buck =1 | cent ¢ =0.01
eur: € eur euro =1
gbp: £ gbp pound =1 | pence penny =0.01
jpy: ¥ jpy yen =1
inr: ₹ inr rupee =1
temperature: k kelvin =1 | °c °celsius celsius =1 +273.15 | °f °fahrenheit fahrenheit =5/9 +45967/180
"""
"""By dimension, the names of each unit, its factor to the base unit, and the offset if there is one."""
_SYMBOL = Pattern(r"^[^\w$€£¥₹]*(?:US)?([$€£¥₹])\s*[-+]?[\d.]")
_BEFORE = Pattern(r"^\W*(USD|EUR|GBP|JPY|INR)\s*[-+]?[\d.]")
_BEHIND = Pattern(
    r"^[^\d]*[\d][\d.,]*(?:\s+\d+\s*/\s*\d+|\s*/\s*\d+)?(?:e[-+]?\d+)?"
    r"\s*(?:(?:hundred|thousand|(?:mi|bi|tri)llion)\b)?\s*(.*)$",
    DOTALL,
)
_WORD = Pattern(r"[^\W\d]+")
_LENGTHS = ("mm", "cm", "m", "km", "ft")
_MARKS = " .,;:!*_`\"'“”()"
_EMPTY = frozenset(
    {"of", "per", "a", "an", "the", "in", "about", "total", "each", "every", "and", "or", "is", "at"}
)
_LEAST_PLURAL = 4


Measure = tuple[str, Fraction, Fraction]
"""What a unit measures, and how its quantities are converted: by a factor, and what is then added."""


def _by_name() -> Mapping[str, tuple[Measure, ...]]:
    found: dict[str, tuple[Measure, ...]] = {}
    for line in _NAMES.strip().splitlines():
        dimension, _, rest = line.partition(": ")
        for entry in rest.split(" | "):
            names, _, factor = entry.partition(" =")
            factor, _, offset = factor.partition(" +")
            measure = (dimension, Fraction(factor), Fraction(offset or 0))
            for name in names.split():
                found[name] = (*found.get(name, ()), measure)
    return found


MEASURES = _by_name()
"""What each name of a unit can mean: "pound" is a mass and a currency."""


def unit_behind(text: str) -> str:
    """Return the unit of the quantity `text`, as one of MEASURES or as words; empty when it has none."""
    symbol = _SYMBOL.match(text)
    if symbol is not None and text.count(symbol.group(1)) == 1:  # two dollar signs delimit mathematics
        return str(symbol.group(1))
    code = _BEFORE.match(text)
    if code is not None:
        return str(code.group(1)).lower()
    behind = _BEHIND.match(text)
    return _unit(behind.group(1)) if behind is not None else ""


def _unit(text: str) -> str:
    """Return the name under which MEASURES has all of `text`, or else its first word; else its words."""
    plain = text.replace("²", "^2").replace("³", "^3").replace("\\", "").replace("$", "").strip(_MARKS)
    whole = " ".join(plain.split())
    joined = whole.replace(" per ", "/").replace(" / ", "/").replace("° ", "°")
    joined = joined.replace("degrees ", "°").replace("degree ", "°")
    first = whole.partition(" ")[0].strip(_MARKS)
    for name in (joined, *_squared(whole), *(() if "/" in joined else (first,))):
        for known in (name, name.lower(), "/".join(map(_singular, name.lower().split("/")))):
            if known in MEASURES:
                return known
    return " ".join(_singular(word.lower()) for word in _WORD.findall(whole) if word.lower() not in _EMPTY)


def _squared(text: str) -> Iterator[str]:
    """Yield "m^2" for "square metres" and "m2"."""
    kind, _, name = text.lower().partition(" ")
    power = {"square": "^2", "sq": "^2", "cubic": "^3"}.get(kind)
    if power:
        named = set(MEASURES.get(_singular(name), ()))
        yield from (f"{short}{power}" for short in _LENGTHS if named & set(MEASURES[short]))
    elif text[-1:] in {"2", "3"}:
        yield f"{text[:-1]}^{text[-1]}"


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _LEAST_PLURAL:
        return f"{word[:-3]}y"
    is_plural = word.endswith("s") and not word.endswith(("ss", "us")) and len(word) >= _LEAST_PLURAL
    return word[:-1] if is_plural else word


def is_one_unit(first: str, second: str) -> bool:
    """Return whether equal numbers of two units are equal: of "apple" and "red apple", not of "red car".

    Two units that both measure something are compared by `bases`.
    """
    if first == second or not first or not second:
        return True
    shorter, longer = sorted((first.split(), second.split()), key=len)
    rest = iter(longer)
    return all(word in rest for word in shorter)


def bases(value: Fraction, unit: str) -> Iterator[tuple[str, Fraction]]:
    """Yield each dimension that `unit` can measure, with `value` in its base unit."""
    for dimension, factor, offset in MEASURES.get(unit, ()):
        yield dimension, factor * value + offset
