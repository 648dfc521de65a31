"""An observation as its sender reports it, and what the record keeps of it. Pure.

Every way in comes through `kept`: a patient's form, a clinician's, REST, HL7, FHIR. It finds the
table, reads a number that came as text, makes each value the analyte's own unit, and puts aside
what no living person has. What it refuses is refused everywhere, with a reason that is for a person
and holds no value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from care import vital_signs
from care.analytes import LOINC, Analyte, analyte_of
from care.errors import IncompleteReading, NotMeasuredAtHome, ReadingOutOfTime, UnitRefused
from care.models import Measurement, Result, Status, VitalSign
from care.models.measurement import CRITICAL_FLAGS
from care.numerals import numeral_of
from care.ucum import spelled
from care.units import PLACES, converted

VITAL_SIGNS = "vital-signs"
LABORATORY = "laboratory"

# Clocks of phones and devices run a little fast.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Nobody alive was measured before; and no zone leads out of the calendar from here.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
# More digits than the column has before its point.
_LARGEST = Decimal(10) ** 14
_COMPARATORS = ("", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Part:
    """One value with its code and unit: an observation’s own, or a component’s.

    A number in `value`, with a `comparator` when the value is beyond it (“>600”); or `text`: words,
    or a number as its sender wrote it.
    """

    code: str
    value: Decimal | None = None
    unit: str = ""
    text: str = ""
    comparator: str = ""
    display: str = ""
    code_system: str = LOINC


@dataclass(frozen=True)
class Reported(Part):
    """An observation as it was reported. Only `code` (or `display`) and `measured_at` must be."""

    measured_at: datetime | None = None
    time_is_known: bool = True
    category: str = ""
    components: tuple[Part, ...] = ()
    range_low: Decimal | None = None
    range_high: Decimal | None = None
    interpretation: str = ""
    status: str = Status.FINAL
    method: str = ""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Kept:
    """The row that an observation becomes: its table and its columns."""

    model: type[Measurement]
    fields: dict[str, Any]


def kept(reported: Reported, *, now: datetime) -> Kept:
    """What the record keeps of an observation.

    Raises UnitRefused, ReadingOutOfTime (the future, before 1900) and IncompleteReading: no name,
    no time, a number that no measurement has or that could be two.
    """
    analyte = _analyte(reported)
    reported = _read(reported, analyte)
    display = reported.display or (analyte.name if analyte else reported.code)
    if not display:
        raise IncompleteReading("It has neither a code nor words for what was measured.")
    if reported.measured_at is None:
        raise IncompleteReading("It has no time at which it was measured.")
    if reported.measured_at > now + CLOCK_TOLERANCE:
        raise ReadingOutOfTime("The time of a reading cannot be in the future.")
    if reported.measured_at < EARLIEST:
        raise ReadingOutOfTime("The time of a reading cannot be before 1900.")
    category = _category(reported, analyte)
    own = _kept_part(reported, analyte)
    parts = [
        (part, each, _kept_part(part, each))
        for written in reported.components
        for each in [_analyte(written)]
        for part in [_read(written, each)]
    ]
    return Kept(
        VitalSign if category == VITAL_SIGNS else Result,
        {
            "category": category[:40],
            "code": reported.code[:64],
            "code_system": reported.code_system[:200],
            "display": display,
            "value": own.value,
            "text_value": own.text,
            "unit": own.unit,
            "reported_value": own.reported_value,
            "reported_unit": own.reported_unit,
            "components": [_as_json(part, analyte, each) for part, analyte, each in parts],
            "range_low": _end(reported.range_low, reported, analyte),
            "range_high": _end(reported.range_high, reported, analyte),
            "interpretation": reported.interpretation[:8],
            "measured_at": reported.measured_at,
            "time_is_known": reported.time_is_known,
            "status": reported.status,
            "method": reported.method[:120],
            "is_implausible": any(
                each.is_implausible for each in (own, *(each for _, _, each in parts))
            ),
        },
    )


def implausible_parts(reported: Reported) -> Iterator[tuple[Part, Analyte]]:
    """Which numbers of an observation no living person has: somebody is asked about them."""
    for part in (reported, *reported.components):
        analyte = _analyte(part)
        if analyte is not None and _kept_part(_read(part, analyte), analyte).is_implausible:
            yield part, analyte


def gravest(flags: Iterable[str]) -> str:
    """Of several flags of one value the one that calls somebody, else the first; "" of none."""
    given = [flag for flag in flags if flag]
    return next((flag for flag in given if flag.upper() in CRITICAL_FLAGS), next(iter(given), ""))


def _read(part: P, analyte: Analyte | None) -> P:
    """A part whose number came as text, with the number: “> 600”, “6.4 H”, “6.4 mmol/L”.

    Words stay words, and so does a number that words follow: “6.4 (hemolyzed)”. What is judged of
    those is the business of rules.
    """
    if part.value is not None or analyte is None or analyte.is_worded:
        return part
    found = numeral_of(part.text)
    if found is None or (found.rest and not _is_unit_of(analyte, found.rest)):
        return part
    if found.number is None:
        raise IncompleteReading("It has a number that cannot be read for certain.")
    if found.rest and part.unit and spelled(found.rest) != spelled(part.unit):
        raise IncompleteReading("It has two units that are not the same.")
    return replace(
        part,
        value=found.number,
        comparator=found.comparator or part.comparator,
        unit=part.unit or found.rest,
        text="",
    )


def _is_unit_of(analyte: Analyte, text: str) -> bool:
    try:
        converted(Decimal(1), text, analyte)
    except UnitRefused:
        return False
    return True


@dataclass(frozen=True)
class _KeptPart:
    """One value in its analyte's unit, with what was written where that is something else."""

    value: Decimal | None
    unit: str
    text: str
    reported_value: str = ""
    reported_unit: str = ""
    is_implausible: bool = False


