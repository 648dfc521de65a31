"""Rights that begin or end by the clock while a page is open: the page is told, and follows."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from portal import turning_rights
from portal.models import AccessGrant, Caregiver, CareTeamMembership
from realtime.quoting import identifier
from tests.realtime.reading.wire import changed_ids, ids, is_system, number
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}
# Far enough that the row is written, and the rights read once more, before the clock turns them.
SOON = timedelta(seconds=2)


@pytest.fixture
def give(system, clinic, ana):
    """`give(boris, Caregiver)`: a right to see Ana."""

    def give(person, kind, **times):
        whose = {
            CareTeamMembership: {"provider": person.provider},
            Caregiver: {"user": person.user},
            AccessGrant: {"user": person.user, "subject_id": uuid4()},
        }
        with system():
            kind.objects.create(organization=clinic, patient=ana.patient, **whose[kind], **times)

    return give


@pytest.fixture
def heard(server, inbox):
    """`heard()`: the hub has everything that was written, and holds nobody."""

    def heard():
        head = number(inbox.head())
        core = server.hub.core
        wait_until(lambda: core.seq >= head and not core.readers.held)

    return heard


@pytest.fixture
def unable(owner, server, monkeypatch):
    """`unable()`: looks fail, and one has; `unable.no_more()`: they succeed again."""
    function = "FUNCTION portal_tell_turned_rights(timestamptz)"
    engine = identifier(settings.ENGINE_ROLE)
    look, failed = turning_rights.look, []

    async def watched(connection, since):
        try:
            return await look(connection, since)
        except psycopg.Error:
            failed.append(since)
            raise

    def unable():
        owner.execute(f"REVOKE EXECUTE ON {function} FROM {engine}")
        before = len(failed)
        wait_until(lambda: len(failed) > before)

    def no_more():
        owner.execute(f"GRANT EXECUTE ON {function} TO {engine}")

    monkeypatch.setattr(turning_rights, "look", watched)
    unable.no_more = no_more
    yield unable
    no_more()


def is_access(frame):
    return is_system(frame, "access")


def test_a_place_that_begins_by_the_clock_reaches_an_open_page(wire, put, give, heard, boris, olga):
    page, elsewhere = wire(boris), wire(olga)
    page.live(VITALS)
    elsewhere.live(VITALS)
    give(boris, CareTeamMembership, starts_at=timezone.now() + SOON)
    heard()
    page.until(is_access)
    after = put()
    assert ids(page.changes()) == [after]
    elsewhere.heartbeat()
    assert changed_ids(elsewhere) == []
    assert not any(map(is_access, elsewhere.seen))


@pytest.mark.parametrize("kind", [CareTeamMembership, Caregiver, AccessGrant])
def test_a_page_is_told_that_a_right_has_ended_by_the_clock(
    wire, put, inbox, give, boris, ana, system, kind
):
    page = wire(boris)
    page.live(VITALS)
    give(boris, kind)
    page.until(is_access)
    before = put()
    assert ids(page.changes()) == [before]
    with system():
        whose = "provider__user" if kind is CareTeamMembership else "user"
        rights = kind.objects.filter(patient=ana.patient, **{whose: boris.user})
        assert rights.update(ends_at=timezone.now() + SOON) == 1
    page.until(is_access)
    put()
    inbox.head()
    page.heartbeat()
    assert changed_ids(page) == [before]


def test_a_look_that_failed_is_made_up_for(wire, give, heard, boris, superuser, unable, caplog):
    page = wire(boris)
    page.live(VITALS)
    unable()
    begins = timezone.now() + SOON
    give(boris, CareTeamMembership, starts_at=begins)
    over = "SELECT clock_timestamp() > %s AS over"
    wait_until(lambda: superuser.execute(over, [begins]).fetchone()["over"])
    unable()
    unable.no_more()
    page.until(is_access)
    # Said once, by its code.
    assert caplog.text.count("could not be told (42501)") == 1
