"""Weeks, blocks, whole days, the waiting list and the report, as the staff has them."""

import csv
import io
from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from appointments.models import Appointment, Availability, TimeBlock, VisitType, WaitlistEntry
from portal.models import Provider
from tests.words import words_of


@pytest.fixture
def tomorrow(cast):
    """An hour of tomorrow, on Harbour Clinic's clock; on another day with `days`."""
    today = timezone.localdate(timezone=cast.clinic.zone)

    def at(hour=0, days=1):
        return datetime.combine(today + timedelta(days=days), time(hour), cast.clinic.zone)

    return at


@pytest.fixture
def kind(cast, system):
    with system():
        return VisitType.objects.create(
            organization=cast.clinic, name="Check", minutes=30, self_scheduling="on"
        )


@pytest.fixture
def visit_of(cast, system):
    """`visit_of(ana, ada, at)`: a visit of half an hour, as another system would write it."""

    def visit_of(whom, person, at, **fields):
        with system():
            return Appointment.objects.create(
                organization=cast.clinic,
                patient=whom.patient,
                provider=person.provider,
                starts_at=at,
                ends_at=at + timedelta(minutes=30),
                **{"kind": "Wound check"} | fields,
            )

    return visit_of


@pytest.fixture
def post(client_for):
    def post(person, path, **fields):
        return client_for(person).post(f"/schedule/{path}", fields)

    return post


def booking(cast, kind, at, **fields):
    return {
        "key": uuid4(),
        "patient": cast.ana.patient.pk,
        "visit_type": kind.pk,
        "provider": cast.ada.provider.pk,
        "on": f"{at:%Y-%m-%d}",
        "at": f"{at:%H:%M}",
        "mode": "in_person",
    } | fields


def test_a_week_is_the_readers_own_unless_another_is_asked_for(
    cast, client_for, visit_of, tomorrow
):
    visit_of(cast.ana, cast.ada, tomorrow(10))
    on = {"on": f"{tomorrow():%Y-%m-%d}"}
    own = words_of(client_for(cast.ada).get("/schedule/week/", on))
    assert "Ada Lee ·" in own
    assert "Ana Ruiz" in own
    assert own.count("Nothing on this day.") == 6
    others = words_of(client_for(cast.noor).get("/schedule/week/", on))
    assert "Ana Ruiz" not in others
    asked = on | {"provider": str(cast.ada.provider.pk)}
    assert "Ana Ruiz" in words_of(client_for(cast.noor).get("/schedule/week/", asked))
    assert "Ana Ruiz" not in words_of(client_for(cast.boris).get("/schedule/week/", asked))


@pytest.mark.parametrize(
    "asked", ["provider=x", f"provider={uuid4()}"], ids=["malformed", "unknown"]
)
def test_a_provider_who_cannot_be_is_not_found(cast, client_for, asked):
    assert client_for(cast.ada).get(f"/schedule/?{asked}").status_code == 404


@pytest.mark.parametrize("asked", ["on=2026-02-31", "on=x", "on=9999-12-31"])
def test_a_day_that_cannot_be_is_today(cast, client_for, asked, tomorrow):
    page = client_for(cast.ada).get(f"/schedule/?{asked}")
    assert page.context["on"] == tomorrow(days=0).date()


def test_a_visit_is_booked_once_however_often_the_form_is_sent(cast, post, kind, tomorrow, system):
    sent = booking(cast, kind, tomorrow(10))
    assert post(cast.noor, "visits/new/", **sent).status_code == 302
    assert post(cast.noor, "visits/new/", **sent).status_code == 302
    with system():
        visit = Appointment.objects.get()
    assert (visit.kind, visit.starts_at) == ("Check", tomorrow(10))
    assert visit.ends_at - visit.starts_at == timedelta(minutes=30)


def test_only_patients_of_ones_own_teams_are_offered(cast, post, client_for, kind, tomorrow):
    page = words_of(client_for(cast.noor).get("/schedule/visits/new/"))
    assert "Ana Ruiz, born 2 Mar 1964, MRN 4471" in page
    assert "Ben Cho" not in page
    refused = post(
        cast.noor, "visits/new/", **booking(cast, kind, tomorrow(10), patient=cast.ben.patient.pk)
    )
    assert refused.status_code == 422
    assert "Choose a patient." in words_of(refused)


def test_a_taken_time_is_overbooked_by_a_clinician_with_a_reason(
    cast, post, client_for, kind, visit_of, tomorrow, system
):
    visit_of(cast.ben, cast.ada, tomorrow(10))
    refused = post(cast.ada, "visits/new/", **booking(cast, kind, tomorrow(10)))
    assert refused.status_code == 422
    assert "Somebody else has just taken that time." in words_of(refused)
    over = booking(cast, kind, tomorrow(10), overbook_reason="Wound has opened")
    assert post(cast.noor, "visits/new/", **over).status_code == 422
    assert post(cast.ada, "visits/new/", **over).status_code == 302
    with system():
        visit = Appointment.objects.get(patient=cast.ana.patient)
    assert visit.overbook_reason == "Wound has opened"


