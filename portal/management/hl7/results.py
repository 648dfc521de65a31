"""What an ORU^R01 reports: a patient, and one reading for each OBX that is a result.

Pure: from a message to plain values. What a reading becomes is the business of `intake`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation

from care.fhir.text import without_semantic_tag
from care.models import Status
from care.reported import gravest
from portal.management.hl7.messages import Message, Segment
from portal.management.hl7.times import Moment, moment, offset_of

LOINC = "http://loinc.org"
_SYSTEMS = {"LN": LOINC, "SCT": "http://snomed.info/sct"}

# OBX-11 (HL7 table 0085). I is in process and O only an order: neither is a result yet. N was not
# asked for.
_STATUSES = {
    "F": Status.FINAL,
    "U": Status.FINAL,
    "V": Status.FINAL,
    "P": Status.PRELIMINARY,
    "R": Status.PRELIMINARY,
    "S": Status.PRELIMINARY,
    "C": Status.CORRECTED,
    "A": Status.AMENDED,
    "B": Status.AMENDED,
    "D": Status.ENTERED_IN_ERROR,
    "W": Status.ENTERED_IN_ERROR,
    "X": Status.CANCELLED,
}
_NOT_RESULTS = ("I", "O", "N")
_TAKEN_BACK = (Status.ENTERED_IN_ERROR, Status.CANCELLED)
_WORDED = ("ST", "TX", "FT", "IS", "ID")
_CODED = ("CE", "CWE", "CNE", "CF")
# Pictures, documents and pointers to them are no reading.
_NOT_KEPT = ("ED", "RP")
_RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*")
_ONE_END = re.compile(r"\s*([<>])=?\s*(-?\d+(?:\.\d+)?)\s*")
_COMPARATORS = ("<", "<=", ">", ">=")
_BEYOND = re.compile(r"([<>]=?)\s*(\d+(?:\.\d+)?)")
# Types of PID-3 in the order in which one is believed to be the clinic's record number.
_RECORD_NUMBERS = ("MR", "PI", "PT", "")


@dataclass(frozen=True)
class Subject:
    """Whom a message is about. `birth_on` is held against the register before anything is filed."""

    record_numbers: tuple[str, ...]
    birth_on: date | None


@dataclass(frozen=True)
class Reading:
    """One result as its laboratory reported it, in its own code and unit."""

    place: int  # which OBX of the message it is, from 1
    identifier: tuple[str, str]  # system and value: the same for a correction of it
    code: str
    code_system: str
    display: str
    value: Decimal | None
    comparator: str  # of a value beyond the scale: “>”
    words: str
    unit: str
    range_low: Decimal | None
    range_high: Decimal | None
    interpretation: str
    status: Status
    measured: Moment | None
    method: str


@dataclass(frozen=True)
class Unusable:
    """One OBX that should be a result and cannot be taken; `field` is where it is wrong."""

    place: int
    field: int
    reason: str


class _Wrong(Exception):
    def __init__(self, field: int, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def subject_of(message: Message) -> Subject | None:
    """The patient that PID names, or None without a record number."""
    pid = message.first("PID")
    if pid is None:
        return None
    numbers: dict[str, list[str]] = {}
    for repetition in pid.repetitions(3):
        kind = repetition[4] if len(repetition) > 4 else ""
        numbers.setdefault(kind, []).append(repetition[0])
    for kind in _RECORD_NUMBERS:
        if found := tuple(filter(None, numbers.get(kind, []))):
            return Subject(found, _day(pid.text(7)))
    return None


def readings_of(message: Message, zone: tzinfo) -> tuple[list[Reading | Unusable], int]:
    """What the message reports, in order, and how many OBX are no result (yet).

    `zone` is the clinic's: for days, and for times when neither they nor MSH-7 carry an offset.
    """
    zones = _Zones(offset_of(message.header.text(7)) or zone, zone)
    found: list[Reading | Unusable] = []
    passed_over = 0
    order: Segment | None = None
    specimen: dict[int, Segment] = _specimens(message)
    place = 0
    for index, segment in enumerate(message.segments):
        if segment.name == "OBR":
            order = segment
        if segment.name != "OBX":
            continue
        place += 1
        if segment.text(11) in _NOT_RESULTS or segment.text(2) in _NOT_KEPT:
            passed_over += 1
            continue
        try:
            taken = [order, specimen.get(index)]
            found.append(_reading(place, segment, taken, message.sender, zones))
        except _Wrong as wrong:
            found.append(Unusable(place, wrong.field, wrong.reason))
    return list(_joined(found)), passed_over


@dataclass(frozen=True)
class _Zones:
    of_times: tzinfo
    of_days: tzinfo


def _specimens(message: Message) -> dict[int, Segment]:
    """For each OBX by its index, the SPM that follows its order: its specimen."""
    found: dict[int, Segment] = {}
    waiting: list[int] = []
    for index, segment in enumerate(message.segments):
        if segment.name == "OBR":
            waiting = []
        elif segment.name == "OBX":
            waiting.append(index)
        elif segment.name == "SPM":
            found |= dict.fromkeys(waiting, segment)
            waiting = []
    return found


def _reading(
    place: int, obx: Segment, taken: list[Segment | None], sender: str, zones: _Zones
) -> Reading:
    order, specimen = taken
    status = _STATUSES.get(obx.text(11))
    if status is None:
        raise _Wrong(11, "has no result status that HL7 knows")
    code, system, display = _code(obx)
    value, comparator, words = _value(obx)
    if value is None and not words and status not in _TAKEN_BACK:
        raise _Wrong(5, "has no value")
    low, high = _range(obx.text(7))
    return Reading(
        place=place,
        identifier=_identifier(obx, order, code, sender),
        code=code,
        code_system=system,
        display=display,
        value=value,
        comparator=comparator,
        words=words,
        unit=obx.text(6),
        range_low=low,
        range_high=high,
        interpretation=gravest(each[0] for each in obx.repetitions(8))[:8],
        status=status,
        measured=_measured(obx, order, specimen, zones),
        method=obx.text(17, 2) or obx.text(17, 1),
    )


def _code(obx: Segment) -> tuple[str, str, str]:
    """LOINC where it is among the two codes that OBX-3 may have, else the first."""
    parts = [*obx.components(3), *[""] * 6]
    offered = [tuple(parts[:3]), tuple(parts[3:6])]
    offered.sort(key=lambda each: each[2] != "LN")
    for code, display, system in offered:
        if code:
            return code[:64], _SYSTEMS.get(system, system), display or code
    raise _Wrong(3, "has no code")


def _identifier(obx: Segment, order: Segment | None, code: str, sender: str) -> tuple[str, str]:
    """The laboratory's number for the order with the test: what a correction comes under again."""
    number = (order.text(3) or order.text(2)) if order else ""
    if number:
        return f"urn:hl7v2:order:{sender}", f"{number}/{code}/{obx.text(4)}".rstrip("/")
    if instance := obx.text(21):
        return f"urn:hl7v2:observation:{sender}", f"{instance}^{obx.text(21, 2)}"
    raise _Wrong(21, "has no number by which it could be known again, nor has its order")


