"""What people do to the record: each action is door, rule, write, record."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from care.errors import ImplausibleReading, IncompleteReading, ReadingOutOfTime
from care.models import Source, Status, VitalSign
from care.vital_signs import Kind, kind_of
from portal import audit
from portal.access import Reader, writable_patients

# Clocks of phones and devices run a little fast.
CLOCK_TOLERANCE = timedelta(minutes=5)


@transaction.atomic
def record_vital_sign(
    patient_id: UUID,
    *,
    code: str,
    value: Decimal | None = None,
    components: Mapping[str, Decimal] | None = None,
    measured_at: datetime,
    by: Reader,
    source: Source,
    is_right: bool = False,
) -> VitalSign:
    """Record one reading of a patient.

    `code` is one that `care.vital_signs` knows. A kind with several numbers takes them in
    `components` by their code (systolic and diastolic), any other in `value`; both are in the
    kind's unit. Returns the new row. Raises Patient.DoesNotExist when `by` may not write for this
    patient, IncompleteReading, ReadingOutOfTime, and ImplausibleReading, which `is_right=True`
    answers: somebody was asked and said yes.
    """
    patient = writable_patients(by).get(pk=patient_id)

    kind = kind_of(code)
    if kind is None:
        raise IncompleteReading("This is not a reading that can be recorded.")
    numbers = _numbers(kind, value, components or {})
    if measured_at > timezone.now() + CLOCK_TOLERANCE:
        raise ReadingOutOfTime("The time of a reading cannot be in the future.")
    if patient.deceased_at and measured_at > patient.deceased_at:
        raise ReadingOutOfTime("This patient has died.")
    for part in kind.parts:
        if not is_right and numbers[part.code] not in part.plausible:
            raise ImplausibleReading(part, numbers[part.code])

    reading = VitalSign.objects.create(
        organization_id=by.organization_id,
        patient=patient,
        recorded_by_id=by.user_id,
        category="vital-signs",
        code=kind.code,
        display=kind.name,
        value=None if kind.has_components else numbers[kind.code],
        unit="" if kind.has_components else kind.unit,
        components=_components(kind, numbers),
        measured_at=measured_at,
        source=source,
        status=Status.FINAL,
    )
    audit.record(
        "vital_sign.recorded",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=reading,
        source=str(source),
    )
    return reading


@transaction.atomic
def withdraw_vital_sign(reading_id: UUID, *, by: Reader) -> VitalSign:
    """Mark a reading as entered in error: it stays on record and leaves every list.

    Patients and caregivers withdraw what they entered themselves, the care team any. Raises
    VitalSign.DoesNotExist otherwise.
    """
    readings = VitalSign.objects.filter(patient__in=writable_patients(by))
    if not by.is_clinical:
        readings = readings.filter(recorded_by_id=by.user_id)
    reading = readings.select_for_update(of=["self"]).get(pk=reading_id)
    reading.status = Status.ENTERED_IN_ERROR
    reading.save(update_fields=["status"])
    audit.record(
        "vital_sign.withdrawn",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=reading,
    )
    return reading


def _numbers(
    kind: Kind, value: Decimal | None, components: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """The numbers of a reading by the code of their part."""
    given = dict(components) if kind.has_components else {kind.code: value}
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


def _components(kind: Kind, numbers: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    if not kind.has_components:
        return []
    return [
        {
            "code": part.code,
            "display": part.name,
            "value": f"{numbers[part.code]:f}",
            "text": "",
            "unit": kind.unit,
        }
        for part in kind.parts
    ]
