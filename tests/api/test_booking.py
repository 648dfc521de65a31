"""Booking over REST: a time is found, held and booked, once, by whoever may."""

import pytest
from django.db import connection
from django.utils import timezone

from appointments.models import Appointment, Change, Hold
from portal.models import AuditEntry, Patient
from tests.api.fhir import issues
from tests.api.scheduling import (
    APPOINTMENTS,
    BOOK,
    FIND,
    HOLD,
    by_number,
    entries,
    parameters,
    patient_of,
    slot_of,
)


def test_found_held_and_booked(scheduler, diary, ana, stored, system):
    on = f"{diary.at('12:00'):%Y-%m-%d}"
    proposed = entries(
        scheduler.post(
            FIND,
            parameters(
                patient=by_number("4471"), visit_type=str(diary.wound_check.pk), start=on, end=on
            ),
        )
    )
    assert {each["status"] for each in proposed} == {"proposed"}
    assert stored(Hold) == []
    held = scheduler.post(HOLD, parameters(appt_resource=proposed[3]))
    assert held.status_code == 201
    assert (held.json()["status"], slot_of(held.json())) == ("pending", slot_of(proposed[3]))
    booked = scheduler.post(BOOK, parameters(appt_id=held.json()["id"]))
    assert booked.status_code == 201
    assert booked.json()["status"] == "booked"
    assert booked.json()["start"] == proposed[3]["start"]
    (visit,) = stored(Appointment)
    assert booked["Location"] == f"{APPOINTMENTS}{visit.pk}/"
    assert (visit.patient_id, visit.kind) == (ana.patient.pk, "Wound check")
    # In its history without a person, in the audit log under the account.
    assert [(each.kind, each.by_id) for each in stored(Change)] == [("booked", None)]
    assert [each.actor_id for each in stored(AuditEntry, action="appointment.by_program")] == [
        scheduler.account.pk
    ]


def test_the_same_again_is_the_same(scheduler, times, ana, stored):
    asked = parameters(patient=patient_of(ana), slot=times()[0])
    held = [scheduler.post(HOLD, asked).json()["id"] for _ in range(2)]
    assert held[0] == held[1]
    booked = [scheduler.post(BOOK, parameters(appt_id=held[0])).json()["id"] for _ in range(2)]
    assert booked[0] == booked[1]
    again = scheduler.post(BOOK, asked)
    assert (again.status_code, again.json()["id"]) == (200, booked[0])
    assert len(stored(Appointment)) == 1


def test_what_a_program_keeps_is_given_back_the_moment_it_runs_out(scheduler, times, ana, system):
    scheduler.post(HOLD, parameters(patient=patient_of(ana), slot=times()[0]))
    with system():
        hold = Hold.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'appointments.end_holds'"
        )
        assert cursor.fetchall() == [(hold.until_at,)]


def test_a_free_time_is_booked_at_once(scheduler, times, ana, stored):
    answer = scheduler.post(BOOK, parameters(patient=patient_of(ana), slot=times()[0]))
    assert answer.status_code == 201
    assert [str(visit.pk) for visit in stored(Appointment)] == [answer.json()["id"]]


def test_who_comes_too_late_learns_what_is_free(scheduler, times, diary, ana, ben, boris, ada):
    slot = times()[0]
    diary.by_staff(boris, diary.at("09:00"), patient=ben.patient, provider=ada.provider)
    answer = scheduler.post(HOLD, parameters(patient=patient_of(ana), slot=slot))
    assert answer.status_code == 409
    assert issues(answer) == [("slot", "conflict")]
    assert diary.at("09:30").isoformat(timespec="minutes") in answer.content.decode()


def test_a_hold_that_was_given_up_books_nothing(scheduler, times, ana, stored):
    first, second = times()[:2]
    held = scheduler.post(HOLD, parameters(patient=patient_of(ana), slot=first)).json()["id"]
    scheduler.post(HOLD, parameters(patient=patient_of(ana), slot=second))
    answer = scheduler.post(BOOK, parameters(appt_id=held))
    assert (answer.status_code, issues(answer)) == (409, [("appt-id", "conflict")])
    assert stored(Appointment) == []


def test_what_the_clinic_books_itself_is_not_a_programs(scheduler, times, diary, ana):
    slot = times()[0]
    diary.change(diary.wound_check, self_scheduling="view")
    assert times()
    answer = scheduler.post(BOOK, parameters(patient=patient_of(ana), slot=slot))
    assert (answer.status_code, issues(answer)) == (422, [("slot", "business-rule")])
    diary.change(diary.wound_check, self_scheduling="off")
    assert scheduler.post(BOOK, parameters(patient=patient_of(ana), slot=slot)).status_code == 404


def test_a_time_with_nobody_of_the_team_is_not_free(scheduler, times, boris):
    assert times(provider=boris.provider) == []


def test_the_dead_have_no_visits(scheduler, times, ana, system):
    slot = times()[0]
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(deceased_at=timezone.now())
    answer = scheduler.post(BOOK, parameters(patient=patient_of(ana), slot=slot))
    assert (answer.status_code, issues(answer)) == (422, [("slot", "business-rule")])


def test_a_hold_of_a_person_is_not_a_programs(scheduler, diary, ana, stored):
    hold = diary.held(ana, diary.at("09:00"))
    assert scheduler.post(BOOK, parameters(appt_id=str(hold.pk))).status_code == 404
    assert stored(Appointment) == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b'"\\u0000"', 400),
        (b'"\\ud800"', 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"resourceType": "Parameters"}', 400),
        (b'{"resourceType": "Parameters", "parameter": [1, {"name": 2}, {"name": "slot"}]}', 400),
        (b'{"resourceType": "Parameters", "parameter": {"name": "appt-id"}}', 400),
    ],
)
@pytest.mark.parametrize("path", [HOLD, BOOK])
def test_whatever_is_sent_is_answered(scheduler, path, sent, status):
    answer = scheduler.client.post(path, sent, content_type="application/fhir+json")
    assert answer.status_code == status
    assert issues(answer)
