"""History after a cursor, and that it meets what is live without a gap or a double."""

import asyncio
import threading

import pytest

from realtime import history, replay
from realtime.failpoints import armed
from tests.realtime.reading.wire import changed_ids, is_system, number
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}


@pytest.fixture
def put(inbox, ana, clinic):
    """`put(3)`: so many changes about Ana; their ids."""

    def put(count=1, **options):
        options = {"organization": clinic.pk} | options
        return [inbox.put([f"patient:{ana.patient.pk}"], **options) for _ in range(count)]

    return put


def resyncs(page):
    return [frame[4]["message"] for frame in page.seen if is_system(frame, "resync")]


def test_what_was_missed_is_told_from_memory(wire, inbox, put, ana):
    since = inbox.head()
    missed = put(5)
    inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": since})
    now = put(2)
    page.changes(2)
    assert changed_ids(page) == missed + now


def test_what_was_missed_is_told_from_the_database(wire, inbox, put, ana, forgetful):
    since = inbox.head()
    missed = put(5)
    inbox.head()
    forgetful()
    page = wire(ana)
    page.live({**VITALS, "since": since})
    now = put(2)
    page.changes(2)
    assert changed_ids(page) == missed + now


@pytest.mark.parametrize("recent", [True, False], ids=["memory", "database"])
def test_history_is_told_page_by_page_in_order(
    wire, inbox, put, ana, forgetful, monkeypatch, recent
):
    monkeypatch.setattr(history, "PAGE", 3)
    monkeypatch.setattr(replay, "PAGE", 3)
    since = inbox.head()
    missed = put(10)
    inbox.head()
    if not recent:
        forgetful()
    page = wire(ana)
    page.live({**VITALS, "since": since})
    assert changed_ids(page) == missed


def test_history_is_read_under_the_rights_of_today(
    wire, inbox, put, ada, ana, ben, clinic, system, forgetful
):
    from portal.models import CareTeamMembership

    since = inbox.head()
    put(2)
    with system():
        CareTeamMembership.objects.filter(provider=ada.provider).delete()
    inbox.head()
    for forget in (lambda: None, forgetful):
        forget()
        page = wire(ada)
        page.live({**VITALS, "since": since}, {"table": "care_team_memberships", "since": since})
        tables = [
            frame[4]["data"]["table"] for frame in page.seen if frame[3] == "postgres_changes"
        ]
        # She hears that her place is gone, and nothing else.
        assert tables == ["care_team_memberships"]


def test_each_binding_begins_at_its_own_cursor(wire, inbox, put, ana):
    first = inbox.head()
    put()
    second = inbox.head()
    put()
    inbox.head()
    page = wire(ana)
    reply = page.join(
        {**VITALS, "since": first},
        {**VITALS, "event": "INSERT", "since": second},
        {**VITALS, "filter": "code=is.null"},
    )
    early, late, now = [each["id"] for each in reply["postgres_changes"]]
    page.until(lambda frame: is_system(frame, "position"))
    put(code=None)
    page.changes()
    met = [frame[4]["ids"] for frame in page.seen if frame[3] == "postgres_changes"]
    assert met == [[early], [early, late], [early, late, now]]


def test_a_bare_number_is_a_cursor_of_the_log_that_is_there(wire, inbox, put, ana):
    epoch, _, seq = inbox.head().rpartition(":")
    missed = put()
    inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": int(seq)}, epoch=epoch)
    assert changed_ids(page) == missed
    page.live({**VITALS, "since": int(seq)}, epoch="another")
    assert resyncs(page) == ["the log is another one"]


@pytest.mark.parametrize("recent", [True, False], ids=["memory", "database"])
def test_a_history_that_cannot_be_told_is_said_to_be_so(
    wire, inbox, put, ana, owner, server, forgetful, recent
):
    head = inbox.head()
    epoch, seq = head.rpartition(":")[0], number(head)
    put(3)
    inbox.head()
    if not recent:
        forgetful()
    cases = {
        f"other:{seq}": "the log is another one",
        f"{epoch}:{seq + 1_000}": "the cursor is ahead of the log",
    }
    if not recent:
        # As after the oldest partition was dropped.
        owner.execute("UPDATE realtime_relay SET oldest_seq = %s", [seq + 2])
        cases[head] = "the history is no longer kept"
    for since, reason in cases.items():
        page = wire(ana)
        page.live({**VITALS, "since": since})
        assert resyncs(page) == [reason]
        assert changed_ids(page) == []
        # From here on it is live.
        now = put()
        page.changes()
        assert changed_ids(page) == now
    owner.execute("UPDATE realtime_relay SET oldest_seq = 1")


