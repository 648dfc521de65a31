"""Units: as people write them, and from one to another.

A laboratory value is in the unit of its laboratory. Rules and plots compare values, so a value is
kept in its analyte's own unit, and what cannot be converted for certain is refused.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from care.errors import UnitRefused
from care.ucum import Measure, UnknownUnit, is_arbitrary, measure_of

if TYPE_CHECKING:
    from care.analytes import Analyte

_WRITTEN = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "kg/m2": "kg/m²",
    "[pH]": "",
    "pH": "",
    "1": "",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
}
_ANNOTATION = re.compile(r"[{(][^{}()]*[})]")
_POWER = re.compile(r"10\*(\d+)")
# As a column keeps it.
PLACES = Decimal("0.000001")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def written(unit: str) -> str:
    """“mm[Hg]” gives “mmHg”, “10*3/uL” gives “×10³/µL”; what only annotates (“{score}”) goes."""
    if unit in _WRITTEN:
        return _WRITTEN[unit]
    plain = _ANNOTATION.sub("", unit)
    plain = _POWER.sub(lambda found: "×10" + found[1].translate(_SUPERSCRIPTS), plain)
    return re.sub(r"\bu(?=[a-zA-Z])", "µ", plain)


def figure(value: object, places: int | None = None) -> str:
    """A number as a page prints it: `places` digits after the point, else four that count."""
    number = Decimal(str(value))
    if places is None:
        places = max(0, 3 - number.adjusted()) if number else 0
        rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return f"{rounded.normalize():f}" if places else f"{rounded:f}"
    return f"{number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"


def converted(value: Decimal, unit: str, analyte: "Analyte") -> Decimal:
    """A value of an analyte in the analyte's own unit, to six places.

    Raises UnitRefused when the unit is missing, unknown, or measures something else.
    """
    if unit == analyte.unit:
        return _to_six_places(Fraction(value))
    if analyte.is_arbitrary:
        # A score, a ratio, a pH: there is nothing to convert, only other ways to write it.
        if unit in analyte.spellings or is_arbitrary(unit):
            return _to_six_places(Fraction(value))
        raise UnitRefused(analyte, unit)
    own = measure_of(analyte.unit)
    return _to_six_places(
        (Fraction(value) - (given := _measure(unit, analyte)).zero)
        * given.factor
        * _bridge(given, own, analyte, unit)
        / own.factor
        + own.zero
    )


def expressed(value: Decimal, analyte: "Analyte", unit: str) -> Decimal:
    """The way back: a value in the analyte's own unit as a value in another one."""
    if unit == analyte.unit or analyte.is_arbitrary:
        return converted(value, unit, analyte)
    own, asked = measure_of(analyte.unit), _measure(unit, analyte)
    bridge = _bridge(asked, own, analyte, unit)
    return _to_six_places(
        (Fraction(value) - own.zero) * own.factor / bridge / asked.factor + asked.zero
    )


def _measure(unit: str, analyte: "Analyte") -> Measure:
    try:
        return measure_of(unit)
    except UnknownUnit:
        raise UnitRefused(analyte, unit) from None


def _bridge(given: Measure, own: Measure, analyte: "Analyte", unit: str) -> Fraction:
    """What one base unit of the given kind is in those of the analyte’s kind."""
    if given.dimensions == own.dimensions:
        return Fraction(1)
    grams = Fraction(analyte.molar_mass) if analyte.molar_mass else None
    # Everything through moles: one mole is so many grams, and carries so many charges.
    in_moles = {
        "amount": Fraction(1),
        "mass": grams and 1 / grams,
        "charge": Fraction(1, analyte.charge) if analyte.charge else None,
    }
    for source, of_source in in_moles.items():
        for target, of_target in in_moles.items():
            fits = _swapped(given.dimensions, source, target) == own.dimensions
            if fits and of_source and of_target:
                return of_source / of_target
    raise UnitRefused(analyte, unit)


def _swapped(
    dimensions: frozenset[tuple[str, int]], source: str, target: str
) -> frozenset[tuple[str, int]]:
    """The dimensions with one of them exchanged; unchanged when it is not among them."""
    return frozenset((target if name == source else name, power) for name, power in dimensions)


def _to_six_places(exact: Fraction) -> Decimal:
    rounded = round(exact * 10**6)
    return (Decimal(rounded) * PLACES).quantize(PLACES)
