"""The clinician's patients on the dashboard: their last readings, and who has been silent."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from care.models import EarlyWarningScore
from portal.models import CareTeamMembership, Patient
from tests.words import words_of


def dashboard(client):
    return client.get(reverse("care:dashboard_patients"))


def test_the_dashboard_shows_last_readings_and_says_what_is_stale(
    full_record, cast, client_for, record_reading
):
    record_reading(cast.ben, "8867-4", 66, hours=50)
    ada, boris = (
        words_of(dashboard(client_for(cast.ada))),
        words_of(dashboard(client_for(cast.boris))),
    )
    assert "152/84 ↑ high" in ada
    assert "day 6, knee operation" in ada
    assert "Stale" not in ada
    assert "Ben Cho" not in ada
    assert "Stale: 2 days" in boris


def test_somebody_without_any_reading_is_marked_in_words(cast, client_for):
    assert "No reading yet" in words_of(dashboard(client_for(cast.ada)))


@pytest.fixture
def scored(system, ana):
    """`scored("high", at_least=8)`: what NEWS2 came to an hour ago."""

    def scored(band, *, at_least, hours=1, missing=()):
        at = timezone.now() - timedelta(hours=hours)
        with system():
            EarlyWarningScore.objects.create(
                organization=ana.organization,
                patient=ana.patient,
                begins_at=at,
                scored_at=at,
                scale=1,
                missing=list(missing),
                total=None if missing else at_least,
                at_least=at_least,
                has_three=False,
                band=band,
            )

    return scored


def test_the_dashboard_shows_the_newest_score_and_what_it_asks_for(cast, client_for, scored):
    scored("low", at_least=2, hours=3)
    scored("high", at_least=8)
    assert "8 ▲▲ high" in words_of(dashboard(client_for(cast.ada)))


def test_an_incomplete_score_says_at_least(cast, client_for, scored):
    scored("medium", at_least=6, missing=["oxygen"])
    assert "at least 6 ▲ medium" in words_of(dashboard(client_for(cast.ada)))


@pytest.mark.parametrize(
    "score",
    [
        {"band": "", "at_least": 1, "missing": ["oxygen"]},  # it would reassure, and must not
        {"band": "high", "at_least": 9, "hours": 25},  # not of today
    ],
    ids=["incomplete and low", "of yesterday"],
)
def test_a_score_that_says_nothing_of_now_is_not_on_the_dashboard(cast, client_for, scored, score):
    scored(**score)
    words = words_of(dashboard(client_for(cast.ada)))
    assert "no score of the last day" in words
    assert "high" not in words


def test_who_has_died_is_not_on_the_dashboard(cast, client_for, system):
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    assert "Ana Ruiz" not in words_of(dashboard(client_for(cast.ada)))


def test_the_dashboard_costs_the_same_for_many_patients(cast, client_for, system, record_reading):
    client = client_for(cast.ada)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            dashboard(client)
        return len(captured)

    queries()
    before = queries()
    with system():
        for number in range(5):
            patient = Patient.objects.create(
                organization=cast.clinic, mrn=f"x{number}", name="X", birth_on=date(1980, 1, 1)
            )
            CareTeamMembership.objects.create(
                organization=cast.clinic, patient=patient, provider=cast.ada.provider
            )
    assert queries() == before


@pytest.mark.parametrize("name", ["ana", "sam", "admin"])
def test_the_dashboard_is_the_care_teams(cast, client_for, name):
    assert dashboard(client_for(getattr(cast, name))).status_code == 404