def test_too_much_history_is_not_told_one_by_one(wire, inbox, put, ana, server, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(server.hub, "limits", replace(server.hub.limits, replayed_events=3))
    since = inbox.head()
    put(4)
    inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": since})
    assert resyncs(page) == ["too much happened to tell it one by one"]


def test_a_page_that_knows_more_than_the_hub_is_served(wire, inbox, put, ana, server, monkeypatch):
    # A page reads its cursor from the log; the hub may not have heard of it yet.
    hub = server.hub
    silent = lambda message: None  # noqa: E731
    monkeypatch.setattr(hub, "heard", silent)
    monkeypatch.setattr(hub.bus, "_listeners", [silent])
    put(2)
    since = inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": since})
    assert resyncs(page) == []
    now = put()
    page.changes()
    assert changed_ids(page) == now


def test_an_order_to_resync_is_part_of_history(wire, inbox, put, ana, clinic, forgetful):
    since = inbox.head()
    before = put()
    inbox.resync("vital_signs", clinic.pk)
    inbox.resync("vital_signs")
    inbox.resync("goals", clinic.pk)
    after = put()
    inbox.head()
    for forget in (lambda: None, forgetful):
        forget()
        page = wire(ana)
        page.live({**VITALS, "since": since})
        assert changed_ids(page) == before + after
        assert len(resyncs(page)) >= 1


FAILPOINTS = [
    "join.current",
    "join.subscribe",
    "join.rights",
    "join.audit",
    "history.page",
    "history.read",
    "join.drain",
    "hub.rights",
    "hub.read",
    "log.read",
    "handshake.identify",
]


@pytest.mark.parametrize("recent", [True, False], ids=["memory", "database"])
@pytest.mark.parametrize("name", FAILPOINTS)
def test_what_is_committed_at_any_moment_of_a_join_arrives_once_and_in_order(
    wire, inbox, put, ana, settings, forgetful, name, recent
):
    """At every await of a join, two changes are committed, told and (mostly) heard by the hub."""
    settings.REALTIME_FAILPOINTS = True
    since = inbox.head()
    expected = put(3)
    inbox.head()
    if not recent:
        forgetful()
    turn = threading.Lock()
    passed = []

    def commit():
        with turn:
            if len(passed) < 3:
                passed.append(name)
                expected.extend(put(2))
                inbox.head()

    async def meanwhile():
        await asyncio.to_thread(commit)

    with armed(name, meanwhile):
        page = wire(ana)
        page.live({**VITALS, "since": since})
    assert passed or name in ("hub.read", "log.read") or recent
    with turn:
        # The hub looks by itself too: a thread that is late commits nothing more.
        passed.extend([name] * 3)
    expected.extend(put())
    wait_until(lambda: changed_ids(page) == expected or not page.receive())
    assert changed_ids(page) == expected
    assert resyncs(page) == []


def test_one_binding_of_another_log_is_enough_to_begin_anew(wire, inbox, put, ana):
    since = inbox.head()
    put(2)
    inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": since}, {"table": "goals", "since": "another:999999"})
    assert resyncs(page) == ["the log is another one"]


def test_a_history_that_breaks_off_is_not_told_twice(
    wire, inbox, put, ana, server, forgetful, monkeypatch, settings
):
    """More comes in while it is read than may be told one by one."""
    from dataclasses import replace

    monkeypatch.setattr(history, "PAGE", 3)
    monkeypatch.setattr(replay, "PAGE", 3)
    monkeypatch.setattr(server.hub, "limits", replace(server.hub.limits, replayed_events=7))
    settings.REALTIME_FAILPOINTS = True
    since = inbox.head()
    missed = put(3)
    inbox.head()
    forgetful()
    later = []

    def commit():
        if not later:
            later.extend(put(9))
            inbox.head()
            wait_until(lambda: server.hub.core.seq >= number(inbox.head()))

    async def meanwhile():
        await asyncio.to_thread(commit)

    with armed("history.page", meanwhile):
        page = wire(ana)
        page.live({**VITALS, "since": since})
    assert resyncs(page) == ["too much happened to tell it one by one"]
    told = changed_ids(page)
    assert len(told) == len(set(told))
    assert told == [each for each in missed + later if each in told]
