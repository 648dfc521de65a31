"""What happened to a patient between their readings: why a trend may have changed its course.

Operations, visits, medicines that were begun, conditions that began or ended. Dates without a time
stand at the beginning of their day in the clinic's zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time

from django.utils import timezone

from care.models import Condition, Encounter, Medication, Procedure
from care.plots.overlay import Mark
from care.recovery import is_operation, plain_name
from portal.access import Reader, of_visible_patients
from portal.models import Patient

# Of each sort: more lines than this across a plot would hide it.
MOST = 5


def happenings(patient: Patient, reader: Reader, since: datetime | None) -> list[Mark]:
    """The newest operations, visits, medicines and conditions since a time (four queries)."""
    procedures = of_visible_patients(Procedure.objects.done(), reader).filter(patient=patient)
    visits = of_visible_patients(Encounter.objects.valid(), reader).filter(patient=patient)
    medicines = of_visible_patients(Medication.objects.valid(), reader).filter(patient=patient)
    conditions = of_visible_patients(Condition.objects.valid(), reader).filter(patient=patient)
    sorts = (
        _operations(procedures),
        _visits(visits),
        _begun(medicines.order_by("authored_on")),
        _beginnings_and_ends(conditions),
    )
    return [mark for marks in sorts for mark in _newest(marks, since)]


def _newest(marks: Iterable[Mark], since: datetime | None) -> list[Mark]:
    now = timezone.now()
    shown = [mark for mark in marks if mark.at <= now and (since is None or mark.at >= since)]
    return sorted(shown, key=lambda mark: mark.at, reverse=True)[:MOST]


def _operations(procedures: Iterable[Procedure]) -> Iterator[Mark]:
    for each in procedures:
        if each.performed_at and is_operation(each):
            yield Mark(each.performed_at, plain_name(each.display).capitalize(), "operation")


def _visits(visits: Iterable[Encounter]) -> Iterator[Mark]:
    for each in visits:
        if each.starts_at and each.status != Encounter.Status.PLANNED:
            yield Mark(each.starts_at, each.display, "visit")


def _begun(medicines: Iterable[Medication]) -> Iterator[Mark]:
    """Each medicine once: a repeat of an order changes nothing."""
    seen = set()
    days = defaultdict(list)
    for each in medicines:
        name = each.code or each.display.casefold()
        if each.authored_on and name not in seen:
            seen.add(name)
            days[each.authored_on].append(each.display)
    return _of_days(days, "begun", "medicine")


def _beginnings_and_ends(conditions: Iterable[Condition]) -> Iterator[Mark]:
    began, over = defaultdict(list), defaultdict(list)
    for each in conditions:
        if each.onset_on:
            began[each.onset_on].append(each.display)
        if each.abated_on:
            over[each.abated_on].append(each.display)
    yield from _of_days(began, "began", "condition")
    yield from _of_days(over, "over", "condition")


def _of_days(days: Mapping[date, list[str]], what: str, kind: str) -> Iterator[Mark]:
    """One mark a day: what was ordered together was begun together."""
    zone = timezone.get_current_timezone()
    for day, names in days.items():
        midnight = datetime.combine(day, time.min, zone)
        yield Mark(midnight, f"{', '.join(names)}: {what}", kind)
