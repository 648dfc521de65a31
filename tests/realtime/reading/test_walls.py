"""History stands behind two walls, grants and policies: each holds with the other down."""

import pytest

from portal.authority import PortalAuthority
from realtime import replay
from realtime.authority import Identity
from realtime.cursor import parse
from tests.realtime.reading.walls import WithoutGrants, WithoutPolicies
from tests.realtime.reading.wire import Inbox


@pytest.fixture
def inbox(superuser, relay, committed):
    """Where events begin; a relay moves them into the log."""
    return Inbox(superuser)


@pytest.fixture
def identity(cookie_of):
    """`identity(ana)`: as a socket of hers is known."""

    def identity(person) -> Identity:
        from django.conf import settings

        cookie = f"{settings.SESSION_COOKIE_NAME}={cookie_of(person)}".encode()
        scope = {"headers": [(b"cookie", cookie)], "path": "/", "query_string": b""}
        return PortalAuthority().identify(scope)

    return identity


def heard(authority, who, since):
    page = replay.read(authority, who, since, {"vital_signs"})
    return [event.record["id"] for event in page.events]


@pytest.fixture
def world(inbox, identity, ana, ben, carla, ada, boris, olga, admin, clinic, other_clinic):
    """Two changes about each patient; who may hear which; from where on."""
    since = parse(inbox.head())
    told = {}
    for person, organization in ((ana, clinic), (ben, clinic), (carla, other_clinic)):
        topic = f"patient:{person.patient.pk}"
        told[topic] = [inbox.put([topic], organization=organization.pk) for _ in range(2)]
    inbox.head()
    of_ana, of_ben, of_carla = told.values()
    expected = [
        (ana, of_ana),
        (ada, of_ana),
        (ben, of_ben),
        (boris, of_ben),
        (carla, of_carla),
        (olga, of_carla),
        (admin, []),
    ]
    return since, list(told), [(identity(person), events) for person, events in expected]


def test_both_walls_let_each_reader_see_their_own(world):
    since, _, readers = world
    for who, events in readers:
        assert heard(PortalAuthority(), who, since) == events


def test_row_level_security_holds_when_the_application_grants_everything(world):
    since, topics, readers = world
    for who, events in readers:
        assert heard(WithoutGrants(topics), who, since) == events


def test_grants_hold_when_row_level_security_is_off(world, monkeypatch):
    since, _, readers = world
    # The owner's policy lets every row through.
    monkeypatch.setattr(replay, "DEFAULT_DB_ALIAS", "owner")
    for who, events in readers:
        assert heard(WithoutPolicies(), who, since) == events
