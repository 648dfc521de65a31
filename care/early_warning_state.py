"""What the vital signs of 30 minutes say about the seven parameters of NEWS2.

Air or oxygen is what somebody recorded: a flow of 0 L/min or 21 % inhaled is air, more is oxygen.
Nothing recorded is missing, and never air. A reading that was withdrawn, is implausible or knows no
time of day is not taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from care import vital_signs
from care.analytes import analyte_of
from care.errors import UnitRefused
from care.models import VitalSign
from care.news2 import Consciousness, Parameter
from care.units import converted
from portal.models import Patient

WINDOW = timedelta(minutes=30)
ROOM_AIR = Decimal(21)  # % inhaled

_MEASURED = {
    vital_signs.BREATHING: Parameter.RESPIRATION,
    vital_signs.OXYGEN: Parameter.SATURATION,
    vital_signs.SYSTOLIC: Parameter.SYSTOLIC,
    vital_signs.PULSE: Parameter.PULSE,
    vital_signs.TEMPERATURE: Parameter.TEMPERATURE,
}
_OXYGEN = (vital_signs.OXYGEN_FLOW, vital_signs.INHALED_OXYGEN)
_CODES = tuple(
    code
    for first in (*_MEASURED, *_OXYGEN, vital_signs.BLOOD_PRESSURE, vital_signs.CONSCIOUSNESS)
    for code in vital_signs.codes_like(first)
)

Value = Decimal | bool | Consciousness


@dataclass(frozen=True)
class Input:
    """One value of a score, and the reading that it is from."""

    value: Value
    reading_id: UUID
    at: datetime

    def as_json(self) -> dict[str, str]:
        """What a score keeps of it."""
        value = ("oxygen" if self.value else "air") if isinstance(self.value, bool) else self.value
        text = f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
        return {"value": text, "reading_id": str(self.reading_id), "at": self.at.isoformat()}


State = Mapping[Parameter, Input]


def state_at(readings: Iterable[VitalSign], at: datetime) -> State:
    """The newest value of each parameter in the 30 minutes up to `at`. `readings` come in the order
    in which they were measured, and written."""
    (state,) = states_at(readings, [at])
    return state


def states_at(readings: Iterable[VitalSign], instants: Iterable[datetime]) -> Iterator[State]:
    """The same for several instants, from the first to the last: each reading is read once, however
    many there are of either."""
    newest: dict[Parameter, Input] = {}
    coming = iter(readings)
    row = next(coming, None)
    for at in instants:
        while row is not None and row.measured_at <= at:
            for parameter, value in _values(row):
                before = newest.get(parameter)
                # A flow of 0 and 40 % inhaled, at one time: somebody is on oxygen.
                if before and before.value is True and before.at == row.measured_at:
                    continue
                newest[parameter] = Input(value, row.pk, row.measured_at)
            row = next(coming, None)
        yield {each: found for each, found in newest.items() if found.at >= at - WINDOW}


def readings_between(patient: Patient, since: datetime, until: datetime) -> list[VitalSign]:
    """Readings that may be scored, in the order in which they were measured, and written."""
    return list(
        VitalSign.objects.used()
        .filter(
            patient=patient,
            code__in=_CODES,
            time_is_known=True,
            measured_at__gte=since,
            measured_at__lte=until,
        )
        .order_by("measured_at", "created_at", "id")
    )


def _values(row: VitalSign) -> Iterator[tuple[Parameter, Value]]:
    """What a reading says about the parameters: a pulse oximetry may bring the oxygen with it."""
    if row.code in vital_signs.codes_like(vital_signs.CONSCIOUSNESS):
        level = vital_signs.consciousness_of(row.text_value)
        if level is not None:
            yield Parameter.CONSCIOUSNESS, level
        return
    numbers = [(row.code, row.value, row.unit)]
    numbers += [
        (part["code"], Decimal(part["value"]), part.get("unit", ""))
        for part in row.components
        if part.get("value") is not None
    ]
    for code, number, unit in numbers:
        value = _in_our_unit(code, number, unit)
        if value is None:
            continue
        kind = vital_signs.kind_of(code)
        if kind is None:
            continue
        if kind.code in _MEASURED:
            yield _MEASURED[kind.code], value
        elif kind.code == vital_signs.OXYGEN_FLOW:
            yield Parameter.OXYGEN, value > 0
        elif kind.code == vital_signs.INHALED_OXYGEN:
            yield Parameter.OXYGEN, value > ROOM_AIR


def _in_our_unit(code: str, number: Decimal | None, unit: str) -> Decimal | None:
    """A number as the chart wants it; None for one that nobody can have, or in a unit that says
    nothing: it counts as missing."""
    analyte = analyte_of(code)
    if analyte is None or number is None:
        return None
    try:
        value = converted(number, unit, analyte)
    except UnitRefused:
        return None
    return None if analyte.is_implausible(value) else value
