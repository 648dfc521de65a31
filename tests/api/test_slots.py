"""Free times over REST: who finds them, and what is said of what is missing or wrong."""

import uuid

import pytest

from appointments.models import Appointment, Hold
from tests.api.fhir import issues
from tests.api.scheduling import (
    APPOINTMENTS,
    BOOK,
    FIND,
    HOLD,
    SLOTS,
    entries,
    parameters,
    patient_of,
)


def test_free_times_are_slots(scheduler, times, diary, ana):
    on = f"{diary.at('12:00'):%Y-%m-%d}"
    found = entries(
        scheduler.get(
            SLOTS,
            **{"patient": str(ana.patient.pk), "service-type": str(diary.wound_check.pk)},
            start=f"{on}",
        )
    )
    # Ada and Noor are on Ana's team, from nine to five, half an hour each. Boris is not.
    assert len(found) == 32
    first = found[0]
    assert first["status"] == "free"
    assert first["start"] == diary.at("09:00").isoformat()
    assert first["serviceType"][0]["text"] == "Wound check"
    assert {each["schedule"]["display"] for each in found} == {"Ada Lee", "Noor Haddad"}
    assert "Ana" not in str(found)


def test_a_program_needs_its_scope_for_each(program_for, admin, diary, ana):
    other = program_for(admin, "observations:read", "observations:write")
    for answer in (
        other.get(SLOTS, patient=str(ana.patient.pk)),
        other.get(APPOINTMENTS, patient=str(ana.patient.pk)),
        other.post(BOOK, parameters()),
        other.client.put(
            f"{APPOINTMENTS}{uuid.uuid4()}/",
            {"resourceType": "Appointment", "status": "cancelled"},
            content_type="application/json",
        ),
    ):
        assert answer.status_code == 403
        assert issues(answer) == [("", "forbidden")]


def test_a_slot_is_free_until_it_is_taken(scheduler, times, ana, diary):
    path = f"{SLOTS}{times()[0].removeprefix('Slot/')}/"
    slot = scheduler.get(path).json()
    assert (slot["status"], slot["start"]) == ("free", diary.at("09:00").isoformat())
    diary.booked(ana, diary.at("09:00"))
    assert scheduler.get(path).json()["status"] == "busy"
    for other in ("nothing", "A" * 58, "7" * 58, str(uuid.uuid4())):
        assert scheduler.get(f"{SLOTS}{other}/").status_code == 404


def test_a_proposed_appointment_can_be_posted(scheduler, diary, ana, stored):
    asked = parameters(patient=patient_of(ana), visit_type=str(diary.wound_check.pk))
    proposed = entries(scheduler.post(FIND, asked))[0]
    assert scheduler.post(APPOINTMENTS, proposed).status_code == 201
    assert scheduler.post(APPOINTMENTS, proposed).status_code == 200
    assert len(stored(Appointment)) == 1
    bare = scheduler.post(APPOINTMENTS, {**proposed, "slot": []})
    assert (bare.status_code, issues(bare)) == (400, [("slot", "value")])


def test_a_number_of_another_register_is_nobody(scheduler, diary):
    theirs = {"system": "urn:other", "value": "4471"}
    answer = scheduler.post(FIND, parameters(patient=theirs))
    assert (answer.status_code, issues(answer)) == (400, [("patient", "required")])


def test_a_reader_books_nothing(program_for, admin, times, ana, stored):
    reader = program_for(admin, "appointments:read", name="Reader")
    slot = times(program=reader)[0]
    assert reader.post(HOLD, parameters(patient=patient_of(ana), slot=slot)).status_code == 403
    assert reader.post(BOOK, parameters(patient=patient_of(ana), slot=slot)).status_code == 403
    assert stored(Appointment) == stored(Hold) == []


@pytest.mark.parametrize(
    ("query", "status", "place"),
    [
        ({}, 400, "patient"),
        ({"patient": "Ana"}, 400, "patient"),
        ({"patient": str(uuid.uuid4())}, 404, "patient"),
        ({"patient": "ana"}, 400, "service-type"),
        ({"patient": "ana", "service-type": str(uuid.uuid4())}, 404, "service-type"),
        ({"patient": "ana", "service-type": "wound", "start": "soon"}, 400, "start"),
        ({"patient": "ana", "service-type": "wound", "start": "le2099-01-01"}, 400, "start"),
        ({"patient": "ana", "service-type": "wound", "schedule": "Ada"}, 400, "schedule"),
    ],
)
def test_what_is_missing_or_wrong_is_named(scheduler, diary, ana, query, status, place):
    names = {"ana": str(ana.patient.pk), "wound": str(diary.wound_check.pk)}
    answer = scheduler.get(SLOTS, **{key: names.get(text, text) for key, text in query.items()})
    assert answer.status_code == status
    assert issues(answer)[0][0] == place
