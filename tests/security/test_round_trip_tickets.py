"""The doctor's ticket opens a socket for one change, to nobody else and for nothing else."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from django.utils import timezone

from portal import round_trips
from portal.models import AuditEntry, Patient
from portal.round_trips import HEADER, LIFE, AuthorityWithTickets
from portal.tenancy import acting_for
from realtime import authority as authorities
from realtime.errors import Refused
from tests.cast import signed_in

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def authority():
    """The one that the engine asks."""
    found = authorities.configured()
    assert isinstance(found, AuthorityWithTickets)
    return found


@pytest.fixture
def trip(clinic):
    return round_trips.begin(clinic.pk, 3)


def scope(ticket, **headers):
    """A handshake that shows a ticket."""
    headers = {HEADER.lower(): ticket, **headers}
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"headers": lines, "query_string": b"vsn=2.0.0&page=4"}


def test_a_ticket_lets_in_as_nobody_who_exists(authority, trip, clinic):
    identity = authority.identify(scope(trip.ticket))
    assert identity.organization_id == str(clinic.pk)
    assert identity.user_id == str(trip.id)
    assert identity.expires_at <= timezone.now() + LIFE
    assert authority.still_valid({identity}) == {identity: identity.expires_at}


def test_a_ticket_is_worth_nothing_once_the_round_trip_has_ended(authority, trip):
    identity = authority.identify(scope(trip.ticket))
    round_trips.end(trip)
    assert authority.identify(scope(trip.ticket)) is None
    assert authority.still_valid({identity}) == {}
    assert authority.grants(identity) is None
    with pytest.raises(Refused):
        authority.joined(identity, [trip.binding])


def test_a_ticket_is_worth_nothing_after_a_minute(authority, clinic, system):
    with system():
        begun = AuditEntry.objects.create(
            organization=clinic,
            action=round_trips.BEGUN,
            at=timezone.now() - LIFE - timedelta(seconds=1),
            detail={"changes": []},
        )
    old = round_trips.RoundTrip(begun.pk, clinic.pk, ())
    assert authority.identify(scope(old.ticket)) is None


def test_whoever_has_the_key_alone_is_let_in_nowhere(authority, clinic, system):
    """Signed as it should be; but of such a round trip the database knows nothing."""
    with system():
        other = AuditEntry.objects.create(organization=clinic, action="session.begun")
    for invented in (round_trips.uuid7(), other.pk):
        trip = round_trips.RoundTrip(invented, clinic.pk, ())
        assert authority.identify(scope(trip.ticket)) is None


def test_whoever_writes_to_the_database_alone_is_let_in_nowhere(authority, trip, clinic):
    named = [str(clinic.pk), str(trip.id)]
    salt = round_trips._SALT
    for ticket in (
        "",
        "nonsense",
        trip.ticket[:-1],
        signing.dumps(named, key="another key", salt=salt),
        signing.dumps(named, salt="another purpose"),
        signing.dumps([str(trip.id), str(clinic.pk)], salt=salt),
    ):
        assert authority.identify(scope(ticket)) is None


def test_a_ticket_of_one_organization_is_none_of_another(authority, trip, other_clinic):
    moved = round_trips.RoundTrip(trip.id, other_clinic.pk, trip.changes)
    assert authority.identify(scope(moved.ticket)) is None


def test_who_shows_a_ticket_is_not_let_in_by_a_cookie(authority, trip, ana):
    cookie = f"{settings.SESSION_COOKIE_NAME}={signed_in(ana).session.session_key}"
    assert authority.identify(scope("nonsense", cookie=cookie)) is None
    assert authority.identify(scope(trip.ticket, cookie=cookie)).user_id == str(trip.id)


def test_many_are_answered_as_one_by_one(authority, trip, ana, ada):
    cookies = [
        {"headers": [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode())]}
        for key in (signed_in(person).session.session_key for person in (ana, ada))
    ]
    scopes = [cookies[0], scope(trip.ticket), cookies[1], scope("nonsense")]
    found = authority.identify_all(scopes)
    assert found == [authority.identify(each) for each in scopes]
    let_in = [identity for identity in found if identity is not None]
    assert authority.still_valid(set(let_in)).keys() == set(let_in)
    assert authority.grants_of(let_in) == [authority.grants(identity) for identity in let_in]
    authority.joined_all([(identity, [trip.binding]) for identity in let_in])


def test_only_its_own_changes_may_be_listened_for(authority, trip, clinic, system):
    identity = authority.identify(scope(trip.ticket))
    assert authority.grants(identity).keys() == {f"admin:{clinic.pk}"}
    for changed in (
        {"filter": ""},
        {"filter": f"id=eq.{trip.changes[0]}"},
        {"event": "*"},
        {"table": "client_portal_messages"},
    ):
        with pytest.raises(Refused):
            authority.joined(identity, [trip.binding | changed])
    with pytest.raises(Refused):
        authority.joined(identity, [trip.binding, trip.binding])
    with system():
        assert not AuditEntry.objects.filter(action=round_trips.JOINED).exists()
    authority.joined(identity, [trip.binding])
    assert round_trips.end(trip).keys() == {"4"}


def test_row_level_security_shows_it_nothing(authority, trip, ana):
    identity = authority.identify(scope(trip.ticket))
    with acting_for(identity.organization_id, system=True):
        assert Patient.objects.filter(pk=ana.patient.pk).exists()
    with authority.reading(identity):
        assert not Patient.objects.exists()
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/patients/"), ("post", "/realtime/changes"), ("get", "/api/patients/")],
)
def test_no_page_and_no_poll_knows_it(trip, method, path):
    plain, shown = Client(), Client(headers={HEADER: trip.ticket})
    answers = [getattr(client, method)(path) for client in (plain, shown)]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code in {302, 401, 404}
