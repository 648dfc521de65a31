"""How much is too much, and that it is said clearly; others never notice."""

from collections import deque
from contextlib import closing

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from websockets.exceptions import InvalidStatus

from realtime.authority import Identity
from realtime.errors import HandshakeRefused
from realtime.failpoints import armed
from realtime.limits import Bucket, Limits, Sockets
from realtime.line import Deadline
from realtime.watch import ROUND_SECONDS
from tests.realtime.reading.wire import PAGE, Deaf, Wire, changed_ids, ids, served
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}


@pytest.fixture
def limited(committed, settings, cookie_of):
    """`limited(sockets_per_user=1)`: a server with such limits."""
    servers = []

    def limited(**limits):
        settings.REALTIME_LIMITS = limits
        servers.append(served())
        return servers[-1].__enter__()

    yield limited
    for server in servers:
        server.__exit__(None, None, None)


def refusal(server, cookie):
    with pytest.raises(InvalidStatus) as raised:
        Wire(server, cookie)
    response = raised.value.response
    return response.status_code, response.body.decode(), response.headers.get("Retry-After")


def test_the_numbers_come_from_the_settings(settings):
    settings.REALTIME_LIMITS = {"sockets_per_user": 3}
    assert Limits.configured().sockets_per_user == 3
    settings.REALTIME_LIMITS = {"sockets_per_usr": 3}
    # Said as the process begins, and not to the first page.
    with pytest.raises(ImproperlyConfigured, match="sockets_per_usr"):
        apps.get_app_config("realtime").ready()


