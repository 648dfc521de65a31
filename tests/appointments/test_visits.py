"""Visits: booked by the team, seen by those concerned, at the clinic's own hour."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments.actions import book_visit, cancel_visit
from appointments.errors import EndsBeforeItStarts, PatientIsDeceased
from appointments.models import Appointment, Mode, Status
from appointments.templatetags.visits import zone
from notifications.actions import unread
from portal.models import Patient
from portal.tenancy import acting_for

HTMX = {"HX-Request": "true"}
TUESDAY = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def booked_by(person, patient, starts_at=None, minutes=30, **changes):
    starts_at = starts_at or timezone.now() + timedelta(days=2)
    with acting_for(person.organization.pk, person.user.pk):
        return book_visit(
            patient.pk,
            **{"kind": "Wound check", "starts_at": starts_at}
            | {"ends_at": starts_at + timedelta(minutes=minutes)}
            | changes,
            by=person.reader,
        )


def called_off_by(person, visit):
    with acting_for(person.organization.pk, person.user.pk):
        return cancel_visit(visit.pk, by=person.reader)


def text_of(response):
    return " ".join(response.content.decode().split())


def test_a_visit_is_told_to_the_patients_side(cast, acting):
    booked_by(cast.ada, cast.ana.patient)

    for person, number in ((cast.ana, 1), (cast.sam, 1), (cast.ada, 0), (cast.noor, 0)):
        with acting(person):
            assert unread(person.reader) == number


@pytest.mark.parametrize("who", ["ana", "sam", "ben", "boris", "olga", "admin"])
def test_only_the_care_team_books(cast, who):
    with pytest.raises(Patient.DoesNotExist):
        booked_by(getattr(cast, who), cast.ana.patient)


def test_a_nurse_does_not_book_for_her_mother(cast, system):
    from portal.models import Caregiver

    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.noor.user, scope="write"
        )
    with pytest.raises(Patient.DoesNotExist):
        booked_by(cast.noor, cast.ben.patient)


@pytest.mark.parametrize("who", ["ben", "boris", "olga", "admin"])
def test_a_stranger_calls_nothing_off(cast, who, acting):
    visit = booked_by(cast.ada, cast.ana.patient)

    with pytest.raises(Appointment.DoesNotExist):
        called_off_by(getattr(cast, who), visit)
    with acting(cast.ana):
        assert Appointment.objects.get().status == Status.BOOKED


def test_calling_off_twice_tells_once(cast, acting):
    visit = booked_by(cast.ada, cast.ana.patient)
    called_off_by(cast.noor, visit)
    called_off_by(cast.noor, visit)

    with acting(cast.ana):
        assert Appointment.objects.get().status == Status.CANCELLED
        assert unread(cast.ana.reader) == 2


@pytest.mark.parametrize("minutes", [0, -30])
def test_a_visit_takes_time(cast, minutes, system):
    with pytest.raises(EndsBeforeItStarts):
        booked_by(cast.ada, cast.ana.patient, minutes=minutes)
    with system(), pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            kind="x",
            starts_at=TUESDAY,
            ends_at=TUESDAY,
        )


def test_nobody_books_for_the_dead(cast, system):
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    with pytest.raises(PatientIsDeceased):
        booked_by(cast.ada, cast.ana.patient)


def test_a_provider_of_another_clinic_is_not_booked(cast):
    with pytest.raises(Exception, match="Provider"):
        booked_by(cast.ada, cast.ana.patient, provider_id=cast.olga.provider.pk)


@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        ("America/New_York", datetime(2026, 11, 24, tzinfo=UTC), "Eastern"),
        ("America/New_York", datetime(2026, 7, 1, tzinfo=UTC), "Eastern"),
        ("America/Chicago", TUESDAY, "Central"),
        ("Asia/Shanghai", TUESDAY, "CST"),
        ("Europe/Berlin", TUESDAY, "Central European"),
        ("Europe/London", datetime(2026, 7, 1, tzinfo=UTC), "UK"),
        ("Europe/Dublin", datetime(2026, 7, 1, tzinfo=UTC), "IST"),
        ("Asia/Kolkata", TUESDAY, "India"),
        ("America/Sao_Paulo", TUESDAY, "UTC-03"),
        ("UTC", TUESDAY, "UTC"),
    ],
)
def test_the_zone_is_said_as_people_say_it(name, at, said):
    from zoneinfo import ZoneInfo

    with timezone.override(ZoneInfo(name)):
        assert zone(at) == said


def test_the_hour_is_the_clinics_with_its_zone_and_the_way_one_meets(cast, client_for):
    booked_by(cast.ada, cast.ana.patient, TUESDAY + timedelta(days=3650), mode=Mode.PHONE)
    day = (TUESDAY + timedelta(days=3650)).strftime("%a %-d %b")

    for address in ("/visits/", "/home/visit/"):
        page = text_of(client_for(cast.ana).get(address, headers=HTMX))
        assert f"{day}, 10:30 a.m.</time> Eastern, phone call" in page


def test_the_home_shows_the_next_visit_and_nothing_without_one(cast, client_for):
    client = client_for(cast.ana)
    assert "card" not in text_of(client.get("/home/visit/", headers=HTMX))

    booked_by(cast.ada, cast.ana.patient, timezone.now() + timedelta(days=9), kind="Later")
    soon = booked_by(cast.ada, cast.ana.patient, timezone.now() + timedelta(days=3), kind="Sooner")
    booked_by(cast.ada, cast.ana.patient, timezone.now() - timedelta(days=3), kind="Before")
    assert "Sooner" in text_of(client.get("/home/visit/", headers=HTMX))
    called_off_by(cast.ada, soon)
    assert "Later" in text_of(client.get("/home/visit/", headers=HTMX))


def test_the_clinicians_day_is_the_clinics_day(cast, client_for):
    boston = cast.clinic.zone
    today = timezone.localtime(timezone=boston).replace(hour=0, minute=0, second=0, microsecond=0)
    for kind, starts_at in (
        ("Too early", today - timedelta(minutes=1)),
        ("First", today),
        ("Last", today + timedelta(hours=23)),
        ("Too late", today + timedelta(hours=25, minutes=1)),
    ):
        booked_by(cast.ada, cast.ana.patient, starts_at, minutes=1, kind=kind)

    visits = client_for(cast.noor).get("/dashboard/today/", headers=HTMX).context["visits"]
    assert [visit.kind for visit in visits] == ["First", "Last"]


@pytest.mark.parametrize("who", ["ben", "boris", "olga", "carla"])
def test_a_stranger_sees_no_visit(cast, client_for, who):
    booked_by(cast.ada, cast.ana.patient, kind="Wound check of Ana")
    page = client_for(getattr(cast, who)).get("/visits/")
    assert "Wound check of Ana" not in text_of(page)


def test_the_visits_of_ones_patients_are_a_place_of_the_schedule(cast, client_for):
    page = text_of(client_for(cast.ada).get("/visits/"))
    assert '<a class="tabs__tab" href="/schedule/">Day</a>' in page
    assert (
        '<a class="tabs__tab" href="/visits/" aria-current="page">My patients’ visits</a>' in page
    )


def test_a_chart_shows_what_is_to_come_and_what_was(cast, client_for):
    booked_by(cast.ada, cast.ana.patient, kind="Next check")
    booked_by(cast.ada, cast.ana.patient, timezone.now() - timedelta(days=3), kind="Last check")
    page = text_of(client_for(cast.noor).get(f"/patients/{cast.ana.patient.pk}/panels/visits/"))

    assert page.index("Next check") < page.index("Last check")
    strange = client_for(cast.boris).get(f"/patients/{cast.ana.patient.pk}/panels/visits/")
    assert strange.status_code == 404


@pytest.mark.parametrize("asked", ["not-an-id", "0" * 32, "%00"])
def test_a_patient_who_cannot_be_is_not_found(cast, client_for, asked):
    assert client_for(cast.ana).get(f"/home/visit/?patient={asked}").status_code == 404


def test_the_reason_for_a_visit_does_not_travel(db):
    from realtime.triggers import published

    assert set(published()["appointments"].columns) == {"id", "patient_id"}
