"""The panels of a chart: who opens them, as a fragment or a page, what they say, what they cost."""

import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Encounter,
    Medication,
)
from care.vital_signs import BLOOD_PRESSURE
from portal.models import AuditEntry, Caregiver, CareTeamMembership
from tests.words import words_of

PANELS = ["summary", "vitals", "plan", "medications", "conditions", "laboratory", "encounters"]
AROUND_ANA = {"ana", "sam", "ada", "noor"}
STRANGERS = ["ben", "boris", "carla", "olga", "admin", "other_admin"]
HTMX = {"HX-Request": "true"}


def address(panel, patient):
    return reverse(f"care:panel_{panel}", args=[patient.pk])


@pytest.mark.parametrize("panel", PANELS)
def test_everybody_around_the_patient_opens_a_panel_and_nobody_else(
    full_record, cast, client_for, panel
):
    for name in [*AROUND_ANA, *STRANGERS]:
        response = client_for(getattr(cast, name)).get(address(panel, cast.ana.patient))
        assert response.status_code == (200 if name in AROUND_ANA else 404), name


@pytest.mark.parametrize("panel", PANELS)
def test_a_fragment_is_exactly_the_region_that_it_replaces(
    full_record, ana, ada, client_for, panel
):
    where = address(panel, ana.patient)
    fragment = client_for(ada).get(where, headers=HTMX).content.decode().strip()
    assert fragment.startswith("<live-region")
    assert fragment.endswith("</live-region>")
    assert f'id="panel-{panel}"' in fragment
    assert f'hx-get="{where}"' in fragment
    assert f'filter="patient_id=eq.{ana.patient.pk}"' in fragment


@pytest.mark.parametrize("panel", PANELS)
def test_without_scripts_a_panel_is_a_page_with_the_patient_in_its_head(
    full_record, ana, ada, client_for, panel
):
    page = words_of(client_for(ada).get(address(panel, ana.patient)))
    assert "Ana Ruiz" in page
    assert "MRN 4471" in page
    assert "2 Mar 1964" in page


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ("summary", ["Day 6", "↑ high", "Osteoarthritis of left knee"]),
        ("vitals", ["152/84 mmHg ↑ high", "Heart rate 78 /min"]),
        ("conditions", ["Osteoarthritis of left knee", "Resolved or inactive (1)"]),
        ("medications", ["Paracetamol 500 mg", "1 tablet", "Stopped or completed (1)"]),
        ("laboratory", ["Potassium 5.4 mmol/L ↑ high 3.5–5.1"]),
        ("plan", ["Knee bends Done", "Climb the stairs Getting better"]),
        ("encounters", ["Wound check Clinic"]),
    ],
)
def test_a_panel_says_what_is_on_record(full_record, ana, ada, client_for, panel, words):
    page = words_of(client_for(ada).get(address(panel, ana.patient)))
    for each in words:
        assert each in page


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_of_one_patient_also_for_who_sees_several(
    full_record, cast, client_for, system, panel
):
    """Ada joins Ben's team; nothing of Ana's may turn up in his chart."""
    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    client = client_for(cast.ada)
    bens = words_of(client.get(address(panel, cast.ben.patient), headers=HTMX))
    assert re.search(r"\b[Nn]o(ne|thing)?\b", bens)
    for words in ("152/84", "Osteoarthritis", "Paracetamol", "Potassium", "Knee", "Wound"):
        assert words not in bens


def test_a_trend_is_of_one_patient_also_for_who_sees_several(
    full_record, cast, client_for, system, record_reading
):
    record_reading(cast.ben, "8867-4", 61)
    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    page = words_of(client_for(cast.ada).get(trend(cast.ben.patient, "8867-4")))
    assert " 61 " in page
    assert " 78 " not in page


def test_a_value_says_how_old_it_is_when_it_is_old(ana, ada, client_for, record_reading):
    record_reading(ana, "8867-4", 78, hours=25)
    assert " old " in words_of(client_for(ada).get(address("vitals", ana.patient)))


def test_a_reading_entered_in_error_is_not_shown(ana, ada, client_for, record_reading):
    record_reading(ana, "8867-4", 178, status="entered-in-error")
    assert "178" not in words_of(client_for(ada).get(address("vitals", ana.patient)))


