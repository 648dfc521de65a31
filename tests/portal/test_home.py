"""A patient's home: whose it is, and a place for each card."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from portal.models import Caregiver, Session

pytestmark = pytest.mark.usefixtures("db")

CARDS = (
    "/home/greeting/",
    "/home/check-in/",
    "/home/plan/",
    "/home/messages/",
    "/home/visit/",
    "/home/readings/",
)


def test_a_patient_gets_a_place_for_each_card_in_order(client_for, ana):
    page = client_for(ana).get("/home/").content.decode()
    places = [page.index(f'hx-get="{card}?patient={ana.patient.pk}"') for card in CARDS]
    assert places == sorted(places)


def test_without_scripts_each_place_is_a_link(client_for, ana):
    client = client_for(ana)
    page = client.get("/home/").content.decode()
    for card in CARDS:
        address = f"{card}?patient={ana.patient.pk}"
        assert f'href="{address}"' in page
        assert client.get(address).status_code == 200


def test_when_to_call_is_on_the_page(client_for, ana):
    page = client_for(ana).get("/home/").content.decode()
    assert "Call us now if" in page
    assert "555 0100" in page


def test_a_caregiver_sees_whom_they_help(client_for, sam):
    page = client_for(sam).get("/home/").content.decode()
    assert "You are helping" in page
    assert "Ana Ruiz" in page


def test_a_caregiver_of_two_chooses(client_for, sam, ana, ben, clinic, system):
    with system():
        Caregiver.objects.create(
            organization=clinic, patient=ben.patient, user=sam.user, scope="read"
        )
    client = client_for(sam)
    page = client.get("/home/").content.decode()
    assert f'href="?patient={ben.patient.pk}"' in page
    chosen = client.get(f"/home/?patient={ben.patient.pk}").content.decode()
    assert f"/home/plan/?patient={ben.patient.pk}" in chosen


def test_nobody_chooses_whom_they_may_not_see(client_for, ana, ben, carla):
    client = client_for(ana)
    missing = client.get("/nowhere/").content
    for asked in (ben.patient.pk, carla.patient.pk, "nonsense", ""):
        response = client.get(f"/home/?patient={asked}")
        assert (response.status_code, response.content) == (404, missing)


def test_a_caregiver_without_a_patient_is_told_what_to_do(client_for, sam, system):
    with system():
        Caregiver.objects.all().delete()
    page = client_for(sam).get("/home/").content.decode()
    assert "No one is linked to you yet" in page


@pytest.mark.parametrize("name", ["ada", "noor", "admin"])
def test_staff_have_a_dashboard_instead(client_for, cast, name):
    client = client_for(getattr(cast, name))
    assert client.get("/home/").status_code == 404
    assert client.get("/").url == "/dashboard/"


def test_times_are_the_clinics(client_for, olga, ada):
    """Harbour Clinic is in Boston, Hill Clinic in Berlin; neither is in UTC."""
    used_at = timezone.now() - timedelta(minutes=3)
    for who, zone in ((ada, "America/New_York"), (olga, "Europe/Berlin")):
        client_for(who)
        Session.objects.filter(user=who.user).update(last_active_at=used_at)
        page = client_for(who).get("/account/").content.decode()
        assert f"{used_at.astimezone(ZoneInfo(zone)):%H:%M}</relative-time>" in page
