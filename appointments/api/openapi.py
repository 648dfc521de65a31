"""What the description of the API says about visits and free times: the parts that count here."""

from typing import Any

from portal.api.openapi import (
    CONCEPT,
    OUTCOME,
    TEXT,
    WRONG,
    answered,
    list_of,
    object_of,
    one_of,
    sent,
)

_REFERENCE = object_of(reference=TEXT, display=TEXT)
_ID = {"type": "string", "readOnly": True}
SLOT = object_of(
    "A FHIR R4 Slot: a free time. Nothing is stored of it; its id is its kind, provider and start.",
    ["resourceType", "schedule", "status", "start", "end"],
    resourceType=one_of("Slot"),
    id=_ID,
    serviceType=list_of(CONCEPT),
    schedule=_REFERENCE,
    status=one_of("free", "busy"),
    start=TEXT,
    end=TEXT,
)
APPOINTMENT = object_of(
    "A FHIR R4 Appointment.",
    ["resourceType", "status", "participant"],
    resourceType=one_of("Appointment"),
    id=_ID,
    identifier=list_of(object_of(system=TEXT, value=TEXT, type=CONCEPT)),
    status=one_of("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
    cancelationReason=CONCEPT,
    serviceType=list_of(CONCEPT),
    description=TEXT,
    start=TEXT,
    end=TEXT,
    minutesDuration={"type": "integer"},
    slot=list_of(_REFERENCE),
    patientInstruction=TEXT,
    participant=list_of(object_of(actor=_REFERENCE, status=TEXT)),
)


def _bundle(of: Any) -> Any:
    return object_of(
        "A FHIR R4 Bundle.",
        ["resourceType", "type"],
        resourceType=one_of("Bundle"),
        type=one_of("searchset"),
        link=list_of(object_of(relation=TEXT, url=TEXT)),
        entry=list_of(object_of(fullUrl=TEXT, resource=of)),
    )


def _parameters(**named: str) -> Any:
    told = "; ".join(f"{name.replace('_', '-')}: {what}" for name, what in named.items())
    return object_of(
        f"A FHIR R4 Parameters. {told}.",
        ["resourceType", "parameter"],
        resourceType=one_of("Parameters"),
        parameter=list_of(
            object_of(name=TEXT, valueReference=_REFERENCE, valueString=TEXT, resource=APPOINTMENT)
        ),
    )


_FOR_WHOM = "Patient/ with an id, or an Identifier with the record number"
_SLOT = "Slot/ with an id from a search"
_KEEPS = {
    "patient": _FOR_WHOM,
    "slot": _SLOT,
    "appt_resource": "instead of both, an Appointment as $find gave it",
    "mode": "in_person, phone or video; else the usual one",
    "moves": "Appointment/ with the id of the visit that moves here (people only)",
}
_NOT_FOUND = answered("No patient, visit or kind of visit that you may see.", OUTCOME)
_TAKEN = answered("Somebody was quicker; the free times nearby are named.", OUTCOME)
_RULE = answered("Not FHIR R4, or a rule of the clinic refuses it.", OUTCOME)
_BODY = {415: answered("Not JSON by its type.", OUTCOME), 422: _RULE}

SLOTS: dict[str, Any] = {
    "responses": {
        200: answered("The free times.", _bundle(SLOT)),
        **WRONG,
        404: _NOT_FOUND,
    },
}
SEARCH: dict[str, Any] = {
    "responses": {
        200: answered("A searchset; `link` leads to the next page.", _bundle(APPOINTMENT)),
        **WRONG,
        404: _NOT_FOUND,
    },
}
SEARCH_BY_FORM: dict[str, Any] = {
    "requestBody": sent(
        object_of(
            **{"patient": TEXT, "patient.identifier": TEXT, "status": TEXT},
            date=list_of(TEXT),
            _count={"type": "integer"},
            page=TEXT,
        ),
        kinds=("application/x-www-form-urlencoded",),
    ),
    "responses": {**SEARCH["responses"], 415: answered("Not a form.", OUTCOME)},
}
READ_SLOT: dict[str, Any] = {
    "responses": {
        200: answered("The time, free or busy by now.", SLOT),
        **{status: WRONG[status] for status in (401, 403, 429)},
        404: _NOT_FOUND,
    },
}
FIND: dict[str, Any] = {
    "requestBody": sent(
        _parameters(
            patient=_FOR_WHOM,
            visit_type="the id of a visit type",
            start="a day or a time",
            end="a day or a time, at most 31 days later",
            practitioner="Practitioner/ with an id; else anybody of the care team",
        )
    ),
    "responses": {
        200: answered("Proposed Appointments.", _bundle(APPOINTMENT)),
        **WRONG,
        404: _NOT_FOUND,
        **_BODY,
    },
}
HOLD: dict[str, Any] = {
    "requestBody": sent(_parameters(**_KEEPS)),
    "responses": {
        201: answered("A pending Appointment: its time is kept for some minutes.", APPOINTMENT),
        **WRONG,
        404: _NOT_FOUND,
        409: _TAKEN,
        **_BODY,
    },
}
BOOK: dict[str, Any] = {
    "requestBody": sent(_parameters(appt_id="the id of a pending Appointment", **_KEEPS)),
    "responses": {
        200: answered("It was booked before, by the same request.", APPOINTMENT),
        201: answered("Booked, and committed.", APPOINTMENT),
        **WRONG,
        404: _NOT_FOUND,
        409: _TAKEN,
        **_BODY,
    },
}
CREATE: dict[str, Any] = {"requestBody": sent(APPOINTMENT), "responses": BOOK["responses"]}
READ: dict[str, Any] = {
    "responses": {
        200: answered("The visit.", APPOINTMENT),
        **{status: WRONG[status] for status in (401, 403, 429)},
        404: _NOT_FOUND,
    },
}
_CHANGED = {
    200: answered("The visit as it is now.", APPOINTMENT),
    **WRONG,
    404: _NOT_FOUND,
    **_BODY,
}
STATUS: dict[str, Any] = {"requestBody": sent(APPOINTMENT), "responses": _CHANGED}
PATCH: dict[str, Any] = {
    "requestBody": sent(
        list_of(object_of(op=one_of("add", "replace"), path=TEXT, value={})),
        kinds=("application/json-patch+json",),
    ),
    "responses": _CHANGED,
}