def test_an_empty_panel_says_that_it_is_empty(ana, ada, client_for):
    for panel in PANELS:
        page = words_of(client_for(ada).get(address(panel, ana.patient)))
        assert re.search(r"\b[Nn]o(ne|thing)?\b", page), panel


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_costs_the_same_for_a_long_record(full_record, ana, ada, client_for, panel, system):
    client, where = client_for(ada), address(panel, ana.patient)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(where, headers=HTMX).status_code == 200
        return len(captured)

    queries()
    before = queries()
    about = {"organization": ana.organization, "patient": ana.patient}
    with system():
        for number in range(5):
            Condition.objects.create(**about, display=f"C{number}", status="active")
            Medication.objects.create(**about, display=f"M{number}", status="active")
            plan = CarePlan.objects.create(**about, display=f"P{number}", status="active")
            CarePlanActivity.objects.create(**about, plan=plan, position=0, display="A")
            Encounter.objects.create(**about, display=f"E{number}", status="finished")
    assert queries() == before


def test_a_time_is_printed_in_the_clinics_zone(ana, ada, client_for, record_reading, system):
    """14:30 in UTC is 9:30 in New York in winter."""
    reading = record_reading(ana, "8867-4", 78)
    with system():
        reading.measured_at = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
        reading.save()
    assert "15 Jan 2026, 09:30" in words_of(client_for(ada).get(address("vitals", ana.patient)))


def test_a_day_without_a_time_prints_no_time(ana, ada, client_for, record_reading, system):
    reading = record_reading(ana, "8867-4", 78)
    with system():
        reading.measured_at = datetime(2026, 1, 15, 5, tzinfo=UTC)
        reading.time_is_known = False
        reading.save()
    page = words_of(client_for(ada).get(address("vitals", ana.patient), headers=HTMX))
    assert "15 Jan 2026" in page.partition("Heart rate")[2]
    assert ":" not in page.partition("Heart rate")[2]


def test_reading_a_panel_is_on_record(ana, ada, client_for, system):
    client_for(ada).get(address("vitals", ana.patient))
    with system():
        entry = AuditEntry.objects.get(action="patient.read")
        assert (entry.actor_id, entry.patient_id) == (ada.user.pk, ana.patient.pk)
        assert entry.detail == {"what": "vitals"}


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_panel_only_reads(ana, ada, client_for, method):
    assert getattr(client_for(ada), method)(address("vitals", ana.patient)).status_code == 405


# Trends ----------------------------------------------------------------------------------------


def trend(patient, code=BLOOD_PRESSURE):
    return reverse("care:trend", args=[patient.pk, code])


def test_a_trend_has_a_plot_and_a_table_of_the_same_readings(ana, ada, client_for, record_reading):
    for hours in (2, 26, 50):
        record_reading(ana, BLOOD_PRESSURE, (130 + hours, 80), hours=hours)
    html = client_for(ada).get(trend(ana.patient)).content.decode()
    assert html.count("<polyline") == 2
    assert html.count('tabindex="0" role="img"') == 6
    for figure in ("132/80", "156/80", "180/80"):
        assert f'">{figure}</a></td>' in html
    assert "style=" not in html


def test_a_plot_is_drawn_in_the_clinics_zone(ana, ada, client_for, record_reading, system):
    """13:00, 15:00 and 17:00 in UTC are 8:00, 10:00 and 12:00 in New York in winter."""
    for hour in (13, 15, 17):
        reading = record_reading(ana, "8867-4", 60 + hour)
        with system():
            reading.measured_at = datetime(2026, 1, 15, hour, tzinfo=UTC)
            reading.save()
    html = client_for(ada).get(trend(ana.patient, "8867-4") + "?span=all").content.decode()
    assert re.findall(r'aria-hidden="true">(\d\d:00)</text>', html) == [
        "08:00",
        "09:00",
        "10:00",
        "11:00",
        "12:00",
    ]
    assert 'aria-label="15 Jan 2026, 08:00: 73 /min"' in html


def test_codes_of_one_kind_share_a_trend(ana, ada, client_for, record_reading):
    record_reading(ana, "8310-5", "36.6")
    record_reading(ana, "8331-1", "36.9", hours=2)
    for code in ("8310-5", "8331-1"):
        html = client_for(ada).get(trend(ana.patient, code)).content.decode()
        assert '">36.6</a></td>' in html
        assert '">36.9</a></td>' in html


def test_the_shortest_span_with_a_shape_is_shown(ana, ada, client_for, record_reading):
    for days in (1, 10, 20):
        record_reading(ana, "8867-4", 78, hours=24 * days)
    html = client_for(ada).get(trend(ana.patient, "8867-4")).content.decode()
    assert re.search(r'aria-current="page">30 days<', html)


