"""What a page says about a measurement: figure, unit, flag, whether it is old.

Pure: rows in, readings out. A flag says what the source itself said, else where the value lies in
the range that came with it, else in the portal's own normal range for that kind and age.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from care.analytes import analyte_of
from care.models import Measurement
from care.plots.overlay import Band, Ring
from care.units import figure, written
from care.vital_signs import DAY, KINDS, Kind, Limits, kind_of

LOW, HIGH = "low", "high"
CRITICALLY_LOW, CRITICALLY_HIGH = "critically-low", "critically-high"

# HL7 v3 ObservationInterpretation, as far as it says where a value lies.
_INTERPRETATIONS = {
    "L": LOW,
    "H": HIGH,
    "LL": CRITICALLY_LOW,
    "HH": CRITICALLY_HIGH,
    "LU": LOW,
    "HU": HIGH,
    "N": "",
}
# The graver flag of two numbers is that of the reading.
_GRAVITY = ("", LOW, HIGH, CRITICALLY_LOW, CRITICALLY_HIGH)
_ARROWS = {LOW: "↓", HIGH: "↑", CRITICALLY_LOW: "↓↓", CRITICALLY_HIGH: "↑↑"}
_SAID = {CRITICALLY_LOW: "critically low", CRITICALLY_HIGH: "critically high"}


@dataclass(frozen=True)
class Reading:
    """One measurement as a page shows it."""

    row: Measurement
    figure: str
    unit: str
    flag: str  # "", low, high, critically-low or critically-high
    has_range: bool  # whether "" means in range, or only that nobody knows
    is_plausible: bool
    numbers: tuple[Decimal, ...]
    flags: tuple[str, ...]

    @property
    def at(self) -> datetime:
        """When it was measured."""
        return self.row.measured_at

    @property
    def source(self) -> str:
        """Where it came from, in words."""
        return str(self.row.get_source_display())

    @property
    def arrow(self) -> str:
        """The mark of the flag."""
        return _ARROWS.get(self.flag, "")

    @property
    def said(self) -> str:
        """The flag in words, “in range” included."""
        if not self.is_plausible:
            return "not used, unlikely"
        if self.flag:
            return _SAID.get(self.flag, self.flag)
        return "in range" if self.has_range else ""

    @property
    def is_critical(self) -> bool:
        return self.flag in _SAID

    @property
    def as_reported(self) -> str:
        """What the sender wrote, where the value was converted: “98.4 °F”."""
        return f"{self.row.reported_value} {written(self.row.reported_unit)}".strip()

    @property
    def text(self) -> str:
        """Figure, unit and flag as one text: “155/92 mmHg, high”."""
        value = f"{self.figure}{'' if self.unit == '%' else ' '}{self.unit}".strip()
        return f"{value}, {self.said}" if self.said else value

    def is_old(self, now: datetime, fresh_for: timedelta) -> bool:
        """Whether the value is older than it may be shown without saying so."""
        return now - self.at > fresh_for


@dataclass(frozen=True)
class Trace:
    """Every reading of one thing, newest first."""

    code: str
    name: str
    plain_name: str
    kind: Kind | None
    readings: tuple[Reading, ...]

    @property
    def latest(self) -> Reading:
        """The newest that counts; one that was put aside only where there is no other."""
        return next((each for each in self.readings if each.is_plausible), self.readings[0])

    @property
    def aside(self) -> Reading | None:
        """A newer one that does not count, so that a page can say it is there."""
        newest = self.readings[0]
        return None if newest.is_plausible or newest is self.latest else newest

    @property
    def fresh_for(self) -> timedelta:
        """How long a value of this is not old."""
        return self.kind.fresh_for if self.kind else DAY


def reading_of(row: Measurement, *, age: int) -> Reading:
    """A measurement as a page shows it, for a patient who was `age` years old."""
    kind = kind_of(row.code)
    if kind is not None and kind.has_components:
        return _pressure(row, kind, age)
    # A laboratory has its own ranges: only what came with the value counts there.
    normal = _normal(kind, 0, age) if row.category == "vital-signs" else None
    limits = _own_limits(row) or normal
    value = _shown(row.value, kind)
    flag = _flag(row.interpretation, value, limits)
    return Reading(
        row=row,
        figure=_figure(row, kind),
        unit=written(row.unit),
        flag=flag,
        has_range=limits is not None or row.interpretation in _INTERPRETATIONS,
        is_plausible=not row.is_implausible,
        numbers=() if value is None else (value,),
        flags=(flag,),
    )


def traces_of(rows: Iterable[Measurement], *, age_on: Callable[[date], int]) -> list[Trace]:
    """Rows, newest first, as one trace for each thing measured; known vital signs come first.

    `age_on` gives the patient's age on a day: a child's readings are judged by the age they had.
    Grouped by code, never by text: rows with codes of one kind belong together.
    """
    groups: dict[str, list[Measurement]] = {}
    for row in rows:
        groups.setdefault(_same(row), []).append(row)
    traces = []
    for code, group in groups.items():
        kind = kind_of(code)
        readings = tuple(
            reading
            for reading in (reading_of(row, age=age_on(row.measured_at.date())) for row in group)
            if reading.figure
        )
        if readings:
            name = kind.name if kind else group[0].display
            plain_name = kind.plain_name if kind else group[0].display
            traces.append(Trace(code, name, plain_name, kind, readings))
    return sorted(traces, key=_place)


def changes_in_words(was: Mapping[str, Any], kind: Kind | None) -> str:
    """What a reading said before a correction: “210 /min”; "" where only its time or state did."""
    unit = was.get("reported_unit") or (kind.unit if kind else "")
    if was.get("components"):
        numbers = [part["value"] for part in was["components"] if part.get("value") is not None]
        return f"{'/'.join(numbers)} {written(unit)}".strip()
    number = was.get("reported_value") or was.get("value")
    if number is None:
        return str(was.get("text_value") or "")
    return f"{number} {written(unit)}".strip()


def judged(reading: Reading, bands: Sequence[Band]) -> Reading:
    """A reading with the flag of a critical band that one of its numbers lies in."""
    critical = [band for band in bands if band.ring is Ring.CRITICAL]
    if not critical or not reading.is_plausible:
        return reading
    kind = kind_of(reading.row.code)
    codes = [part.code for part in kind.parts] if kind else [reading.row.code]
    flags = list(reading.flags)
    for index, number in enumerate(reading.numbers):
        for band in critical:
            if _is_about(band, codes[index]) and band.holds(number):
                flags[index] = CRITICALLY_HIGH if band.limits.high is None else CRITICALLY_LOW
    if flags == list(reading.flags):
        return reading
    return replace(reading, flags=tuple(flags), flag=max(flags, key=_GRAVITY.index))


def _is_about(band: Band, code: str) -> bool:
    analyte = analyte_of(code)
    return band.code == code or (analyte is not None and band.code in analyte.codes)


def normal_in_words(kind: Kind, age: int) -> str:
    """“90–140 / 60–90”, “95 or more”; "" where there is no range for that age."""
    limits = [_normal(kind, index, age) for index in range(len(kind.parts))]
    return " / ".join(range_in_words(each, kind.places) for each in limits if each)


def range_in_words(limits: Limits, places: int | None = None) -> str:
    """A range as a page prints it."""
    low = "" if limits.low is None else figure(limits.low, places)
    high = "" if limits.high is None else figure(limits.high, places)
    if low and high:
        return f"{low}–{high}"
    return f"{low} or more" if low else f"{high} or less"


def normal_limits(kind: Kind, age: int) -> list[Limits]:
    """The normal range of each number of a reading, where there is one for that age."""
    limits = [_normal(kind, index, age) for index in range(len(kind.parts))]
    return [each for each in limits if each]


def _pressure(row: Measurement, kind: Kind, age: int) -> Reading:
    """Two numbers, judged each by itself; the reading carries the graver flag."""
    numbers, flags = [], []
    for index, part in enumerate(kind.parts):
        value = _shown(row.component(part.code), kind)
        if value is None:
            continue
        numbers.append(value)
        flags.append(_flag("", value, _normal(kind, index, age)))
    has_all = len(numbers) == len(kind.parts)
    own = _INTERPRETATIONS.get(row.interpretation)
    return Reading(
        row=row,
        figure="/".join(figure(number, kind.places) for number in numbers) if has_all else "",
        unit=written(kind.unit),
        flag=own if own else (HIGH if HIGH in flags else LOW if LOW in flags else ""),
        has_range=bool(normal_limits(kind, age)),
        is_plausible=not row.is_implausible,
        numbers=tuple(numbers),
        flags=tuple(flags),
    )


def _normal(kind: Kind | None, part: int, age: int) -> Limits | None:
    if kind is None or age < kind.normal_from_age:
        return None
    return kind.parts[part].normal


def _own_limits(row: Measurement) -> Limits | None:
    if row.range_low is None and row.range_high is None:
        return None
    return Limits(row.range_low, row.range_high)


def _flag(interpretation: str, value: Decimal | None, limits: Limits | None) -> str:
    if interpretation in _INTERPRETATIONS:
        return _INTERPRETATIONS[interpretation]
    if value is None or limits is None:
        return ""
    if limits.is_below(value):
        return LOW
    return HIGH if limits.is_above(value) else ""


def _shown(value: Decimal | None, kind: Kind | None) -> Decimal | None:
    """The number as a page prints it, which is also the one that is judged: a pain of 3 that is
    called high, because it came as 3.2, would puzzle everybody."""
    if value is None or kind is None:
        return value
    return Decimal(figure(value, kind.places))


def _figure(row: Measurement, kind: Kind | None) -> str:
    if row.value is None:
        return row.text_value
    return figure(row.value, kind.places if kind else None)


def _same(row: Measurement) -> str:
    """What makes two rows one thing: the kind, the analyte, else the code or the words."""
    if kind := kind_of(row.code):
        return kind.code
    analyte = analyte_of(row.code)
    return analyte.code if analyte else row.code or row.display


def _place(trace: Trace) -> tuple[int, str]:
    return (KINDS.index(trace.kind) if trace.kind else len(KINDS), trace.name.casefold())
