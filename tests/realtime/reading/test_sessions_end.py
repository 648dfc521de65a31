"""Sessions that end while a page is open: by sign-out, with a membership, by the clock."""

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from portal.middleware.sessions import idle_limit
from realtime.authority import Identity
from realtime.failpoints import armed
from tests.realtime.reading.wire import PAGE, changed_ids, in_a_thread

VITALS = {"table": "vital_signs"}
# Seconds to an end by the clock: a page must be open before it.
SOON = 4


@pytest.fixture
def ends_in(owner):
    """`ends_in(ana, SOON)`: Ana's session ends then, if nobody touches it."""

    def ends_in(person, seconds):
        touched = timezone.now() - idle_limit(person.role) + timedelta(seconds=seconds)
        owner.execute(
            "UPDATE sessions SET last_active_at = %s WHERE user_id = %s", [touched, person.user.pk]
        )

    return ends_in


def test_signing_out_ends_the_sockets_of_that_session_alone(
    wire, put, server, cookie_of, ana, client_for
):
    from portal.sessions import SessionStore

    first, second = cookie_of(ana), cookie_of(ana)
    here, elsewhere = wire(cookie=first), wire(cookie=second)
    here.live(VITALS)
    elsewhere.live(VITALS)
    SessionStore(first).delete()
    put()
    assert here.closed() == (4401, "signed out")
    assert changed_ids(here) == []
    elsewhere.changes()


def test_a_sign_out_during_the_handshake_is_obeyed(wire, inbox, put, cookie_of, ana, settings):
    """The session ends after it was looked at and before the hub knows the socket."""
    from portal.sessions import SessionStore

    settings.REALTIME_FAILPOINTS = True
    other = wire(ana)
    other.live(VITALS)
    cookie = cookie_of(ana)
    done = []

    def sign_out():
        if not done:
            done.append(True)
            SessionStore(cookie).delete()
            inbox.head()

    async def meanwhile():
        await in_a_thread(sign_out)

    with armed("handshake.identified", meanwhile):
        page = wire(cookie=cookie)
        assert page.closed() == (4401, "signed out")
    put()
    other.changes()


def test_history_is_not_read_in_the_name_of_another_session(
    wire, inbox, put, server, cookie_of, ana, settings, monkeypatch, gate
):
    """The hub has not heard of the sign-out yet; the person's other browser is still signed in."""
    from portal.sessions import SessionStore

    settings.REALTIME_FAILPOINTS = True
    other = wire(ana)
    other.live(VITALS)
    since = inbox.head()
    before = put()
    inbox.head()
    cookie, forbidden = cookie_of(ana), []

    def sign_out():
        SessionStore(cookie).delete()
        forbidden.append(put())
        inbox.head()

    async def meanwhile():
        if forbidden:
            return
        core = server.hub.core
        core.ring.restart(core.seq)  # what was missed has to come from the log
        monkeypatch.setattr(core, "receive", lambda *_: True)
        # Not before: a hub that has heard nothing for a while reads the log for each join.
        unheard.enter_context(armed("hub.read", gate.wait))
        await in_a_thread(sign_out)

    with ExitStack() as unheard, armed("history.page", meanwhile):
        page = wire(cookie=cookie)
        wanted = {"event": "*", "schema": "public", **VITALS, "since": since}
        payload = {"config": {"postgres_changes": [wanted]}}
        page.send(PAGE, "phx_join", payload, ref="1", join_ref="1")
        assert page.closed() == (4401, "signed out")
    assert forbidden
    assert set(changed_ids(page)) <= {before}


def test_a_membership_that_ends_closes_the_page(wire, put, ada, clinic, owner):
    page = wire(ada)
    page.live(VITALS)
    owner.execute("UPDATE memberships SET ended_at = now() WHERE user_id = %s", [ada.user.pk])
    put()
    assert page.closed() == (4401, "signed out")
    assert changed_ids(page) == []


def test_a_user_who_is_deactivated_hears_nothing_more(wire, put, ada, owner):
    page = wire(ada)
    page.live(VITALS)
    owner.execute("UPDATE users SET is_active = false WHERE id = %s", [ada.user.pk])
    put()
    assert page.closed() == (4401, "signed out")
    assert changed_ids(page) == []


def test_a_session_that_reaches_its_end_is_closed(wire, server, ana, monkeypatch):
    authority = server.hub.authority
    identify_all = type(authority).identify_all

    def short(self, scopes):
        return [
            identity
            and Identity(
                identity.user_id,
                identity.organization_id,
                identity.session,
                expires_at=timezone.now() + timedelta(seconds=SOON),
            )
            for identity in identify_all(self, scopes)
        ]

    monkeypatch.setattr(type(authority), "identify_all", short)
    page = wire(ana)
    page.live(VITALS)
    assert page.closed() == (4401, "signed out")


def test_the_socket_of_a_silent_session_closes_with_it(wire, ends_in, ana, cookie_of):
    cookie = cookie_of(ana)
    ends_in(ana, SOON)
    ended = time.monotonic() + SOON
    page = wire(cookie=cookie)
    page.live(VITALS)
    assert page.closed() == (4401, "signed out")
    assert time.monotonic() > ended


def test_somebody_at_work_in_another_tab_keeps_it_open(wire, ends_in, ana, cookie_of):
    cookie = cookie_of(ana)
    ends_in(ana, SOON)
    page = wire(cookie=cookie)
    page.live(VITALS)
    ends_in(ana, 2 * SOON)
    ended = time.monotonic() + 2 * SOON
    assert page.closed() == (4401, "signed out")
    assert time.monotonic() > ended


def test_a_silent_session_that_nobody_can_look_up_hears_nothing_more(
    wire, ends_in, ana, cookie_of, server, monkeypatch
):
    cookie = cookie_of(ana)
    ends_in(ana, SOON)
    page = wire(cookie=cookie)
    page.live(VITALS)

    def away(self, identities):
        raise OperationalError

    monkeypatch.setattr(type(server.hub.authority), "still_valid", away)
    assert page.closed() == (1013, "try again")


def test_the_net_finds_a_session_that_ended_without_a_word(
    wire, server, ana, ben, cookie_of, superuser
):
    gone, stays = wire(ana), wire(ben)
    gone.live(VITALS)
    stays.live(VITALS)
    # Past every trigger, as a restore of a backup would.
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("DELETE FROM sessions WHERE user_id = %s", [ana.user.pk])
    superuser.execute("SET session_replication_role = origin")
    from realtime.watch import Watch

    server.run(Watch(server.hub)._cast_net())
    assert gone.closed() == (4401, "signed out")
    stays.heartbeat()
