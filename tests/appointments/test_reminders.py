"""Reminders: once, of what still stands, and saying no more than was agreed to."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appointments import actions, jobs, reminding
from appointments.models import Reminder, Rules
from notifications.channels.message import Message
from notifications.channels.wording import line
from notifications.models import Delivery, Kind, Notification
from portal.identifiers import uuid7
from portal.models import Patient


def due_now(cast, system):
    """Let the earliest reminder that waits be due."""
    with system():
        reminder = Reminder.objects.filter(ended_at=None).order_by("due_at").first()
        Reminder.objects.filter(pk=reminder.pk).update(due_at=timezone.now())


def reminded(person, acting):
    with acting(person):
        return list(Notification.objects.filter(user=person.user, kind=Kind.REMINDER))


def test_a_visit_is_reminded_of_three_times(diary, cast, system):
    visit = diary.booked(cast.ana, diary.at("10:00", days=14))
    with system():
        ahead = [visit.starts_at - reminder.due_at for reminder in visit.reminders.all()]
    assert sorted(ahead) == [timedelta(hours=2), timedelta(days=2), timedelta(days=7)]


def test_the_clinic_says_when(diary, cast, system):
    with system():
        Rules.objects.create(organization=cast.clinic, reminder_minutes=[60])
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with system():
        assert [reminder.minutes_before for reminder in visit.reminders.all()] == [60]


def test_what_is_past_already_is_not_reminded_of(diary, cast, system):
    visit = diary.by_staff(cast.noor, timezone.now() + timedelta(hours=3))
    with system():
        assert [reminder.minutes_before for reminder in visit.reminders.all()] == [120]


def test_a_reminder_reaches_the_patients_side_once(diary, cast, system, acting):
    diary.booked(cast.ana, diary.at("10:00", days=14))
    due_now(cast, system)
    jobs.sweep(0)
    jobs.sweep(0)
    assert len(reminded(cast.ana, acting)) == len(reminded(cast.sam, acting)) == 1
    assert reminded(cast.ada, acting) == reminded(cast.noor, acting) == []


@pytest.mark.parametrize("act", ["cancelled", "moved", "deceased"])
def test_no_reminder_of_what_no_longer_is(diary, cast, system, acting, act):
    visit = diary.booked(cast.ana, diary.at("10:00", days=14))
    if act == "cancelled":
        diary.do(cast.ana, actions.cancel_visit, visit.pk)
    elif act == "moved":
        diary.do(cast.ada, actions.move_visit, visit.pk, starts_at=diary.at("11:00", days=14))
    else:
        with system():
            Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    with system():
        # As if the rows of the old time had been forgotten.
        Reminder.objects.filter(of_starts_at=diary.at("10:00", days=14)).update(
            ended_at=None, fate="", due_at=timezone.now()
        )
    assert reminding.remind_due(cast.clinic.pk) == 0
    assert reminded(cast.ana, acting) == reminded(cast.sam, acting) == []


def test_a_moved_visit_is_reminded_of_at_its_new_time(diary, cast, system):
    visit = diary.booked(cast.ana, diary.at("10:00", days=14))
    diary.do(cast.ada, actions.move_visit, visit.pk, starts_at=diary.at("11:00", days=20))
    with system():
        waiting = visit.reminders.filter(ended_at=None)
        assert {reminder.of_starts_at for reminder in waiting} == {diary.at("11:00", days=20)}
        assert waiting.count() == 3


def test_a_reminder_that_a_quiet_night_holds_back_ends_with_the_visit(diary, cast, system):
    visit = diary.booked(cast.ana, diary.at("10:00", days=14))
    due_now(cast, system)
    reminding.remind_due(cast.clinic.pk)

    def pending():
        with system():
            return Delivery.objects.filter(
                status="pending", notification__kind=Kind.REMINDER
            ).exists()

    assert pending()
    diary.do(cast.ana, actions.cancel_visit, visit.pk)
    assert not pending()


def test_nothing_more_is_sent_once_the_visit_has_begun(diary, cast, system):
    begun = timezone.now() - timedelta(minutes=5)
    visit = diary.by_staff(cast.noor, begun)
    with system():
        Reminder.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            appointment=visit,
            minutes_before=120,
            of_starts_at=begun,
            due_at=begun,
            fate="sent",
            ended_at=begun,
        )
        assert Delivery.objects.filter(status="pending").exists()
    assert reminding.let_pass(cast.clinic.pk) == 1
    assert reminding.let_pass(cast.clinic.pk) == 0
    with system():
        assert not Delivery.objects.filter(status="pending").exists()


def test_a_reminder_says_neither_time_nor_place_unless_agreed(diary, cast, system, acting):
    diary.booked(cast.ana, diary.at("10:00", days=14))
    diary.do(cast.sam, actions.allow_time_and_place)
    due_now(cast, system)
    reminding.remind_due(cast.clinic.pk)

    (to_ana,), (to_sam,) = reminded(cast.ana, acting), reminded(cast.sam, acting)
    assert to_ana.words == ""
    day = diary.at("10:00", days=14)
    assert to_sam.words == (
        f"Vigil: you have a visit on {day:%a} {day.day} {day:%b}, 10 a.m. Eastern. "
        "Room 3, Harbour Clinic."
    )
    assert "Wound" not in to_sam.words
    assert "Ana" not in to_sam.words
    assert line(Message(uuid7(), 1, False, to_sam.words)) == to_sam.words
    assert line(Message(uuid7(), 1, False)) == "Vigil: there is something new for you."


def test_consent_is_withdrawn_for_what_waits_too(diary, cast, system, acting):
    diary.booked(cast.ana, diary.at("10:00", days=14))
    diary.do(cast.ana, actions.allow_time_and_place)
    diary.do(cast.ana, actions.allow_time_and_place)
    due_now(cast, system)
    reminding.remind_due(cast.clinic.pk)
    diary.do(cast.ana, actions.withdraw_time_and_place)

    assert [told.words for told in reminded(cast.ana, acting)] == [""]
    assert not diary.do(cast.ana, actions.allows_time_and_place)


def test_a_visit_from_before_the_calendar_is_reminded_of_too(diary, cast, system):
    visit = diary.by_staff(cast.noor, diary.at("10:00", days=14))
    with system(), connection.cursor() as cursor:
        # Nobody planned for it.
        cursor.execute("UPDATE appointments SET starts_at = starts_at - interval '5 minutes'")
    jobs.plan_reminders(0)
    assert reminding.plan_missing(cast.clinic.pk) == 0
    with system():
        begins = visit.starts_at - timedelta(minutes=5)
        waiting = visit.reminders.filter(ended_at=None)
        assert [reminder.of_starts_at for reminder in waiting] == [begins] * 3


def test_a_hold_has_a_job_that_ends_it_on_time(diary, cast, system):
    hold = diary.held(cast.ana, diary.at("10:00"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scheduled_at, args ->> 'organization_id' FROM procrastinate_jobs"
            " WHERE task_name = 'appointments.end_holds'"
        )
        ((at, organization_id),) = cursor.fetchall()
    assert (at, organization_id) == (hold.until_at, str(cast.clinic.pk))
    diary.change(hold, until_at=timezone.now() - timedelta(seconds=1))
    jobs.end_holds(organization_id)
    assert "10:00" in diary.free(cast.noor)
    with system():
        hold.refresh_from_db()
        assert hold.fate == "expired"


def test_the_sweep_ends_holds_that_ran_out(diary, cast, system):
    hold = diary.held(cast.ana, diary.at("10:00"))
    diary.change(hold, until_at=timezone.now() - timedelta(seconds=1))
    jobs.sweep(0)
    with system():
        hold.refresh_from_db()
        assert (hold.fate, hasattr(hold, "taken_time")) == ("expired", False)