def _value(obx: Segment) -> tuple[Decimal | None, str, str]:
    kind, values = obx.text(2), obx.repetitions(5)
    if not values:
        return None, "", ""
    if kind == "NM":
        if len(values) > 1:
            raise _Wrong(5, "has more than one number")
        return _number(values[0][0])
    if kind == "SN":
        return _structured(values[0])
    if kind in _CODED:
        return None, "", ", ".join(filter(None, (_words(each) for each in values)))
    if kind in _WORDED:
        # Also of a number: `care.reported` knows which codes have one, and reads it.
        return None, "", ", ".join(filter(None, (each[0] for each in values)))
    raise _Wrong(2, "is a kind of value that is not kept")


def _number(text: str) -> tuple[Decimal | None, str, str]:
    # NM allows no comparator; laboratories write one all the same.
    if beyond := _BEYOND.fullmatch(text):
        return Decimal(beyond[2]), beyond[1], ""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _Wrong(5, "is not a number") from None
    if not number.is_finite():
        raise _Wrong(5, "is not a number")
    return number, "", ""


def _structured(parts: list[str]) -> tuple[Decimal | None, str, str]:
    """SN: comparator, number, and for a ratio or a range a separator and another number."""
    comparator, first, separator, second = [*parts, "", "", "", ""][:4]
    if second:
        return None, "", f"{first}{separator or '-'}{second}"
    value, _, _ = _number(first)
    if comparator in _COMPARATORS:
        return value, comparator, ""
    if comparator in {"", "="}:
        return value, "", ""
    raise _Wrong(5, "has a comparator that HL7 does not know")


def _words(parts: list[str]) -> str:
    """Of a coded value the words: the name, the other name, the original text, else the code."""
    parts = [*parts, *[""] * 9]
    return without_semantic_tag(parts[1] or parts[8] or parts[4] or parts[0])


def _range(text: str) -> tuple[Decimal | None, Decimal | None]:
    if found := _RANGE.fullmatch(text):
        return Decimal(found[1]), Decimal(found[2])
    if found := _ONE_END.fullmatch(text):
        end = Decimal(found[2])
        return (None, end) if found[1] == "<" else (end, None)
    return None, None


def _measured(
    obx: Segment, order: Segment | None, specimen: Segment | None, zones: _Zones
) -> Moment | None:
    """When it was measured: the observation's own time, its order's, or its specimen's."""
    written = [obx.text(14)]
    if order is not None:
        written.append(order.text(7))
    if specimen is not None:
        written.append(specimen.text(17))
    for text in filter(None, written):
        try:
            return moment(text, zone=zones.of_times, day_zone=zones.of_days)
        except ValueError as error:
            raise _Wrong(14, str(error)) from None
    return None


def _joined(found: list[Reading | Unusable]) -> Iterator[Reading | Unusable]:
    """Lines of one text made one reading; the same test twice in one order is refused."""
    seen: dict[tuple[str, str], int] = {}
    readings: list[Reading | Unusable] = []
    for each in found:
        if isinstance(each, Reading) and each.identifier in seen:
            before = readings[seen[each.identifier]]
            if isinstance(before, Reading) and before.words and each.words:
                words = f"{before.words} {each.words}"
                readings[seen[each.identifier]] = replace(before, words=words)
            else:
                reason = "comes twice in one order, without OBX-4 to tell them apart"
                readings.append(Unusable(each.place, 4, reason))
            continue
        if isinstance(each, Reading):
            seen[each.identifier] = len(readings)
        readings.append(each)
    yield from readings


def _day(text: str) -> date | None:
    """A birth date; of one that is not wholly known, None: it proves nothing."""
    if not re.match(r"\d{8}", text, re.ASCII):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
