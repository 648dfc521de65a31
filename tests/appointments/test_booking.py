"""Holding, booking and moving: one time for one visit, and no way to lose what one has."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from appointments import actions
from appointments.errors import (
    HoldEnded,
    KeptElsewhere,
    NotForYou,
    NotSelfScheduled,
    PatientIsDeceased,
    SlotTaken,
    TooLate,
    VisitIsOver,
)
from appointments.models import Appointment, Change, Hold, Status, VisitType
from notifications.actions import unread
from portal import tenancy
from portal.models import AuditEntry, CareTeamMembership, Patient


def test_a_patient_holds_then_books_and_the_time_is_gone(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    assert hold.is_live
    assert 290 <= hold.seconds_left <= 300
    assert "10:00" not in diary.free(cast.noor)

    visit = diary.do(
        cast.ana, actions.book_held, hold.pk, answers={"fever": "No", "other": "not asked"}
    )
    assert (visit.kind, visit.mode, visit.place) == ("Wound check", "in_person", "Room 3")
    assert visit.answers == {"fever": "No"}
    assert visit.ends_at - visit.starts_at == timedelta(minutes=30)
    assert "10:00" not in diary.free(cast.noor)
    with diary.as_(cast.ana):
        assert actions.live_hold(cast.ana.patient, by=cast.ana.reader) is None
        assert list(visit.changes.values_list("kind", "by_id")) == [("booked", cast.ana.user.pk)]


def test_the_clinician_and_the_family_are_told_and_not_who_booked(diary, cast, acting):
    diary.booked(cast.ana, diary.at("10:00"))
    for person, number in ((cast.ana, 0), (cast.sam, 1), (cast.ada, 1), (cast.noor, 0)):
        with acting(person):
            assert unread(person.reader) == number


def test_a_hold_survives_a_reload_and_a_second_click(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    with diary.as_(cast.ana):
        assert actions.live_hold(cast.ana.patient, by=cast.ana.reader) == hold
    again = diary.held(cast.ana, diary.at("10:00"))
    assert (again.pk, again.until_at) == (hold.pk, hold.until_at)


def test_a_patient_holds_one_time_at_once(diary, cast):
    first = diary.held(cast.ana, diary.at("10:00"))
    diary.held(cast.ana, diary.at("11:00"))
    assert "10:00" in diary.free(cast.noor)
    with pytest.raises(HoldEnded):
        diary.do(cast.ana, actions.book_held, first.pk)


def test_booking_twice_is_booking_once(diary, cast, acting):
    hold = diary.held(cast.ana, diary.at("10:00"))
    first = diary.do(cast.ana, actions.book_held, hold.pk)
    assert diary.do(cast.ana, actions.book_held, hold.pk) == first
    with acting(cast.ana):
        assert Appointment.objects.count() == 1


def test_staff_booking_twice_with_one_key_is_booking_once(diary, cast):
    from portal.identifiers import uuid7

    key = uuid7()
    first = diary.by_staff(cast.noor, diary.at("10:00"), key=key)
    assert diary.by_staff(cast.noor, diary.at("10:00"), key=key) == first


def test_what_is_held_is_nobody_elses_and_the_next_times_are_named(diary, cast, system):
    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    diary.held(cast.ana, diary.at("10:00"))

    with pytest.raises(SlotTaken) as taken:
        diary.held(cast.ben, diary.at("10:00"), cast.ben.patient)
    assert str(taken.value) == "Somebody else has just taken that time."
    next_times = {(slot.starts_at, slot.provider) for slot in taken.value.next_times}
    assert (diary.at("10:00"), cast.ada.provider.pk) not in next_times
    # The same time with somebody else who looks after him is the closest.
    assert (diary.at("10:00"), cast.boris.provider.pk) in next_times
    assert diary.at("10:30") in {starts_at for starts_at, _ in next_times}
    with pytest.raises(SlotTaken):
        diary.by_staff(cast.ada, diary.at("10:15"), cast.ben.patient)


def test_a_hold_that_ran_out_stands_in_nobodys_way(diary, cast, system):
    hold = diary.held(cast.ana, diary.at("10:00"))
    diary.change(hold, until_at=timezone.now() - timedelta(seconds=1))
    assert "10:00" in diary.free(cast.noor)

    diary.by_staff(cast.noor, diary.at("10:00"), provider=cast.ada.provider, kind="Other")
    with system():
        assert Hold.objects.get(pk=hold.pk).fate == Hold.Fate.EXPIRED
    with pytest.raises(SlotTaken):
        diary.do(cast.ana, actions.book_held, hold.pk)


def test_a_hold_that_ran_out_is_booked_all_the_same_while_its_time_is_free(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    diary.change(hold, until_at=timezone.now() - timedelta(seconds=1))
    assert diary.do(cast.ana, actions.book_held, hold.pk).starts_at == diary.at("10:00")


def test_moving_keeps_the_old_time_until_the_new_one_is_sure(diary, cast, acting):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.do(cast.ana, actions.confirm_visit, visit.pk)
    hold = diary.held(cast.ana, diary.at("14:00"), moves_id=visit.pk)
    assert not {"10:00", "14:00"} & set(diary.free(cast.noor))

    moved = diary.do(cast.ana, actions.book_held, hold.pk)
    assert moved == visit
    assert (moved.starts_at, moved.sequence) == (diary.at("14:00"), 1)
    assert not moved.is_confirmed
    assert "10:00" in diary.free(cast.noor)
    with acting(cast.ana):
        assert Appointment.objects.count() == 1
        change = Change.objects.get(kind="moved")
        assert change.from_at == diary.at("10:00")


def test_a_move_that_fails_changes_nothing(diary, cast, acting):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.by_staff(cast.noor, diary.at("14:00"), provider=cast.noor.provider)

    with pytest.raises(SlotTaken):
        diary.do(cast.ada, actions.move_visit, visit.pk, starts_at=diary.at("14:00"))
    with acting(cast.ana):
        visit.refresh_from_db()
        assert (visit.starts_at, visit.sequence) == (diary.at("10:00"), 0)
    assert "10:00" not in diary.free(cast.noor)


def test_a_visit_may_move_onto_its_own_time(diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    moved = diary.do(cast.noor, actions.move_visit, visit.pk, starts_at=diary.at("10:15"))
    assert moved.ends_at == diary.at("10:45")


@pytest.mark.parametrize("scheduling", ["view", "off"])
def test_a_clinic_switches_self_scheduling_off(diary, cast, scheduling):
    diary.change(diary.wound_check, self_scheduling=scheduling)
    with pytest.raises(NotSelfScheduled):
        diary.held(cast.ana, diary.at("10:00"))
    assert diary.held(cast.noor, diary.at("10:00")).is_live  # staff do as before


def test_a_type_that_is_switched_off_while_a_time_is_held_is_not_booked(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    diary.change(diary.wound_check, self_scheduling="off")
    with pytest.raises(NotSelfScheduled):
        diary.do(cast.ana, actions.book_held, hold.pk)


def test_the_database_too_keeps_patients_to_what_they_may_book(diary, cast, acting):
    def book(**changes):
        with acting(cast.ana), transaction.atomic():
            Appointment.objects.create(
                **{
                    "organization": cast.clinic,
                    "patient": cast.ana.patient,
                    "visit_type": diary.wound_check,
                    "kind": "Wound check",
                    "starts_at": diary.at("10:00"),
                    "ends_at": diary.at("10:30"),
                }
                | changes
            )

    for changes in (
        {"visit_type": None},
        {"status": "arrived"},
        {"overbook_reason": "I want it"},
        {"late_minutes": 5},
        {"patient": cast.ben.patient},
    ):
        with pytest.raises(DatabaseError):
            book(**changes)
    diary.change(diary.wound_check, self_scheduling="view")
    with pytest.raises(DatabaseError):
        book()
    diary.change(diary.wound_check, self_scheduling="on")
    book()


def test_a_patient_cannot_say_that_they_came(diary, cast, acting):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with acting(cast.ana), connection.cursor() as cursor:
        for change in ("status = 'done'", "late_minutes = 9", "kind = 'x'", "filler_id = 'x'"):
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"UPDATE appointments SET {change} WHERE id = %s", [visit.pk])


def test_patients_keep_the_lead_and_staff_need_not(diary, cast):
    tomorrow = diary.at("09:00", days=1)
    soon = tomorrow - timezone.now() + timedelta(hours=1)
    diary.change(diary.wound_check, lead_minutes=int(soon.total_seconds() // 60))
    with pytest.raises(SlotTaken):
        diary.held(cast.ana, tomorrow)
    assert diary.held(cast.noor, tomorrow).is_live


def test_a_patient_books_with_those_who_look_after_them(diary, cast):
    with pytest.raises(SlotTaken):
        diary.held(cast.ana, diary.at("10:00"), provider=cast.boris.provider)


@pytest.mark.parametrize("who", ["ben", "boris", "carla", "olga", "admin"])
def test_a_stranger_holds_nothing(diary, cast, who):
    with pytest.raises((Patient.DoesNotExist, VisitType.DoesNotExist)):
        diary.held(getattr(cast, who), diary.at("10:00"))


def test_a_hold_is_its_patients_sides(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    for stranger in (cast.ben, cast.boris, cast.olga):
        with pytest.raises(Hold.DoesNotExist):
            diary.do(stranger, actions.book_held, hold.pk)
    assert diary.do(cast.sam, actions.book_held, hold.pk).patient == cast.ana.patient


def test_released_twice_is_free_once(diary, cast):
    hold = diary.held(cast.ana, diary.at("10:00"))
    for _ in range(2):
        assert diary.do(cast.ana, actions.release_hold, hold.pk).fate == "released"
    assert "10:00" in diary.free(cast.noor)


def test_the_dead_book_nothing(diary, cast, system):
    hold = diary.held(cast.ana, diary.at("10:00"))
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    with pytest.raises(PatientIsDeceased):
        diary.held(cast.ana, diary.at("11:00"))
    with pytest.raises(PatientIsDeceased):
        diary.do(cast.ana, actions.book_held, hold.pk)


def test_patients_move_no_visit_that_they_do_not_book_themselves(diary, cast, acting):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    move = "UPDATE appointments SET starts_at = %s, ends_at = %s WHERE id = %s"
    there = [diary.at("14:00"), diary.at("14:30"), visit.pk]
    diary.change(diary.wound_check, self_scheduling="view")
    with acting(cast.ana), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="Only the clinic moves it"), transaction.atomic():
            cursor.execute(move, there)
        cursor.execute("UPDATE appointments SET status = 'cancelled' WHERE id = %s", [visit.pk])
        assert cursor.rowcount == 1


# Calling off and the notice period ----------------------------------------------------------------


def test_a_patient_calls_off_with_a_reason_and_the_time_is_free(diary, cast, acting):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    off = diary.do(cast.ana, actions.cancel_visit, visit.pk, reason="I am well again")
    assert (off.status, off.cancel_reason) == (Status.CANCELLED, "I am well again")
    assert (off.cancelled_by_id, off.sequence) == (cast.ana.user.pk, 1)
    assert "10:00" in diary.free(cast.noor)


def test_inside_the_notice_period_the_clinic_is_called(diary, cast):
    visit = diary.by_staff(cast.noor, diary.at("10:00", days=1))
    diary.change(diary.wound_check, notice_minutes=3 * 24 * 60)
    with pytest.raises(TooLate):
        diary.do(cast.ana, actions.cancel_visit, visit.pk)
    with pytest.raises(TooLate):
        diary.held(cast.ana, diary.at("11:00", days=4), moves_id=visit.pk)
    assert diary.do(cast.noor, actions.cancel_visit, visit.pk).status == Status.CANCELLED


def test_what_another_system_plans_is_called_off_there(diary, cast):
    visit = diary.by_staff(cast.noor, diary.at("10:00"))
    with tenancy.acting_for(visit.organization_id, system=True):
        Appointment.objects.filter(pk=visit.pk).update(filler_id="F-17")
    with pytest.raises(KeptElsewhere):
        diary.do(cast.ana, actions.cancel_visit, visit.pk)
    assert diary.do(cast.noor, actions.cancel_visit, visit.pk).status == Status.CANCELLED


def test_what_was_called_off_stays_off(diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.do(cast.ana, actions.cancel_visit, visit.pk)
    for action in (actions.confirm_visit, actions.check_in, actions.record_arrival):
        with pytest.raises((VisitIsOver, Appointment.DoesNotExist)):
            diary.do(cast.ada, action, visit.pk)
    with pytest.raises(VisitIsOver):
        diary.do(cast.ada, actions.move_visit, visit.pk, starts_at=diary.at("12:00"))


def test_checking_in_is_for_the_day_itself(diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with pytest.raises(TooLate):
        diary.do(cast.ana, actions.check_in, visit.pk)
    soon = timezone.now() + timedelta(minutes=5)
    today = diary.by_staff(cast.noor, soon, provider=cast.noor.provider)
    if timezone.localdate(soon, diary.zone) == timezone.localdate(timezone=diary.zone):
        here = diary.do(cast.ana, actions.check_in, today.pk, answers={"fever": "Yes"})
        assert here.is_checked_in
        assert here.is_confirmed
        assert here.answers == {"fever": "Yes"}
        assert here.status == Status.BOOKED


# Overbooking ------------------------------------------------------------------------------------


def test_a_clinician_overbooks_with_a_reason_on_record(diary, cast, system):
    diary.booked(cast.ana, diary.at("10:00"))
    with pytest.raises(NotForYou):
        diary.by_staff(cast.noor, diary.at("10:00"), overbook_reason="Bleeding")
    with pytest.raises(SlotTaken):
        diary.by_staff(cast.ada, diary.at("10:00"))
    visit = diary.by_staff(cast.ada, diary.at("10:00"), overbook_reason="Bleeding")
    assert visit.is_overbooked
    with system():
        entry = AuditEntry.objects.filter(action="appointment.booked").latest("at")
        assert (entry.actor_id, entry.detail["overbooked"]) == (cast.ada.user.pk, True)


def test_an_overbooked_time_is_not_offered(diary, cast):
    diary.booked(cast.ana, diary.at("10:00"))
    diary.by_staff(
        cast.ada, diary.at("10:15"), ends_at=diary.at("11:15"), overbook_reason="Bleeding"
    )
    assert not {"10:30", "11:00"} & set(diary.free(cast.noor))


def test_two_visits_cannot_be_written_on_one_another_by_any_hand(diary, cast, system):
    diary.booked(cast.ana, diary.at("10:00"))
    with system():
        for party in (
            {"provider": cast.ada.provider, "patient": cast.ben.patient},
            {"room": diary.room, "patient": cast.ben.patient},
            {"patient": cast.ana.patient},
        ):
            with pytest.raises(IntegrityError, match="taken_once_by"), transaction.atomic():
                Appointment.objects.create(
                    organization=cast.clinic,
                    kind="x",
                    starts_at=diary.at("10:15"),
                    ends_at=diary.at("10:45"),
                    **party,
                )
