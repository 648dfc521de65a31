"""The administration of people: members and their roles, users and their sessions."""

import re

import pytest
from axes.models import AccessAttempt
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import jobs
from portal.models import (
    AuditEntry,
    CareTeamMembership,
    Membership,
    Provider,
    Role,
    Session,
    User,
)
from portal.sessions import SessionStore
from tests.portal.administration import actions_on_record, address

pytestmark = pytest.mark.usefixtures("cast")


def membership_of(person, system):
    with system(person.organization):
        return Membership.objects.get(user=person.user)


def test_a_new_colleague_gets_a_place_a_provider_and_a_way_in(office, system, mailoutbox, client):
    office.post(
        address(Membership, "add"),
        {"email": "Eva@new.example", "name": "Eva Sand", "role": "nurse"},
    )
    with system():
        eva = User.objects.get(email="eva@new.example")
        assert Membership.objects.get(user=eva).role == "nurse"
        assert Provider.objects.get(user=eva).name == "Eva Sand"
    job = ProcrastinateJob.objects.get(task_name="portal.send_welcome")
    jobs.send_welcome(**job.args)
    link = re.search(r"http://testserver(/password/\S+)", mailoutbox[0].body)[1]
    assert client.get(link).status_code == 200
    assert "membership.added" in actions_on_record(system)


def test_somebody_with_an_account_keeps_their_name_and_password(office, olga, system):
    office.post(
        address(Membership, "add"),
        {"email": olga.user.email, "name": "Renamed", "role": "clinician"},
    )
    with system():
        user = User.objects.get(pk=olga.user.pk)
    assert (user.name, user.password) == (olga.user.name, olga.user.password)


def test_a_member_is_not_added_twice(office, ada):
    response = office.post(
        address(Membership, "add"), {"email": ada.user.email, "name": "Ada", "role": "admin"}
    )
    assert "is a member already" in response.content.decode()


def test_a_role_changes_with_a_reason_and_the_member_signs_in_again(
    office, ada, client_for, system
):
    page = client_for(ada)
    membership = membership_of(ada, system)
    office.post(
        address(Membership, "change", membership.pk),
        {"role": "nurse", "reason": "Moved to the ward team"},
    )
    assert membership_of(ada, system).role == "nurse"
    assert page.get("/dashboard/").url.startswith("/sign-in/")
    with system():
        entry = AuditEntry.objects.get(action="membership.role_changed")
    assert entry.detail["reason"] == "Moved to the ward team"


def test_without_a_reason_nothing_changes(office, ada, system):
    membership = membership_of(ada, system)
    response = office.post(
        address(Membership, "change", membership.pk), {"role": "nurse", "reason": ""}
    )
    assert response.status_code == 200
    assert membership_of(ada, system).role == "clinician"


def test_the_end_of_a_membership_takes_everything_with_it(office, ada, ana, client_for, system):
    page = client_for(ada)
    membership = membership_of(ada, system)
    office.post(
        address(Membership, "change", membership.pk),
        {"role": "clinician", "end_now": "on", "reason": "Left the clinic"},
    )
    with system():
        assert Membership.objects.get(pk=membership.pk).ended_at is not None
        assert not CareTeamMembership.objects.active().filter(provider=ada.provider).exists()
        assert not Session.objects.filter(user=ada.user).exists()
    assert page.get(f"/patients/{ana.patient.pk}/").status_code == 302


def test_an_administrator_does_not_end_their_own_place(office, admin, system):
    membership = membership_of(admin, system)
    response = office.post(
        address(Membership, "change", membership.pk),
        {"role": "admin", "end_now": "on", "reason": "By accident"},
    )
    assert "cannot change your own place" in response.content.decode()


def test_the_password_address_and_name_of_a_user_cannot_be_set(office, ada, system):
    office.post(
        address(User, "change", ada.user.pk),
        {"email": "stolen@evil.example", "name": "X", "password": "owned", "is_active": ""},
    )
    with system():
        user = User.objects.get(pk=ada.user.pk)
    assert (user.email, user.password, user.is_active) == (
        ada.user.email,
        ada.user.password,
        True,
    )


def choose(office, person, action):
    return office.post(
        address(User, "changelist"),
        {"action": action, "_selected_action": [str(person.user.pk)]},
        follow=True,
    )


def test_stopping_a_user_ends_every_session_at_once(office, ada, client_for, system):
    page = client_for(ada)
    choose(office, ada, "stop_sign_in")
    with system():
        assert not User.objects.get(pk=ada.user.pk).is_active
    assert page.get("/dashboard/").url.startswith("/sign-in/")
    choose(office, ada, "allow_sign_in")
    with system():
        assert User.objects.get(pk=ada.user.pk).is_active
    assert {"user.sign_in_stopped", "user.sign_in_allowed"} <= set(actions_on_record(system))


def test_a_user_of_two_clinics_is_not_stopped_by_one(office, ada, other_clinic, system):
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role="nurse")
    page = choose(office, ada, "stop_sign_in").content.decode()
    assert "also belongs to another organization" in page
    with system():
        assert User.objects.get(pk=ada.user.pk).is_active


def test_signing_somebody_out_ends_their_sessions_here_only(
    office, ada, client_for, other_clinic, system
):
    client_for(ada)
    elsewhere = SessionStore()
    elsewhere["organization"] = str(other_clinic.pk)
    elsewhere["_auth_user_id"] = str(ada.user.pk)
    elsewhere.create()
    choose(office, ada, "sign_out")
    assert [session.pk for session in Session.objects.filter(user=ada.user)] == [elsewhere.digest]


def test_another_clinics_lock_is_not_ours_to_lift(office, ada, other_clinic, system):
    """Else an administrator could give a stranger a place, and try their password without end."""
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role=Role.NURSE)
    attempt = AccessAttempt.objects.create(
        username=ada.user.email, ip_address="203.0.113.9", failures_since_start=6
    )
    changelist = address(AccessAttempt, "changelist")
    assert "203.0.113.9" not in office.get(changelist).content.decode()
    office.post(changelist, {"action": "let_try_again", "_selected_action": [str(attempt.pk)]})
    assert AccessAttempt.objects.exists()


def test_who_was_locked_out_may_be_let_in_again(office, ada, system):
    attempt = AccessAttempt.objects.create(
        username=ada.user.email, ip_address="203.0.113.9", failures_since_start=6
    )
    office.post(
        address(AccessAttempt, "changelist"),
        {"action": "let_try_again", "_selected_action": [str(attempt.pk)]},
    )
    assert not AccessAttempt.objects.exists()
    assert "user.unlocked" in actions_on_record(system)
