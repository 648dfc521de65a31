"""What becomes of a visit that another system's schedule speaks of.

That system is the authority for its visits. So a time that is taken here refuses none of them: the
visit is kept, marked as overbooked with the reason, and the care team is told. A visit stands
under the sender's numbers, whichever message brought it first; the same again changes nothing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from appointments import writing
from appointments.audience import concerned
from appointments.errors import SlotTaken
from appointments.models import Appointment, Room, Status
from care.models import FhirIdentity
from notifications.actions import notify
from notifications.models import Kind
from portal import access
from portal.management.hl7.schedules import Numbers, Person, Plan, Unclear
from portal.models import Patient, Provider

TAKEN = "Planned by another scheduling system, at a time that was taken here"
CALLED_OFF = "Called off in another scheduling system"
DELETED = "Booked by mistake in another scheduling system"
_NEW, _CHANGED, _SAME = "new", "changed", "unchanged"


@dataclass(frozen=True)
class _With:
    provider_id: UUID | None
    room_id: UUID | None


def plan_visit(patient: Patient, numbers: Numbers, plan: Plan) -> str:
    """Book the visit, or change it so that it lies as planned; returns new, changed or unchanged.

    One that was called off, here or there, stands again: who plans a visit means it. Raises
    Unclear, and PatientIsDeceased for a new one.
    """
    where = _found_here(patient, plan)
    visit = _locked_visit(patient, numbers, where)
    wanted: dict[str, Any] = {
        "starts_at": plan.starts_at,
        "ends_at": plan.ends_at,
        "kind": plan.kind,
        "place": plan.place,
        "provider_id": where.provider_id,
        "room_id": where.room_id,
    }
    if visit is None:
        return _book(patient, numbers, wanted)
    return _change(visit, numbers, wanted)


def call_off(patient: Patient, numbers: Numbers, reason: str) -> str:
    """Call the visit off; raises Unclear when there is none."""
    visit = _standing(patient, numbers)
    if visit.status == Status.CANCELLED:
        return _SAME
    writing.call_off(visit, by_id=None, reason=reason)
    return _CHANGED


def note_no_show(patient: Patient, numbers: Numbers) -> str:
    """Note that the patient did not come; raises Unclear when there is no such visit."""
    visit = _standing(patient, numbers)
    if visit.status == Status.NO_SHOW:
        return _SAME
    writing.mark(visit, Status.NO_SHOW, by_id=None)
    return _CHANGED


def _standing(patient: Patient, numbers: Numbers) -> Appointment:
    visit = _locked_visit(patient, numbers)
    if visit is None:
        raise Unclear("SCH^1^1", "names no visit that is known here")
    return visit


def _locked_visit(
    patient: Patient, numbers: Numbers, where: _With | None = None
) -> Appointment | None:
    """The visit with these numbers, or None; locked, with the time of all whom it may take.

    The lock of the patient makes two messages about one visit wait for each other. Raises Unclear
    when the numbers are those of two visits, or of somebody else's: a number typed wrongly must not
    move another patient's visit.
    """
    named = Q()
    for name, number in (("placer_id", numbers.placer), ("filler_id", numbers.filler)):
        if number:
            named |= Q(**{name: number})
    visits = Appointment.objects.filter(named, organization_id=patient.organization_id)
    taken = visits.values_list("provider_id", "room_id")
    parties: list[UUID | None] = [each for pair in taken for each in pair]
    if where is not None:
        parties += [where.provider_id, where.room_id]
    writing.lock(patient.pk, *parties)
    found = list(visits.select_for_update(of=["self"]).select_related("patient", "provider"))
    if not found:
        return None
    visit = found[0]
    differs = _differ(visit.placer_id, numbers.placer) or _differ(visit.filler_id, numbers.filler)
    if len(found) > 1 or differs:
        raise Unclear("SCH^1^1", "has the numbers of two visits")
    if visit.patient_id != patient.pk:
        raise Unclear("SCH^1^1", "has the number of another patient's visit")
    return visit


def _book(patient: Patient, numbers: Numbers, wanted: dict[str, Any]) -> str:
    def planned(reason: str) -> Appointment:
        return writing.book(
            Appointment(
                organization_id=patient.organization_id,
                patient=patient,
                placer_id=numbers.placer,
                filler_id=numbers.filler,
                overbook_reason=reason,
                **wanted,
            ),
            by_id=None,
        )

    try:
        planned("")
    except SlotTaken:
        _tell_team(planned(TAKEN))
    return _NEW


def _change(visit: Appointment, numbers: Numbers, wanted: dict[str, Any]) -> str:
    fate = _SAME
    added = {
        name: number
        for name, number in (("placer_id", numbers.placer), ("filler_id", numbers.filler))
        if number and getattr(visit, name) != number
    }
    if added:
        Appointment.objects.filter(pk=visit.pk).update(**added)
    if any(getattr(visit, name) != value for name, value in wanted.items()):
        _move(visit, wanted)
        fate = _CHANGED
    is_again = visit.status == Status.CANCELLED or (
        visit.status == Status.NO_SHOW and not visit.is_over
    )
    if is_again:
        _book_again(visit)
        fate = _CHANGED
    return fate


def _move(visit: Appointment, wanted: dict[str, Any]) -> None:
    # What was overbooked may have room where it lies now.
    visit.overbook_reason = ""
    try:
        writing.move(visit, by_id=None, **wanted)
    except SlotTaken:
        visit.refresh_from_db()
        visit.overbook_reason = TAKEN
        writing.move(visit, by_id=None, **wanted)
        _tell_team(visit)


def _book_again(visit: Appointment) -> None:
    try:
        writing.mark(visit, Status.BOOKED, by_id=None)
    except SlotTaken:
        visit.refresh_from_db()
        visit.overbook_reason = TAKEN
        visit.save(update_fields=["overbook_reason"])
        writing.mark(visit, Status.BOOKED, by_id=None)
        _tell_team(visit)
    if not visit.is_over:
        told = concerned(visit.patient, visit.provider)
        notify(told, Kind.VISIT, patient=visit.patient, subject_id=visit.pk)


def _tell_team(visit: Appointment) -> None:
    """Tell the care team of a visit that lies on something; the others know of it as of any."""
    if visit.is_over:
        return
    others = concerned(visit.patient, visit.provider)
    team = [user for user in access.entitled_users(visit.patient) if user not in others]
    notify(team, Kind.VISIT, patient=visit.patient, subject_id=visit.pk)


def _found_here(patient: Patient, plan: Plan) -> _With:
    """Our provider and our room among those that the message names, each the first that is ours."""
    providers = (_provider(patient.organization_id, person) for person in plan.people)
    rooms = Room.objects.filter(organization_id=patient.organization_id, is_active=True)
    ours = {room.name.casefold(): room.pk for room in rooms} if plan.rooms else {}
    found = (ours.get(name.casefold()) for name in plan.rooms)
    return _With(next(filter(None, providers), None), next(filter(None, found), None))


def _provider(organization_id: UUID, person: Person) -> UUID | None:
    """By a number under which the provider was imported, with their family name; else by name.

    Whoever is not found takes nobody's time: the visit is the patient's all the same.
    """
    here = Provider.objects.filter(organization_id=organization_id)
    numbered = FhirIdentity.objects.filter(
        organization_id=organization_id, resource_type="Practitioner", value=person.number
    )
    by_number = here.filter(pk__in=numbered.values("row_id"), name__icontains=person.family)
    by_name = here.filter(name__iexact=f"{person.given} {person.family}".strip())
    for rows in ([by_number] if person.number and person.family else []) + [by_name]:
        if len(found := list(rows.values_list("pk", flat=True)[:2])) == 1:
            return found[0]
    return None


def _differ(mine: str, theirs: str) -> bool:
    return bool(mine and theirs and mine != theirs)
