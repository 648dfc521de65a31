"""Row-level security of the calendar, by raw SQL: it holds alone."""

import json
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.rows import dict_row

from appointments import actions
from portal.tenancy import acting_for

# About patients: seen by those who may see the patient.
OF_PATIENTS = [
    "appointments",
    "appointment_holds",
    "appointment_changes",
    "appointment_reminders",
    "waitlist_entries",
]
# The clinic's own: seen by its members.
OF_CLINIC = ["visit_types", "rooms", "availability", "availability_exceptions", "holidays"]


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def run(sql: str, *parameters) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


@pytest.fixture
def kept(diary, cast, system):
    """A little of everything, of Ana's and of the clinic's."""
    visit = diary.booked(cast.ana, diary.at("10:00", days=10))
    diary.held(cast.ana, diary.at("11:00"))
    today = timezone.localdate()
    diary.do(
        cast.ana,
        actions.join_waitlist,
        diary.wound_check.pk,
        patient_id=cast.ana.patient.pk,
        from_on=today,
        until_on=today + timedelta(days=5),
    )
    diary.do(cast.noor, actions.claim_visit, visit.pk)
    diary.do(
        cast.noor,
        actions.block_time,
        provider_id=cast.ada.provider.pk,
        starts_at=diary.at("14:00"),
        ends_at=diary.at("15:00"),
        reason="Theatre",
    )
    diary.do(cast.ana, actions.make_feed)
    diary.do(cast.ana, actions.allow_time_and_place)
    with system():
        from appointments.models import AvailabilityException, Holiday, Rules

        Holiday.objects.create(organization=cast.clinic, on=today, name="Founders’ day")
        Rules.objects.create(organization=cast.clinic)
        AvailabilityException.objects.create(
            organization=cast.clinic, provider=cast.ada.provider, on=today
        )
    return visit


def test_what_is_about_a_patient_is_seen_by_those_around_them(cast, acting, kept):
    for table in OF_PATIENTS:
        for who in ("ana", "sam", "ada", "noor"):
            with acting(getattr(cast, who)):
                assert count(table) >= 1, (table, who)
        for who in ("ben", "boris", "admin", "carla", "olga"):
            with acting(getattr(cast, who)):
                assert count(table) == 0, (table, who)


def test_who_is_on_a_visit_is_the_teams_to_know(cast, acting, kept):
    for who, seen in (("ada", 1), ("noor", 1), ("ana", 0), ("boris", 0), ("olga", 0)):
        with acting(getattr(cast, who)):
            assert count("appointment_claims") == seen, who


def test_why_time_is_blocked_is_the_staffs_to_know(cast, acting, kept):
    for who, seen in (("boris", 1), ("admin", 1), ("ana", 0), ("sam", 0), ("olga", 0)):
        with acting(getattr(cast, who)):
            assert count("time_blocks") == seen, who


def test_the_clinics_calendar_is_its_members(cast, acting, kept):
    for table in [*OF_CLINIC, "appointment_rules"]:
        for who in ("ana", "ben", "boris", "admin"):
            with acting(getattr(cast, who)):
                assert count(table) >= 1, (table, who)
        with acting(cast.olga):
            assert count(table) == 0, table


def test_only_an_administrator_changes_the_calendar(cast, acting, kept):
    for table in ("visit_types", "rooms", "availability", "holidays", "appointment_rules"):
        for who in ("ana", "noor", "ada", "olga"):
            with acting(getattr(cast, who)):
                assert run(f"UPDATE {table} SET organization_id = organization_id") == 0
        with acting(cast.admin):
            assert run(f"UPDATE {table} SET organization_id = organization_id") >= 1


def test_feed_and_consent_are_ones_own(cast, acting, kept):
    for table in ("calendar_feeds", "reminder_consents"):
        for who, seen in (("ana", 1), ("sam", 0), ("ada", 0), ("admin", 0)):
            with acting(getattr(cast, who)):
                assert count(table) == seen, (table, who)