def test_a_span_without_readings_says_so_and_offers_the_rest(ana, ada, client_for, record_reading):
    record_reading(ana, "8867-4", 78, hours=24 * 20)
    page = words_of(client_for(ada).get(trend(ana.patient, "8867-4") + "?span=week"))
    assert "No readings in the last 7 days" in page
    assert "Show all readings" in page


def test_a_code_that_nobody_knows_is_not_found_and_a_known_one_may_be_empty(ana, ada, client_for):
    assert client_for(ada).get(trend(ana.patient, "0000-0")).status_code == 404
    assert client_for(ada).get(trend(ana.patient, "8867-4")).status_code == 200


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_finds_no_trend(ana, cast, client_for, record_reading, name):
    record_reading(ana, "8867-4", 78)
    response = client_for(getattr(cast, name)).get(trend(ana.patient, "8867-4"))
    assert response.status_code == 404


# The patient's own pages -----------------------------------------------------------------------

OWN = ["care:my_health", "care:home_greeting", "care:home_plan", "care:home_readings"]


@pytest.mark.parametrize("name", OWN)
def test_own_pages_are_for_patients_and_caregivers(cast, client_for, name):
    for who in ("ana", "sam", "ben", "carla"):
        assert client_for(getattr(cast, who)).get(reverse(name)).status_code == 200, who
    for who in ("ada", "noor", "admin"):
        assert client_for(getattr(cast, who)).get(reverse(name)).status_code == 404, who


@pytest.mark.parametrize("name", OWN)
def test_nobody_chooses_somebody_who_is_not_theirs(cast, client_for, name):
    for asked in (cast.ben.patient.pk, cast.carla.patient.pk, "nonsense", ""):
        response = client_for(cast.ana).get(reverse(name), {"patient": asked})
        assert response.status_code == 404


def test_my_health_says_it_in_the_patients_words(full_record, ana, client_for):
    page = words_of(client_for(ana).get(reverse("care:my_health")))
    assert "Day 6 after your knee operation." in page
    assert "Above the usual range" in page
    assert "Pulse" in page
    assert "Heart rate" not in page


def test_a_caregiver_chooses_whose_health(cast, client_for, system):
    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.sam.user
        )
    client = client_for(cast.sam)
    assert "Ana Ruiz’s health" in words_of(client.get(reverse("care:my_health")))
    ben = client.get(reverse("care:my_health"), {"patient": cast.ben.patient.pk})
    assert "Ben Cho’s health" in words_of(ben)


def test_a_caregiver_of_nobody_is_told_what_to_do(cast, client_for, system):
    with system():
        Caregiver.objects.all().delete()
    for name in OWN:
        assert client_for(cast.sam).get(reverse(name)).status_code == 200
    page = words_of(client_for(cast.sam).get(reverse("care:my_health")))
    assert "No one is linked to you yet" in page


def test_the_greeting_names_the_day_for_patient_and_caregiver(full_record, ana, sam, client_for):
    assert "Day 6 after your knee operation." in words_of(
        client_for(ana).get(reverse("care:home_greeting"))
    )
    assert "Day 6 after Ana’s knee operation." in words_of(
        client_for(sam).get(reverse("care:home_greeting"))
    )


def test_a_home_without_a_plan_has_no_empty_card(ana, client_for):
    html = client_for(ana).get(reverse("care:home_plan"), headers=HTMX).content.decode()
    assert "card" not in html


def test_a_medicine_that_was_ordered_again_is_listed_once(ana, ada, client_for, system):
    about = {"organization": ana.organization, "patient": ana.patient, "code": "310385"}
    with system():
        for day, status in ((1, "stopped"), (2, "active"), (3, "active")):
            Medication.objects.create(
                **about,
                display=f"Fluoxetine {day}",
                status=status,
                authored_on=date(2026, 1, day),
            )
    page = words_of(client_for(ada).get(address("medications", ana.patient)))
    assert "Fluoxetine 3" in page
    assert "Fluoxetine 2" not in page
    assert "Fluoxetine 1" not in page


def test_a_problem_that_was_recorded_twice_is_one_since_the_first_time(
    ana, ada, client_for, system
):
    about = {"organization": ana.organization, "patient": ana.patient, "code": "396275006"}
    with system():
        for year in (2019, 2024):
            Condition.objects.create(
                **about, display="Osteoarthritis", status="active", onset_on=date(year, 1, 1)
            )
    page = words_of(client_for(ada).get(address("conditions", ana.patient)))
    assert page.count("Osteoarthritis") == 1
    assert "since 1 Jan 2019" in page