def _kept_part(part: Part, analyte: Analyte | None) -> _KeptPart:
    if part.comparator not in _COMPARATORS:
        raise IncompleteReading("It has a comparator that is none of <, <=, >, >=.")
    if part.value is None:
        return _KeptPart(None, part.unit[:40], _words(part))
    if not part.value.is_finite() or abs(part.value) >= _LARGEST:
        raise IncompleteReading("It has a number that no measurement can have.")
    if analyte is None or analyte.is_worded:
        value = part.value.quantize(PLACES)
        return _beyond(part, _KeptPart(value, part.unit[:40], part.text))
    value = converted(part.value, part.unit, analyte)
    was_written_otherwise = part.unit not in ("", analyte.unit)
    return _beyond(
        part,
        _KeptPart(
            value,
            analyte.unit,
            part.text,
            reported_value=f"{part.comparator}{part.value:f}"[:40] if was_written_otherwise else "",
            reported_unit=part.unit[:40] if was_written_otherwise else "",
            # “<5” may be anything below: only what is known to be impossible is put aside.
            is_implausible=not part.comparator and analyte.is_implausible(value),
        ),
    )


def _beyond(part: Part, own: _KeptPart) -> _KeptPart:
    """“>600” is not 600: it stays words. `Measurement.known_value` reads the number from them."""
    if not part.comparator or own.value is None:
        return own
    plain = own.value.normalize()
    return replace(own, value=None, text=f"{part.comparator}{plain:f}")


def _words(part: Part) -> str:
    if part.code in vital_signs.codes_like(vital_signs.CONSCIOUSNESS):
        return str(vital_signs.consciousness_of(part.text) or part.text)
    return part.text


def _analyte(part: Part) -> Analyte | None:
    return analyte_of(part.code) if part.code_system == LOINC else None


def measured_at_home(reported: Reported) -> Reported:
    """What somebody measured who is not of the care team: a vital sign, and nothing else.

    Raises NotMeasuredAtHome for what a laboratory measures, whatever its sender calls it.
    """
    parts = (reported, *reported.components)
    if any(part.code_system != LOINC or not _is_vital_sign(part.code) for part in parts):
        raise NotMeasuredAtHome("Only vital signs can be sent by those who are not of the team.")
    return replace(reported, category=VITAL_SIGNS)


def _is_vital_sign(code: str) -> bool:
    analyte = analyte_of(code)
    return vital_signs.kind_of(code) is not None or bool(analyte and analyte.is_vital_sign)


def _category(reported: Reported, analyte: Analyte | None) -> str:
    is_claimed = reported.category == VITAL_SIGNS
    if is_claimed and analyte is not None and not _is_vital_sign(reported.code):
        # A laboratory's value is one whatever its sender calls it.
        return LABORATORY
    if reported.category == VITAL_SIGNS or vital_signs.is_always_one(reported.code):
        return VITAL_SIGNS
    if reported.category or analyte is None:
        return reported.category
    return VITAL_SIGNS if analyte.is_vital_sign else LABORATORY


def _end(value: Decimal | None, reported: Reported, analyte: Analyte | None) -> Decimal | None:
    """One end of the range that came with a value, in the unit in which the value is kept."""
    if value is None or analyte is None or analyte.is_worded or reported.value is None:
        return value
    return converted(value, reported.unit, analyte)


def _as_json(part: Part, analyte: Analyte | None, own: _KeptPart) -> dict[str, Any]:
    """A component as JSON keeps it: the decimal as text, so that it stays exact."""
    written = {
        "code": part.code,
        "display": part.display or (analyte.name if analyte else part.code),
        "value": None if own.value is None else f"{own.value.normalize():f}",
        "text": own.text,
        "unit": own.unit,
    }
    if own.reported_unit:
        written |= {"reported_value": own.reported_value, "reported_unit": own.reported_unit}
    return written
