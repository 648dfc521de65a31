"""What a unit measures: the part of UCUM that laboratories and devices use, as a small table.

Not a UCUM library (docs/decisions.md says why). It reads what is written beside results, also where
that is not UCUM (`K/uL`, `mEq/L`, `giga.l-1`), and refuses whatever it does not know for certain.
Case counts: `mg` and `Mg` are nine powers of ten apart.
"""

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

# As people, devices and older laboratory systems write it. `K/uL` would be kelvin in UCUM: nobody's
# blood is measured in that.
_SPELLINGS = {
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "°C": "Cel",
    "C": "Cel",
    "degC": "Cel",
    "°F": "[degF]",
    "F": "[degF]",
    "degF": "[degF]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "beats/minute": "/min",
    "sec": "s",
    "seconds": "s",
    "percent": "%",
    "K/uL": "10*3/uL",
    "k/uL": "10*3/uL",
    "K/mcL": "10*3/uL",
    "thou/uL": "10*3/uL",
    "K/mm3": "10*3/mm3",
    "M/uL": "10*6/uL",
    "mil/uL": "10*6/uL",
    "cells/uL": "/uL",
    "G/L": "10*9/L",
    "T/L": "10*12/L",
    "giga/L": "10*9/L",
    "tera/L": "10*12/L",
    "mEq/L": "meq/L",
}
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_ISO_POWER = re.compile(r"\.([A-Za-z]+)-1$")  # ISO+ writes mmol.l-1 for mmol/L
_TEN = re.compile(r"[xX]?10(?:\*|\^|[eE])\+?0?(\d{1,2})")
_ATOM = re.compile(r"(.*?[^\d])(\d)?$")

_PREFIXES = {
    "k": Fraction(1000),
    "": Fraction(1),
    "d": Fraction(1, 10),
    "c": Fraction(1, 100),
    "m": Fraction(1, 10**3),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
}
# Symbol: what it measures, how much of the first unit of that it is, whether it takes prefixes.
_ATOMS: dict[str, tuple[Counter[str], Fraction, bool]] = {
    "g": (Counter(mass=1), Fraction(1), True),
    "[lb_av]": (Counter(mass=1), Fraction("453.59237"), False),
    "[oz_av]": (Counter(mass=1), Fraction("28.349523125"), False),
    "mol": (Counter(amount=1), Fraction(1), True),
    "eq": (Counter(charge=1), Fraction(1), True),
    "m": (Counter(length=1), Fraction(1), True),
    "[in_i]": (Counter(length=1), Fraction("0.0254"), False),
    "[ft_i]": (Counter(length=1), Fraction("0.3048"), False),
    "L": (Counter(length=3), Fraction(1, 1000), True),
    "l": (Counter(length=3), Fraction(1, 1000), True),
    "s": (Counter(time=1), Fraction(1), True),
    "min": (Counter(time=1), Fraction(60), False),
    "h": (Counter(time=1), Fraction(3600), False),
    "Hz": (Counter(time=-1), Fraction(1), False),
    "Pa": (Counter(pressure=1), Fraction(1), True),
    "m[Hg]": (Counter(pressure=1), Fraction(133322), True),
    "m[H2O]": (Counter(pressure=1), Fraction("9806.65"), True),
    "Cel": (Counter(temperature=1), Fraction(1), False),
    "[degF]": (Counter(temperature=1), Fraction(5, 9), False),
    "K": (Counter(temperature=1), Fraction(1), False),
    "%": (Counter(), Fraction(1, 100), False),
    "1": (Counter(), Fraction(1), False),
}
# Degrees of these scales at absolute zero, where kelvin begins.
_ZEROS = {"Cel": Fraction("-273.15"), "[degF]": Fraction("-459.67")}


class UnknownUnit(ValueError):
    """A unit that is not in the table."""


@dataclass(frozen=True)
class Measure:
    """What a unit measures. `value * factor` is in base units, after `zero` is taken off."""

    dimensions: frozenset[tuple[str, int]]
    factor: Fraction
    zero: Fraction = Fraction(0)


@cache
def measure_of(unit: str) -> Measure:
    """What a unit measures; raises UnknownUnit."""
    plain = spelled(unit)
    if plain in _ZEROS:
        dimensions, factor, _ = _ATOMS[plain]
        return Measure(frozenset(dimensions.items()), factor, _ZEROS[plain])
    if not plain.strip("/"):
        raise UnknownUnit(unit)
    above, *below = plain.split("/")
    if len(below) > 1:
        raise UnknownUnit(unit)
    total, factor = Counter[str](), Fraction(1)
    for sign, term in ((1, above), *((-1, each) for each in below)):
        for atom in filter(None, term.split(".")):
            dimensions, size = _atom(atom)
            for name, power in dimensions.items():
                total[name] += sign * power
            factor *= size**sign
    return Measure(frozenset((name, power) for name, power in total.items() if power), factor)


def spelled(unit: str) -> str:
    """A unit in the spelling of the table: “µg/ml ” gives “ug/ml”, annotations go."""
    plain = unit.strip().replace("µ", "u").replace("μ", "u").replace("mcg", "ug")  # two signs: µ, μ
    plain = _ANNOTATION.sub("", plain)
    plain = _SPELLINGS.get(plain, plain)
    plain = _TEN.sub(r"10*\1", plain)
    plain = _ISO_POWER.sub(r"/\1", plain).replace("/l", "/L")
    return _SPELLINGS.get(plain, plain)


def is_arbitrary(unit: str) -> bool:
    """Whether a unit says at most what is counted, such as “{score}”: there is no size to it."""
    return spelled(unit) in {"", "1"}


def _atom(text: str) -> tuple[Counter[str], Fraction]:
    if ten := _TEN.fullmatch(text):
        return Counter(), Fraction(10) ** int(ten[1])
    found = _ATOM.fullmatch(text)
    symbol, power = (found[1], int(found[2] or 1)) if found else (text, 1)
    dimensions, size = _prefixed(symbol)
    return Counter({name: each * power for name, each in dimensions.items()}), size**power


def _prefixed(symbol: str) -> tuple[Counter[str], Fraction]:
    if symbol in _ATOMS:
        dimensions, size, _ = _ATOMS[symbol]
        return dimensions, size
    prefix, bare = symbol[:1], symbol[1:]
    dimensions, size, takes_prefixes = _ATOMS.get(bare, (Counter(), Fraction(0), False))
    if not takes_prefixes or prefix not in _PREFIXES:
        raise UnknownUnit(symbol)
    return dimensions, size * _PREFIXES[prefix]