def test_a_bucket_fills_by_the_clock():
    now = [0.0]
    bucket = Bucket(rate=2, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    now[0] = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_sockets_are_counted_for_each_place_and_given_back():
    sockets = Sockets(Limits(sockets_per_session=2, sockets_per_user=3, sockets_per_organization=4))
    first = [Identity("ana", "harbour", session) for session in "aab"]
    for identity in first:
        sockets.enter(identity)
    for identity, place in (
        (Identity("ana", "harbour", "a"), "session"),
        (Identity("ana", "harbour", "c"), "user"),
    ):
        with pytest.raises(HandshakeRefused, match=f"per {place}"):
            sockets.enter(identity)
    sockets.enter(Identity("ada", "harbour", "d"))
    with pytest.raises(HandshakeRefused, match="per organization"):
        sockets.enter(Identity("noor", "harbour", "e"))
    assert sockets.total == 4
    for identity in first:
        sockets.leave(identity)
    assert sockets.total == 1
    sockets.enter(Identity("ana", "harbour", "a"))


def test_one_person_who_knocks_again_and_again_is_refused_and_others_are_not():
    sockets = Sockets(Limits(user_handshakes_burst=3, user_handshakes_per_second=0.001))
    ana, ben = Identity("ana", "harbour", "a"), Identity("ben", "harbour", "b")
    for _ in range(3):
        sockets.enter(ana)
        sockets.leave(ana)
    with pytest.raises(HandshakeRefused, match="Too many joins per second") as raised:
        sockets.enter(Identity("ana", "harbour", "another session"))
    assert (raised.value.status, raised.value.retry_after) == (429, 30)
    assert sockets.total == 0
    sockets.enter(ben)


def test_all_pages_of_a_person_come_back_and_back_again():
    """Every one of them six times within a moment: as while a server falls over."""
    sockets = Sockets(Limits())
    for _ in range(6):
        for number in range(32):
            sockets.enter(Identity("ana", "harbour", f"session {number // 16}"))
        for number in range(32):
            sockets.leave(Identity("ana", "harbour", f"session {number // 16}"))


def test_a_process_that_is_full_or_flooded_says_when_to_come_back():
    sockets = Sockets(Limits(sockets_per_process=1, handshakes_per_second=2))
    for _ in range(4):
        sockets.knock("192.0.2.1")
    with pytest.raises(HandshakeRefused) as raised:
        sockets.knock("192.0.2.1")
    assert (raised.value.status, raised.value.retry_after) == (503, 5)
    sockets.enter(Identity("ana", "harbour", "a"))
    with pytest.raises(HandshakeRefused, match="Too many connected users") as raised:
        sockets.knock("192.0.2.1")
    assert (raised.value.status, raised.value.retry_after) == (503, 10)


def test_strangers_of_one_place_take_nothing_of_what_all_share():
    sockets = Sockets(
        Limits(strangers_burst=3, strangers_per_second=0.001, handshakes_per_second=2)
    )
    for _ in range(3):
        sockets.knock("192.0.2.1")
        sockets.was_stranger("192.0.2.1")
    for _ in range(100):
        with pytest.raises(HandshakeRefused, match="from here") as raised:
            sockets.knock("192.0.2.1")
    assert (raised.value.status, raised.value.retry_after) == (429, 30)
    # The fourth of four.
    sockets.knock("192.0.2.2")


def test_whoever_is_nobody_again_and_again_is_not_asked_about(limited, settings):
    server = limited(strangers_burst=3, strangers_per_second=0.001)
    asked = []

    async def count():
        asked.append(1)

    settings.REALTIME_FAILPOINTS = True
    with armed("handshake.identify", count):
        refusals = [refusal(server, "vigil_session=nobody") for _ in range(5)]
    assert [status for status, _, _ in refusals] == [401, 401, 401, 429, 429]
    assert len(asked) == 3


def test_people_behind_one_address_are_no_strangers(limited, cookie_of, ana):
    server = limited(strangers_burst=3, strangers_per_second=0.001)
    cookie = cookie_of(ana)
    for _ in range(5):
        Wire(server, cookie).close()


def test_one_socket_too_many_is_refused_and_a_closed_one_makes_room(limited, cookie_of, ana, ben):
    server = limited(sockets_per_user=2)
    cookie = cookie_of(ana)
    first, second = Wire(server, cookie), Wire(server, cookie)
    status, text, retry = refusal(server, cookie)
    assert (status, retry) == (429, "30")
    assert "at most 2 per user" in text
    Wire(server, cookie_of(ben)).close()
    first.close()
    wait_until(lambda: server.hub.sockets.total == 1)
    Wire(server, cookie).close()
    second.close()


def test_too_many_channels_and_bindings_are_refused_at_the_join(limited, cookie_of, ana):
    server = limited(channels_per_socket=2, bindings_per_channel=3)
    page = Wire(server, cookie_of(ana))
    page.join(VITALS)
    page.join(VITALS, topic="realtime:second")
    third = page.join(VITALS, topic="realtime:third", expect="error")
    assert third["reason"] == "ChannelRateLimitReached: Too many channels"
    # A channel that is joined may be joined anew.
    page.join(VITALS, VITALS)
    many = page.join(*[VITALS] * 4, expect="error")
    assert many["reason"] == "BindingRateLimitReached: Too many bindings: at most 3 per channel"
    page.close()


def test_many_channels_have_no_more_bindings_than_a_socket_may(limited, cookie_of, ana):
    server = limited(bindings_per_channel=3, bindings_per_socket=5)
    page = Wire(server, cookie_of(ana))
    page.join(*[VITALS] * 3)
    refused = page.join(*[VITALS] * 3, topic="realtime:second", expect="error")
    assert refused["reason"] == "BindingRateLimitReached: Too many bindings: at most 5 per socket"
    # What was refused counts no more, and one that is joined anew counts once.
    page.join(*[VITALS] * 2, topic="realtime:second")
    page.join(*[VITALS] * 3)
    page.close()


def test_too_many_joins_are_refused(limited, cookie_of, ana):
    server = limited(joins_burst=1, joins_per_second=0.001)
    page = Wire(server, cookie_of(ana))
    page.join(VITALS)
    rate = page.join(VITALS, expect="error")
    assert rate["reason"] == "ClientJoinRateLimitReached: Too many joins per second"
    page.close()


def test_what_one_person_may_bind_is_counted_over_all_their_sockets(limited, cookie_of, ana, ada):
    server = limited(user_bindings_burst=5, user_bindings_per_second=0.001)
    pages = [Wire(server, cookie_of(each)) for each in (ana, ana, ada)]
    pages[0].join(*[VITALS] * 4)
    rate = pages[1].join(*[VITALS] * 2, expect="error")
    assert rate["reason"] == "ClientJoinRateLimitReached: Too many bindings per second per user"
    # What was refused costs nothing, and another person has their own.
    pages[1].join(VITALS)
    pages[2].join(*[VITALS] * 4)
    for each in pages:
        each.close()


def test_a_flood_of_messages_closes_the_socket_that_sends_it(limited, cookie_of, ana):
    server = limited(messages_burst=50, messages_per_second=1)
    cookie = cookie_of(ana)
    calm, flood = Wire(server, cookie), Wire(server, cookie)
    calm.live(VITALS)
    for _ in range(60):
        flood.send("phoenix", "heartbeat", {})
    assert flood.closed() == (4429, "too many messages per second")
    calm.heartbeat()
    calm.close()


def test_a_frame_that_is_too_large_closes_the_socket_that_sends_it(limited, cookie_of, ana):
    server = limited()
    cookie = cookie_of(ana)
    calm = Wire(server, cookie)
    calm.live(VITALS)
    for data in ("x" * 16_385, b"x" * 16_385, '["1","1","a","b",{"a":"' + "é" * 9_000 + '"}]'):
        large = Wire(server, cookie)
        large.socket.send(data)
        assert large.closed()[0] == 1009
    calm.heartbeat()
    calm.close()


def test_a_socket_that_says_nothing_is_closed(limited, cookie_of, ana):
    server = limited(idle_seconds=1)
    page = Wire(server, cookie_of(ana))
    page.live(VITALS)
    assert page.closed() == (1001, "idle")


def test_a_peer_that_does_not_read_is_closed_and_misses_nothing(
    limited, cookie_of, ana, ada, clinic, superuser, inbox
):
    """Its socket fills, the others hear on; when it comes back it is told the rest."""
    server = limited(unsent_bytes=65_536, unread_seconds=1)
    cookie, other = cookie_of(ana), Wire(server, cookie_of(ada))
    other.live(VITALS)
    before = inbox.head()
    binding = {"event": "*", "schema": "public", "table": "vital_signs", "since": before}
    stuck = Deaf(server, cookie, {"config": {"postgres_changes": [binding]}})
    wait_until(lambda: len(server.hub.core.readers) == 2)
    wait_until(lambda: all(each.by_table for each in server.hub.core.readers))

    def flood(first, last):
        superuser.execute(
            "INSERT INTO realtime_inbox"
            " (organization_id, kind, topics, table_name, row_id, operation, record)"
            " SELECT %s, 'change', %s, 'vital_signs', n::text, 'INSERT',"
            " jsonb_build_object('id', n, 'code', repeat('x', 1500))"
            " FROM generate_series(%s::int, %s::int) AS n",
            [clinic.pk, [f"patient:{ana.patient.pk}"], first, last],
        )

    last = 0
    # Many times what we and the system keep for it; fewer than are replayed.
    while len(server.hub.connections) == 2 and last < 10_000:
        flood(last + 1, last + 100)
        assert ids(other.changes(100)) == list(range(last + 1, last + 101))
        last += 100
    wait_until(lambda: len(server.hub.connections) == 1)
    again = Wire(server, cookie)
    again.live({**VITALS, "since": before})
    assert changed_ids(again) == list(range(1, last + 1))
    for each in (stuck, other, again):
        each.close()


class Unread:
    """A line whose peer stopped reading at some moment."""

    def __init__(self):
        self.taken = 0

    def unsent(self):
        return 1

    def sent(self):
        return self.taken


def test_a_peer_that_reads_nothing_is_found_within_five_seconds():
    line, deadline, now = Unread(), Deadline(Limits().unread_seconds), 0.0
    assert not deadline.is_over(line, now)
    # The last thing it did was to read, just after that look. A busy process is late for the next.
    line.taken = 1
    while not deadline.is_over(line, now):
        now += 1.1 * ROUND_SECONDS
    assert now < 5


def test_a_peer_that_reads_a_little_makes_progress(
    limited, cookie_of, ana, clinic, superuser, inbox
):
    """A telephone at a slow link takes some kilobytes in a second, and the system keeps megabytes
    for it: long before it lets the process write again, its peer is known to read."""
    server = limited(unread_seconds=600)
    binding = {"event": "*", "schema": "public", "table": "vital_signs", "since": inbox.head()}
    superuser.execute(
        "INSERT INTO realtime_inbox"
        " (organization_id, kind, topics, table_name, row_id, operation, record)"
        " SELECT %s, 'change', %s, 'vital_signs', n::text, 'INSERT',"
        " jsonb_build_object('id', n, 'code', repeat('x', 1500))"
        " FROM generate_series(1, 5000) AS n",
        [clinic.pk, [f"patient:{ana.patient.pk}"]],
    )
    slow = Deaf(server, cookie_of(ana), {"config": {"postgres_changes": [binding]}}, seconds=30)
    with closing(slow):
        wait_until(lambda: server.hub.connections)
        (connection,) = server.hub.connections
        line = connection.line
        looks = deque(maxlen=10)

        def is_full():
            looks.append((line.unsent(), line.sent()))
            return looks[0][0] and len(looks) == 10 and len(set(looks)) == 1

        wait_until(is_full, 30)
        waiting, before = looks[-1]

        def takes_a_little():
            slow.socket.recv(4_096)
            return line.sent() > before

        # The peer's system tells that there is room once a few kilobytes of its buffer are.
        wait_until(takes_a_little, 10)
        assert line.unsent() == waiting


def test_a_topic_name_has_an_end(limited, cookie_of, ana):
    page = Wire(limited(), cookie_of(ana))
    page.join(topic="realtime:" + "x" * 300, expect="error")
    page.join(VITALS, topic=PAGE)
    page.close()
