"""Which sessions still stand, and until when: what the engine asks for all its sockets at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authority import authority
from portal.models import Membership, Session, User
from tests.cast import signed_in

pytestmark = pytest.mark.usefixtures("db")


def identity_of(person):
    cookie = f"{settings.SESSION_COOKIE_NAME}={signed_in(person).session.session_key}"
    return authority.identify({"headers": [(b"cookie", cookie.encode())]})


def queries_for(identities):
    with CaptureQueriesContext(connection) as asked:
        assert set(authority.still_valid(identities)) == identities
    return len(asked)


def test_one_question_for_an_organization_however_many_are_asked(cast):
    people = (cast.ana, cast.ada, cast.sam, cast.noor, cast.admin)
    many = {identity_of(person) for person in people for _ in range(4)}

    assert len(many) == 20
    assert queries_for(many) == queries_for({next(iter(many))})


def test_each_organization_is_asked_by_itself(cast):
    here, there = identity_of(cast.ana), identity_of(cast.carla)

    assert queries_for({here, there}) == 2 * queries_for({here})


def test_it_says_when_a_session_ends_unless_somebody_touches_it(ana):
    identity = identity_of(ana)
    touched = timezone.now() - timedelta(minutes=7)
    Session.objects.filter(user=ana.user).update(last_active_at=touched)

    assert authority.still_valid({identity}) == {identity: touched + settings.SESSION_IDLE_PATIENT}


def test_twelve_hours_end_it_whoever_touches_it(ana):
    identity = identity_of(ana)
    began = timezone.now() - timedelta(hours=12) + timedelta(minutes=3)
    Session.objects.filter(user=ana.user).update(created_at=began)

    assert authority.still_valid({identity}) == {identity: began + timedelta(hours=12)}


@pytest.mark.parametrize(
    "ended", ["silent", "signed out", "membership", "user", "password", "moved", "forged"]
)
def test_what_ended_is_left_out_and_the_others_stay(ana, ada, system, other_clinic, ended):
    identity, other = identity_of(ana), identity_of(ada)
    mine = Session.objects.filter(user=ana.user)
    with system():
        if ended == "silent":
            mine.update(last_active_at=timezone.now() - settings.SESSION_IDLE_PATIENT)
        elif ended == "signed out":
            mine.delete()
        elif ended == "membership":
            Membership.objects.filter(user=ana.user).update(ended_at=timezone.now())
        elif ended == "user":
            User.objects.filter(pk=ana.user.pk).update(is_active=False)
        elif ended == "password":
            User.objects.filter(pk=ana.user.pk).update(password="another")
        elif ended == "moved":
            mine.update(organization=other_clinic)
        elif ended == "forged":
            identity = replace(identity, user_id=str(ada.user.pk))

    assert set(authority.still_valid({identity, other})) == {other}
