"""The vital signs that the portal knows: codes, words, units, limits.

One kind may come under several LOINC codes (US Core and older senders differ), so rows are matched
by the set of codes and never by their display text.

Normal ranges are defaults that the site's clinicians must confirm, for a person at rest:
breathing and temperature are the bands that NEWS2 scores 0 (Royal College of Physicians 2017);
pulse (60-100), pressure (90/60 to 140/90) and oxygen (95 % and over) the usual adult ranges. Those
of pulse, pressure and breathing are not for children: below `normal_from_age` a page shows no range
and no flag.

Plausible limits are those of the clinic's first requirements (pulse 20-300, breathing 2-80, oxygen
30-100, systolic 40-300, temperature 25-45) and, for what those do not name, what no living person
has: outside them a reading is asked about before it is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache

from care.news2 import Consciousness
from care.units import written

BLOOD_PRESSURE = "85354-9"
SYSTOLIC = "8480-6"
DIASTOLIC = "8462-4"
PULSE = "8867-4"
OXYGEN = "59408-5"
BREATHING = "9279-1"
TEMPERATURE = "8310-5"
PAIN = "72514-3"
WEIGHT = "29463-7"
# Breathing air is a flow of 0, or 21 % inhaled.
OXYGEN_FLOW = "3151-8"
INHALED_OXYGEN = "3150-0"
CONSCIOUSNESS = "80288-4"

# The beginnings of other words for how awake somebody is, the gravest first.
_CONSCIOUSNESS = (
    ("unrespons", Consciousness.UNRESPONSIVE),
    ("unconscious", Consciousness.UNRESPONSIVE),
    ("pain", Consciousness.PAIN),
    ("voice", Consciousness.VOICE),
    ("verbal", Consciousness.VOICE),
    ("confus", Consciousness.CONFUSION),
    ("alert", Consciousness.ALERT),
)

ADULT = 16  # years: where NEWS2 begins

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Limits:
    """A closed range; an end may be open."""

    low: Decimal | None = None
    high: Decimal | None = None

    def __contains__(self, value: Decimal) -> bool:
        return not (self.is_below(value) or self.is_above(value))

    def is_below(self, value: Decimal) -> bool:
        """Whether `value` lies under the range."""
        return self.low is not None and value < self.low

    def is_above(self, value: Decimal) -> bool:
        """Whether `value` lies over the range."""
        return self.high is not None and value > self.high


@dataclass(frozen=True)
class Part:
    """One number of a reading: the reading itself, or the systolic half of a pressure."""

    code: str
    name: str
    plausible: Limits
    normal: Limits | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of vital sign. `codes` begins with the one that we write."""

    codes: tuple[str, ...]
    name: str
    plain_name: str  # as patients call it
    unit: str  # UCUM
    places: int  # digits after the point on a page
    parts: tuple[Part, ...]
    fresh_for: timedelta = DAY  # older is called old
    normal_from_age: int = ADULT  # years
    words: tuple[str, ...] = ()  # what it may be, where it is no number

    @property
    def code(self) -> str:
        """The code that we write, and that addresses name."""
        return self.codes[0]

    @property
    def written_unit(self) -> str:
        """The unit as people write it."""
        return written(self.unit)

    @property
    def has_components(self) -> bool:
        """Whether a reading has several numbers instead of one."""
        return len(self.parts) > 1


def _limits(low: str | None, high: str | None) -> Limits:
    return Limits(Decimal(low) if low else None, Decimal(high) if high else None)


def _kind(
    codes: str,
    name: str,
    plain_name: str,
    unit: str,
    plausible: tuple[str, str],
    normal: tuple[str | None, str | None] | None = None,
    *,
    places: int = 0,
    fresh_for: timedelta = DAY,
    normal_from_age: int = ADULT,
) -> Kind:
    numbers = tuple(codes.split())
    part = Part(numbers[0], name, _limits(*plausible), _limits(*normal) if normal else None)
    return Kind(numbers, name, plain_name, unit, places, (part,), fresh_for, normal_from_age)


# In the order in which a page shows them.
KINDS: tuple[Kind, ...] = (
    Kind(
        (BLOOD_PRESSURE, "55284-4"),
        "Blood pressure",
        "Blood pressure",
        "mm[Hg]",
        0,
        (
            Part(SYSTOLIC, "Systolic", _limits("40", "300"), _limits("90", "140")),
            Part(DIASTOLIC, "Diastolic", _limits("20", "200"), _limits("60", "90")),
        ),
    ),
    _kind("8867-4", "Heart rate", "Pulse", "/min", ("20", "300"), ("60", "100")),
    _kind(
        "59408-5 2708-6",
        "Oxygen saturation",
        "Oxygen",
        "%",
        ("30", "100"),
        ("95", None),
        normal_from_age=0,
    ),
    _kind("9279-1", "Respiratory rate", "Breathing", "/min", ("2", "80"), ("12", "20")),
    _kind(
        "8310-5 8331-1",
        "Temperature",
        "Temperature",
        "Cel",
        ("25", "45"),
        ("36.1", "38.0"),
        places=1,
        normal_from_age=0,
    ),
    _kind("72514-3", "Pain", "Pain", "{score}", ("0", "10"), (None, "3"), normal_from_age=0),
    _kind("29463-7", "Weight", "Weight", "kg", ("0.3", "400"), places=1, fresh_for=WEEK),
    _kind("8302-2", "Height", "Height", "cm", ("20", "260"), fresh_for=YEAR),
    _kind(
        "39156-5",
        "Body mass index",
        "Body mass index",
        "kg/m2",
        ("5", "150"),
        places=1,
        fresh_for=YEAR,
    ),
    _kind("3151-8", "Oxygen flow", "Oxygen flow", "L/min", ("0", "80"), places=1),
    _kind("3150-0", "Inhaled oxygen", "Oxygen in the air", "%", ("20", "100")),
    Kind(
        (CONSCIOUSNESS, "67775-7"),
        "Consciousness",
        "Awake",
        "",
        0,
        (Part(CONSCIOUSNESS, "Consciousness", Limits()),),
        words=tuple(Consciousness),
    ),
    _kind(SYSTOLIC, "Systolic pressure", "Upper pressure", "mm[Hg]", ("40", "300"), ("90", "140")),
    _kind(DIASTOLIC, "Diastolic pressure", "Lower pressure", "mm[Hg]", ("20", "200"), ("60", "90")),
)


def consciousness_of(words: str) -> Consciousness | None:
    """How awake somebody is, from the words of a sender; None for words that nobody can read."""
    plain = words.strip().casefold()
    for each in Consciousness:
        if plain == each.name[0].casefold():
            return each
    return next((each for part, each in _CONSCIOUSNESS if part in plain), None)


# An oxygen saturation from an arterial sample is a laboratory's; the code alone does not tell.
_ALSO_MEASURED_BY_LABORATORIES = frozenset({"2708-6"})


@cache
def _by_code() -> Mapping[str, Kind]:
    return {code: kind for kind in KINDS for code in kind.codes}


def kind_of(code: str) -> Kind | None:
    """The kind that a LOINC code belongs to, or None for one that the portal does not know."""
    return _by_code().get(code)


def codes_like(code: str) -> tuple[str, ...]:
    """Every code under which the same thing comes."""
    kind = kind_of(code)
    return kind.codes if kind else (code,)


def is_always_one(code: str) -> bool:
    """Whether a code is a vital sign whatever category its sender gave it."""
    return code in _by_code() and code not in _ALSO_MEASURED_BY_LABORATORIES