def test_blocked_time_is_shown_and_given_back(cast, post, client_for, tomorrow, system):
    sent = {
        "provider": cast.boris.provider.pk,
        "on": f"{tomorrow():%Y-%m-%d}",
        "at": "12:00",
        "until": "13:00",
        "reason": "Meeting",
    }
    backwards = sent | {"until": "11:00"}
    assert "It ends after it begins." in words_of(post(cast.noor, "blocks/", **backwards))
    assert post(cast.noor, "blocks/", **sent).status_code == 302
    day = client_for(cast.ada).get("/schedule/", {"on": sent["on"]})
    assert "12:00 –13:00 Blocked Meeting" in words_of(day)
    with system():
        block = TimeBlock.objects.get()
    assert post(cast.olga, f"blocks/{block.pk}/withdrawal/").status_code == 404
    assert post(cast.ada, f"blocks/{block.pk}/withdrawal/").status_code == 302
    day = client_for(cast.ada).get("/schedule/", {"on": sent["on"]})
    assert "Blocked" not in words_of(day)


def test_a_day_moves_as_a_whole_or_not_at_all(cast, post, visit_of, tomorrow, system):
    ana = visit_of(cast.ana, cast.ada, tomorrow(10))
    ben = visit_of(cast.ben, cast.ada, tomorrow(11))
    in_the_way = visit_of(cast.ben, cast.ada, tomorrow(10, days=8))
    sent = {
        "provider": cast.ada.provider.pk,
        "on": f"{tomorrow():%Y-%m-%d}",
        "to": f"{tomorrow(days=8):%Y-%m-%d}",
        "minutes": "0",
        "reason": "Dr Lee is ill",
    }
    refused = post(cast.ada, "day-move/", **sent)
    assert refused.status_code == 422
    assert "1 visit has no room there. Nothing was moved." in words_of(refused)
    assert "Ana Ruiz MRN 4471 · there is no room for this one" in words_of(refused)
    assert "Ben Cho" not in words_of(refused)

    with system():
        Appointment.objects.filter(pk=in_the_way.pk).update(status="cancelled")
    assert post(cast.ada, "day-move/", **sent).status_code == 302
    with system():
        moved = {visit.pk: visit.starts_at for visit in Appointment.objects.all()}
    assert moved[ana.pk] == tomorrow(10, days=8)
    assert moved[ben.pk] == tomorrow(11, days=8)


def test_the_waiting_list_is_of_ones_own_patients(cast, post, client_for, kind, tomorrow, system):
    sent = {
        "patient": cast.ana.patient.pk,
        "visit_type": kind.pk,
        "from_on": f"{tomorrow():%Y-%m-%d}",
        "until_on": f"{tomorrow(days=9):%Y-%m-%d}",
        "day_part": "morning",
    }
    assert post(cast.noor, "waiting/", **sent).status_code == 302
    assert "Ana Ruiz" in words_of(client_for(cast.ada).get("/schedule/waiting/"))
    assert "Nobody waits" in words_of(client_for(cast.boris).get("/schedule/waiting/"))
    with system():
        entry = WaitlistEntry.objects.get()
    assert post(cast.boris, f"waiting/{entry.pk}/end/").status_code == 404
    assert post(cast.ada, f"waiting/{entry.pk}/end/").status_code == 302
    assert "Nobody waits" in words_of(client_for(cast.ada).get("/schedule/waiting/"))


def test_the_report_counts_and_names_no_patient(cast, client_for, kind, visit_of, system):
    zone = cast.clinic.zone
    monday = timezone.localdate(timezone=zone)
    monday -= timedelta(days=monday.weekday() + 7)
    with system():
        Availability.objects.create(
            organization=cast.clinic, provider=cast.ada.provider, visit_type=kind, weekday=0,
            starts=time(9), ends=time(11), from_on=monday, until_on=monday,
        )  # fmt: skip
    for hour, status in ((9, "done"), (10, "no_show")):
        visit_of(cast.ana, cast.ada, datetime.combine(monday, time(hour), zone), status=status)

    page = client_for(cast.boris).get("/schedule/report/")
    assert "Ada Lee 2 50 % 2 1 1 (50 %) 0 0" in words_of(page)
    assert f"Week of {monday:%-d %b}: 50 % booked, 50 % did not come" in page.content.decode()
    assert "Ana Ruiz" not in page.content.decode()
    answer = client_for(cast.admin).get("/schedule/report/rows/?weeks=4")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    row = next(row for row in rows if row["week"] == monday.isoformat())
    assert row["provider"] == "Ada Lee"
    assert (row["utilisation_percent"], row["did_not_come"]) == ("50", "1")


def test_a_name_is_no_formula_to_a_spreadsheet(cast, client_for, visit_of, system):
    # Not on the object itself: all tests have the same cast.
    with system():
        Provider.objects.filter(pk=cast.ada.provider.pk).update(
            name='=HYPERLINK("http://evil.example")'
        )
    visit_of(cast.ana, cast.ada, timezone.now() - timedelta(days=1), status="done")
    answer = client_for(cast.admin).get("/schedule/report/rows/?weeks=4")
    names = {row["provider"] for row in csv.DictReader(io.StringIO(answer.content.decode()))}
    assert names == {'\'=HYPERLINK("http://evil.example")'}


def test_a_report_without_anything_says_so(cast, client_for):
    assert "No hours and no visits" in words_of(client_for(cast.ada).get("/schedule/report/"))