def test_who_takes_which_time_is_nobodys_to_read_and_nobodys_to_write(cast, acting, kept):
    for who in ("ana", "ada", "admin", "olga"):
        with acting(getattr(cast, who)):
            assert count("taken_times") == count("freed_times") == 0
            for table in ("taken_times", "freed_times"):
                with pytest.raises(DatabaseError):
                    run(f"DELETE FROM {table}")
    with acting_for(cast.clinic.pk, system=True):
        assert count("taken_times") == 3
        with pytest.raises(DatabaseError):
            run("UPDATE taken_times SET held_until = now()")


def test_members_learn_what_is_taken_and_strangers_nothing(cast, acting, diary, kept):
    def taken():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM appointments_taken(%s, %s)",
                [diary.at("00:00", days=0), diary.at("00:00", days=30)],
            )
            return cursor.fetchall()

    for who in ("ana", "ben", "boris", "admin"):
        with acting(getattr(cast, who)):
            # A visit, a hold and a block: provider, room, from, to; not whose and not why.
            assert {row[0] for row in taken()} == {cast.ada.provider.pk}
            assert [len(row) for row in taken()] == [4, 4, 4]
    with acting(cast.olga):
        assert taken() == []
    with acting_for(cast.other_clinic.pk, cast.ana.user.pk):
        assert taken() == []
    assert taken() == []


def test_a_stranger_writes_nothing_about_ana(cast, acting, diary, kept):
    row = (
        "INSERT INTO appointment_holds (id, organization_id, patient_id, provider_id,"
        " visit_type_id, mode, starts_at, ends_at, buffer_before_minutes, buffer_after_minutes,"
        " made_at, until_at, fate) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'phone', %s, %s, 0,"
        " 0, now(), now() + interval '5 minutes', '')"
    )
    values = (
        cast.clinic.pk,
        cast.ana.patient.pk,
        cast.ada.provider.pk,
        diary.wound_check.pk,
        diary.at("15:00"),
        diary.at("15:30"),
    )
    for who in ("ben", "boris", "admin", "olga"):
        with acting(getattr(cast, who)):
            with pytest.raises(DatabaseError, match="row-level security"):
                run(row, *values)
            assert run("UPDATE appointments SET status = 'cancelled'") == 0
    with acting(cast.sam):
        assert run(row, *values) == 1


def test_the_wire_says_that_a_time_changed_and_nothing_else(db):
    from realtime.triggers import published

    tables = published()
    assert set(tables["taken_times"].columns) == {"id"}
    assert tables["taken_times"].topics == ("calendar:{organization_id}",)
    for table in ("appointments", "appointment_holds", "waitlist_entries", "waitlist_offers"):
        assert set(tables[table].columns) == {"id", "patient_id"}


def test_every_member_and_nobody_else_hears_that_a_time_changed(cast):
    from portal import access

    calendar = f"calendar:{cast.clinic.pk}"
    for who in ("ana", "ben", "sam", "ada", "boris", "admin"):
        person = getattr(cast, who)
        with acting_for(cast.clinic.pk, person.user.pk):
            assert calendar in access.topics(person.reader)
    with acting_for(cast.other_clinic.pk, cast.olga.user.pk):
        assert calendar not in access.topics(cast.olga.reader)


def test_a_booking_tells_the_clinic_that_a_time_changed_and_no_more(
    committed, diary, cast, database_urls
):
    hold = diary.held(cast.ana, diary.at("10:00"))
    diary.do(cast.ana, actions.book_held, hold.pk)
    with psycopg.connect(database_urls.superuser, row_factory=dict_row) as connection:
        told = connection.execute(
            "SELECT * FROM realtime_inbox WHERE table_name = 'taken_times' ORDER BY id"
        ).fetchall()
    # Held; then in one transaction given back and booked.
    assert [event["operation"] for event in told] == ["INSERT", "DELETE", "INSERT"]
    for event in told:
        assert event["topics"] == [f"calendar:{cast.clinic.pk}"]
        said = json.dumps(event, default=str)
        for secret in (cast.ana.patient, cast.ana.user, cast.ada.provider, hold, diary.room):
            assert str(secret.pk) not in said
