"""Signing in: who gets in, what a stranger learns, and what becomes of the session."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import jobs
from portal.models import AuditEntry, Membership, Role, Session, User
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def door():
    """A browser in which nobody is signed in."""
    return Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})


def knock(door, email, password=PASSWORD, **fields):
    return door.post("/sign-in/", {"username": email, "password": password, **fields})


def refused_jobs():
    return ProcrastinateJob.objects.filter(task_name="portal.record_refused_sign_in")


def test_a_patient_comes_home(door, ana):
    response = knock(door, ana.user.email)
    assert response.status_code == 302
    assert door.get(response.url, follow=True).redirect_chain[-1][0] == "/home/"


def test_a_clinician_comes_to_the_dashboard(door, ada):
    response = knock(door, ada.user.email)
    assert door.get(response.url, follow=True).redirect_chain[-1][0] == "/dashboard/"


def test_an_address_may_be_typed_in_capitals(door, ana):
    assert knock(door, ana.user.email.upper()).status_code == 302


def test_the_session_says_whose_it_is_where_and_in_which_browser(door, ana):
    knock(door, ana.user.email)
    session = Session.objects.get(user=ana.user)
    assert session.organization_id == ana.organization.pk
    assert session.browser == "Firefox on Windows"
    assert session.get_decoded()["idle_seconds"] == settings.SESSION_IDLE_PATIENT.total_seconds()


def test_staff_may_be_silent_for_a_shorter_time(door, ada):
    knock(door, ada.user.email)
    session = Session.objects.get(user=ada.user)
    assert session.get_decoded()["idle_seconds"] == settings.SESSION_IDLE_STAFF.total_seconds()


def test_the_key_of_the_session_is_new(door, ana):
    door.get("/sign-in/")
    before = {session.pk for session in Session.objects.all()}
    knock(door, ana.user.email)
    assert Session.objects.get(user=ana.user).pk not in before


def test_a_key_that_somebody_planted_is_worth_nothing(door, ana):
    door.cookies[settings.SESSION_COOKIE_NAME] = "planted0planted0planted0planted0"
    knock(door, ana.user.email)
    assert door.cookies[settings.SESSION_COOKIE_NAME].value != "planted0planted0planted0planted0"


def test_signing_in_is_on_record(door, ana, system):
    knock(door, ana.user.email)
    with system():
        entry = AuditEntry.objects.get(action="session.started")
    assert entry.actor_id == ana.user.pk


def test_a_wrong_password_and_an_unknown_address_get_the_same_words(door, ana):
    wrong = knock(door, ana.user.email, "not it at all")
    unknown = knock(Client(), "nobody@nowhere.example", "not it at all")
    assert wrong.status_code == unknown.status_code == 422
    words = "The e-mail address or the password is not right."
    assert words in wrong.content.decode()
    assert words in unknown.content.decode()


def test_a_wrong_password_and_an_unknown_address_cost_the_same_queries(door, ana):
    with CaptureQueriesContext(connection) as wrong:
        knock(door, ana.user.email, "not it at all")
    with CaptureQueriesContext(connection) as unknown:
        knock(Client(), "nobody@nowhere.example", "not it at all")
    assert len(wrong) == len(unknown)


def test_a_refusal_is_recorded_by_a_job_for_known_and_unknown_alike(door, ana, system):
    knock(door, ana.user.email, "not it at all")
    knock(Client(), "nobody@nowhere.example", "not it at all")
    arguments = [job.args for job in refused_jobs()]
    assert sorted(arguments, key=str) == sorted(
        [{"user_id": str(ana.user.pk)}, {"user_id": ""}], key=str
    )
    for argument in arguments:
        jobs.record_refused_sign_in(**argument)
    with system():
        entry = AuditEntry.objects.get(action="session.refused")
    assert (entry.actor_id, entry.subject_id) == (None, ana.user.pk)


def test_what_was_typed_is_kept_but_the_password(door, ana):
    page = knock(door, ana.user.email, "not it at all").content.decode()
    assert f'value="{ana.user.email}"' in page
    assert "not it at all" not in page


def test_after_too_many_wrong_passwords_even_the_right_one_waits(door, ana):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = knock(door, ana.user.email, "not it at all")
    assert response.status_code == 429
    assert "Please wait 15 minutes" in response.content.decode()
    assert knock(door, ana.user.email).status_code == 429


def test_a_stranger_cannot_lock_a_clinician_out(door, ada):
    stranger = Client(REMOTE_ADDR="203.0.113.66")
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        knock(stranger, ada.user.email, "not it at all")
    assert knock(door, ada.user.email).status_code == 302


def test_colleagues_behind_one_address_are_not_locked_out_together(door, ada, noor):
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        knock(door, ada.user.email, "not it at all")
    assert knock(Client(), noor.user.email).status_code == 302


def test_who_belongs_nowhere_is_told_so_after_the_right_password_only(door, ana, system):
    with system():
        Membership.objects.filter(user=ana.user).update(ended_at=timezone.now())
    assert "no clinic has opened it" in knock(door, ana.user.email).content.decode()
    assert "no clinic" not in knock(Client(), ana.user.email, "not it").content.decode()
    assert not Session.objects.filter(user=ana.user).exists()


def test_who_may_not_sign_in_gets_the_words_of_a_wrong_password(door, ana, system):
    with system():
        User.objects.filter(pk=ana.user.pk).update(is_active=False)
    assert "is not right" in knock(door, ana.user.email).content.decode()


def test_the_way_on_leads_to_our_own_addresses_only(door, ana):
    assert knock(door, ana.user.email, next="/account/").url == "/account/"


@pytest.mark.parametrize(
    "address",
    [
        *["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"],
        *["id", "portal:account"],
    ],
)
def test_the_way_on_leads_nowhere_else(door, ana, address):
    assert knock(door, ana.user.email, next=address).url == "/"


def test_who_is_signed_in_needs_no_door(client_for, ana):
    assert client_for(ana).get("/sign-in/?next=/account/").url == "/account/"


def test_somebody_of_two_clinics_chooses_with_the_last_one_first(door, ada, other_clinic, system):
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role=Role.NURSE)
        User.objects.filter(pk=ada.user.pk).update(last_organization=other_clinic)
    response = knock(door, ada.user.email, next="/patients/")
    assert response.url == "/organization/?next=%2Fpatients%2F"
    page = door.get(response.url).content.decode()
    assert page.index("Hill Clinic") < page.index("Harbour Clinic")
    assert door.get("/dashboard/").url.startswith("/sign-in/")
    entered = door.post(
        "/organization/", {"organization": str(other_clinic.pk), "next": "/patients/"}
    )
    assert entered.url == "/patients/"
    assert Session.objects.get(user=ada.user).organization_id == other_clinic.pk


def test_a_real_clinic_shows_no_demo_accounts(door):
    assert "demo" not in door.get("/sign-in/").content.decode().lower()


def test_a_demo_offers_its_accounts(door, settings):
    settings.DEMO = True
    page = door.get("/sign-in/").content.decode()
    assert 'value="clinician@demo.example"' in page
    assert 'value="patient@other.example"' in page


def test_an_address_that_a_stranger_claims_to_come_from_is_not_believed(door, ana):
    """Else every guess would come from somewhere new, and none would be one too many."""
    for number in range(settings.AXES_FAILURE_LIMIT):
        claimed = {"x-forwarded-for": f"198.51.100.{number}", "forwarded": f"for=10.0.0.{number}"}
        response = door.post(
            "/sign-in/", {"username": ana.user.email, "password": "wrong"}, headers=claimed
        )
    assert response.status_code == 429
