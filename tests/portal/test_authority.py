"""Which sessions still stand, and until when: what the engine asks for all its sockets at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authority import authority
from portal.models import AuditEntry, Membership, Session, User
from portal.tenancy import acting_for
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


def everybody(cast):
    return [cast.ana, cast.ben, cast.carla, cast.ada, cast.noor, cast.boris, cast.sam, cast.admin]


def test_many_are_granted_what_each_is_granted_alone(cast):
    identities = [identity_of(person) for person in everybody(cast)]
    alone = [authority.grants(identity) for identity in identities]

    assert authority.grants_of(identities) == alone
    assert len({frozenset(grants) for grants in alone}) == len(alone)


def test_who_is_nobody_among_many_is_granted_nothing(cast):
    here, gone = identity_of(cast.ana), identity_of(cast.noor)
    Session.objects.filter(pk=gone.session).delete()
    elsewhere = replace(here, organization_id=str(cast.other_clinic.pk))

    assert authority.grants_of([here, gone, elsewhere]) == [authority.grants(here), None, None]


@pytest.mark.parametrize(
    "other", ['prefs={"a":"b"}', "name=J\xf6rg", "a=b c", "flag", "path=x", "=", "a=1; a=2", '"']
)
def test_what_another_page_of_the_domain_leaves_in_the_browser_changes_nothing(cast, other):
    own = f"{settings.SESSION_COOKIE_NAME}={signed_in(cast.ana).session.session_key}"
    for cookies in (f"{other}; {own}", f"{own}; {other}"):
        scope = {"headers": [(b"cookie", cookies.encode("latin-1"))]}
        identity = authority.identify(scope)
        assert identity is not None
        assert identity.user_id == str(cast.ana.user.pk)


def test_many_are_identified_as_each_is_alone(cast):
    cookies = [
        f"{settings.SESSION_COOKIE_NAME}={signed_in(person).session.session_key}"
        for person in everybody(cast)
    ] + ["other=1", f"{settings.SESSION_COOKIE_NAME}=nobody"]
    scopes = [{"headers": [(b"cookie", cookie.encode())]} for cookie in cookies]
    identities = authority.identify_all(scopes)

    assert identities == [authority.identify(scope) for scope in scopes]
    assert [identity.user_id for identity in identities[:-2]] == [
        str(person.user.pk) for person in everybody(cast)
    ]
    assert identities[-2:] == [None, None]


def test_a_hundred_cost_as_many_questions_as_two(cast):
    def questions(count):
        identities = [identity_of(cast.ana), identity_of(cast.ada)] * (count // 2)
        with CaptureQueriesContext(connection) as asked:
            authority.grants_of(identities)
        return len(asked)

    assert questions(100) == questions(2)


def test_every_join_of_many_is_on_record(cast):
    here, there = identity_of(cast.ana), identity_of(cast.carla)
    binding = {"event": "*", "schema": "public", "table": "vital_signs", "filter": ""}
    authority.joined_all([(here, [binding]), (there, [binding]), (here, [binding])])

    for person, count in ((cast.ana, 2), (cast.carla, 1)):
        with acting_for(person.organization.pk, system=True):
            entries = AuditEntry.objects.filter(actor_id=person.user.pk)
            assert [entry.detail for entry in entries] == [{"tables": ["vital_signs"]}] * count
