"""Rights that end while a page is open: by revocation, by the clock, by accident."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from realtime import asking, history
from realtime.failpoints import armed
from tests.realtime.reading.wire import changed_ids, ids, in_a_thread, is_system, number
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}


@pytest.fixture
def leave_team(system):
    """`leave_team(ada)`: she is taken off all care teams."""
    from portal.models import CareTeamMembership

    def leave_team(person):
        with system():
            CareTeamMembership.objects.filter(provider=person.provider).delete()

    return leave_team


@pytest.fixture
def join_team(system, clinic):
    """`join_team(boris, ana)`: he is put on her care team."""
    from portal.models import CareTeamMembership

    def join_team(person, patient):
        with system():
            CareTeamMembership.objects.create(
                organization=clinic, patient=patient.patient, provider=person.provider
            )

    return join_team


def test_nothing_after_the_removal_from_a_care_team_arrives(wire, inbox, put, ada, ana, leave_team):
    page, patient = wire(ada), wire(ana)
    page.live(VITALS)
    patient.live(VITALS)
    before = put()
    assert ids(page.changes()) == [before]
    leave_team(ada)
    after = put()
    # The page is told that it shows what it may not show any more.
    page.until(lambda frame: is_system(frame, "access"))
    assert ids(patient.changes(2)) == [before, after]
    inbox.head()
    page.heartbeat()
    assert changed_ids(page) == [before]


def test_a_clinician_is_followed_into_the_topics_of_a_new_patient(
    wire, inbox, put, boris, ana, join_team, server
):
    page, core = wire(boris), server.hub.core
    page.live(VITALS)
    put()
    # Judged by the rights of that moment, and not kept for those that come.
    head = number(inbox.head())
    wait_until(lambda: core.seq >= head and not core.readers.held)
    join_team(boris, ana)
    after = put()
    page.until(lambda frame: is_system(frame, "access"))
    wait_until(lambda: changed_ids(page) or not page.receive())
    assert changed_ids(page) == [after]


def test_others_do_not_wait_for_the_rights_of_one(
    wire, put, ada, noor, leave_team, settings, server, gate
):
    """While the question about Ada is open, Noor hears; Ada does not, then or later."""
    settings.REALTIME_FAILPOINTS = True
    held, other = wire(ada), wire(noor)
    held.live(VITALS)
    other.live(VITALS)
    with armed("hub.rights", gate.wait):
        leave_team(ada)
        told_others = put()
        assert ids(other.changes()) == [told_others]
        server.call(gate.set)
        held.until(lambda frame: is_system(frame, "access"))
    assert changed_ids(held) == []


def test_what_came_while_rights_were_open_arrives_by_the_new_rights(
    wire, put, boris, ana, join_team, settings, server, inbox, gate
):
    settings.REALTIME_FAILPOINTS = True
    page = wire(boris)
    page.live(VITALS)
    with armed("hub.rights", gate.wait):
        join_team(boris, ana)
        first, second = put(), put()
        inbox.head()
        server.call(gate.set)
        assert ids(page.changes(2)) == [first, second]


def test_rights_that_cannot_be_read_end_the_socket(
    wire, put, ada, noor, leave_team, settings, monkeypatch, gate
):
    settings.REALTIME_FAILPOINTS = True
    page, other = wire(ada), wire(noor)
    page.live(VITALS)
    other.live(VITALS)
    monkeypatch.setattr(asking, "RIGHTS_SECONDS", 0.5)
    with armed("hub.rights", gate.wait):
        leave_team(ada)
        put()
        assert page.closed() == (1013, "try again")
    assert changed_ids(page) == []
    other.changes()


@pytest.mark.parametrize("name", ["join.rights", "join.audit", "history.page", "join.drain"])
def test_a_removal_in_the_middle_of_a_join_is_obeyed(
    wire, inbox, put, ada, settings, leave_team, name
):
    settings.REALTIME_FAILPOINTS = True
    since = inbox.head()
    before = put()
    inbox.head()
    forbidden = []

    def remove():
        if not forbidden:
            leave_team(ada)
            forbidden.extend([put(), put()])
            inbox.head()

    async def meanwhile():
        await in_a_thread(remove)

    page = wire(ada)
    with armed(name, meanwhile):
        page.live({**VITALS, "since": since})
    assert forbidden
    put()
    inbox.head()
    page.heartbeat()
    assert set(changed_ids(page)) <= {before}


@pytest.mark.parametrize("recent", [True, False], ids=["memory", "database"])
@pytest.mark.parametrize(("name", "told"), [("history.read", 0), ("join.sent", 2)])
def test_history_that_is_not_sent_yet_when_a_right_ends_is_not_told(
    wire, inbox, put, ada, leave_team, server, forgetful, monkeypatch, settings, recent, name, told
):
    """It was read while the right held: the rest waits until the peer has taken the beginning."""
    settings.REALTIME_FAILPOINTS = True
    monkeypatch.setattr(history, "AT_ONCE", 2)
    since = inbox.head()
    missed = [put() for _ in range(6)]
    wait_until(lambda: server.hub.core.seq >= number(inbox.head()))
    if not recent:
        forgetful()
    removed = []

    def remove():
        if not removed:
            removed.append(True)
            leave_team(ada)
            wait_until(lambda: server.hub.core.seq >= number(inbox.head()))

    with armed(name, lambda: in_a_thread(remove)):
        page = wire(ada)
        page.live({**VITALS, "since": since})
    assert removed
    assert changed_ids(page) == missed[:told]


def test_a_right_that_ends_by_the_clock_ends_by_itself(
    wire, put, sam, clinic, system, server, superuser
):
    """No control event is needed: the hub looks at the clock before it sends."""
    page = wire(sam)
    page.live(VITALS)
    first = put()
    assert ids(page.changes()) == [first]
    hub = server.hub

    def end_soon():
        (reader,) = hub.core.readers.of_user(str(sam.user.pk), None)
        grants = dict.fromkeys(reader.rights.until, timezone.now() + timedelta(seconds=0.2))
        hub.core.granted(reader, reader.rights.asked, grants, time.time())

    server.call(end_soon)
    wait_until(lambda: server.call(lambda: not hub.core.readers.audience(_about(sam), time.time())))
    put()
    page.heartbeat()
    assert changed_ids(page) == [first]


def _about(person):
    from realtime.event import Event

    return Event(
        seq=1,
        topics=(f"user:{person.user.pk}",),
        table="",
        operation="",
        created_at=timezone.now(),
    )


@pytest.mark.parametrize("name", ["join.audit", "history.page", "join.drain"])
def test_a_private_channel_whose_right_ends_while_it_is_joined_is_over(
    wire, inbox, put, ada, ana, settings, leave_team, server, name
):
    settings.REALTIME_FAILPOINTS = True
    since = inbox.head()
    before = put()
    inbox.head()
    topic = f"realtime:patient:{ana.patient.pk}"
    page = wire(ada)
    page.live({"table": "goals"})
    reading = threading.Lock()

    def remove():
        with reading:
            leave_team(ada)
            inbox.head()
            wait_until(lambda: "phx_close" in [frame[3] for frame in page.heartbeat()])

    async def meanwhile():
        await in_a_thread(remove)

    with armed(name, meanwhile):
        config = {
            "postgres_changes": [{"event": "*", "schema": "public", **VITALS, "since": since}]
        }
        payload = {"config": {**config, "private": True}}
        page.send(topic, "phx_join", payload, ref="7", join_ref="7")
        wait_until(lambda: "phx_close" in [frame[3] for frame in page.seen])
    wait_until(lambda: not joins_under_way(server))
    # The join is over, and may be so before who read along has read to the end.
    with reading:
        put()
        page.heartbeat()
    kinds = [frame[3] for frame in page.seen if frame[2] == topic]
    assert kinds[-1] == "phx_close"
    assert set(changed_ids(page)) <= {before}


def joins_under_way(server):
    return [task for task in server.call(asyncio.all_tasks) if task.get_name() == "consumer: join"]


@pytest.mark.parametrize("recent", [True, False], ids=["memory", "database"])
def test_a_page_that_comes_back_is_told_that_its_rights_changed(
    wire, inbox, put, ada, noor, leave_team, forgetful, recent
):
    since = inbox.head()
    leave_team(ada)
    here = inbox.head()
    if not recent:
        forgetful()
    page, other, later = wire(ada), wire(noor), wire(ada)
    for each, cursor in ((page, since), (other, since), (later, here)):
        each.live({**VITALS, "since": cursor})
    told = [any(is_system(frame, "access") for frame in each.seen) for each in (page, other, later)]
    # What memory does not hold cannot be ruled out.
    assert told == ([True, False, False] if recent else [True, True, False])
