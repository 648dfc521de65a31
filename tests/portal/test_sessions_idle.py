"""How long a session lasts: silence, twelve hours, and what counts as somebody being there.

Time is moved by moving the session's rows back, never by waiting.
"""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from portal import environment
from portal.models import Membership, Session
from portal.sessions import digest_of
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("db")

STAFF_LIMIT = settings.SESSION_IDLE_STAFF
PATIENT_LIMIT = settings.SESSION_IDLE_PATIENT
MOMENT = timedelta(minutes=1)


def silent_for(person, silence):
    Session.objects.filter(user=person.user).update(last_active_at=timezone.now() - silence)


def signed_in_for(person, age):
    Session.objects.filter(user=person.user).update(created_at=timezone.now() - age)


def last_active(person):
    return Session.objects.get(user=person.user).last_active_at


def test_a_patient_may_be_silent_for_half_an_hour(client_for, ana):
    page = client_for(ana)
    silent_for(ana, PATIENT_LIMIT - MOMENT)
    assert page.get("/account/").status_code == 200
    silent_for(ana, PATIENT_LIMIT)
    assert page.get("/account/").url == "/sign-in/?next=/account/"


def test_staff_may_be_silent_for_a_quarter(client_for, ada):
    page = client_for(ada)
    silent_for(ada, STAFF_LIMIT - MOMENT)
    assert page.get("/account/").status_code == 200
    silent_for(ada, STAFF_LIMIT)
    assert page.get("/account/").status_code == 302


def test_after_twelve_hours_activity_helps_no_more(client_for, ana):
    page = client_for(ana)
    signed_in_for(ana, timedelta(hours=12))
    assert page.get("/account/").status_code == 302


def test_a_session_that_ended_is_gone_and_not_only_refused(client_for, ana):
    page = client_for(ana)
    silent_for(ana, PATIENT_LIMIT)
    page.get("/account/")
    assert not Session.objects.filter(user=ana.user).exists()


def test_a_fragment_of_a_page_that_ended_gets_a_bare_401(client_for, ana):
    page = client_for(ana)
    silent_for(ana, PATIENT_LIMIT)
    response = page.get("/account/", headers={"hx-request": "true"})
    assert (response.status_code, response.content) == (401, b"")


def test_opening_a_page_is_activity(client_for, ana):
    page = client_for(ana)
    silent_for(ana, timedelta(minutes=20))
    page.get("/account/")
    assert timezone.now() - last_active(ana) < MOMENT


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/session/", {}),
        ("/account/kept-text/?path=/account/", {}),
        ("/account/", {"x-vigil-refresh": "whatever"}),
    ],
)
def test_what_a_page_does_by_itself_is_not(client_for, ana, path, headers):
    page = client_for(ana)
    silent_for(ana, timedelta(minutes=20))
    page.get(path, headers=headers)
    assert timezone.now() - last_active(ana) > timedelta(minutes=19)


def test_polling_for_changes_is_not(client_for, ana):
    page = client_for(ana)
    silent_for(ana, timedelta(minutes=20))
    page.post("/realtime/changes", "{}", content_type="application/json")
    assert timezone.now() - last_active(ana) > timedelta(minutes=19)


def test_keeping_half_written_text_is_not(client_for, ana):
    page = client_for(ana)
    silent_for(ana, timedelta(minutes=20))
    page.post(
        "/account/kept-text/",
        {"path": "/messages/new/", "field": "body", "text": "half"},
        content_type="application/json",
    )
    assert timezone.now() - last_active(ana) > timedelta(minutes=19)


def test_the_page_may_ask_how_long_is_left(client_for, ana):
    page = client_for(ana)
    silent_for(ana, PATIENT_LIMIT - timedelta(seconds=50))
    left = page.get("/session/").json()["seconds_left"]
    assert 0 < left <= 50
    assert page.get("/session/").json()["seconds_left"] <= left


def test_stay_starts_the_time_again(client_for, ana):
    page = client_for(ana)
    silent_for(ana, PATIENT_LIMIT - timedelta(seconds=50))
    answer = page.post("/session/", headers={"accept": "application/json"}).json()
    assert answer["seconds_left"] > PATIENT_LIMIT.total_seconds() - 45
    silent_for(ana, timedelta())
    assert page.get("/account/").status_code == 200


def test_stay_works_as_a_plain_form(client_for, ana):
    assert client_for(ana).post("/session/").url == "/"


def test_stay_does_not_move_the_twelve_hours(client_for, ana):
    page = client_for(ana)
    signed_in_for(ana, timedelta(hours=12) - timedelta(minutes=5))
    answer = page.post("/session/", headers={"accept": "application/json"}).json()
    assert answer["seconds_left"] <= 300


def test_without_a_session_there_is_nothing_left(client):
    response = client.get("/session/")
    assert (response.status_code, response.json()) == (401, {"seconds_left": 0})


@pytest.mark.parametrize("change", ["password", "organization"])
def test_a_new_key_does_not_make_a_session_younger(client, ada, other_clinic, system, change):
    """Whoever changes their password at hour eleven is still asked again at hour twelve."""
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role="nurse")
    client.post("/sign-in/", {"username": ada.user.email, "password": PASSWORD})
    client.post("/organization/", {"organization": str(ada.organization.pk)})
    session = client.session
    began = timezone.now() - timedelta(hours=11)
    session["started_at"] = began.isoformat()
    session.save()
    before = digest_of(session.session_key)
    Session.objects.filter(pk=before).update(created_at=began)
    if change == "password":
        new = "three quiet boats in line"
        client.post("/account/password/", {"old_password": PASSWORD, "password": new})
    else:
        client.post("/organization/", {"organization": str(other_clinic.pk)})
    after = Session.objects.get(user=ada.user)
    assert after.pk != before
    assert abs(after.created_at - began) < MOMENT


@pytest.mark.parametrize("name", ["SESSION_IDLE_STAFF_MINUTES", "SESSION_IDLE_PATIENT_MINUTES"])
def test_a_limit_over_an_hour_is_refused(monkeypatch, name):
    monkeypatch.setenv(name, "61")
    with pytest.raises(ImproperlyConfigured, match=name):
        environment.integer(name, default=15, minimum=1, maximum=60)
