"""The units that are known: dimension, size in the dimension's base unit, names.

Customary units are United States ones; KB, MB and so on are powers of 1000, KiB, MiB powers of 1024; a year
has 365 days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Dimension(StrEnum):
    """What a unit measures."""

    LENGTH = "length"
    MASS = "mass"
    VOLUME = "volume"
    TIME = "time"
    TEMPERATURE = "temperature"
    SPEED = "speed"
    DATA = "data"
    AREA = "area"
    ANGLE = "angle"
    ENERGY = "energy"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: a value in it times `factor`, plus `offset`, is the value in its base unit."""

    symbol: str
    dimension: Dimension
    factor: Fraction
    offset: Fraction = Fraction(0)


_TABLE: dict[Dimension, str] = {
    Dimension.LENGTH: """
        mm 0.001 millimeter millimetre; cm 0.01 centimeter centimetre; dm 0.1 decimeter decimetre; m 1
        meter metre; km 1000 kilometer kilometre kilometers; in 0.0254 inch inches; ft 0.3048 foot feet;
        yd 0.9144 yard; mi 1609.344 mile; nmi 1852 nautical_mile; µm 0.000001 um micrometer micrometre
        micron; nm 0.000000001 nanometer nanometre""",
    Dimension.MASS: """
        mg 0.000001 milligram milligramme; g 0.001 gram gramme gr; kg 1 kilogram kilogramme kilo; t 1000
        tonne metric_ton; oz 0.028349523125 ounce; lb 0.45359237 lbs pound; st 6.35029318 stone; ton
        907.18474 short_ton us_ton; µg 0.000000001 microgram mcg""",
    Dimension.VOLUME: """
        ml 0.001 milliliter millilitre cc; cl 0.01 centiliter centilitre; dl 0.1 deciliter decilitre; l 1
        liter litre; m³ 1000 cubic_meter cubic_metre m^3 m3; cm³ 0.001 cubic_centimeter cubic_centimetre
        cm^3; gal 3.785411784 gallon us_gallon; qt 0.946352946 quart; pt 0.473176473 pint; cup
        0.2365882365 cups us_cup; fl_oz 0.0295735295625 fluid_ounce; tbsp 0.01478676478125 tablespoon; tsp
        0.00492892159375 teaspoon; imp_gal 4.54609 imperial_gallon uk_gallon""",
    Dimension.TIME: """
        ms 0.001 millisecond; s 1 second sec secs; min 60 minute mins; h 3600 hour hr hrs; d 86400 day; wk
        604800 week; fortnight 1209600; y 31536000 year yr yrs; decade 315360000; century 3153600000
        centuries""",
    Dimension.SPEED: """
        m/s 1 meter_per_second metre_per_second mps; km/h 5/18 kph kmh kmph kilometer_per_hour
        kilometre_per_hour; mph 0.44704 mi/h mile_per_hour; kn 463/900 knot kt; ft/s 0.3048
        foot_per_second feet_per_second fps""",
    Dimension.DATA: """
        bit 1/8; B 1 byte; kB 1000 kilobyte KB; MB 1000000 megabyte; GB 1000000000 gigabyte; TB
        1000000000000 terabyte; PB 1000000000000000 petabyte; KiB 1024 kibibyte; MiB 1048576 mebibyte; GiB
        1073741824 gibibyte; TiB 1099511627776 tebibyte; kbit 125 kilobit Kb kb; Mbit 125000 megabit Mb;
        Gbit 125000000 gigabit Gb""",
    Dimension.AREA: """
        mm² 0.000001 square_millimeter square_millimetre mm^2; cm² 0.0001 square_centimeter
        square_centimetre cm^2; m² 1 square_meter square_metre m^2 sqm sq_m; km² 1000000 square_kilometer
        square_kilometre km^2; ha 10000 hectare; ac 4046.8564224 acre; ft² 0.09290304 square_foot
        square_feet sq_ft sqft ft^2; in² 0.00064516 square_inch square_inches sq_in in^2; mi²
        2589988.110336 square_mile sq_mi""",
    Dimension.ANGLE: """
        ° 1 degree deg; arcmin 1/60 arcminute; arcsec 1/3600 arcsecond; turn 360 revolution full_circle""",
    Dimension.ENERGY: """
        J 1 joule; kJ 1000 kilojoule; cal 4.184 calorie; kcal 4184 kilocalorie; Wh 3600 watt_hour
        watt-hour; kWh 3600000 kilowatt_hour kilowatt-hour""",
    Dimension.COUNT: "item 1 piece unit egg; pair 2; dozen 12 dozens; score 20; gross 144",
}
_TEMPERATURES = (
    (
        Unit("°C", Dimension.TEMPERATURE, Fraction(1)),
        "degrees celsius|degree celsius|celsius|centigrade|°c|deg c|degrees c|c",
    ),
    (
        Unit("°F", Dimension.TEMPERATURE, Fraction(5, 9), Fraction(-160, 9)),
        "degrees fahrenheit|degree fahrenheit|fahrenheit|°f|deg f|degrees f|f",
    ),
    (Unit("K", Dimension.TEMPERATURE, Fraction(1), Fraction("-273.15")), "kelvins|kelvin|degrees kelvin|k"),
)
_SHORTEST_WORD = 3


def _names(word: str) -> set[str]:
    """Return the spellings of one name: plural, "metres per second", spaces for underscores."""
    name = word.replace("_", " ")
    if len(name) < _SHORTEST_WORD or not name[-1].isalpha():
        return {name}
    first, per, rest = name.partition(" per ")
    return {name, f"{first}s{per}{rest}", f"{name}s"} if per else {name, f"{name}s"}


def _entries() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for dimension, table in _TABLE.items():
        for entry in table.split(";"):
            symbol, factor, *words = entry.split()
            unit = Unit(symbol.replace("_", " "), dimension, Fraction(factor))
            found |= {name: unit for word in (symbol, *words) for name in _names(word)}
    return found | {name: unit for unit, names in _TEMPERATURES for name in names.split("|")}


UNITS = _entries()
_FOLDED = {name.casefold(): unit for name, unit in reversed(UNITS.items())}
_LONGEST_FIRST = sorted({*UNITS, *_FOLDED}, key=len, reverse=True)
UNIT_NAME = "(?:" + "|".join(re.escape(name) for name in _LONGEST_FIRST) + r")(?![\w²³^/])"


def unit_named(name: str) -> Unit | None:
    """Look a unit up, first as it is written (Mb is not MB), then whatever its case."""
    tidy = " ".join(name.split())
    return UNITS.get(tidy) or _FOLDED.get(tidy.casefold())


def converted(value: Fraction, source: Unit, target: Unit) -> Fraction:
    """Convert between two units of one dimension."""
    return (value * source.factor + source.offset - target.offset) / target.factor
