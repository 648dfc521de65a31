"""What patients, caregivers and the care team do to vital signs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from care.actions.observations import record_observation
from care.corrections import correction_of
from care.errors import (
    AlreadyWithdrawn,
    ImplausibleReading,
    IncompleteReading,
)
from care.models import Source, Status, VitalSign
from care.models.measurement import WITHDRAWN
from care.reported import VITAL_SIGNS, Kept, Part, Reported, implausible_parts, kept
from care.vital_signs import Kind, kind_of
from portal import audit
from portal.access import Reader, writable_patients

# What a correction may change: the reading, not whose it is or where it came from.
_CORRECTED = (
    "value",
    "text_value",
    "unit",
    "reported_value",
    "reported_unit",
    "components",
    "measured_at",
    "time_is_known",
    "is_implausible",
    "range_low",
    "range_high",
    "interpretation",
)


@dataclass(frozen=True)
class Taken:
    """One reading as somebody took it: a number, several by the code of their part, or words.

    `unit` is the one they read off; empty, it is the kind's own. `is_right` answers the question
    about a number that nobody has.
    """

    code: str
    value: Decimal | None = None
    components: Mapping[str, Decimal] = field(default_factory=dict)
    text: str = ""
    unit: str = ""
    is_right: bool = False


def record_vital_sign(
    patient_id: UUID,
    *,
    code: str,
    value: Decimal | None = None,
    components: Mapping[str, Decimal] | None = None,
    text: str = "",
    unit: str = "",
    measured_at: datetime,
    by: Reader,
    source: Source,
    is_right: bool = False,
    key: UUID | None = None,
) -> VitalSign:
    """Record one reading of a patient.

    `code` is one that `care.vital_signs` knows. A kind with several numbers takes them in
    `components` by their code (systolic and diastolic), one in words takes `text`, any other
    `value`. Returns the new row. Raises Patient.DoesNotExist when `by` may not write for this
    patient, UnitRefused, IncompleteReading, ReadingOutOfTime, and ImplausibleReading, which
    `is_right=True` answers: somebody was asked and said yes, and it is kept aside, not used.
    """
    taken = Taken(code, value, components or {}, text, unit, is_right)
    return record_vital_signs(
        patient_id, [taken], measured_at=measured_at, by=by, source=source, key=key
    )[0]


@transaction.atomic
def record_vital_signs(
    patient_id: UUID,
    readings: Iterable[Taken],
    *,
    measured_at: datetime,
    by: Reader,
    source: Source,
    key: UUID | None = None,
) -> list[VitalSign]:
    """Record what was measured at one time, all of it or nothing.

    A `key` makes the second press of a button harmless: what was saved under it is returned as it
    is. Raises as record_vital_sign.
    """
    patient = writable_patients(by).get(pk=patient_id)
    recorded = []
    for taken in readings:
        row_id = uuid5(key, taken.code) if key else None
        saved = VitalSign.objects.filter(pk=row_id, patient=patient).first() if row_id else None
        if saved:
            recorded.append(saved)
            continue
        reported = _reported(taken, measured_at)
        _ask(reported, is_right=taken.is_right)
        row = record_observation(patient, reported, source=source, by=by, row_id=row_id).row
        assert isinstance(row, VitalSign)
        recorded.append(row)
    return recorded


@transaction.atomic
def correct_vital_sign(
    reading_id: UUID, taken: Taken, *, measured_at: datetime, reason: str = "", by: Reader
) -> VitalSign:
    """Put right what a reading says; what it said stays on record with the reason.

    Who may is as for withdrawing. Raises VitalSign.DoesNotExist, AlreadyWithdrawn, and as
    record_vital_sign.
    """
    reading = _own_reading(reading_id, by)
    reason = _reason(reason, by)
    if reading.status in WITHDRAWN:
        raise AlreadyWithdrawn("This reading was taken back. Please add a new one.")
    if taken.code != reading.code:
        raise IncompleteReading("A reading cannot become one of another kind.")
    reported = _reported(taken, measured_at)
    _ask(reported, is_right=taken.is_right)
    row: Kept = kept(reported, now=timezone.now())
    fields = {name: row.fields[name] for name in _CORRECTED}
    was = {name: old for name, new in fields.items() if (old := getattr(reading, name)) != new}
    if not was:
        return reading
    was["status"] = reading.status
    correction_of(reading, was, reason, by_id=by.user_id).save(force_insert=True)
    for name, value in fields.items():
        setattr(reading, name, value)
    reading.status = Status.CORRECTED
    reading.save(update_fields=[*fields, "status"])
    _audit("vital_sign.corrected", reading, by)
    return reading


@transaction.atomic
def withdraw_vital_sign(reading_id: UUID, *, reason: str = "", by: Reader) -> VitalSign:
    """Mark a reading as entered in error: it stays on record and leaves every list.

    Patients and caregivers withdraw what they entered themselves, the care team any, for a reason.
    Raises VitalSign.DoesNotExist otherwise.
    """
    reading = _own_reading(reading_id, by)
    reason = _reason(reason, by)
    if reading.status in WITHDRAWN:
        return reading
    correction_of(reading, {"status": reading.status}, reason, by_id=by.user_id).save(
        force_insert=True
    )
    reading.status = Status.ENTERED_IN_ERROR
    reading.save(update_fields=["status"])
    _audit("vital_sign.withdrawn", reading, by)
    return reading


def implausible_codes(readings: Iterable[Taken], measured_at: datetime) -> list[str]:
    """The codes of all numbers that somebody is to be asked about."""
    return [
        part.code
        for taken in readings
        for part, _ in implausible_parts(_reported(taken, measured_at))
    ]


def _own_reading(reading_id: UUID, by: Reader) -> VitalSign:
    readings = VitalSign.objects.filter(patient__in=writable_patients(by))
    if not by.is_clinical:
        readings = readings.filter(recorded_by_id=by.user_id)
    return readings.select_for_update(of=["self"]).get(pk=reading_id)


def _reason(reason: str, by: Reader) -> str:
    if by.is_clinical and not reason.strip():
        raise IncompleteReading("Say in a few words what was wrong.")
    return reason.strip()[:200] or "By the person who entered it"


def _reported(taken: Taken, measured_at: datetime) -> Reported:
    kind = kind_of(taken.code)
    if kind is None:
        raise IncompleteReading("This is not a reading that can be recorded.")
    unit = taken.unit or kind.unit
    numbers = {} if kind.words else _numbers(kind, taken)
    if kind.words and taken.text not in kind.words:
        raise IncompleteReading(f"{kind.name} needs one of the words of its scale.")
    return Reported(
        code=kind.code,
        display=kind.name,
        category=VITAL_SIGNS,
        value=None if kind.has_components else numbers.get(kind.code),
        text=taken.text if kind.words else "",
        unit="" if kind.has_components else unit,
        components=tuple(
            Part(part.code, numbers[part.code], unit, display=part.name)
            for part in kind.parts
            if kind.has_components
        ),
        measured_at=measured_at,
    )


def _ask(reported: Reported, *, is_right: bool) -> None:
    for part, analyte in () if is_right else implausible_parts(reported):
        assert part.value is not None
        raise ImplausibleReading(analyte, part.value, part.unit)


def _numbers(kind: Kind, taken: Taken) -> dict[str, Decimal]:
    """The numbers of a reading by the code of their part."""
    given = dict(taken.components) if kind.has_components else {kind.code: taken.value}
    numbers = {code: number for code, number in given.items() if number is not None}
    if numbers.keys() != {part.code for part in kind.parts}:
        raise IncompleteReading(f"{kind.name} needs {_wanted(kind)}.")
    if not all(number.is_finite() for number in numbers.values()):
        raise IncompleteReading(f"{kind.name} needs {_wanted(kind)}.")
    return numbers


def _wanted(kind: Kind) -> str:
    if not kind.has_components:
        return "a number"
    return " and ".join(part.name.lower() for part in kind.parts)


def _audit(action: str, reading: VitalSign, by: Reader) -> None:
    audit.record(
        action,
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=reading,
    )
