"""Visits, holds and free times as FHIR shows them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.api.slot_names import SlotName
from appointments.calendar import Slot
from appointments.models import Appointment, Hold, Mode, Status, VisitType

# A VisitType is named by its id in this system; FHIR wants the name of the system to be a URI.
VISIT_TYPE = "urn:vigil:visit-type"
# Until when a pending appointment keeps its time.
HELD_UNTIL = "urn:vigil:held-until"
MODE = "urn:vigil:mode"
STATUSES = {
    Status.BOOKED: "booked",
    Status.ARRIVED: "arrived",
    Status.DONE: "fulfilled",
    Status.CANCELLED: "cancelled",
    Status.NO_SHOW: "noshow",
}


def slot(
    free: Slot, visit_type: VisitType, names: Mapping[UUID, str], zone: ZoneInfo
) -> dict[str, Any]:
    """A Slot resource of a free time."""
    return {
        "resourceType": "Slot",
        "id": name_of(free, visit_type),
        "serviceType": [concept(visit_type)],
        "schedule": _with("Schedule", free.provider, names),
        "status": "free",
        "start": free.starts_at.astimezone(zone).isoformat(),
        "end": free.ends_at.astimezone(zone).isoformat(),
    }


def proposed(
    free: Slot,
    visit_type: VisitType,
    patient_id: UUID,
    names: Mapping[UUID, str],
    zone: ZoneInfo,
) -> dict[str, Any]:
    """An Appointment that could be: nothing is kept yet."""
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [concept(visit_type)],
        "description": visit_type.name,
        "start": free.starts_at.astimezone(zone).isoformat(),
        "end": free.ends_at.astimezone(zone).isoformat(),
        "minutesDuration": visit_type.minutes,
        "slot": [{"reference": f"Slot/{name_of(free, visit_type)}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient_id}"}, "status": "needs-action"},
            {"actor": _with("Practitioner", free.provider, names), "status": "accepted"},
        ],
    }


def pending(hold: Hold, zone: ZoneInfo) -> dict[str, Any]:
    """An Appointment whose time is kept for a few minutes; its id is what $book takes."""
    name = SlotName(hold.visit_type_id, hold.provider_id, hold.starts_at)
    return {
        "resourceType": "Appointment",
        "id": str(hold.pk),
        "extension": [
            {"url": HELD_UNTIL, "valueInstant": hold.until_at.astimezone(zone).isoformat()},
            {"url": MODE, "valueCode": hold.mode},
        ],
        "status": "pending",
        "serviceType": [concept(hold.visit_type)],
        "description": hold.visit_type.name,
        "start": hold.starts_at.astimezone(zone).isoformat(),
        "end": hold.ends_at.astimezone(zone).isoformat(),
        "minutesDuration": _minutes(hold),
        "slot": [{"reference": f"Slot/{name}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{hold.patient_id}"}, "status": "needs-action"},
            {
                "actor": _with("Practitioner", hold.provider_id, {}, hold.provider.name),
                "status": "accepted",
            },
        ],
    }


def appointment(visit: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    """An Appointment resource. What the patient answered and why it was overbooked stay inside."""
    came = "accepted" if visit.is_confirmed else "needs-action"
    participants: list[dict[str, Any]] = [
        {"actor": {"reference": f"Patient/{visit.patient_id}"}, "status": came}
    ]
    if visit.provider is not None:
        actor = _with("Practitioner", visit.provider.pk, {}, visit.provider.name)
        participants.append({"actor": actor, "status": "accepted"})
    where = visit.place if visit.mode == Mode.IN_PERSON else visit.get_mode_display()
    if where:
        participants.append({"actor": {"display": where}, "status": "accepted"})
    resource: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": str(visit.pk),
        "meta": {
            "versionId": str(visit.sequence),
            "lastUpdated": visit.changed_at.astimezone(zone).isoformat(),
        },
        "extension": [{"url": MODE, "valueCode": visit.mode}],
        "identifier": [
            _identifier(kind, number)
            for kind, number in (("PLAC", visit.placer_id), ("FILL", visit.filler_id))
            if number
        ],
        "status": STATUSES[Status(visit.status)],
        "cancelationReason": {"text": visit.cancel_reason} if visit.cancel_reason else None,
        "serviceType": [concept(visit.visit_type)] if visit.visit_type else [],
        "description": visit.kind,
        "start": visit.starts_at.astimezone(zone).isoformat(),
        "end": visit.ends_at.astimezone(zone).isoformat(),
        "minutesDuration": _minutes(visit),
        "created": visit.created_at.astimezone(zone).isoformat(),
        "patientInstruction": visit.visit_type.how_to_prepare if visit.visit_type else "",
        "participant": participants,
    }
    # FHIR has no empty lists and no empty texts.
    return {name: value for name, value in resource.items() if value not in ([], None, "")}


def name_of(free: Slot, visit_type: VisitType) -> str:
    """The id of a Slot."""
    return str(SlotName(visit_type.pk, free.provider, free.starts_at))


def concept(visit_type: VisitType) -> dict[str, Any]:
    """A visit type as a CodeableConcept."""
    coding = {"system": VISIT_TYPE, "code": str(visit_type.pk), "display": visit_type.name}
    return {"coding": [coding], "text": visit_type.name}


def _with(
    kind: str, provider_id: UUID, names: Mapping[UUID, str], name: str = ""
) -> dict[str, str]:
    shown = name or names.get(provider_id, "")
    return {
        "reference": f"{kind}/{provider_id}",
        **({"display": shown} if shown else {}),
    }


def _identifier(kind: str, number: str) -> dict[str, Any]:
    """A number as an SIU message gave it: the number, and whose it is."""
    value, _, system = number.partition("^")
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": kind}
    return {
        "type": {"coding": [coding]},
        **({"system": f"urn:hl7v2:schedule:{system}"} if system else {}),
        "value": value,
    }


def _minutes(timed: Appointment | Hold) -> int:
    return int((timed.ends_at - timed.starts_at).total_seconds()) // 60
