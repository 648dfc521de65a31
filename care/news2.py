"""NEWS2, the National Early Warning Score 2. Pure: values in, score out.

© Royal College of Physicians 2017, whose chart may be used with acknowledgement and unmodified: the
bands below are the chart's, and no site changes them. For people of 16 and over, and not in
pregnancy; who is scored is decided in `care.early_warning`.

Nothing is guessed: a parameter without a value is missing, there is no total without all seven, and
what the others add up to is only “at least” so much.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum, StrEnum

ACKNOWLEDGEMENT = (
    "Royal College of Physicians. National Early Warning Score (NEWS) 2:"
    " Standardising the assessment of acute-illness severity in the NHS. London: RCP, 2017."
)
YOUNGEST = 16  # years


class Scale(IntEnum):
    """Which band of oxygen saturation holds. The second is for a prescribed target of 88-92 %."""

    ONE = 1
    TWO = 2


class Parameter(StrEnum):
    """What is scored, in the order of the chart."""

    RESPIRATION = "respiration"
    SATURATION = "saturation"
    OXYGEN = "oxygen"
    SYSTOLIC = "systolic"
    PULSE = "pulse"
    CONSCIOUSNESS = "consciousness"
    TEMPERATURE = "temperature"


class Consciousness(StrEnum):
    """How awake somebody is: ACVPU."""

    ALERT = "Alert"
    CONFUSION = "New confusion"
    VOICE = "Responds to voice"
    PAIN = "Responds to pain"
    UNRESPONSIVE = "Unresponsive"


class Band(StrEnum):
    """How a clinic answers a score."""

    ZERO = "zero"
    LOW = "low"
    SINGLE = "single"  # three points in one parameter, and fewer than five in all
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Response:
    """What a band asks for."""

    score: str
    monitoring: str
    action: str


RESPONSES: Mapping[Band, Response] = {
    Band.ZERO: Response("0", "At least every 12 hours", "Go on measuring"),
    Band.LOW: Response("1–4", "At least every 4 to 6 hours", "A nurse assesses"),
    Band.SINGLE: Response("3 in one parameter", "At least every hour", "Urgent ward review"),
    Band.MEDIUM: Response("5–6", "At least every hour", "Urgent response"),
    Band.HIGH: Response("7 or more", "Continuous", "Emergency response"),
}


@dataclass(frozen=True)
class Inputs:
    """The seven values; None is one that nobody has."""

    respiration: Decimal | None = None  # /min
    saturation: Decimal | None = None  # %
    on_oxygen: bool | None = None
    systolic: Decimal | None = None  # mm[Hg]
    pulse: Decimal | None = None  # /min
    consciousness: Consciousness | None = None
    temperature: Decimal | None = None  # Cel


@dataclass(frozen=True)
class Score:
    """Points by parameter and what they add up to."""

    parts: Mapping[Parameter, int]
    missing: tuple[Parameter, ...]
    scale: Scale

    @property
    def at_least(self) -> int:
        """The sum of what is known."""
        return sum(self.parts.values())

    @property
    def total(self) -> int | None:
        """The score, 0 to 20; None while a parameter is missing."""
        return None if self.missing else self.at_least

    @property
    def has_three(self) -> bool:
        """Whether one parameter alone has three points."""
        return 3 in self.parts.values()

    @property
    def band(self) -> Band | None:
        """The response that is certain. An incomplete score says nothing reassuring: None then,
        unless what is known already asks for an urgent answer."""
        if self.at_least >= 7:
            return Band.HIGH
        if self.at_least >= 5:
            return Band.MEDIUM
        if self.has_three:
            return Band.SINGLE
        if self.missing:
            return None
        return Band.LOW if self.at_least else Band.ZERO

    @property
    def words(self) -> str:
        """“6”, or “incomplete (4 of 7), at least 3”."""
        if self.total is not None:
            return str(self.total)
        known = f"incomplete ({len(self.parts)} of {len(Parameter)})"
        return f"{known}, at least {self.at_least}" if self.parts else known


def score(inputs: Inputs, scale: Scale = Scale.ONE) -> Score:
    """Score the values that there are.

    Temperature is rounded to 0.1 first and every other number to 1, halves up: the chart has no
    band between 91 % and 92 %, and what is judged is what a page prints.
    """
    found = {
        Parameter.RESPIRATION: _RESPIRATION.points(inputs.respiration),
        Parameter.SATURATION: _saturation(inputs, scale),
        Parameter.OXYGEN: None if inputs.on_oxygen is None else 2 * inputs.on_oxygen,
        Parameter.SYSTOLIC: _SYSTOLIC.points(inputs.systolic),
        Parameter.PULSE: _PULSE.points(inputs.pulse),
        Parameter.CONSCIOUSNESS: _consciousness(inputs.consciousness),
        Parameter.TEMPERATURE: _TEMPERATURE.points(inputs.temperature),
    }
    return Score(
        parts={parameter: points for parameter, points in found.items() if points is not None},
        missing=tuple(parameter for parameter, points in found.items() if points is None),
        scale=scale,
    )


@dataclass(frozen=True)
class _Bands:
    """Points by value: `points[0]` below `starts[0]`, `points[1]` from there on, and so on."""

    starts: tuple[Decimal, ...]
    points_of: tuple[int, ...]
    step: Decimal = Decimal(1)

    def points(self, value: Decimal | None) -> int | None:
        if value is None:
            return None
        return self.points_of[bisect_right(self.starts, value.quantize(self.step, ROUND_HALF_UP))]


def _bands(starts: str, points: str, step: str = "1") -> _Bands:
    return _Bands(
        tuple(Decimal(each) for each in starts.split()),
        tuple(int(each) for each in points.split()),
        Decimal(step),
    )


_RESPIRATION = _bands("9 12 21 25", "3 1 0 2 3")
_SATURATION = _bands("92 94 96", "3 2 1 0")
_SATURATION_88_TO_92 = _bands("84 86 88", "3 2 1 0")
_SATURATION_88_TO_92_ON_OXYGEN = _bands("84 86 88 93 95 97", "3 2 1 0 1 2 3")
_SYSTOLIC = _bands("91 101 111 220", "3 2 1 0 3")
_PULSE = _bands("41 51 91 111 131", "3 1 0 1 2 3")
_TEMPERATURE = _bands("35.1 36.1 38.1 39.1", "3 1 0 1 2", "0.1")


def _saturation(inputs: Inputs, scale: Scale) -> int | None:
    if scale == Scale.ONE:
        return _SATURATION.points(inputs.saturation)
    on_air = _SATURATION_88_TO_92.points(inputs.saturation)
    on_oxygen = _SATURATION_88_TO_92_ON_OXYGEN.points(inputs.saturation)
    if inputs.on_oxygen is None:
        # Above 92 % only the oxygen says whether this is good or too much.
        return on_air if on_air == on_oxygen else None
    return on_oxygen if inputs.on_oxygen else on_air


def _consciousness(level: Consciousness | None) -> int | None:
    if level is None:
        return None
    return 0 if level == Consciousness.ALERT else 3
