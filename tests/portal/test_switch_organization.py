"""Going to another organization: the right to, the new session, and the pages of the old one."""

import pytest
from django.db import connections
from django.utils import timezone

from portal.models import AuditEntry, Membership, Session, User
from portal.sessions import digest_of
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def two_places(ada, other_clinic, system):
    """Ada, clinician at Harbour Clinic, is a nurse at Hill Clinic too."""
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role="nurse")
    return ada


def switch(page, organization, **fields):
    return page.post("/organization/", {"organization": str(organization.pk), **fields})


def test_the_session_gets_a_new_key_and_the_old_one_ends(client_for, two_places, other_clinic):
    page = client_for(two_places)
    before = Session.objects.get(user=two_places.user).pk
    assert switch(page, other_clinic).url == "/"
    session = Session.objects.get(user=two_places.user)
    assert session.pk != before
    assert session.organization_id == other_clinic.pk


def test_the_limits_are_those_of_the_new_role(client_for, ana, other_clinic, system, settings):
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ana.user, role="nurse")
    page = client_for(ana)
    switch(page, other_clinic)
    limit = Session.objects.get(user=ana.user).get_decoded()["idle_seconds"]
    assert limit == settings.SESSION_IDLE_STAFF.total_seconds()


def test_it_is_remembered_and_on_record(client_for, two_places, other_clinic, system):
    switch(client_for(two_places), other_clinic)
    with system(other_clinic):
        assert AuditEntry.objects.get(action="session.switched").actor_id == two_places.user.pk
        assert User.objects.get(pk=two_places.user.pk).last_organization_id == other_clinic.pk


def test_what_an_old_page_sends_is_refused(client_for, two_places, clinic, other_clinic):
    page = client_for(two_places)
    switch(page, other_clinic)
    header = {"x-vigil-organization": str(clinic.pk)}
    assert page.get("/account/", headers=header).status_code == 409
    assert page.post("/account/theme/", {"theme": "dark"}, headers=header).status_code == 409
    own = {"x-vigil-organization": str(other_clinic.pk)}
    assert page.get("/account/", headers=own).status_code == 200


def test_the_patients_of_the_other_place_are_gone(client_for, two_places, ana, other_clinic):
    page = client_for(two_places)
    assert page.get(f"/patients/{ana.patient.pk}/").status_code == 200
    switch(page, other_clinic)
    assert page.get(f"/patients/{ana.patient.pk}/").status_code == 404


@pytest.mark.parametrize("asked", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "\x00"])
def test_an_organization_that_is_none_is_no_page(client_for, two_places, asked):
    response = client_for(two_places).post("/organization/", {"organization": asked})
    assert response.status_code == 404


def test_one_where_one_does_not_belong_is_no_page_either(client_for, ada, other_clinic):
    page = client_for(ada)
    assert switch(page, other_clinic).status_code == 404
    assert Session.objects.get(user=ada.user).organization_id == ada.organization.pk


def test_a_place_that_has_ended_cannot_be_entered(client_for, two_places, other_clinic, system):
    with system(other_clinic):
        Membership.objects.filter(user=two_places.user, organization=other_clinic).update(
            ended_at=timezone.now()
        )
    assert switch(client_for(two_places), other_clinic).status_code == 404


def test_an_address_of_the_old_place_is_not_followed(client_for, two_places, other_clinic):
    assert switch(client_for(two_places), other_clinic, next="/patients/").url == "/"


def test_whose_last_place_here_ended_is_led_to_the_others(client_for, two_places, clinic, system):
    page = client_for(two_places)
    with system():
        Membership.objects.filter(user=two_places.user, organization=clinic).update(
            ended_at=timezone.now()
        )
    response = page.get("/dashboard/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/organization/")
    assert "Hill Clinic" in response.content.decode()
    assert "Harbour Clinic" not in response.content.decode()


def test_who_belongs_nowhere_any_more_is_signed_out_and_told(client_for, ana, system):
    page = client_for(ana)
    with system():
        Membership.objects.filter(user=ana.user).update(ended_at=timezone.now())
    response = page.get("/home/", follow=True)
    assert response.redirect_chain[-1][0] == "/sign-in/"
    assert "no clinic has opened it" in response.content.decode()
    assert not Session.objects.filter(user=ana.user).exists()


def test_a_stranger_is_led_to_the_door(client):
    assert client.get("/organization/").url.startswith("/sign-in/")


def ended_sessions():
    """What the engine was told, in order: the digests of sessions that ended, by organization."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT organization_id, record->>'session' FROM realtime_inbox"
            " WHERE kind = 'control' AND operation = 'session_ended' ORDER BY id"
        )
        return cursor.fetchall()


def test_the_sockets_of_the_old_page_close_and_no_others(
    committed, cast, clinic, other_clinic, client, system
):
    """Also those of the new session stay open, which a changed row would close."""
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=cast.ada.user, role="nurse")
    client.post("/sign-in/", {"username": cast.ada.user.email, "password": PASSWORD})
    assert ended_sessions() == []
    switch(client, clinic)
    assert ended_sessions() == []
    first = client.session.session_key
    switch(client, other_clinic)
    assert ended_sessions() == [(clinic.pk, digest_of(first))]
    second = client.session.session_key
    client.post("/sign-out/")
    assert ended_sessions() == [
        (clinic.pk, digest_of(first)),
        (other_clinic.pk, digest_of(second)),
    ]
